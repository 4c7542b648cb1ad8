//! A gateway with a planted fault: the PUBACK leaves before the commit. For the tests of the tests.

fn main() -> std::process::ExitCode {
    let mut store = lujiang_gateway::store::StoreOptions::default();
    store.acknowledge = lujiang_gateway::store::Acknowledge::BeforeCommit;
    lujiang_gateway::cli::main_with(store)
}
