//! The `holdpoint` binary: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use holdpoint::cli::{Cli, say};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say(format_args!("holdpoint: the runtime cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(cli.run());
    // A thread that still reads a terminal must not hold up the end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(format_args!("holdpoint: {failure}"));
            ExitCode::from(failure.exit as u8)
        }
    }
}
