//! A desk with its shell in memory: rows are kept in a map, and the test plays library system.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lujiang_wire::{Epoch, Label, LoanKind, Mode};

use crate::desk::{
    Abilities, Ability, Answer, Charged, Circulation, ConflictKind, Deed, Desk, Effect, Happening,
    ItemRecord, Link, LoanFact, Order, OutboxPlace, Policy, Profile, Question, ReaderSeen,
    ReaderStanding, Rest, RulingError, Settled, Sighting, StaffRuling, Told, When, Words,
};
use crate::entry::EntryNumber;

/// A desk, its rows, and what was settled.
pub(super) struct Rehearsal {
    pub(super) desk: Desk,
    pub(super) rows: BTreeMap<Label, (ItemRecord, Rest)>,
    pub(super) settled: BTreeMap<i64, Settled>,
    pub(super) now: Timestamp,
    profile: Profile,
    policy: Policy,
    abilities: Abilities,
}

/// What the desk wants of the library system.
#[derive(Debug, Clone)]
pub(super) enum Want {
    Asked(Question),
    Ordered(Order),
    Nothing,
}

impl Rehearsal {
    /// A desk whose library system shows everything and honours nothing.
    pub(super) fn new() -> Self {
        Self::with(Profile::Generic, Policy::default(), all(Ability::Proven))
    }

    pub(super) fn with(profile: Profile, policy: Policy, abilities: Abilities) -> Self {
        let mut desk = Desk::new(profile, policy.clone(), abilities);
        desk.handle_link(Link::Up, at(0));
        Self {
            desk,
            rows: BTreeMap::new(),
            settled: BTreeMap::new(),
            now: at(1_000_000),
            profile,
            policy,
            abilities,
        }
    }

    /// What is kept of what the library system can answer.
    pub(super) fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// A crash: what was kept is all there is.
    pub(super) fn restart(&mut self) {
        self.desk = Desk::new(self.profile, self.policy.clone(), self.abilities);
        for (record, rest) in self.rows.values() {
            if *rest == Rest::Moving {
                let kept = ItemRecord::from_json(&record.to_json()).unwrap();
                assert_eq!(kept, *record);
                self.desk.recall(kept);
            }
        }
        self.desk.handle_link(Link::Up, self.now);
    }

    pub(super) fn hear(&mut self, fact: LoanFact) {
        self.recall(&fact.item);
        self.desk.handle_fact(fact, self.now);
    }

    pub(super) fn rule(&mut self, number: i64, ruling: StaffRuling) {
        self.rule_about(number, ruling, None).unwrap();
    }

    pub(super) fn rule_about(
        &mut self,
        number: i64,
        ruling: StaffRuling,
        about: Option<ConflictKind>,
    ) -> Result<(), RulingError> {
        let item = label("b1");
        self.recall(&item);
        let number = EntryNumber(number);
        self.desk
            .handle_ruling(&item, number, (ruling, about), self.now)
    }

    fn recall(&mut self, item: &Label) {
        if let (false, Some((record, _))) = (self.desk.holds(item), self.rows.get(item)) {
            self.desk.recall(record.clone());
        }
    }

    /// Keeps what is to be kept, and says what is wanted next, however long that takes to come.
    pub(super) fn want(&mut self) -> Want {
        loop {
            match self.desk.next_effect(self.now) {
                Some(Effect::Ask(question)) => return Want::Asked(question),
                Some(Effect::Do(order)) => return Want::Ordered(order),
                Some(effect) => assert!(self.keeps(effect)),
                None => match self.desk.next_wake() {
                    Some(wake) => self.now = self.now.max(wake),
                    None => return Want::Nothing,
                },
            }
        }
    }

    /// Keeps what is to be kept; anything else is nothing to keep.
    pub(super) fn keeps(&mut self, effect: Effect) -> bool {
        match effect {
            Effect::Keep(keep) => {
                for settlement in keep.settled {
                    self.settled.insert(settlement.number.0, settlement.settled);
                }
                let row = (keep.record, keep.rest);
                self.rows.insert(row.0.item.clone(), row);
            }
            Effect::KeepAbilities(abilities) => self.abilities = abilities,
            Effect::Ask(_) | Effect::Do(_) => return false,
        }
        true
    }

