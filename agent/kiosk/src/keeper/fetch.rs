//! The keeper while it fetches: it goes on looking at windows and listening to what is wanted.
//! That may take days, on a line that is cut every few seconds.

use std::pin::pin;

use lujiang_wire::{Label, Taking, TakingState};
use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ASK_EVERY, Keeper, StepError, TELL_EVERY};
use crate::download::{Plan, Progress, Wanted};
use crate::neighbour::{comes_or_goes, watched};

impl Keeper {
    /// Fetches these blobs, and tells how far they are where they are of a release. It ends early
    /// when something else is wanted by now, or when it is time to ask what is newest: what has
    /// come stays, and is gone on from.
    pub(super) async fn fetch(
        &mut self,
        wanted: Vec<Wanted>,
        release: Option<(Label, u32)>,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let plan = Plan {
            wanted,
            elsewhere: Vec::new(),
        };
        let downloads = self.downloads.clone();
        let neighbour = self.options.neighbour.iter().map(|it| &it.source);
        let sources: Vec<_> = neighbour.chain([&self.options.source]).cloned().collect();
        let mut fetched = pin!(downloads.fetch(&plan, &sources));
        let mut neighbour = watched(self.options.neighbour.as_ref());
        let mut desired = self.options.desired.clone();
        let before = desired.borrow_and_update().clone();
        let progress = downloads.progress();
        let mut tell = interval(TELL_EVERY);
        let ask_at = Instant::now() + ASK_EVERY;
        loop {
            tokio::select! {
                fetched = &mut fetched => return Ok(fetched?),
                () = cancel.cancelled() => return Err(StepError::Stopped),
                () = sleep_until(ask_at) => return Err(StepError::Renewed),
                // Another source, or one less: each blob is asked for anew.
                () = comes_or_goes(&mut neighbour) => return Err(StepError::Renewed),
                Ok(()) = desired.changed() => {
                    if *desired.borrow_and_update() != before {
                        return Err(StepError::Renewed);
                    }
                }
                () = sleep_until(self.look_at) => {
                    self.learn_time();
                    self.look().await?;
                    self.prove().await?;
                }
                _ = tell.tick() => {
                    if let Some((release, attempt)) = &release {
                        self.tell_progress(release, *attempt, &progress.borrow().clone());
                    }
                }
            }
        }
    }

    fn tell_progress(&self, release: &Label, attempt: u32, progress: &Progress) {
        let taking = Taking {
            release: release.clone(),
            attempt,
            state: TakingState::Downloading {
                bytes: progress.bytes,
                of: progress.of,
                rate: progress.rate,
                arrival: self.downloads.arrival(),
            },
        };
        self.reported.send_modify(|it| it.taking = Some(taking));
    }
}
