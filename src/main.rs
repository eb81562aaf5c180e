//! The `pilot` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(pilot::cli::run(std::env::args_os()))
}
