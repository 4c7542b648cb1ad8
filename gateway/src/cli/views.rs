//! `views rebuild`: folds the figures anew from the ledger, with its progress.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Method;
use tokio::time::{Instant, MissedTickBehavior};

use crate::cli::access::{Access, Stopped};
use crate::cli::client::Client;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::registry::dto::ViewsState;
use crate::views::Views;

/// How often a running gateway is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

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
        printer.line(format!("rebuilt from {} entries", progress.total))?;
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

/// How far it is: a bar with an estimate on a terminal, now and then a line elsewhere.
#[derive(Clone)]
struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    told: Instant,
    total: u64,
}

impl Progress {
    fn new() -> Self {
        let style = ProgressStyle::with_template(
            "{bar:40} {human_pos} of {human_len} entries, {per_sec}, {eta} left",
        );
        let style = style.expect("the template is well-formed: a test says so");
        let on_terminal = std::io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            bar: on_terminal.then(|| ProgressBar::new(0).with_style(style)),
            begun: now,
            told: now,
            total: 0,
        }
    }

    fn reached(&mut self, done: u64, total: u64) {
        self.total = total;
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            let left = estimate(self.begun.elapsed(), done, total);
            // Progress is a courtesy: a closed standard error does not end the rebuild.
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "{done} of {total} entries, about {} s left",
                left.as_secs()
            );
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The time left at the speed so far.
fn estimate(elapsed: Duration, done: u64, total: u64) -> Duration {
    let left = u128::from(total.saturating_sub(done));
    let millis = (elapsed.as_millis() * left).checked_div(u128::from(done));
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    Duration::from_millis(millis.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_speed_so_far() {
        let ten = Duration::from_secs(10);
        assert_eq!(estimate(ten, 100, 300), Duration::from_secs(20));
        assert_eq!(estimate(ten, 0, 300), Duration::ZERO);
        assert_eq!(estimate(ten, 300, 300), Duration::ZERO);
        Progress::new().reached(1, 2);
    }
}
