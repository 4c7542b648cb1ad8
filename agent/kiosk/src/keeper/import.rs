//! Taking a release from a stick that somebody brought. It is verified as everything is; what the
//! person adds is the word that this release is to be taken, and at first contact that this is our
//! stick, by its code.

use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::{BlobHash, Label, STICK_BLOBS, STICK_BLOCKS, TakingState};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::{Keeper, StepError};
use crate::download::{DownloadError, DownloadOptions, Downloads, Pace, Yielding};
use crate::metadata::{Expiry, MetadataError};
use crate::source::{MetadataName, Resource, Source, SourceError};

/// How long the gateway may take to answer before there counts as being no line: somebody waits
/// beside the machine.
const LINE_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// A stick, and what its bringer vouches for.
#[derive(Debug)]
pub struct Import {
    /// The stick.
    pub source: Arc<dyn Source>,
    /// The release to take from it.
    pub release: Label,
    /// The code of the stick, as somebody compared it. Only at first contact it is asked for:
    /// afterwards the root that is kept says what holds.
    pub code: Option<BlobHash>,
    /// Hears what became of it.
    pub answer: oneshot::Sender<Result<Imported, ImportError>>,
}

/// What became of a stick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// Its release is on the shelf now.
    OnShelf,
    /// It was there before; notices and withdrawals are as the stick has them.
    WasThere,
}

/// Why nothing was taken from a stick. The shelf is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// First contact, and nobody vouched for the stick with this code.
    #[error("nobody has confirmed this stick's code {0}")]
    Unconfirmed(BlobHash),
    /// It does not hold, or does not fit.
    #[error("{0}")]
    Refused(String),
    /// It broke off; what came is kept.
    #[error("it broke off: {0}")]
    BrokeOff(String),
}

impl Keeper {
    /// Takes what a stick has, and answers who asked.
    pub(super) async fn import(&mut self, import: Import, cancel: &CancellationToken) {
        let before = (self.state.taking.clone(), self.state.fresh.clone());
        let own = std::mem::replace(&mut self.options.source, import.source);
        // A stick is no line: hours do not close it, and facts that wait for the line do not hold
        // it up; where there is no line they wait for weeks.
        let (_, free) = watch::channel(Yielding::Free);
        let downloads = Downloads::new(
            self.blobs.clone(),
            Pace::free(free),
            DownloadOptions::default(),
        );
        let own_downloads = std::mem::replace(&mut self.downloads, downloads);
        let neighbour = self.options.neighbour.take();
        let ended = loop {
            let ended = self.take_from_stick(&import.release, import.code, &own, cancel);
            match ended.await {
                // What the gateway wants by now is seen to afterwards.
                Err(StepError::Renewed) => {}
                ended => break ended,
            }
        };
        (self.options.source, self.options.neighbour) = (own, neighbour);
        self.downloads = own_downloads;
        if ended.is_err() && self.state.fresh == before.1 {
            // A stick that is refused changes nothing, least of all what the gateway wants.
            self.state.taking = before.0;
            if let Err(error) = self.keep(Vec::new()).await {
                tracing::warn!(%error, "that a stick was given up could not be written down");
            }
        }
        let answer = ended.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                release = %import.release,
                "a stick is not taken"
            );
            told(&error)
        });
        // Who asked may have gone.
        let _ = import.answer.send(answer);
    }

    async fn take_from_stick(
        &mut self,
        release: &Label,
        code: Option<BlobHash>,
        line: &Arc<dyn Source>,
        cancel: &CancellationToken,
    ) -> Result<Imported, StepError> {
        self.hear();
        let source = Arc::clone(&self.options.source);
        self.metadata.vouch(&source, code.as_ref()).await?;
        self.refresh_from_stick(&source, line, cancel).await?;
        self.fetch_notices(cancel).await?;
        self.fetch_pictures(cancel).await?;
        let shown = self.state.on_shelf();
        if shown.is_some_and(|it| it.release == *release && self.is_as_signed(it)) {
            return Ok(Imported::WasThere);
        }
        let attempt = self.attempt_at(release);
        if self.state.taking.as_ref().is_some_and(|it| {
            it.release == *release && matches!(it.state, TakingState::Failed { .. })
        }) {
            // It was given up, and somebody wants it all the same.
            self.state.go_on(release, attempt, TakingState::Offered);
        }
        self.take(release, attempt, cancel).await?;
        self.look().await?;
        Ok(Imported::OnShelf)
    }

    /// A stick is always some days old. What has expired on it is refused where the time is trusted
    /// and the gateway can be asked for what is newest; otherwise it is taken with a warning, as
    /// long as nothing is older than what was seen.
    async fn refresh_from_stick(
        &mut self,
        stick: &Arc<dyn Source>,
        line: &Arc<dyn Source>,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let Some(now) = (self.options.measured)() else {
            let expiry = Expiry::Told(self.trusted_now());
            return self.refresh_by(stick, expiry, cancel).await;
        };
        match self.refresh_by(stick, Expiry::Refused(now), cancel).await {
            Err(StepError::Metadata(MetadataError::Expired(_))) if !answers(line).await => {
                self.refresh_by(stick, Expiry::Told(now), cancel).await
            }
            ended => ended,
        }
    }

    /// The attempt the gateway is at with a release, so that it knows its own.
    fn attempt_at(&self, release: &Label) -> u32 {
        let desired = self.options.desired.borrow();
        let desired = desired
            .as_ref()
            .filter(|it| it.release.as_ref() == Some(release));
        let taking = self.state.taking.as_ref();
        let taking = taking.filter(|it| it.release == *release);
        let known = desired.map(|it| it.attempt);
        known.or(taking.map(|it| it.attempt)).unwrap_or(0)
    }
}

