//! `run`: the gateway, until SIGINT or SIGTERM.

use std::io::{IsTerminal as _, stdout};

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::log;
use crate::cli::printer::Printer;
use crate::run::{Gateway, RunOptions};

/// Runs the gateway; the first signal ends it cleanly, a second one at once. SIGHUP has the
/// operator's certificate looked at now.
pub(super) async fn run(folder: &Folder, printer: &mut Printer) -> Result<Outcome, Failure> {
    let config = folder.config()?;
    log::begin(&config.log)?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut hang_up = signal(SignalKind::hangup()).context("listening for SIGHUP")?;
    let data = folder.paths().root().to_owned();
    let mut gateway = Gateway::start(config, data, RunOptions::default()).await?;
    welcome(&gateway, printer).await?;
    let ended = loop {
        tokio::select! {
            _ = interrupt.recv() => break Ok(()),
            _ = terminate.recv() => break Ok(()),
            Some(()) = hang_up.recv() => gateway.reload().await,
            ended = gateway.wait() => break ended,
        }
    };
    tracing::info!("stopping");
    let stopped = tokio::select! {
        stopped = gateway.stop() => stopped,
        _ = interrupt.recv() => Err(anyhow::anyhow!("stopped at once by a second signal")),
        _ = terminate.recv() => Err(anyhow::anyhow!("stopped at once by a second signal")),
    };
    ended?;
    stopped?;
    Ok(Outcome::Done)
}

/// Shows the first link, to somebody at a terminal alone: whatever else standard output is may
/// be a log collector, and the link is a secret. There it is fetched by `sign-in`.
async fn welcome(gateway: &Gateway, printer: &mut Printer) -> Result<(), Failure> {
    if !stdout().is_terminal() {
        return Ok(());
    }
    if let Some(link) = gateway.first_link().await? {
        printer.line("Nobody has set a password yet. This link sets it, and works once:")?;
        printer.line(link)?;
    }
    Ok(())
}
