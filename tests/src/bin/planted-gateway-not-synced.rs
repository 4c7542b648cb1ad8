//! A gateway with a planted fault: its ledger is not synced. For the tests of the tests.

fn main() -> std::process::ExitCode {
    let mut store = lujiang_gateway::store::StoreOptions::default();
    store.synchronous = lujiang_gateway::store::Synchronous::Off;
    lujiang_gateway::cli::main_with(store)
}
