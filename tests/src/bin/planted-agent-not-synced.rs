//! An agent with a planted fault: its outbox is not synced. For the tests of the tests.

fn main() -> std::process::ExitCode {
    let mut outbox = lujiang_agent::outbox::OutboxOptions::default();
    outbox.synchronous = lujiang_agent::outbox::Synchronous::Off;
    lujiang_agent::cli::main_with(outbox)
}
