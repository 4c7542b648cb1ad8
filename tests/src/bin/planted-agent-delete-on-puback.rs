//! An agent with a planted fault: facts are deleted on PUBACK. For the tests of the tests.

use lujiang_agent::outbox::{OutboxOptions, Settle};

fn main() -> std::process::ExitCode {
    let outbox = OutboxOptions {
        settle: Settle::OnPuback,
        ..OutboxOptions::default()
    };
    lujiang_agent::cli::main_with(outbox)
}
