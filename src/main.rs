//! The `holdpoint` binary: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use holdpoint::cli::{self, Cli, say};
use holdpoint::error;
use tikv_jemallocator::Jemalloc;

/// Ten thousand sessions take and return memory in turns from several threads; an event costs a ninth less than with the system's
/// allocator (docs/BENCHMARKS.md).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| say(error::of_panic(info))));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return cli::usage(&usage),
    };
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
            if !failure.is_told() {
                say(format_args!("holdpoint: {failure}"));
            }
            ExitCode::from(failure.exit as u8)
        }
    }
}
