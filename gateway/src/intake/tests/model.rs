//! Whatever comes and is decided in whatever order, and however often the gateway restarts: the
//! ledger holds what a plain model in memory holds, and so do the views, live and rebuilt.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lujiang_broker::Kept;
use lujiang_wire::Stream;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::intake::rehearsal::{Rehearsal, batch, device, dropped, entered, plain, visit};
use crate::intake::{IntakeRules, RulingVerdict};
use crate::places::Places;
use crate::ruling::AsideState;
use crate::store::{StoreOptions, Synchronous};
use crate::views::Views;
use crate::views::report::{Bucket, VisitQuery, VisitReport};

/// Persons in an hour that nobody believes.
const IMPLAUSIBLE: u64 = 1_000_000;

/// What a test does next.
#[derive(Debug, Clone)]
enum Step {
    /// Sends these in one payload.
    Send(Vec<Item>),
    /// Stops the gateway and starts it again; the views fold what there is.
    Restart,
    /// A person decides on the nth element kept aside, if there is one.
    Rule(usize, Ruling),
}

/// What a person decides.
#[derive(Debug, Clone, Copy)]
enum Ruling {
    Accept,
    Correct { entered: u64 },
    Dismiss,
}

/// An element: few keys and few contents, so that they meet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    /// A visit of an agent.
    Placed { sequence: u64, entered: u64 },
    /// A visit of a plain device.
    Plain { id: u64, entered: u64 },
    /// An agent gives up visits.
    Dropped { sequence: u64, from: u64, to: u64 },
    /// Nothing we know.
    Garbage(u64),
    /// What a person made of garbage.
    Mended { garbage: u64, entered: u64 },
}

