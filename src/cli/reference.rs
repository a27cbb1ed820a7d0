//! `completions` and `man`: the command tree as shells and readers want it, made from the same definitions as `--help`; and
//! `openapi`, the same for the local API.

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

/// Prints the OpenAPI document of the local API. It asks no daemon: it is what this version serves.
///
/// # Errors
/// When standard output cannot be written.
pub fn openapi() -> Result<(), Failure> {
    print(crate::control::http::openapi().trim_end())
}

/// Prints the main page, or writes every page.
///
/// # Errors
/// When they cannot be written.
pub fn man(args: &Man) -> Result<(), Failure> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        let written = clap_mangen::Man::new(Cli::command()).render(&mut page);
        written.map_err(|error| Failure::of(Exit::Error, &error).hint(crate::error::SYSTEM))?;
        return print(String::from_utf8_lossy(&page).trim_end());
    };
    let failed = |error| {
        Failure::new(Exit::Error, format!("{}: the pages cannot be written: {error}", folder.display()))
            .hint("name a folder that you can write with --out DIR")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)
}

#[cfg(test)]
mod tests {
    use clap::Command;

    use super::*;

    fn walk(command: &Command, path: &str, wrong: &mut Vec<String>) {
        let path = format!("{path} {}", command.get_name()).trim().to_owned();
        let example = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        if !example.contains(&format!("holdpoint{}", path.trim_start_matches("holdpoint")))
            && !command.has_subcommands()
        {
            wrong.push(format!("{path}: its help has no example of it"));
        }
        if command.get_about().is_none() {
            wrong.push(format!("{path}: says not what it is for"));
        }
        let silent = command.get_arguments().filter(|arg| arg.get_help().is_none());
        wrong.extend(silent.map(|arg| format!("{path}: {} has no help", arg.get_id())));
        command.get_subcommands().for_each(|below| walk(below, &path, wrong));
    }

    #[test]
    fn every_command_has_an_example_and_every_argument_its_help() {
        let mut wrong = Vec::new();
        walk(&Cli::command(), "", &mut wrong);
        assert_eq!(wrong, Vec::<String>::new());
    }
}