    /// Answers the question that must come next.
    pub(super) fn see(&mut self, seen: Sighting) {
        match self.want() {
            Want::Asked(question) => {
                self.desk
                    .handle_answer(question.request, Answer::Seen(seen), self.now);
            }
            other => panic!("expected a question, found {other:?}"),
        }
    }

    /// The order that must come next, not answered.
    pub(super) fn ordered(&mut self) -> Order {
        match self.want() {
            Want::Ordered(order) => order,
            other => panic!("expected an order, found {other:?}"),
        }
    }

    /// Does the order that must come next.
    pub(super) fn does(&mut self, kind: LoanKind) -> Order {
        let order = self.ordered();
        assert_eq!(order.errand.kind(), kind);
        self.answer(&order, true);
        order
    }

    pub(super) fn answer(&mut self, order: &Order, is_done: bool) {
        let words = Words::new(if is_done { "" } else { "no" });
        let told = Answer::Told(Told { is_done, words });
        self.desk.handle_answer(order.request, told, self.now);
    }

    /// Nothing more is wanted.
    pub(super) fn rests(&mut self) {
        match self.want() {
            Want::Nothing => {}
            other => panic!("expected rest, found {other:?}"),
        }
    }

    pub(super) fn settled(&self, number: i64) -> &'static str {
        self.settled.get(&number).map_or("open", Settled::as_str)
    }

    /// The kind of the item's conflict.
    pub(super) fn conflict(&self) -> Option<&'static str> {
        let (record, _) = self.rows.get(&label("b1"))?;
        record
            .conflict()
            .map(|(_, conflict)| conflict.kind.as_str())
    }
}

pub(super) fn all(ability: Ability) -> Abilities {
    Abilities {
        circulation: ability,
        due: ability,
        charged_items: ability,
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// On loan, and whether to the reader who is asked about.
pub(super) fn on_loan(charged: Charged) -> Sighting {
    Sighting {
        circulation: Circulation::OnLoan,
        due: Some(at(5_000_000)),
        reader: Some(ReaderSeen {
            standing: ReaderStanding::Good,
            item: charged,
        }),
        words: None,
    }
}

pub(super) fn is_in() -> Sighting {
    Sighting {
        circulation: Circulation::In,
        due: None,
        ..on_loan(Charged::NotListed)
    }
}

/// A fact about item b1: the number, the device, the second it happened at.
pub(super) fn fact(number: i64, device: &str, second: i64, deed: Deed) -> LoanFact {
    LoanFact {
        happening: Happening {
            number: EntryNumber(number),
            device: device.parse().unwrap(),
            place: Some(OutboxPlace {
                epoch: Epoch::from_bits(1),
                // Nobody's clock is wrong here.
                sequence: second.unsigned_abs(),
            }),
            when: When::at(at(second)),
        },
        id: format!("{device}-{second}").parse().unwrap(),
        item: label("b1"),
        deed,
        mode: Mode::Offline,
    }
}

pub(super) fn loan(number: i64, device: &str, second: i64) -> LoanFact {
    let due = Some(at(second + 2_000_000));
    fact(number, device, second, Deed::Checkout { due })
}

pub(super) fn renewal(number: i64, device: &str, second: i64) -> LoanFact {
    let due = Some(at(second + 6_000_000));
    fact(number, device, second, Deed::Renew { due })
}

pub(super) fn back(number: i64, device: &str, second: i64) -> LoanFact {
    fact(number, device, second, Deed::Checkin)
}

/// The word that the fact of this device and second is undone.
pub(super) fn undo(number: i64, device: &str, second: i64, kind: LoanKind) -> LoanFact {
    let of = format!("{device}-{second}").parse().unwrap();
    fact(number, device, second + 1, Deed::Undo { fact: of, kind })
}

/// The library system was asked for this on-line, and nobody knows what came of it.
pub(super) fn unsure(number: i64, second: i64, kind: LoanKind) -> LoanFact {
    online(fact(number, "desk", second, Deed::Unsure { kind }))
}

/// On loan until then; no reader was asked about.
pub(super) fn due(second: i64) -> Sighting {
    Sighting {
        due: Some(at(second)),
        reader: None,
        ..on_loan(Charged::Withheld)
    }
}

pub(super) fn online(fact: LoanFact) -> LoanFact {
    LoanFact {
        mode: Mode::Online,
        ..fact
    }
}
