use std::time::Duration;

use lujiang_wire::{Boot, DeviceId, Uptime};
use tempfile::TempDir;

use super::blocks::{BlockImport, BlockSource, ImportMode, Imported};
use super::stops::{NewStop, Plan};
use super::*;
use crate::registry::DeviceLimits;
use crate::store::StoreOptions;

const LIST: &str = "cardnumber,debarred\nR-CANARY-1,9999-12-31\nR-CANARY-2x,9999-12-31\n";

struct House {
    papers: Papers,
    store: Store,
    folder: TempDir,
}

struct StandingClock;

impl Clock for StandingClock {
    fn wall(&self) -> Timestamp {
        "2026-11-25T08:00:00Z".parse().unwrap()
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(Duration::ZERO)
    }

    fn boot(&self) -> Boot {
        "gateway".parse().unwrap()
    }
}

impl House {
    fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ledger.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        let seals = Arc::new(Seals::open(folder.path()).unwrap());
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let papers = Papers::new(store.clone(), seals, Arc::new(StandingClock), zone);
        Self {
            papers,
            store,
            folder,
        }
    }

    async fn import(&self, mode: ImportMode, list: &str) -> Imported {
        let import = BlockImport {
            from: BlockSource::Koha,
            as_of: None,
            mode,
        };
        let actor = actor();
        let imported = self.papers.import_blocks(import, list.into(), &actor);
        imported.await.unwrap().unwrap()
    }

    async fn plan(&self, date: &str) -> PlannedStop {
        self.plan_for(None, date).await.stop
    }

    async fn plan_for(&self, bus: Option<&Device>, date: &str) -> Plan {
        let stop = NewStop {
            date: date.parse().unwrap(),
            unit: "东岗村小学".parse().unwrap(),
            occasion: None,
            place: "操场".parse().unwrap(),
            device: bus.map(|bus| bus.id.clone()),
        };
        self.papers.plan_stop(stop, &actor()).await.unwrap()
    }

    fn of(&self, device: &Device) -> LoanPapers {
        let papers = self.papers.of(device).unwrap();
        assert_eq!(papers.revision, self.papers.revision(device).unwrap());
        papers
    }

    fn audit(&self) -> Vec<AuditRecord> {
        let read = self.store.read(|connection| audit::newest(connection, 10));
        read.unwrap()
    }
}

fn actor() -> Actor {
    Actor::named("the librarian")
}

fn device(id: &str, kind: DeviceKind) -> Device {
    Device {
        id: id.parse::<DeviceId>().unwrap(),
        name: id.to_owned(),
        enabled: true,
        kind,
        site: None,
        limits: DeviceLimits::default(),
    }
}

/// Whether a device with these papers finds the reader in its block list, as the wire says it.
fn is_blocked(papers: &LoanPapers, reader: &str) -> bool {
    use base64::Engine as _;
    let reader = lujiang_wire::normalise_reader(reader);
    let tag = mac(
        papers.blocks.key.reveal(),
        &[b"lujiang blocked reader v1\0", reader.as_bytes()],
    );
    let text = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(&tag[..16]);
    papers.blocks.readers.contains(&text)
}

#[tokio::test]
async fn a_blocked_reader_is_known_to_each_lending_device_in_a_word_of_its_own() {
    let house = House::open();
    assert!(house.import(ImportMode::Whole, LIST).await.is_taken);
    let bus = house.of(&device("bus-1", DeviceKind::Bus));
    let checkout = house.of(&device("checkout-1", DeviceKind::SelfCheckout));
    let gate = house.of(&device("gate-1", DeviceKind::Gate));

    for papers in [&bus, &checkout] {
        assert!(is_blocked(papers, "r-canary-1") && is_blocked(papers, "R-CANARY-2X"));
        assert!(!is_blocked(papers, "R-CANARY-3"));
        assert_eq!(papers.blocks.as_of, Some(StandingClock.wall()));
    }
    assert!(
        bus.blocks
            .readers
            .iter()
            .all(|it| !checkout.blocks.readers.contains(it))
    );
    assert_eq!((gate.blocks.readers.len(), gate.blocks.as_of), (0, None));
    assert_eq!(bus.desk, gate.desk);
}

