//! `completions` and `man`: the command tree as shells and readers want it, made from the same definitions as `--help`.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{Cli, print};
use crate::error::{Exit, Failure};

/// Arguments of `holdpoint completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Arguments of `holdpoint man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write the pages of all commands into this directory, instead of the main page to standard output
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the completions for a shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "holdpoint", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}

/// Prints the main page, or writes every page.
///
/// # Errors
/// When they cannot be written.
pub fn man(args: &Man) -> Result<(), Failure> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(Cli::command()).render(&mut page);
        written.map_err(|error| Failure::of(Exit::Error, &error))?;
        return print(String::from_utf8_lossy(&page).trim_end());
    };
    let failed =
        |error| Failure::new(Exit::Error, format!("{}: the pages cannot be written: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)
}