type Key = (&'static str, u64);

impl Item {
    fn key(&self) -> Option<Key> {
        match self {
            Self::Placed { sequence, .. } => Some(("visit", *sequence)),
            Self::Plain { id, .. } => Some(("plain", *id)),
            Self::Dropped { sequence, .. } => Some(("receipt", *sequence)),
            Self::Mended { garbage, .. } => Some(("mended", *garbage)),
            Self::Garbage(_) => None,
        }
    }

    fn entered(&self) -> u64 {
        match self {
            Self::Placed { entered, .. }
            | Self::Plain { entered, .. }
            | Self::Mended { entered, .. } => *entered,
            Self::Dropped { .. } | Self::Garbage(_) => 0,
        }
    }

    /// What a person makes of it.
    fn corrected(&self, entered: u64) -> Self {
        match *self {
            Self::Placed { sequence, .. } => Self::Placed { sequence, entered },
            Self::Plain { id, .. } => Self::Plain { id, entered },
            Self::Garbage(garbage) | Self::Mended { garbage, .. } => {
                Self::Mended { garbage, entered }
            }
            Self::Dropped { sequence, from, to } => Self::Dropped { sequence, from, to },
        }
    }
}

/// The rules, in the simplest words.
#[derive(Debug, Default)]
struct Model {
    slots: BTreeMap<Key, Slot>,
    given_up: BTreeSet<u64>,
    /// In the order they came, and whether they are open.
    aside: Vec<(Item, bool)>,
}

/// An id or a place.
#[derive(Debug, Default)]
struct Slot {
    /// Contents that are repeats.
    known: BTreeSet<Item>,
    counted: Option<Item>,
}

impl Model {
    fn take(&mut self, item: &Item) {
        let Some(key) = item.key() else {
            return self.set_aside(item);
        };
        let is_given_up = key.0 == "visit" && self.given_up.contains(&key.1);
        let Some(slot) = self.slots.get_mut(&key) else {
            let slot = self.slots.entry(key).or_default();
            slot.known.insert(item.clone());
            if is_given_up || item.entered() >= IMPLAUSIBLE {
                return self.set_aside(item);
            }
            slot.counted = Some(item.clone());
            if let Item::Dropped { from, to, .. } = item {
                self.given_up.extend(*from..=*to);
            }
            return;
        };
        if !slot.known.contains(item) {
            if key.0 != "plain" {
                // What stands at a place is a repeat from now on, aside or not.
                slot.known.insert(item.clone());
            }
            self.set_aside(item);
        }
    }

    fn set_aside(&mut self, item: &Item) {
        if !self.aside.iter().any(|(known, _)| known == item) {
            self.aside.push((item.clone(), true));
        }
    }

    /// Whether it can be decided so.
    fn rule(&mut self, nth: usize, ruling: Ruling) -> bool {
        let (item, is_open) = self.aside[nth].clone();
        let counts = match ruling {
            Ruling::Dismiss => None,
            Ruling::Accept => Some(item.clone()),
            Ruling::Correct { entered } => Some(item.corrected(entered)),
        };
        if !is_open {
            return false;
        }
        if let Some(counts) = counts {
            let Some(key) = counts.key() else {
                return false;
            };
            let slot = self.slots.entry(key).or_default();
            if slot.counted.is_some() {
                return false;
            }
            slot.known.insert(counts.clone());
            slot.counted = Some(counts);
        }
        self.aside[nth].1 = false;
        true
    }

    fn counted(&self) -> impl Iterator<Item = &Item> {
        self.slots.values().filter_map(|slot| slot.counted.as_ref())
    }

    fn visits(&self) -> u64 {
        self.counted().map(Item::entered).sum()
    }

    /// Up to where there is no hole in the visits.
    fn through(&self) -> u64 {
        (1..)
            .take_while(|number| {
                self.slots.contains_key(&("visit", *number)) || self.given_up.contains(number)
            })
            .count() as u64
    }
}

fn element(item: &Item) -> Value {
    match item {
        Item::Placed { sequence, entered } => visit(*sequence, *entered),
        Item::Plain { id, entered } => plain(&format!("p-{id}"), *entered),
        Item::Dropped { sequence, from, to } => dropped(*sequence, *from, *to),
        Item::Garbage(number) => json!({ "garbage": number }),
        Item::Mended { garbage, entered } => plain(&format!("mended-{garbage}"), *entered),
    }
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        1 => (1..8_u64).prop_map(|sequence| Item::Placed { sequence, entered: IMPLAUSIBLE }),
        1 => (1..4_u64).prop_map(|id| Item::Plain { id, entered: IMPLAUSIBLE }),
        6 => (1..8_u64, 1..4_u64).prop_map(|(sequence, entered)| Item::Placed { sequence, entered }),
        3 => (1..4_u64, 1..3_u64).prop_map(|(id, entered)| Item::Plain { id, entered }),
        1 => (1..3_u64, 1..8_u64, 0..3_u64)
            .prop_map(|(sequence, from, more)| Item::Dropped { sequence, from, to: from + more }),
        1 => (1..4_u64).prop_map(Item::Garbage),
    ]
}

