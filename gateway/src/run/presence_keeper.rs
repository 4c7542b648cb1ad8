//! Saves what devices last said: many words, one write.

use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::presence::Presence;
use crate::store::{Store, presence as rows};

/// How often changes are saved. A crash loses at most this much, and a device says it all again
/// when it connects; each save costs one fsync beside those of the facts.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// Saves until cancelled, and then once more.
pub(super) async fn keep(presence: Presence, store: Store, cancel: CancellationToken) {
    let mut ticks = tokio::time::interval(SAVE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let is_last = tokio::select! {
            _ = ticks.tick() => false,
            () = cancel.cancelled() => true,
        };
        let saved = save(&presence, &store).await;
        // A full disk says so once, not every tick.
        if let Err(error) = &saved
            && !failing
        {
            tracing::warn!(%error, "what devices last said cannot be saved");
        }
        failing = saved.is_err();
        if is_last {
            return;
        }
    }
}

async fn save(presence: &Presence, store: &Store) -> Result<(), crate::ledger::LedgerError> {
    let contacts = presence.take_unsaved();
    if contacts.is_empty() {
        return Ok(());
    }
    let devices: Vec<_> = contacts.iter().map(|(device, _)| device.clone()).collect();
    let saved = store
        .decide(move |transaction| rows::save(transaction, &contacts))
        .await;
    if saved.is_err() {
        presence.return_unsaved(devices);
    }
    saved
}
