//! `run`: the gateway, until SIGINT or SIGTERM.

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::log;
use crate::run::{Gateway, RunOptions};

/// Runs the gateway; the first signal ends it cleanly, a second one at once.
pub(super) async fn run(folder: &Folder) -> Result<Outcome, Failure> {
    let config = folder.config()?;
    log::begin(&config.log)?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let data = folder.paths().root().to_owned();
    let mut gateway = Gateway::start(config, data, RunOptions::default()).await?;
    let ended = tokio::select! {
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = gateway.wait() => ended,
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
