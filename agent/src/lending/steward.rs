//! The task beside lending: has the meter see how the outbox empties, and lets go of what is
//! remembered of loans whose facts the outbox let go.

use std::time::Duration;

use lujiang_wire::Stream;
use tokio_util::sync::CancellationToken;

use super::Lending;
use super::clerk::Clerk;
use super::memory::Change;
use crate::error_chain::chain;
use crate::outbox::{OutboxError, Stamp};

/// How often the memory is looked through.
const LET_GO_INTERVAL: Duration = Duration::from_secs(600);

/// The task.
pub(crate) struct Steward {
    lending: Lending,
}

impl Steward {
    pub(crate) fn new(lending: Lending) -> Self {
        Self { lending }
    }

    /// Looks whenever something moved, until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let clerk = &self.lending.clerk;
        let mut board = clerk.board.changes();
        let mut let_go = tokio::time::interval(LET_GO_INTERVAL);
        loop {
            // To look is to have the meter see it.
            match self.lending.waiting().await {
                Ok(_) => clerk.changed(),
                Err(error) => {
                    tracing::warn!(reason = chain(&error), "how much waits is not known");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                // The board lives as long as we do.
                _ = board.changed() => {}
                _ = let_go.tick() => self.let_go().await,
            }
        }
    }

    async fn let_go(&self) {
        let clerk = self.lending.clerk.clone();
        let gone = tokio::task::spawn_blocking(move || clerk.let_go()).await;
        match gone {
            Ok(Ok(0)) => {}
            Ok(Ok(notes)) => tracing::debug!(notes, "what was remembered of old loans is let go"),
            Ok(Err(error)) => {
                tracing::warn!(reason = chain(&error), "what is remembered is not let go");
            }
            Err(error) => tracing::warn!(%error, "what is remembered is not let go"),
        }
    }
}

impl Clerk {
    /// Forgets items whose facts the outbox let go, and days that are over; how many.
    pub(super) fn let_go(&self) -> Result<usize, OutboxError> {
        let mut memory = self.memory();
        let first = self.outbox.first_kept(Stream::Loan)?;
        let changes = memory.outlived(first, self.policy.day(self.now()));
        if changes.is_empty() {
            return Ok(0);
        }
        let stamp = Stamp::now(self.clock.as_ref());
        let notes = changes.iter().map(Change::note).collect();
        self.outbox.record_noting(&stamp, Vec::new(), |_| notes)?;
        let count = changes.len();
        for change in changes {
            memory.apply(change);
        }
        Ok(count)
    }
}
