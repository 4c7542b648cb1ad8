//! A gateway that breaks one rule, named by `LUJIANG_PLANT`: the test of the tests. It is made of
//! the same library as the real one, whose command line cannot do this.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use jiff::Timestamp;
use lujiang_config::GatewayConfig;
use lujiang_gateway::identity_options::{IdentityOptions, Spending, Withdrawing};
use lujiang_gateway::run::{Gateway, RunOptions};
use lujiang_gateway::store::{Acknowledge, StoreOptions, Synchronous};
use lujiang_tests::blind_line;
use lujiang_tests::clock::SetClock;
use lujiang_tests::gullible::{Belief, Gullible};
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

fn planted(fault: &str) -> anyhow::Result<RunOptions> {
    let mut options = RunOptions::default();
    match fault {
        "not-synced" => {
            options.store = StoreOptions {
                synchronous: Synchronous::Off,
                ..StoreOptions::default()
            };
        }
        "acknowledge-early" => {
            options.store = StoreOptions {
                acknowledge: Acknowledge::BeforeCommit,
                ..StoreOptions::default()
            };
        }
        "cuts-nobody" => {
            options.identity = IdentityOptions {
                withdrawn: Withdrawing::LeavesAlone,
                ..IdentityOptions::default()
            };
        }
        "token-again" => {
            options.identity = IdentityOptions {
                tokens: Spending::Again,
                ..IdentityOptions::default()
            };
        }
        // Of this the configuration is bent, not the gateway.
        "sends-again-blindly" => {}
        // To a clock that stands nothing is ever out of date.
        "judges-no-date" => options.clock = Arc::new(SetClock::at(Timestamp::now(), "boot")),
        "believes-user-name" => {
            options.house = |house| Arc::new(Gullible::before(house, Belief::UserName));
        }
        "believes-ended-certificate" => {
            options.house = |house| Arc::new(Gullible::before(house, Belief::EndedCertificate));
        }
        "looks-at-passwords-inline" => {
            options.house = |house| Arc::new(Gullible::before(house, Belief::Leisure));
        }
        other => anyhow::bail!("no such fault: {other}"),
    }
    Ok(options)
}

// Few threads, on any machine: a thread that is held is felt.
#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let run = planted(&options.plant)?;
    anyhow::ensure!(options.command == "run", "only run can be broken");
    let mut config = GatewayConfig::load(&options.config).context("reading the configuration")?;
    if options.plant == "sends-again-blindly" {
        let ils = &mut config.loans.ils;
        let host = ils.host.as_deref().context("a library system")?;
        let library_system = SocketAddr::new(host.parse()?, ils.port);
        let line = blind_line::listen(library_system).await?;
        (ils.host, ils.port) = (Some(line.ip().to_string()), line.port());
    }
    let mut terminate = signal(SignalKind::terminate())?;
    let gateway = Gateway::start(config, options.data, run).await?;
    terminate.recv().await;
    gateway.stop().await
}