fn ruling() -> impl Strategy<Value = Ruling> {
    prop_oneof![
        2 => Just(Ruling::Accept),
        2 => (1..4_u64).prop_map(|entered| Ruling::Correct { entered }),
        1 => Just(Ruling::Dismiss),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => vec(item(), 1..5).prop_map(Step::Send),
        1 => Just(Step::Restart),
        4 => (0..6_usize, ruling()).prop_map(|(nth, ruling)| Step::Rule(nth, ruling)),
    ];
    vec(step, 1..25)
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    // What is claimed here is what is counted, not that it is on disk.
    let options = StoreOptions {
        synchronous: Synchronous::Off,
        ..StoreOptions::default()
    };
    let folder = tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap();
    let mut house = Rehearsal::open(folder, IntakeRules::default(), options);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Restart => {
                folded(&house);
                house = house.restarted().await;
            }
            Step::Send(items) => {
                let elements: Vec<Value> = items.iter().map(element).collect();
                prop_assert_eq!(house.send(&batch(&elements)).await, Kept::Committed);
                items.iter().for_each(|item| model.take(item));
            }
            Step::Rule(nth, ruling) => {
                let Some((item, _)) = model.aside.get(nth) else {
                    continue;
                };
                let verdict = match ruling {
                    Ruling::Accept => RulingVerdict::Accept,
                    Ruling::Dismiss => RulingVerdict::Dismiss,
                    Ruling::Correct { entered } => {
                        RulingVerdict::Correct(element(&item.corrected(entered)).to_string())
                    }
                };
                let rows = house.quarantine();
                let number = rows[rows.len() - 1 - nth].number;
                let ruled = house.rule(number, verdict).await;
                prop_assert_eq!(ruled.is_ok(), model.rule(nth, ruling), "{:?}", ruled);
            }
        }
    }
    agree(&house, &model).await?;
    house.intake.stop().await;
    house.store.close();
    let report =
        crate::ledger::verify::verify(&house.folder.path().join("ledger.db"), &mut |_, _| ())
            .unwrap();
    prop_assert_eq!(report.findings, []);
    Ok(())
}

/// The ledger holds what the model holds, and the views are the same live and rebuilt.
async fn agree(house: &Rehearsal, model: &Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(house.visits(), model.visits());
    let entries = house.entries();
    let facts = entries.iter().filter_map(|entry| entry.verdict.counted());
    let facts: Vec<(String, u64)> = facts
        .map(|(event, _)| (event.id.as_str().to_owned(), entered(event)))
        .collect();
    let expected: BTreeSet<(String, u64)> = model
        .counted()
        .map(|item| {
            let event = lujiang_wire::Event::from_value(element(item)).unwrap();
            (event.id.as_str().to_owned(), entered(&event))
        })
        .collect();
    prop_assert_eq!(facts.len(), expected.len());
    prop_assert_eq!(facts.into_iter().collect::<BTreeSet<_>>(), expected);
    prop_assert_eq!(house.reasons().len(), model.aside.len());
    let open = house.quarantine().into_iter();
    let open = open.filter(|row| row.state == AsideState::Open).count();
    prop_assert_eq!(open, model.aside.iter().filter(|(_, open)| *open).count());
    let views = folded(house);
    let of_device = || views.device(&device(), &|_| None).unwrap();
    let live = (report(&views), of_device());
    prop_assert_eq!(live.0.total.entered, model.visits());
    views.rebuild(&mut |_, _| ()).unwrap();
    prop_assert_eq!((report(&views), of_device()), live);
    drop(views);
    if let Some(receipts) = house.intake.receipts(&device()).await {
        let through = receipts.streams.get(&Stream::Visit).copied().unwrap_or(0);
        prop_assert_eq!(through, model.through());
    }
    Ok(())
}

/// The views beside the ledger, caught up.
fn folded(house: &Rehearsal) -> Views {
    let places = Arc::new(Places {
        zone: jiff::tz::TimeZone::UTC,
        sites: Vec::new(),
        placements: Vec::new(),
    });
    let section = lujiang_config::GatewayConfig::default().views;
    let views = Views::open(
        &house.folder.path().join("views"),
        Arc::new(house.store.clone()),
        Arc::new(move || Arc::clone(&places)),
        section,
    )
    .unwrap();
    views.catch_up(&CancellationToken::new()).unwrap();
    views
}

fn report(views: &Views) -> VisitReport {
    let query = VisitQuery {
        site: None,
        device: None,
        from: "2026-03-01T00:00:00Z".parse().unwrap(),
        to: "2026-03-04T00:00:00Z".parse().unwrap(),
        bucket: Bucket::Hour,
    };
    let now = "2026-03-03T00:00:00Z".parse().unwrap();
    views.visits(&query, now, &|_| None).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_interleaving_leaves_the_facts_a_plain_model_leaves(steps in steps()) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(run(steps))?;
    }
}
