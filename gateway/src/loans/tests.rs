//! The desk over a real store, without a library system: facts come in, are ruled on, are
//! exported, and their readers are forgotten.

mod exports;
mod forgetting;
mod staff;

use std::time::Duration;

use lujiang_wire::{Boot, Uptime};
use serde_json::json;

use super::*;
use crate::desk::{Abilities, Ability, ItemRecord, Rest};
use crate::entry::EntryNumber;
use crate::intake::rehearsal::{Rehearsal, device, placed, plain};
use crate::ledger::SealedPerson;
use crate::places::DeviceKind;
use crate::registry::{Device, DeviceLimits};
use crate::ruling::RulingReason;
use crate::store::loans::{FactQuery, FactState};
use tokio_util::sync::CancellationToken;

/// Longest wait for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

/// A house with an intake, and a desk on the same store.
struct House {
    rehearsal: Rehearsal,
    loans: Loans,
    cancel: CancellationToken,
}

struct Clock2026;

impl Clock for Clock2026 {
    fn wall(&self) -> Timestamp {
        "2026-03-02T12:00:00Z".parse().unwrap()
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
        Self::on(Rehearsal::new())
    }

    fn on(rehearsal: Rehearsal) -> Self {
        Self::with(rehearsal, LoansSection::default())
    }

    fn with(rehearsal: Rehearsal, section: LoansSection) -> Self {
        Self::by(rehearsal, section, Arc::new(Clock2026))
    }

    fn by(rehearsal: Rehearsal, section: LoansSection, clock: Arc<dyn Clock>) -> Self {
        let folder = rehearsal.folder.path();
        std::fs::create_dir_all(folder.join("keys")).unwrap();
        let seals = Arc::new(Seals::open(folder).unwrap());
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let store = rehearsal.store.clone();
        let papers = Papers::new(
            store.clone(),
            Arc::clone(&seals),
            Arc::clone(&clock),
            zone.clone(),
        );
        let loans = Loans::new(store, seals, papers, clock, zone, section, folder);
        let cancel = CancellationToken::new();
        let head = rehearsal.store.head_watch();
        tokio::spawn(loans.clone().run(head, cancel.clone()));
        Self {
            rehearsal,
            loans,
            cancel,
        }
    }

    async fn send(&self, event: &Value) {
        self.rehearsal.send(&event.to_string()).await;
    }

