//! An agent with a planted fault: facts are deleted on PUBACK. For the tests of the tests.

fn main() -> std::process::ExitCode {
    let mut outbox = lujiang_agent::outbox::OutboxOptions::default();
    outbox.settle = lujiang_agent::outbox::Settle::OnPuback;
    lujiang_agent::cli::main_with(outbox)
}
