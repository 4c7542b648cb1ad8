//! An agent with a planted fault: its outbox is not synced. For the tests of the tests.

use lujiang_agent::outbox::{OutboxOptions, Synchronous};

fn main() -> std::process::ExitCode {
    let outbox = OutboxOptions {
        synchronous: Synchronous::Off,
        ..OutboxOptions::default()
    };
    lujiang_agent::cli::main_with(outbox)
}
