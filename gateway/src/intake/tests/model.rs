//! Whatever comes in whatever order, and however often the gateway restarts: the ledger holds
//! what a plain model in memory holds.

use std::collections::{BTreeMap, BTreeSet};

use lujiang_broker::Kept;
use lujiang_wire::Stream;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::entry::Verdict;
use crate::intake::IntakeRules;
use crate::intake::rehearsal::{Rehearsal, batch, device, dropped, entered, plain, visit};
use crate::store::{StoreOptions, Synchronous};

/// What a test does next.
#[derive(Debug, Clone)]
enum Step {
    /// Sends these in one payload.
    Send(Vec<Item>),
    /// Stops the gateway and starts it again.
    Restart,
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
}

/// The rules, in the simplest words.
#[derive(Debug, Default)]
struct Model {
    /// First content wins.
    by_key: BTreeMap<(&'static str, u64), Item>,
    given_up: BTreeSet<u64>,
    aside: BTreeSet<Item>,
}

impl Model {
    fn take(&mut self, item: &Item) {
        let key = match item {
            Item::Placed { sequence, .. } => ("visit", *sequence),
            Item::Plain { id, .. } => ("plain", *id),
            Item::Dropped { sequence, .. } => ("receipt", *sequence),
            Item::Garbage(_) => {
                self.aside.insert(item.clone());
                return;
            }
        };
        match self.by_key.get(&key) {
            Some(first) if first == item => return,
            Some(_) => {
                self.aside.insert(item.clone());
                return;
            }
            None => {}
        }
        if key.0 == "visit" && self.given_up.contains(&key.1) {
            // Its place is taken from now on by what was kept aside.
            self.aside.insert(item.clone());
            return;
        }
        if let Item::Dropped { from, to, .. } = item {
            self.given_up.extend(*from..=*to);
        }
        self.by_key.insert(key, item.clone());
    }

    fn visits(&self) -> u64 {
        self.by_key
            .values()
            .map(|item| match item {
                Item::Placed { entered, .. } | Item::Plain { entered, .. } => *entered,
                Item::Dropped { .. } | Item::Garbage(_) => 0,
            })
            .sum()
    }

    /// Up to where there is no hole in the visits.
    fn through(&self) -> u64 {
        (1..)
            .take_while(|number| {
                self.by_key.contains_key(&("visit", *number)) || self.given_up.contains(number)
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
    }
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        6 => (1..8_u64, 1..4_u64).prop_map(|(sequence, entered)| Item::Placed { sequence, entered }),
        3 => (1..4_u64, 1..3_u64).prop_map(|(id, entered)| Item::Plain { id, entered }),
        1 => (1..3_u64, 1..8_u64, 0..3_u64)
            .prop_map(|(sequence, from, more)| Item::Dropped { sequence, from, to: from + more }),
        1 => (1..4_u64).prop_map(Item::Garbage),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => vec(item(), 1..5).prop_map(Step::Send),
        1 => Just(Step::Restart),
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
            Step::Restart => house = house.restarted().await,
            Step::Send(items) => {
                let elements: Vec<Value> = items.iter().map(element).collect();
                prop_assert_eq!(house.send(&batch(&elements)).await, Kept::Committed);
                items.iter().for_each(|item| model.take(item));
            }
        }
    }
    prop_assert_eq!(house.visits(), model.visits());
    let facts = house
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.verdict {
            Verdict::Accepted { event, .. } => {
                Some((event.id.as_str().to_owned(), entered(&event)))
            }
            Verdict::Quarantined { .. } => None,
        });
    let expected: BTreeSet<(String, u64)> = model
        .by_key
        .values()
        .map(|item| {
            let event = lujiang_wire::Event::from_value(element(item)).unwrap();
            (event.id.as_str().to_owned(), entered(&event))
        })
        .collect();
    let facts: Vec<_> = facts.collect();
    prop_assert_eq!(facts.len(), expected.len());
    prop_assert_eq!(facts.into_iter().collect::<BTreeSet<_>>(), expected);
    prop_assert_eq!(house.reasons().len(), model.aside.len());
    if let Some(receipts) = house.intake.receipts(&device()).await {
        let through = receipts.streams.get(&Stream::Visit).copied().unwrap_or(0);
        prop_assert_eq!(through, model.through());
    }
    house.intake.stop().await;
    house.store.close();
    let report =
        crate::ledger::verify::verify(&house.folder.path().join("ledger.db"), &mut |_, _| ())
            .unwrap();
    prop_assert_eq!(report.findings, []);
    Ok(())
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