    /// Waits until the desk has taken in everything.
    async fn is_heard(&self) {
        let head = self.rehearsal.store.head_watch().borrow().number;
        let heard = || self.rehearsal.store.read(rows::heard).unwrap();
        tokio::time::timeout(DEADLINE, async {
            while heard() < head {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }

    fn facts(&self) -> Vec<(i64, &'static str, Option<String>)> {
        let query = FactQuery {
            limit: 100,
            ..FactQuery::default()
        };
        let mut facts = self.loans.facts(&query).unwrap();
        facts.reverse();
        facts
            .into_iter()
            .map(|fact| (fact.number.0, fact.state.as_str(), fact.outcome))
            .collect()
    }

    /// Puts a fact in dispute, as the desk would.
    async fn dispute(&self, number: i64) {
        let item: lujiang_wire::Label = "LJ1".parse().unwrap();
        let read = |connection: &rusqlite::Connection| rows::item(connection, &item);
        let record = self.rehearsal.store.read(read).unwrap().unwrap();
        let mut json: Value = serde_json::from_str(&record.to_json()).unwrap();
        let open = json["open"].as_array_mut().unwrap();
        let open = open
            .iter_mut()
            .find(|open| open["fact"]["happening"]["number"].as_i64() == Some(number));
        open.unwrap()["stage"] = json!({"disputed": {
            "kind": "item-lost", "words": "Lost.", "since": "2026-03-02T11:00:00Z",
            "retry_at": null, "intent": null,
        }});
        let record = ItemRecord::from_json(&json.to_string()).unwrap();
        let now = Clock2026.wall();
        let keep = move |tx: &Transaction<'_>| rows::keep(tx, &record, Rest::Held, &[], now);
        self.rehearsal.store.decide(keep).await.unwrap();
    }

    fn person(&self, number: i64) -> (bool, bool) {
        let read = |connection: &rusqlite::Connection| {
            let sql =
                "SELECT sealed IS NOT NULL, pseudonym IS NOT NULL FROM person WHERE fact = ?1";
            Ok(connection.query_row(sql, [number], |row| Ok((row.get(0)?, row.get(1)?)))?)
        };
        self.rehearsal.store.read(read).unwrap()
    }

    fn acts(&self) -> Vec<String> {
        let read = |connection: &rusqlite::Connection| audit::newest(connection, 50);
        let records = self.rehearsal.store.read(read).unwrap();
        records.into_iter().map(|record| record.action).collect()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn loan(sequence: u64, kind: &str, item: &str, reader: Option<&str>) -> Value {
    let mut event = plain("", 0);
    event["type"] = json!(format!("library.loan.{kind}.v1"));
    event["data"] = json!({"item": item, "session": "s", "mode": "offline",
                           "outcome": {"ok": true}});
    if let Some(reader) = reader {
        event["data"]["patron"] = json!({ "id": reader });
        event["data"]["due"] = json!("2026-04-01");
    }
    placed(event, "loan", sequence)
}

fn undone(sequence: u64, of: &Value) -> Value {
    let mut event = plain("", 0);
    event["type"] = json!("library.loan.undone.v1");
    let kind = of["type"].as_str().unwrap().split('.').nth(2).unwrap();
    event["data"] = json!({"fact": of["id"], "kind": kind, "item": of["data"]["item"],
                           "at": of["time"], "session": "s"});
    placed(event, "loan", sequence)
}

fn admin() -> Actor {
    Actor::named("the librarian")
}

#[tokio::test]
async fn the_dry_run_has_all_that_waits_page_by_page() {
    let house = House::open();
    for number in 1..=5 {
        house
            .send(&loan(number, "checkin", &format!("LJ{number}"), None))
            .await;
    }
    house.is_heard().await;
    let (mut before, mut seen) = (None, Vec::new());
    for page in 0..3 {
        let desk = house.loans.desk(before, 2).unwrap();
        seen.extend(desk.dry_run.iter().map(|(fact, _)| fact.number.0));
        before = desk.dry_run_next;
        assert_eq!(before.is_none(), page == 2, "after page {page}");
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn what_one_library_system_can_answer_is_not_believed_of_another() {
    let of = |host: &str| {
        let mut section = LoansSection::default();
        section.ils.host = Some(host.to_owned());
        section
    };
    let house = House::with(Rehearsal::new(), of("ils.old"));
    let proven = Abilities {
        circulation: Ability::Proven,
        ..Abilities::default()
    };
    let store = house.rehearsal.store.clone();
    let loans = house.loans.clone();
    let keep = move |tx: &Transaction<'_>| loans.keep_abilities(tx, &proven);
    store.decide(keep).await.unwrap();
    assert_eq!(house.loans.desk(None, 1).unwrap().abilities, proven);

    let other = Loans::new(
        store,
        Arc::clone(&house.loans.0.seals),
        house.loans.0.papers.clone(),
        Arc::new(Clock2026),
        TimeZone::get("Asia/Shanghai").unwrap(),
        of("ils.new"),
        house.rehearsal.folder.path(),
    );
    let known = other.desk(None, 1).unwrap().abilities;
    assert_eq!(known, Abilities::default(), "it begins anew");
    assert_eq!(
        house.loans.desk(None, 1).unwrap().abilities,
        proven,
        "and is kept"
    );
}

#[tokio::test]
async fn what_was_granted_off_line_waits_and_what_was_refused_or_undone_does_not() {
    let house = House::open();
    let first = loan(1, "checkout", "LJ1", Some("R1"));
    house.send(&first).await;
    let mut refused = loan(2, "checkout", "LJ2", Some("R1"));
    refused["data"]["outcome"] = json!({"ok": false, "reason": "patron-blocked"});
    house.send(&refused).await;
    house.send(&loan(3, "checkin", "LJ3", None)).await;
    house.is_heard().await;
    assert_eq!(house.facts(), [(1, "waiting", None), (3, "waiting", None)]);
    assert_eq!(house.person(1), (true, false));

    house.send(&undone(4, &first)).await;
    house.is_heard().await;
    assert_eq!(house.facts()[0], (1, "settled", Some("undone".to_owned())));
    // Settled: nobody needs the reader, and the year still knows that it was one.
    assert_eq!(house.person(1), (false, true));
    let totals = house.loans.totals().unwrap();
    assert_eq!(totals.iter().map(|(_, _, facts)| facts).sum::<u64>(), 2);
}

#[tokio::test]
async fn a_late_repeat_does_not_bring_a_reader_back() {
    let house = House::open();
    let first = loan(1, "checkout", "LJ1", Some("R1"));
    house.send(&first).await;
    house.send(&undone(2, &first)).await;
    house.is_heard().await;
    assert_eq!(house.person(1), (false, true));

    house.send(&first).await;
    let mut other = first.clone();
    other["data"]["patron"]["id"] = json!("R2");
    house.send(&other).await;
    assert_eq!(house.person(1), (false, true));
    let count = |connection: &rusqlite::Connection| {
        Ok(
            connection.query_row("SELECT count(*) FROM person", [], |row| {
                row.get::<_, i64>(0)
            })?,
        )
    };
    assert_eq!(house.rehearsal.store.read(count).unwrap(), 1);
}

#[tokio::test]
async fn a_desk_begun_anew_takes_in_nothing_twice_and_misses_nothing() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    house.cancel.cancel();
    house.send(&loan(2, "checkin", "LJ1", None)).await;
    let (loans, cancel) = (house.loans.clone(), CancellationToken::new());
    tokio::spawn(loans.run(house.rehearsal.store.head_watch(), cancel.clone()));
    house.is_heard().await;
    assert_eq!(house.facts(), [(1, "waiting", None), (2, "waiting", None)]);
    cancel.cancel();
}

#[tokio::test]
async fn a_ruling_is_a_row_that_can_be_taken_back_and_each_is_audited() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let fact = EntryNumber(1);
    let reason = || RulingReason::new("found on the shelf").unwrap();
    let rule = |fact, kind| {
        let loans = house.loans.clone();
        async move { loans.rule(fact, kind, reason(), &admin()).await }
    };
    let refused = rule(fact, RulingKind::Retry).await;
    assert!(matches!(refused, Err(RulingRefused::Ruling(_))));
    let unknown = rule(EntryNumber(9), RulingKind::Retry).await;
    assert!(matches!(unknown, Err(RulingRefused::Unknown(_))));

    house.dispute(1).await;
    let query = FactQuery {
        limit: 10,
        ..FactQuery::default()
    };
    let view = house.loans.conflicts(&query).unwrap().pop().unwrap();
    assert_eq!(view.words.as_deref(), Some("Lost."));
    assert!(view.rulings.iter().all(|(_, sentence)| sentence.is_some()));
    assert_eq!(view.history[0].outcome, "disputed");
    let due = rule(fact, RulingKind::Dismiss).await.unwrap().due;
    assert_eq!(due, "2026-03-02T12:00:08Z".parse().unwrap());
    let again = rule(fact, RulingKind::Force).await;
    assert!(matches!(again, Err(RulingRefused::Ruled)));
    let pending = house
        .loans
        .conflicts(&query)
        .unwrap()
        .pop()
        .unwrap()
        .pending;
    assert_eq!(pending.unwrap().ruling, "dismiss");
    house.loans.take_back(fact, &admin()).await.unwrap();
    let nothing = house.loans.take_back(fact, &admin()).await;
    assert!(matches!(nothing, Err(RulingRefused::NoRuling)));
    assert_eq!(house.acts(), ["loans.take-back", "loans.rule"]);
    assert_eq!(house.facts()[0].1, "disputed");
}

#[tokio::test]
async fn the_history_of_a_conflict_is_longer_than_its_row_and_says_that_it_is_cut() {
    let house = House::open();
    for pair in 0..12 {
        let lent = loan(2 * pair + 1, "checkout", "LJ1", Some("R1"));
        house.send(&lent).await;
        house.send(&undone(2 * pair + 2, &lent)).await;
    }
    house.send(&loan(25, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    house.dispute(25).await;
    let query = FactQuery {
        limit: 10,
        ..FactQuery::default()
    };
    let view = house.loans.conflicts(&query).unwrap().pop().unwrap();
    let lent = view.history.iter().filter(|past| past.kind == "checkout");
    let outcomes: Vec<&str> = lent.map(|past| past.outcome.as_str()).collect();
    assert_eq!(outcomes, [&["undone"; 12][..], &["disputed"]].concat());
    assert!(view.is_history_cut);
}

#[tokio::test]
async fn a_dispute_goes_back_in_the_papers_of_the_device_it_came_from() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    house.is_heard().await;
    let of = |id: &str| {
        let device = Device {
            id: id.parse().unwrap(),
            name: id.to_owned(),
            enabled: true,
            kind: DeviceKind::Bus,
            site: None,
            limits: DeviceLimits::default(),
        };
        house.loans.0.papers.of(&device).unwrap()
    };
    let before = of(device().as_str());
    house.dispute(1).await;
    let (own, other) = (of(device().as_str()), of("bus-9"));
    assert_ne!(own.revision, before.revision);
    assert_eq!(own.conflicts[0].kind.as_str(), "item-lost");
    assert_eq!(own.conflicts[0].item.as_str(), "LJ1");
    assert!(other.conflicts.is_empty());
    assert!(!format!("{own:?}").contains("R1"));
}

#[tokio::test]
async fn what_was_sealed_to_the_key_before_opens_at_the_desk() {
    let house = House::open();
    house.send(&loan(1, "checkout", "LJ1", Some("R1"))).await;
    let before = house.loans.0.seals.desk().kid;
    house.loans.0.papers.rotate_key(&admin()).await.unwrap();
    house.is_heard().await;
    let person = |connection: &rusqlite::Connection| rows::person(connection, EntryNumber(1));
    let person: SealedPerson = house.rehearsal.store.read(person).unwrap().unwrap();
    assert_eq!(person.kid, before.as_str());
    assert_eq!(house.loans.0.seals.open_person(&person).unwrap(), b"R1");
    assert_eq!(FactState::ALL.len(), 4);
}