/// Whether the gateway can be asked, whatever it says.
async fn answers(line: &Arc<dyn Source>) -> bool {
    let name = MetadataName::new("timestamp.json").expect("a constant");
    let resource = Resource::Metadata(name);
    let asked = line.open(&resource, 0, None);
    match tokio::time::timeout(LINE_ANSWERS_WITHIN, asked).await {
        Err(_) | Ok(Err(SourceError::Unreachable(_))) => false,
        Ok(
            Ok(_)
            | Err(
                SourceError::Absent(_)
                | SourceError::Busy { .. }
                | SourceError::Beyond
                | SourceError::Refused(_),
            ),
        ) => true,
    }
}

/// What whoever stands there with the stick can do about it.
fn remedy(error: &StepError) -> Option<String> {
    const AGAIN: &str = "make the stick again with `lujiang-gateway content export`";
    match error {
        StepError::Metadata(MetadataError::Expired(_)) => Some(format!(
            "this kiosk has a line and knows what time it is; {AGAIN}, or let the release come \
             over the line"
        )),
        StepError::Metadata(MetadataError::Tough(_)) => Some(format!(
            "either its metadata is damaged, or older than what was seen, or it is the stick of \
             another library; {AGAIN}"
        )),
        StepError::Download(error) => {
            let file = match error {
                DownloadError::Refused { blob, .. }
                | DownloadError::Altered { blob, .. }
                | DownloadError::Contradiction { blob }
                | DownloadError::Length { blob, .. } => format!("{STICK_BLOBS}/{blob}"),
                DownloadError::BlockList { blob } => format!("{STICK_BLOCKS}/{blob}"),
                DownloadError::Room { .. } | DownloadError::Disk(_) => return None,
            };
            Some(format!("the file of the stick is {file}; {AGAIN}"))
        }
        StepError::Metadata(_)
        | StepError::Notebook(_)
        | StepError::Failed { .. }
        | StepError::Stopped
        | StepError::Late
        | StepError::Renewed => None,
    }
}

fn told(error: &StepError) -> ImportError {
    let text = || {
        let mut text = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            let more = error.to_string();
            if !text.contains(&more) {
                text = format!("{text}: {more}");
            }
            cause = error.source();
        }
        match remedy(error) {
            Some(remedy) => format!("{text}; {remedy}"),
            None => text,
        }
    };
    match error {
        StepError::Metadata(MetadataError::Unconfirmed(code)) => ImportError::Unconfirmed(*code),
        StepError::Metadata(error) if error.is_transient() => ImportError::BrokeOff(text()),
        StepError::Notebook(_) | StepError::Stopped | StepError::Late | StepError::Renewed => {
            ImportError::BrokeOff(text())
        }
        StepError::Metadata(_) | StepError::Download(_) | StepError::Failed { .. } => {
            ImportError::Refused(text())
        }
    }
}
