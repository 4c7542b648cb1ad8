//! A gateway with a planted fault: its ledger is not synced. For the tests of the tests.

use lujiang_gateway::store::{StoreOptions, Synchronous};

fn main() -> std::process::ExitCode {
    let store = StoreOptions {
        synchronous: Synchronous::Off,
        ..StoreOptions::default()
    };
    lujiang_gateway::cli::main_with(store)
}
