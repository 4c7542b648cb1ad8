//! The program beside a device: `lujiang-agent run`, `check`, `status`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
