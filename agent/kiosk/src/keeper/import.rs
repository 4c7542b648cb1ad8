//! Taking a release from a stick that somebody brought. It is verified as everything is; what the
//! person adds is the word that this release is to be taken, and at first contact that this is our
//! library's root.

use std::sync::Arc;

use lujiang_wire::{BlobHash, Label, TakingState};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Keeper, StepError};
use crate::metadata::{Expiry, MetadataError};
use crate::source::Source;

/// A stick, and what its bringer vouches for.
#[derive(Debug)]
pub struct Import {
    /// The stick.
    pub source: Arc<dyn Source>,
    /// The release to take from it.
    pub release: Label,
    /// The SHA-256 of the first root, as somebody compared it. Only at first contact it is asked
    /// for: afterwards the root that is kept says what holds.
    pub root: Option<BlobHash>,
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
    /// First contact, and nobody vouched for this root.
    #[error("nobody has confirmed this stick's root {0}")]
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
        let ended = loop {
            let ended = self.take_from_stick(&import.release, import.root, cancel);
            match ended.await {
                // What the gateway wants by now is seen to afterwards.
                Err(StepError::Renewed) => {}
                ended => break ended,
            }
        };
        self.options.source = own;
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
        root: Option<BlobHash>,
        cancel: &CancellationToken,
    ) -> Result<Imported, StepError> {
        let source = Arc::clone(&self.options.source);
        self.metadata.vouch(&source, root.as_ref()).await?;
        // A stick is always some days old: that it is the newest nobody can say.
        self.refresh_by(Expiry::Told(self.trusted_now())).await?;
        self.fetch_notices(cancel).await?;
        let shown = self.state.on_shelf();
        if shown.is_some_and(|it| it.release == *release) {
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
        text
    };
    match error {
        StepError::Metadata(MetadataError::Unconfirmed(root)) => ImportError::Unconfirmed(*root),
        StepError::Metadata(error) if error.is_transient() => ImportError::BrokeOff(text()),
        StepError::Notebook(_) | StepError::Stopped | StepError::Renewed => {
            ImportError::BrokeOff(text())
        }
        StepError::Metadata(_) | StepError::Download(_) | StepError::Failed { .. } => {
            ImportError::Refused(text())
        }
    }
}
