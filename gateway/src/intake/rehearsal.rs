//! A rehearsal: an intake on a store in a folder of its own, and facts to send to it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use lujiang_broker::{Arrival, Kept};
use lujiang_wire::{
    Boot, Clock, ClockReport, DeviceId, Epoch, Event, Fact, Stream, Uptime, encode_batch,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::entry::{Entry, EntryNumber, QuarantineReason};
use crate::intake::{
    AfterCommit, CommittedGroup, Intake, IntakeRules, Ruled, RulingError, RulingVerdict,
};
use crate::ledger::LedgerReader;
use crate::registry::Actor;
use crate::ruling::RulingReason;
use crate::seal::Seals;
use crate::store::{QuarantineQuery, QuarantineRow, Store, StoreOptions};

const RECEIVED: &str = "2026-03-02T10:00:00Z";

/// An intake on a store in a folder of its own.
pub(crate) struct Rehearsal {
    pub(crate) intake: Intake,
    pub(crate) store: Store,
    pub(crate) rules: IntakeRules,
    pub(crate) committed: mpsc::Receiver<CommittedGroup>,
    pub(crate) folder: TempDir,
}

impl Rehearsal {
    pub(crate) fn new() -> Self {
        Self::with(IntakeRules::default())
    }

    pub(crate) fn with(rules: IntakeRules) -> Self {
        Self::open(tempfile::tempdir().unwrap(), rules, StoreOptions::default())
    }

    pub(crate) fn open(folder: TempDir, rules: IntakeRules, options: StoreOptions) -> Self {
        let path = folder.path().join("ledger.db");
        let store = Store::open(&path, options).unwrap();
        let seals = Seals::open(folder.path()).unwrap();
        let (told, committed) = mpsc::channel(10_000);
        let intake = Intake::start(
            store.clone(),
            rules.clone(),
            seals,
            Arc::new(FixedClock),
            Arc::new(Told(told)),
        );
        Self {
            intake,
            store,
            rules,
            committed,
            folder,
        }
    }

    pub(crate) async fn restarted(self) -> Self {
        self.intake.stop().await;
        let options = self.store.options();
        self.store.close();
        Self::open(self.folder, self.rules, options)
    }

    pub(crate) async fn send(&self, payload: &str) -> Kept {
        let keeping = self.intake.keep(arrival(payload)).await;
        keeping.await.unwrap_or(Kept::Full)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.store
            .entries_after(EntryNumber::NONE, 100_000)
            .unwrap()
    }

    /// The sum of `in` over everything that counts.
    pub(crate) fn visits(&self) -> u64 {
        self.entries()
            .iter()
            .filter_map(|entry| entry.verdict.counted())
            .map(|(event, _)| entered(event))
            .sum()
    }

    pub(crate) fn reasons(&self) -> Vec<QuarantineReason> {
        let mut rows = self.quarantine();
        rows.reverse();
        rows.into_iter().map(|row| row.reason).collect()
    }

    pub(crate) fn quarantine(&self) -> Vec<QuarantineRow> {
        let query = QuarantineQuery {
            device: Some(device()),
            limit: 1_000,
            ..QuarantineQuery::default()
        };
        self.store.quarantine(&query).unwrap()
    }

    /// Whether these bytes lie in a file of the store, in free pages or in its log.
    pub(crate) fn files_hold(&self, bytes: &[u8]) -> bool {
        let holds = |path: &Path| {
            let content = std::fs::read(path).unwrap();
            content.windows(bytes.len()).any(|window| window == bytes)
        };
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files
            .map(|file| file.unwrap().path())
            .any(|path| path.is_file() && holds(&path))
    }

    /// Decides on an element, for a reason.
    pub(crate) async fn rule(
        &self,
        number: EntryNumber,
        verdict: RulingVerdict,
    ) -> Result<Ruled, RulingError> {
        let why = RulingReason::new("they were there").unwrap();
        let by = Actor::named("the technician");
        self.intake.rule(number, verdict, why, &by).await
    }

    pub(crate) async fn through(&self, stream: Stream) -> u64 {
        let receipts = self.intake.receipts(&device()).await.unwrap();
        receipts.streams[&stream]
    }
}

struct Told(mpsc::Sender<CommittedGroup>);

impl AfterCommit for Told {
    fn committed(&self, group: &CommittedGroup) {
        self.0.try_send(group.clone()).unwrap();
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn wall(&self) -> Timestamp {
        RECEIVED.parse().unwrap()
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(Duration::from_secs(1))
    }

    fn boot(&self) -> Boot {
        "gateway".parse().unwrap()
    }
}

pub(crate) fn device() -> DeviceId {
    "gate-1".parse().unwrap()
}

pub(crate) fn arrival(payload: &str) -> Arrival {
    Arrival {
        origin: lujiang_broker::Origin::Own,
        device: device(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        received: RECEIVED.parse().unwrap(),
    }
}

pub(crate) fn entered(event: &Event) -> u64 {
    match event.fact() {
        Fact::VisitCounted(counted) => counted.entered,
        _ => 0,
    }
}

pub(crate) fn batch(events: &[Value]) -> String {
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    String::from_utf8(encode_batch(&texts)).unwrap()
}

pub(crate) fn plain(id: &str, entered: u64) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/devices/gate-1",
        "type": "library.visit.counted.v1", "time": "2026-03-02T09:59:00Z",
        "data": {"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T09:59:00Z",
                 "in": entered, "out": 0},
    })
}

pub(crate) fn placed(mut event: Value, stream: &str, sequence: u64) -> Value {
    let epoch = Epoch::from_bits(1);
    event["id"] = json!(format!("{epoch}-{stream}-{sequence:020}"));
    event["epoch"] = json!(epoch.as_str());
    event["stream"] = json!(stream);
    event["sequence"] = json!(format!("{sequence:020}"));
    event["boot"] = json!("boot-a");
    event["uptime"] = json!("60000");
    event
}

pub(crate) fn visit(sequence: u64, entered: u64) -> Value {
    placed(plain("", entered), "visit", sequence)
}

pub(crate) fn dropped(sequence: u64, from: u64, to: u64) -> Value {
    let mut event = plain("", 0);
    event["type"] = json!("library.outbox.dropped.v1");
    event["data"] = json!({"stream": "visit", "from": from, "to": to, "reason": "no room"});
    placed(event, "receipt", sequence)
}

/// A report after which facts of [`visit`] are off by `shift`.
pub(crate) fn report(boot: &str, shift: SignedDuration) -> ClockReport {
    let written: Timestamp = "2026-03-02T09:59:00Z".parse().unwrap();
    ClockReport {
        boot: boot.parse().unwrap(),
        uptime: Uptime::from_millis(90_000).unwrap(),
        time: written + shift + SignedDuration::from_secs(30),
        error_ms: 5,
    }
}