#[tokio::test]
async fn a_list_with_a_line_that_is_not_understood_is_taken_only_where_that_is_said() {
    let house = House::open();
    let list = format!("{LIST}R-CANARY-3,soon\n");
    let bus = device("bus-1", DeviceKind::Bus);

    assert!(!house.import(ImportMode::Check, LIST).await.is_taken);
    assert!(!house.import(ImportMode::Whole, &list).await.is_taken);
    assert_eq!(house.of(&bus).blocks.as_of, None);
    assert_eq!(house.audit(), []);

    assert!(house.import(ImportMode::Understood, &list).await.is_taken);
    assert!(is_blocked(&house.of(&bus), "R-CANARY-1"));
    assert_eq!(house.audit()[0].after.as_ref().unwrap()["problems"], 1);
}

#[tokio::test]
async fn no_blocked_reader_stands_in_any_file_or_audit_record() {
    let house = House::open();
    house.import(ImportMode::Whole, LIST).await;
    house
        .import(ImportMode::Whole, &format!("{LIST}R-CANARY-3,9999-12-31\n"))
        .await;

    let told = format!("{:?}", house.audit());
    assert!(
        told.contains("\"readers\": Number(3)") && !told.contains("CANARY"),
        "{told}"
    );
    for file in std::fs::read_dir(house.folder.path()).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let stands = bytes.windows(6).any(|window| window == b"CANARY");
        assert!(!stands, "{}", path.display());
    }
}

#[tokio::test]
async fn a_revision_moves_with_what_is_in_the_papers_and_with_nothing_else() {
    let house = House::open();
    let (bus, checkout) = (
        device("bus-1", DeviceKind::Bus),
        device("checkout-1", DeviceKind::SelfCheckout),
    );
    let gate = device("gate-1", DeviceKind::Gate);
    let revisions = || [&bus, &checkout, &gate].map(|device| house.of(device).revision);
    let moved = |before: &[Label; 3], after: &[Label; 3]| {
        let pairs = before.iter().zip(after);
        pairs
            .map(|(before, after)| before != after)
            .collect::<Vec<_>>()
    };
    let mut changes = house.papers.changes();
    let begin = revisions();

    let stop = house.plan("2026-12-03").await;
    let planned = revisions();
    assert_eq!(moved(&begin, &planned), [true, false, false]);
    house.import(ImportMode::Whole, LIST).await;
    let imported = revisions();
    assert_eq!(moved(&planned, &imported), [true, true, false]);
    house.papers.rotate_key(&actor()).await.unwrap();
    let rotated = revisions();
    assert_eq!(moved(&imported, &rotated), [true, true, true]);
    // It was sealed to the key before, and is still there.
    assert!(is_blocked(&house.of(&bus), "R-CANARY-1"));
    house.plan("2026-11-10").await;
    assert_eq!(revisions(), rotated, "a stop long past changes nothing");
    assert_eq!(house.of(&bus).stops, std::slice::from_ref(&stop));
    house.papers.remove_stop(stop.stop, &actor()).await.unwrap();
    assert!(house.of(&bus).stops.is_empty());
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let actions: Vec<String> = house
        .audit()
        .into_iter()
        .map(|record| record.action)
        .collect();
    let expected = [
        "loans.stop.remove",
        "loans.stop.plan",
        "loans.rotate-key",
        "loans.blocks",
        "loans.stop.plan",
    ];
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn a_stop_that_is_planned_for_a_bus_is_given_to_that_bus_alone() {
    let house = House::open();
    let buses = ["bus-1", "bus-2"].map(|id| device(id, DeviceKind::Bus));
    let before = buses
        .each_ref()
        .map(|bus| house.papers.revision(bus).unwrap());
    let first = house.plan_for(Some(&buses[0]), "2026-12-03").await;
    assert_ne!(house.of(&buses[0]).revision, before[0]);
    assert_eq!(house.of(&buses[1]).revision, before[1], "no news to it");
    let any = house.plan_for(None, "2026-12-04").await;

    assert_eq!(house.papers.stops().unwrap(), [first.clone(), any.clone()]);
    let given = buses.each_ref().map(|bus| house.of(bus).stops);
    let expected = [vec![first.stop, any.stop.clone()], vec![any.stop]];
    assert_eq!(given, expected);
}

#[tokio::test]
async fn a_stop_that_is_not_planned_cannot_be_removed_and_leaves_no_record() {
    let house = House::open();
    let actor = actor();
    let removed = house.papers.remove_stop("none".parse().unwrap(), &actor);
    assert!(matches!(removed.await, Err(PapersError::NoStop(_))));
    assert_eq!(house.audit(), []);
}
