//! The task that keeps a kiosk's content: asks what is newest, fetches what it should have, puts it
//! on the shelf, and takes from it what may be read no more.
//!
//! It decides little: [`State`] says what follows, [`HiddenSince`](crate::HiddenSince) what may be
//! read, the metadata what is signed. It has no clock of its own and no network: both are given.

mod attend;
mod display;
mod fetch;
mod heal;
mod import;
mod plan;
mod refresh;
mod refusal;
mod retire;
mod take;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{
    BlobHash, Clock, ContentRefused, DesiredContent, DeviceId, Fact, Label, ReportedContent,
    allotment_target, catalogue_target,
};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::blob_folder::BlobFolder;
use crate::download::{DownloadError, Downloads, Wanted};
use crate::metadata::{MetadataError, MetadataFolder, Verified, VerifiedTarget};
use crate::neighbour::{Neighbour, comes_or_goes};
use crate::notebook::Notebook;
use crate::recorder::RecordError;
use crate::shelf::Shelf;
use crate::source::Source;
use crate::state::{Failure, Installed, State};
use crate::trusted_time::{Moment, TrustedTime};
pub(crate) use display::notices;
pub use import::{Import, ImportError, Imported};
pub(crate) use plan::Plan as TitlePlan;

/// How often windows are looked at besides at their edges: a clock may be set meanwhile.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How often it is asked what is newest though nobody said anything.
const ASK_EVERY: Duration = Duration::from_secs(3_600);

/// The first pause after something that may mend itself; doubles.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What the keeper is given.
pub struct KeeperOptions {
    /// Which device this is.
    pub device: DeviceId,
    /// Where content lies.
    pub folder: PathBuf,
    /// Where bytes come from.
    pub source: Arc<dyn Source>,
    /// Who has them nearer by, now and then.
    pub neighbour: Option<Neighbour>,
    /// Where the state is written down.
    pub notebook: Arc<dyn Notebook>,
    /// The machine's clocks.
    pub clock: Arc<dyn Clock>,
    /// What the gateway's clock says, where it was measured in this boot.
    pub measured: Arc<dyn Fn() -> Option<Timestamp> + Send + Sync>,
    /// What this kiosk should have.
    pub desired: watch::Receiver<Option<DesiredContent>>,
    /// Sticks that somebody brings.
    pub imports: mpsc::Receiver<Import>,
    /// The shelf.
    pub shelf: Shelf,
    /// Fetches.
    pub downloads: Arc<dyn Fn(BlobFolder) -> Downloads + Send + Sync>,
    /// Bytes of the disk that are left to others.
    pub reserve: u64,
    /// How long a screen may take to paint a new shelf before it is taken back.
    pub paint_patience: Duration,
}

/// The task.
pub struct Keeper {
    options: KeeperOptions,
    metadata: MetadataFolder,
    blobs: BlobFolder,
    downloads: Downloads,
    time: TrustedTime,
    state: State,
    verified: Option<Verified>,
    /// The revision whose notices are shown, since the start.
    said: Option<u64>,
    /// What was wanted when this round began.
    heard: Option<DesiredContent>,
    /// What was refused last, until it holds again.
    refused: Option<ContentRefused>,
    reported: watch::Sender<ReportedContent>,
    /// When a fresh shelf is taken back.
    paint_until: Option<Instant>,
    pause: Duration,
    ask_at: Instant,
    look_at: Instant,
}

