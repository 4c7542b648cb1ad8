//! The keeper while it waits for something that may take days: a line that is cut every few
//! seconds, a reader who stays. It goes on looking at windows and listening to what is wanted.

use std::pin::pin;

use tokio::time::{Instant, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{ASK_EVERY, Keeper, StepError, TELL_EVERY};
use crate::neighbour::{comes_or_goes, watched};

impl Keeper {
    /// Waits for this, and tells now and then how far it is. It ends early when something else is
    /// wanted than when this round began, or when it is time to ask what is newest.
    pub(super) async fn attend<T>(
        &mut self,
        awaited: impl Future<Output = T>,
        tell: impl Fn(&Self),
        cancel: &CancellationToken,
    ) -> Result<T, StepError> {
        let mut awaited = pin!(awaited);
        let mut neighbour = watched(self.options.neighbour.as_ref());
        let mut desired = self.options.desired.clone();
        let mut ticks = interval(TELL_EVERY);
        let ask_at = Instant::now() + ASK_EVERY;
        loop {
            tokio::select! {
                // What is wanted by now comes before what was waited for.
                biased;
                () = cancel.cancelled() => return Err(StepError::Stopped),
                Ok(()) = desired.changed() => {
                    if *desired.borrow_and_update() != self.heard {
                        return Err(StepError::Renewed);
                    }
                }
                () = sleep_until(ask_at) => return Err(StepError::Renewed),
                // Another source, or one less: each is asked anew.
                () = comes_or_goes(&mut neighbour) => return Err(StepError::Renewed),
                () = sleep_until(self.look_at) => {
                    self.learn_time();
                    self.look().await?;
                    self.prove().await?;
                }
                _ = ticks.tick() => tell(self),
                ended = &mut awaited => return Ok(ended),
            }
        }
    }
}
