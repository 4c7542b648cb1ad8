//! An agent with a planted fault: the last reading and the counted period are two transactions. For the tests of the tests.

use lujiang_agent::outbox::{Notes, OutboxOptions};

fn main() -> std::process::ExitCode {
    let outbox = OutboxOptions {
        notes: Notes::Apart,
        ..OutboxOptions::default()
    };
    lujiang_agent::cli::main_with(outbox)
}