/// Why the keeper cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Its folder cannot be used.
    #[error("the content folder {0} cannot be used")]
    Folder(PathBuf, #[source] std::io::Error),
    /// The metadata cannot.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// The state cannot be read or written down.
    #[error(transparent)]
    Notebook(#[from] RecordError),
}

/// Why a step did not come to its end.
#[derive(Debug, thiserror::Error)]
enum StepError {
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    #[error(transparent)]
    Download(#[from] DownloadError),
    #[error(transparent)]
    Notebook(#[from] RecordError),
    #[error("{detail}")]
    Failed {
        reason: &'static str,
        detail: String,
    },
    #[error("the agent stops")]
    Stopped,
    #[error("it takes too long for now")]
    Late,
    #[error("something else is wanted by now")]
    Renewed,
}

impl Keeper {
    /// Opens what there is on the disk, and shows it at once: a kiosk without a line has its shelf.
    ///
    /// # Errors
    /// Where the folder or the state cannot be used.
    pub async fn open(options: KeeperOptions) -> Result<Self, KeeperError> {
        let folder = options.folder.clone();
        let blobs = BlobFolder::open(&folder.join("blobs"));
        let blobs = blobs.map_err(|source| KeeperError::Folder(folder.clone(), source))?;
        let metadata = MetadataFolder::open(&folder.join("metadata"))?;
        let text = options.notebook.read().await?;
        let floor = Timestamp::UNIX_EPOCH;
        let state = text.as_deref().and_then(State::parse);
        let state = state.unwrap_or_else(|| State::new(floor));
        let now = Moment::now(&*options.clock);
        let time = TrustedTime::restored(state.floor, state.floor_at.as_ref(), now);
        let downloads = (options.downloads)(blobs.clone());
        let mut keeper = Self {
            metadata,
            downloads,
            time,
            verified: None,
            said: None,
            heard: None,
            refused: None,
            reported: watch::Sender::default(),
            paint_until: state
                .fresh
                .as_ref()
                .map(|_| Instant::now() + options.paint_patience),
            state,
            blobs,
            pause: PAUSE_MIN,
            ask_at: Instant::now(),
            look_at: Instant::now(),
            options,
        };
        keeper.look().await?;
        keeper.tell();
        Ok(keeper)
    }

    /// What the kiosk says of its content.
    #[must_use]
    pub fn reported(&self) -> watch::Receiver<ReportedContent> {
        self.reported.subscribe()
    }

    /// Bytes of bodies that were fetched since the start.
    #[must_use]
    pub fn downloads(&self) -> Downloads {
        self.downloads.clone()
    }

    /// Keeps until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) {
        let mut desired = self.options.desired.clone();
        let mut neighbour = self.options.neighbour.clone();
        let (mut readings, mut painted) =
            (self.options.shelf.readings(), self.options.shelf.painted());
        while !cancel.is_cancelled() {
            if let Some(import) = self.step_or_import(&cancel).await {
                self.import(import, &cancel).await;
                continue;
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(import) = self.options.imports.recv() => self.import(import, &cancel).await,
                Ok(()) = desired.changed() => self.ask_at = Instant::now(),
                () = comes_or_goes(&mut neighbour) => self.ask_at = Instant::now(),
                Ok(()) = readings.changed() => {}
                Ok(()) = painted.changed() => {}
                () = sleep_until(self.look_at.min(self.ask_at)) => {}
            }
        }
    }

    /// One round, which is left where somebody brings a stick: who brought it waits beside the
    /// machine.
    async fn step_or_import(&mut self, cancel: &CancellationToken) -> Option<Import> {
        let round = cancel.child_token();
        let (_, none) = mpsc::channel(1);
        let mut imports = std::mem::replace(&mut self.options.imports, none);
        let mut import = None;
        let ended = {
            let mut step = std::pin::pin!(self.step(&round));
            tokio::select! {
                ended = &mut step => ended,
                Some(brought) = imports.recv() => {
                    import = Some(brought);
                    round.cancel();
                    step.await
                }
            }
        };
        self.options.imports = imports;
        self.go_on_after(ended).await;
        import
    }

    /// One round: what is due.
    async fn step(&mut self, cancel: &CancellationToken) -> Result<(), StepError> {
        self.learn_time();
        self.look().await?;
        self.prove().await?;
        if Instant::now() < self.ask_at {
            return Ok(());
        }
        self.hear();
        let Some(desired) = self.heard.clone() else {
            // Nobody has said anything yet.
            self.ask_at = Instant::now() + ASK_EVERY;
            return Ok(());
        };
        self.refresh(cancel).await?;
        self.fetch_notices(cancel).await?;
        let refused = self.fetch_pictures(cancel).await?;
        match self.to_take(&desired) {
            Some(release) => {
                self.refuses(refused);
                self.take(&release, desired.attempt, cancel).await?;
            }
            None => {
                let refused = self.heal(cancel).await?.or(refused);
                self.refuses(refused);
            }
        }
        self.look().await?;
        self.ask_at = Instant::now() + ASK_EVERY;
        self.pause = PAUSE_MIN;
        Ok(())
    }

    /// A fresh shelf is proven once a screen has painted it, and taken back where none does.
    async fn prove(&mut self) -> Result<(), StepError> {
        let Some(fresh) = self.state.fresh.clone() else {
            return Ok(());
        };
        let is_painted = self.options.shelf.painted().borrow().as_ref() == Some(&fresh.release);
        if is_painted {
            let bytes = self.plan(&fresh.catalogue, &fresh.allotment);
            let retired = self.retired_by(&fresh);
            let before = self.state.clone();
            let facts = self
                .state
                .prove(bytes.map_or(0, |plan| plan.bytes()), retired);
            let kept = self.keep(facts).await;
            if kept.is_err() {
                // Nothing is written down: the receipts are still to come, and the bytes stay.
                self.state = before;
            }
            kept?;
            self.paint_until = None;
            tracing::info!(release = %fresh.release, "the release is shown");
            // Only now may what the release before had alone go.
            self.sweep(&BTreeSet::new());
            return Ok(());
        }
        if self
            .paint_until
            .is_some_and(|until| Instant::now() >= until)
        {
            tracing::warn!(release = %fresh.release, "no screen has painted the shelf: it is taken back");
            let detail = "no screen has painted it".to_owned();
            let fact = self.state.fail(Failure {
                reason: "not-shown",
                detail,
            });
            self.paint_until = None;
            self.keep(fact.into_iter().collect()).await?;
            self.look().await?;
        }
        Ok(())
    }

    /// Notes what is wanted: what changes from here on ends what is waited for.
    fn hear(&mut self) {
        self.heard = self.options.desired.borrow_and_update().clone();
    }

    fn learn_time(&mut self) {
        if let Some(now) = (self.options.measured)() {
            let (boot, uptime) = (self.options.clock.boot(), self.options.clock.uptime());
            self.time.learn(now, &boot, uptime);
        }
    }

    fn trusted_now(&self) -> Timestamp {
        self.time
            .now(&self.options.clock.boot(), self.options.clock.uptime())
    }

    fn target(&self, name: &str) -> Result<VerifiedTarget, StepError> {
        let target = self.verified.as_ref().and_then(|it| it.target(name));
        target.ok_or_else(|| failed("not-signed", format!("{name} is not signed")))
    }

    /// The release that is to be taken now, if any.
    fn to_take(&self, desired: &DesiredContent) -> Option<Label> {
        self.state.to_take(desired, |it| self.is_as_signed(it))
    }

    /// Whether a release on this disk is the one that is signed under its name now, as far as is
    /// known: it may have been published again, corrected, or by a gateway that had lost it.
    fn is_as_signed(&self, installed: &Installed) -> bool {
        let is = |name: String, blob: &BlobHash| {
            let signed = self.verified.as_ref().and_then(|it| it.target(&name));
            signed.is_none_or(|it| it.blob == *blob)
        };
        is(catalogue_target(&installed.release), &installed.catalogue)
            && is(allotment_target(&installed.release), &installed.allotment)
    }

    /// Writes the state down with these facts, and tells it.
    async fn keep(&mut self, facts: Vec<Fact>) -> Result<(), RecordError> {
        self.state.floor = self.trusted_now();
        self.state.floor_at = Some(Moment::now(&*self.options.clock));
        self.options
            .notebook
            .write(self.state.to_text(), facts)
            .await?;
        self.tell();
        Ok(())
    }

    fn tell(&self) {
        let told = ReportedContent {
            shown: self.state.proven.as_ref().map(|it| it.release.clone()),
            revision: self.state.revision,
            notices: self.said,
            taking: self.state.taking.clone(),
            refused: self.refused.clone(),
        };
        self.reported.send_if_modified(|before| {
            let is_new = *before != told;
            *before = told;
            is_new
        });
    }
}

fn wanted(target: VerifiedTarget) -> Wanted {
    Wanted {
        blob: target.blob,
        size: target.size,
        blocks: target.blocks,
    }
}

fn failed(reason: &'static str, detail: String) -> StepError {
    StepError::Failed { reason, detail }
}
