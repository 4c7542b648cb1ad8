//! The command line. What it has to say goes to standard output, logs and errors to standard
//! error; it ends with 0, with 1 when it could not do it, with 2 when it was asked wrongly.

mod account;
mod content;
mod enrol;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use lujiang_agent::{Agent, AgentOptions, Outbox, read_state};
use lujiang_config::{AgentConfig, LogFormat, LogSection};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// It could not be done.
const FAILED: u8 = 1;

/// It was asked wrongly: unknown arguments, or a configuration with problems.
const ASKED_WRONGLY: u8 = 2;

const EXAMPLES: &str = "Examples:
  lujiang-agent check --config /etc/lujiang/agent.toml    name every problem in the file
  lujiang-agent enrol --config /etc/lujiang/agent.toml --gateway https://gateway:8443 --token-file -
                                                          get a certificate; the token is read from here
  lujiang-agent run --config /etc/lujiang/agent.toml      run until SIGTERM or Ctrl-C
  lujiang-agent content import --config /etc/lujiang/agent.toml /media/stick
                                                          take a release from a stick
  lujiang-agent status --config /etc/lujiang/agent.toml   what waits, and how the link is

Exit codes: 0 done, 1 it failed, 2 it was asked wrongly.";

/// Reads a device, keeps its facts on disk, and brings them to the gateway.
#[derive(Debug, Parser)]
#[command(name = "lujiang-agent", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until SIGTERM or Ctrl-C; then take a last reading, send what can be sent, and end.
    Run {
        /// The configuration file.
        #[arg(long, value_name = "FILE", env = "LUJIANG_AGENT_CONFIG")]
        config: PathBuf,
    },
    /// Read the configuration and name every problem in it.
    Check {
        /// The configuration file.
        #[arg(long, value_name = "FILE", env = "LUJIANG_AGENT_CONFIG")]
        config: PathBuf,
    },
    /// Make the device's key and get its certificate, with a token of the gateway.
    ///
    /// A token on a command line is seen by everybody who may list this machine's processes:
    /// give it in a file, or on standard input with "-". Outbox and epoch stay as they are.
    Enrol {
        /// The configuration file.
        #[arg(long, value_name = "FILE", env = "LUJIANG_AGENT_CONFIG")]
        config: PathBuf,
        #[command(flatten)]
        enrolment: enrol::Enrolment,
    },
    /// Releases of e-books that come on a stick.
    #[command(subcommand)]
    Content(content::ContentCommand),
    /// Show what waits in the outbox, the link, the clock, and the last receipt.
    Status {
        /// The configuration file.
        #[arg(long, value_name = "FILE", env = "LUJIANG_AGENT_CONFIG")]
        config: PathBuf,
        /// As one JSON object, for programs.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command line of this process.
pub(crate) fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where even the usage cannot be written there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(ASKED_WRONGLY));
        }
    };
    let (Command::Run { config: path }
    | Command::Check { config: path }
    | Command::Enrol { config: path, .. }
    | Command::Content(content::ContentCommand::Import { config: path, .. })
    | Command::Status { config: path, .. }) = &arguments.command;
    let config = match AgentConfig::load(path) {
        Ok(config) => config,
        Err(problems) => {
            complain(&problems);
            return ExitCode::from(ASKED_WRONGLY);
        }
    };
    let done = match arguments.command {
        Command::Run { .. } => run(config),
        Command::Check { config: path } => check(&path),
        Command::Enrol { enrolment, .. } => enrolment.run(&config),
        Command::Content(command) => command.run(&config),
        Command::Status { json, .. } => status(&config, json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format_args!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn complain(what: &dyn std::fmt::Display) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "lujiang-agent: {what}");
}

fn check(path: &Path) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{} is good", path.display())?;
    Ok(())
}

fn run(config: AgentConfig) -> anyhow::Result<()> {
    log_to_standard_error(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let options = AgentOptions::system().context("cannot read the clocks")?;
        let device = config.agent.device.clone();
        let agent = Agent::start(config, options).await?;
        tracing::info!(%device, epoch = %agent.epoch(), "running");
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        agent.stop().await;
        Ok(())
    })
}

fn status(config: &AgentConfig, json: bool) -> anyhow::Result<()> {
    let data = &config.agent.data;
    let state = read_state(data)?;
    let file = data.join("outbox.db");
    let written = file
        .try_exists()
        .with_context(|| format!("cannot look into {}", data.display()))?;
    // The first run makes it; until then there is no fact, and the identity is what is asked for.
    let outbox = match written {
        true => Outbox::peek(&file)
            .with_context(|| format!("cannot read the outbox {}", file.display()))?,
        false => BTreeMap::new(),
    };
    let mut out = std::io::stdout().lock();
    account::write(&mut out, config, state, outbox, json)
}

fn log_to_standard_error(section: &LogSection) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&section.filter)
        .with_context(|| format!("log.filter = {:?} is no filter", section.filter))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match section.format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
