//! The benchmark: the gateway beside mosquitto, on this machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use lujiang_agent::{Agent, AgentOptions};
use lujiang_config::AgentConfig;
use lujiang_tests::bench::{Scale, idle, ingest, load, relay, storm};
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

/// Measures the gateway beside mosquitto with the same clients; build it with --release.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:
  lujiang-bench ingest                  facts a second, and how long one waits
  lujiang-bench idle --tls              memory of a connection that says nothing
  lujiang-bench relay                   a self-checkout's answer through the agent, and straight
  lujiang-bench storm --tls --json f    2,000 reconnections; figures also into the file f

Needs /usr/sbin/mosquitto (Debian's package mosquitto) and 4,500 open files (ulimit -n)."
)]
struct Options {
    #[command(subcommand)]
    what: What,
    /// Behind TLS.
    #[arg(long, global = true)]
    tls: bool,
    /// The figures also as JSON.
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Seconds instead of minutes: shows that it works, not how fast.
    #[arg(long, global = true)]
    quick: bool,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// Acknowledged facts a second, and the delays at a steady pace
    Ingest,
    /// Memory of 2,000 connections that say nothing
    Idle,
    /// 2,000 connections cut at once, and back
    Storm,
    /// What the relay adds to a self-checkout's answer
    Relay,
    /// The agent of a measurement, as `lujiang-agent run`
    #[command(hide = true)]
    Agent {
        #[arg(long)]
        config: PathBuf,
    },
    /// The clients of a measurement; told what to do on standard input
    #[command(hide = true)]
    Load,
}

fn main() -> ExitCode {
    // The gateway under test is this program too, so that one build has everything.
    if std::env::args().nth(1).as_deref() == Some("run") {
        return lujiang_gateway::cli::main();
    }
    match measured(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing_subscriber::fmt()
                .with_writer(std::io::stderr)
                .init();
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measured(options: &Options) -> anyhow::Result<()> {
    tokio::runtime::Runtime::new()
        .context("starting the runtime")?
        .block_on(measure(options))
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("lujiang-bench-")
        .tempdir()?;
    let scale = Scale {
        is_tls: options.tls,
        is_quick: options.quick,
        folder: folder.path().to_owned(),
    };
    let figures: Value = match &options.what {
        What::Load => return load::run().await,
        What::Agent { config } => return agent(config).await,
        What::Relay => serde_json::to_value(relay::measure(&scale).await?)?,
        What::Ingest => serde_json::to_value(ingest::measure(&scale).await?)?,
        What::Idle => serde_json::to_value(idle::measure(&scale).await?)?,
        What::Storm => serde_json::to_value(storm::measure(&scale).await?)?,
    };
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&figures)?;
        std::fs::write(file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// Runs an agent until SIGTERM; its log goes to standard error.
async fn agent(config: &Path) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let config = AgentConfig::load(config).context("reading the configuration")?;
    let mut terminate = signal(SignalKind::terminate())?;
    let options = AgentOptions::system().context("reading the clocks")?;
    let agent = Agent::start(config, options).await?;
    terminate.recv().await;
    agent.stop().await;
    Ok(())
}
