//! `lujiang-gateway`: the gateway and the commands to tend it.

use std::process::ExitCode;

fn main() -> ExitCode {
    lujiang_gateway::cli::main()
}
