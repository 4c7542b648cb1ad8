//! An agent that breaks one rule, named by `LUJIANG_PLANT`: the test of the tests. It is made of
//! the same library as the real one, whose command line cannot do this.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use lujiang_agent::{
    Agent, AgentOptions, Notes, OutboxOptions, Present, Settle, Synchronous, Trust, enrol,
};
use lujiang_config::AgentConfig;
use lujiang_wire::EnrolmentToken;
use reqwest::tls::TlsInfo;
use sha2::{Digest as _, Sha256};
use tokio::signal::unix::{SignalKind, signal};

/// `run` and `enrol`, as the real one.
#[derive(Debug, Parser)]
struct Options {
    #[command(subcommand)]
    command: Command,
    #[arg(long, env = "LUJIANG_PLANT", global = true, default_value = "")]
    plant: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run {
        #[arg(long)]
        config: PathBuf,
    },
    Enrol {
        #[arg(long)]
        config: PathBuf,
        #[arg(long)]
        gateway: String,
        #[arg(long)]
        token_file: PathBuf,
    },
}

fn planted(fault: &str) -> anyhow::Result<AgentOptions> {
    let mut options = AgentOptions::system().context("reading the clocks")?;
    let right = OutboxOptions::default();
    match fault {
        "not-synced" => {
            options.outbox = OutboxOptions {
                synchronous: Synchronous::Off,
                ..right
            };
        }
        "reading-apart" => {
            options.outbox = OutboxOptions {
                notes: Notes::Apart,
                ..right
            };
        }
        "delete-on-puback" => {
            options.outbox = OutboxOptions {
                settle: Settle::OnPuback,
                ..right
            };
        }
        "verifies-no-name" => options.trust = Trust::AnyName,
        "verifies-no-chain" => options.trust = Trust::Anybody,
        other => anyhow::bail!("no such fault when it runs: {other}"),
    }
    Ok(options)
}

/// The pin of whoever answers there.
async fn pin_presented(gateway: &str) -> anyhow::Result<[u8; 32]> {
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .build()?;
    let answer = client.get(format!("{gateway}/healthz")).send().await?;
    let presented = answer.extensions().get::<TlsInfo>();
    let presented = presented.and_then(TlsInfo::peer_certificate);
    Ok(Sha256::digest(presented.context("a certificate")?).into())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let load = |config| AgentConfig::load(config).context("reading the configuration");
    match options.command {
        Command::Run { config } => {
            let mut terminate = signal(SignalKind::terminate())?;
            let agent = Agent::start(load(&config)?, planted(&options.plant)?).await?;
            terminate.recv().await;
            agent.stop().await;
        }
        Command::Enrol {
            config,
            gateway,
            token_file,
        } => {
            anyhow::ensure!(options.plant == "ignores-pin", "no such fault in enrolment");
            let token: EnrolmentToken = std::fs::read_to_string(token_file)?.parse()?;
            let token = EnrolmentToken {
                pin: pin_presented(&gateway).await?,
                ..token
            };
            enrol(&load(&config)?, &gateway.parse()?, &token, Present::Keep).await?;
        }
    }
    Ok(())
}
