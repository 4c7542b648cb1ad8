//! An agent that breaks one rule, named by `LUJIANG_PLANT`: the test of the tests. It is made of
//! the same library as the real one, whose command line cannot do this.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use lujiang_agent::{Agent, AgentOptions, Notes, OutboxOptions, Settle, Synchronous};
use lujiang_config::AgentConfig;
use tokio::signal::unix::{SignalKind, signal};

/// `run --config FILE`, as the real one.
#[derive(Debug, Parser)]
struct Options {
    command: String,
    #[arg(long)]
    config: PathBuf,
    #[arg(long, env = "LUJIANG_PLANT")]
    plant: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let right = OutboxOptions::default();
    let outbox = match options.plant.as_str() {
        "not-synced" => OutboxOptions {
            synchronous: Synchronous::Off,
            ..right
        },
        "reading-apart" => OutboxOptions {
            notes: Notes::Apart,
            ..right
        },
        "delete-on-puback" => OutboxOptions {
            settle: Settle::OnPuback,
            ..right
        },
        other => anyhow::bail!("no such fault: {other}"),
    };
    anyhow::ensure!(options.command == "run", "only run can be broken");
    let config = AgentConfig::load(&options.config).context("reading the configuration")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let system = AgentOptions::system().context("reading the clocks")?;
    let agent = Agent::start(config, AgentOptions { outbox, ..system }).await?;
    terminate.recv().await;
    agent.stop().await;
    Ok(())
}
