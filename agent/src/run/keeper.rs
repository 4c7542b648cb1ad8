//! The task that writes the state file and lets old facts go.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::{Clock, DeviceId};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::outbox::Outbox;
use crate::state_file;
use crate::status::Board;

/// Shortest time between two writings of the state file: flash wears.
const STATE_PAUSE: Duration = Duration::from_secs(5);

/// How often settled facts that were kept long enough are let go.
const LET_GO_INTERVAL: Duration = Duration::from_secs(600);

/// The task.
pub(super) struct Keeper {
    pub(super) data: PathBuf,
    pub(super) device: DeviceId,
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) board: Arc<Board>,
}

impl Keeper {
    pub(super) async fn run(self, stop: CancellationToken) {
        let mut changes = self.board.changes();
        let mut let_go = tokio::time::interval(LET_GO_INTERVAL);
        loop {
            self.write_state().await;
            let next = async {
                // The board lives as long as we do.
                let _ = changes.changed().await;
                sleep(STATE_PAUSE).await;
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = next => {}
                _ = let_go.tick() => self.let_go().await,
            }
        }
        self.write_state().await;
    }

    async fn let_go(&self) {
        let now = self.clock.uptime();
        match self.outbox.with(move |outbox| outbox.let_go(now)).await {
            Ok(0) => {}
            Ok(facts) => tracing::debug!(facts, "settled facts were kept long enough"),
            Err(error) => tracing::warn!(%error, "settled facts are not let go"),
        }
    }

    async fn write_state(&self) {
        let (clock, board, device) = (self.clock.clone(), self.board.clone(), self.device.clone());
        let data = self.data.clone();
        let written = self
            .outbox
            .with(move |outbox| {
                let status = board.account(&device, clock.wall(), outbox.epoch(), outbox.depth()?);
                if let Err(error) = state_file::write(&data, &status) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no state file");
                }
                Ok(())
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "the outbox cannot be read for the state file");
        }
    }
}
