//! A gateway with a planted fault: the PUBACK leaves before the commit. For the tests of the tests.

use lujiang_gateway::store::{Acknowledge, StoreOptions};

fn main() -> std::process::ExitCode {
    let store = StoreOptions {
        acknowledge: Acknowledge::BeforeCommit,
        ..StoreOptions::default()
    };
    lujiang_gateway::cli::main_with(store)
}
