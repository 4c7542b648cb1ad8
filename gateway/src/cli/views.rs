//! `views rebuild`: folds the figures anew from the ledger, with its progress.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use reqwest::Method;
use tokio::time::MissedTickBehavior;

use crate::cli::access::{Access, Stopped};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::cli::progress::Progress;
use crate::registry::dto::ViewsState;
use crate::views::Views;

/// How often a running gateway is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// `views …`
#[derive(Debug, Subcommand)]
pub(super) enum ViewsCommand {
    /// Fold all figures anew from the ledger; the present ones are served meanwhile
    #[command(after_help = "Example:\n  lujiang-gateway views rebuild")]
    Rebuild,
}

impl ViewsCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let Self::Rebuild = self;
        folder.ledger()?;
        let mut progress = Progress::new();
        match Access::find(folder).await? {
            Access::Running(gateway) => rebuild_running(&gateway, &mut progress).await?,
            Access::Stopped(stopped) => {
                let rebuilt = rebuild_stopped(folder, &stopped, progress.clone()).await;
                stopped.close().await;
                progress = rebuilt?;
            }
        }
        progress.finish();
        printer.line(format!("rebuilt from {} entries", progress.total()))?;
        Ok(Outcome::Done)
    }
}

async fn rebuild_running(gateway: &Client, progress: &mut Progress) -> Result<(), Failure> {
    let before: ViewsState = gateway.get("/api/v1/views").await?;
    gateway
        .tell(Method::POST, "/api/v1/views/rebuild", None::<&()>)
        .await
        .context("asking for a rebuild")?;
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now: ViewsState = gateway.get("/api/v1/views").await?;
        match now.rebuilding {
            Some(rebuilding) => progress.reached(rebuilding.done, rebuilding.total),
            None if now.rebuilds > before.rebuilds => {
                let total = now.head.unsigned_abs();
                progress.reached(total, total);
                return Ok(());
            }
            None => {
                let error =
                    anyhow!("the rebuild ended without figures; the gateway's log says why");
                return Err(Failure::Failed(error));
            }
        }
    }
}

async fn rebuild_stopped(
    folder: &Folder,
    stopped: &Stopped,
    mut progress: Progress,
) -> Result<Progress, Failure> {
    let section = folder.config()?.views;
    let (store, registry) = (stopped.store.clone(), stopped.registry.clone());
    let dir = stopped.data.views_dir();
    let rebuilding = tokio::task::spawn_blocking(move || -> anyhow::Result<Progress> {
        let places = Arc::new(move || registry.places());
        let views = Views::open(&dir, Arc::new(store), places, section)
            .with_context(|| format!("opening the views at {}", dir.display()))?;
        views
            .rebuild(&mut |done, total| progress.reached(done, total))
            .context("rebuilding the views")?;
        Ok(progress)
    });
    let rebuilt = rebuilding
        .await
        .map_err(|error| anyhow!("the rebuild ended: {error}"))?;
    Ok(rebuilt?)
}
