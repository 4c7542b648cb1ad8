//! What a round that ended early leads to: a pause, or giving up what is taken. What is refused is
//! told with the release it came with, and where none is on offer, by itself.

use std::time::Duration;

use lujiang_wire::{ContentRefused, TakingState};
use tokio::time::Instant;

use super::{Keeper, PAUSE_MAX, StepError};
use crate::metadata::MetadataError;
use crate::state::Failure;

impl Keeper {
    pub(super) async fn go_on_after(&mut self, ended: Result<(), StepError>) {
        let Err(error) = ended else {
            return;
        };
        if matches!(error, StepError::Renewed) {
            self.ask_at = Instant::now();
            return;
        }
        self.ask_at = Instant::now() + jittered(self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        let Some(reason) = reason(&error) else {
            tracing::info!(error = &error as &dyn std::error::Error, "content waits");
            return;
        };
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "content is refused"
        );
        let is_taking = self.state.taking.as_ref().is_some_and(|taking| {
            !matches!(
                taking.state,
                TakingState::Failed { .. } | TakingState::Shown | TakingState::Removed
            )
        });
        let desired = self.options.desired.borrow().clone();
        let offered = desired.and_then(|it| Some((self.to_take(&it)?, it.attempt)));
        if matches!(error, StepError::Metadata(_)) || (!is_taking && offered.is_none()) {
            self.refuses(refused(&error));
        }
        if !is_taking {
            let Some((release, attempt)) = offered else {
                return;
            };
            self.state.go_on(&release, attempt, TakingState::Offered);
        }
        let detail = error.to_string();
        let fact = self.state.fail(Failure { reason, detail });
        if let Err(error) = self.keep(fact.into_iter().collect()).await {
            tracing::error!(%error, "that content was refused could not be written down");
        }
    }

    /// Tells what was refused though no release came with it, or that it holds again.
    pub(super) fn refuses(&mut self, refused: Option<ContentRefused>) {
        self.refused = refused;
        self.tell();
    }
}

/// Why content is refused, as a word for machines; none where it only waits.
fn reason(error: &StepError) -> Option<&'static str> {
    match error {
        StepError::Metadata(error) if error.is_transient() => None,
        StepError::Metadata(MetadataError::Expired(_)) => Some("metadata-expired"),
        StepError::Metadata(_) => Some("metadata-refused"),
        // What waiting helps has been waited for.
        StepError::Download(error) => Some(error.reason()),
        StepError::Failed { reason, .. } => Some(reason),
        StepError::Notebook(_) | StepError::Stopped | StepError::Late | StepError::Renewed => None,
    }
}

/// What is told of this, where it is a refusal.
pub(super) fn refused(error: &StepError) -> Option<ContentRefused> {
    Some(ContentRefused {
        reason: reason(error)?.parse().ok()?,
        detail: error.to_string(),
    })
}

/// Between a half and the whole of a pause: so that a hundred kiosks do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let mut byte = [0];
    // Without random numbers all come at once: slower, and no worse.
    let _ = getrandom::fill(&mut byte);
    pause.mul_f64(0.5 + f64::from(byte[0]) / 512.0)
}
