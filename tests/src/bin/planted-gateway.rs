//! A gateway that breaks one rule, named by `LUJIANG_PLANT`: the test of the tests. It is made of
//! the same library as the real one, whose command line cannot do this.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use lujiang_config::GatewayConfig;
use lujiang_gateway::run::{Gateway, RunOptions};
use lujiang_gateway::store::{Acknowledge, StoreOptions, Synchronous};
use tokio::signal::unix::{SignalKind, signal};

/// `run --config FILE --data DIR`, as the real one.
#[derive(Debug, Parser)]
struct Options {
    command: String,
    #[arg(long)]
    config: PathBuf,
    #[arg(long)]
    data: PathBuf,
    #[arg(long, env = "LUJIANG_PLANT")]
    plant: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let store = match options.plant.as_str() {
        "not-synced" => StoreOptions {
            synchronous: Synchronous::Off,
            ..StoreOptions::default()
        },
        "acknowledge-early" => StoreOptions {
            acknowledge: Acknowledge::BeforeCommit,
            ..StoreOptions::default()
        },
        other => anyhow::bail!("no such fault: {other}"),
    };
    anyhow::ensure!(options.command == "run", "only run can be broken");
    let config = GatewayConfig::load(&options.config).context("reading the configuration")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let run = RunOptions {
        store,
        ..RunOptions::default()
    };
    let gateway = Gateway::start(config, options.data, run).await?;
    terminate.recv().await;
    gateway.stop().await
}
