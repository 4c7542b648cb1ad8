//! An agent with a planted fault: the last reading and the counted period are two transactions. For the tests of the tests.

fn main() -> std::process::ExitCode {
    let mut outbox = lujiang_agent::outbox::OutboxOptions::default();
    outbox.reading_apart = true;
    lujiang_agent::cli::main_with(outbox)
}
