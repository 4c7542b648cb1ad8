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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lujiang_broker::{ProtocolVersion, Word};
    use lujiang_wire::{DeviceId, Epoch, LinkState, Status, Stream, Telemetry};

    use super::*;
    use crate::store::StoreOptions;

    #[tokio::test]
    async fn after_a_restart_online_is_unknown_and_the_numbers_written_are_still_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        let presence = Presence::restored(Vec::new(), at(0));
        for word in [connected(), status(), telemetry(9)] {
            presence.hear(word, at(10));
        }
        let stop = CancellationToken::new();
        stop.cancel();
        keep(presence, store.clone(), stop).await;
        store.close();

        let store = Store::open(&path, StoreOptions::default()).unwrap();
        let saved = store.read(rows::load).unwrap();
        let presence = Presence::restored(saved, at(20));
        let contact = presence.of(&device());
        assert_eq!(
            (contact.link, contact.since),
            (LinkState::Unknown, Some(at(20)))
        );
        assert_eq!(contact.last_contact, Some(at(10)));
        assert_eq!(contact.status.unwrap().state, LinkState::Unknown);
        let (epoch, written) = presence.written(&device()).unwrap();
        assert_eq!((epoch, written[&Stream::Visit]), (Epoch::from_bits(1), 9));
        assert_eq!(presence.retained().len(), 1);
    }

    #[tokio::test]
    async fn a_thousand_words_are_one_row_and_what_was_not_saved_stays_unsaved() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("ledger.db"), StoreOptions::default()).unwrap();
        let presence = Presence::restored(Vec::new(), at(0));
        for number in 0..1_000 {
            presence.hear(telemetry(number), at(10));
        }
        let closed = store.clone();
        store.close();
        assert!(save(&presence, &closed).await.is_err());
        assert_eq!(presence.take_unsaved().len(), 1);
        assert!(presence.take_unsaved().is_empty());
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn device() -> DeviceId {
        "gate-1".parse().unwrap()
    }

    fn connected() -> Word {
        Word::Connected {
            device: device(),
            peer: "127.0.0.1:9".parse().unwrap(),
            version: ProtocolVersion::V311,
        }
    }

    fn status() -> Word {
        let status = Status {
            state: LinkState::Online,
            since: at(10),
            agent: Some("lujiang-agent 0.1.0".to_owned()),
            boot: None,
            epoch: Some(Epoch::from_bits(1)),
            written: [(Stream::Visit, 5)].into(),
            oldest: None,
        };
        Word::Status {
            device: device(),
            status,
        }
    }

    fn telemetry(number: u64) -> Word {
        let telemetry = Telemetry {
            time: at(10),
            epoch: Some(Epoch::from_bits(1)),
            written: [(Stream::Visit, number)].into(),
            metrics: [].into(),
        };
        Word::Telemetry {
            device: device(),
            telemetry,
        }
    }
}
