//! When something happened, as far as that is known, and which of two things came first.
//!
//! A dated fact has one instant. An undated one (`unknown`, from a boot nobody measured) lies
//! somewhere between the last dated fact its outbox wrote before it and its receipt. Facts of one
//! outbox are in the order of their numbers, whatever clocks said.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Epoch};
use serde::{Deserialize, Serialize};

use crate::entry::EntryNumber;

/// When something happened: not before `earliest`, not after `latest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    earliest: Timestamp,
    latest: Timestamp,
}

impl When {
    /// At this instant.
    #[must_use]
    pub fn at(instant: Timestamp) -> Self {
        Self {
            earliest: instant,
            latest: instant,
        }
    }

    /// At an unknown time, no later than its receipt; where the outbox wrote a dated fact before
    /// it, no earlier than that.
    #[must_use]
    pub fn undated(not_before: Option<Timestamp>, received: Timestamp) -> Self {
        Self {
            earliest: not_before.unwrap_or(Timestamp::MIN).min(received),
            latest: received,
        }
    }

    /// The first instant it may have happened at.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        self.earliest
    }

    /// The last instant it may have happened at; of a dated fact, its instant.
    #[must_use]
    pub fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Whether its instant is known.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.earliest == self.latest
    }
}

/// Where a fact stands in its outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxPlace {
    /// The life of the outbox.
    pub epoch: Epoch,
    /// The number in it.
    pub sequence: u64,
}

/// One thing that happened, placed in time as well as it can be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Its entry in the ledger.
    pub number: EntryNumber,
    /// Where.
    pub device: DeviceId,
    /// Where it stands in the device's outbox; a plain device has none.
    pub place: Option<OutboxPlace>,
    /// When.
    pub when: When,
}

/// Which of two things came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// The one asked about.
    Before,
    /// The other.
    After,
    /// They are one and the same.
    Same,
    /// Nobody can tell.
    Unclear,
}

impl Happening {
    /// Whether this came before the other.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Precedence {
        if self.number == other.number {
            return Precedence::Same;
        }
        if let Some((own, others)) = self.places_in_one_outbox(other) {
            return match own < others {
                true => Precedence::Before,
                false => Precedence::After,
            };
        }
        if self.when.latest < other.when.earliest {
            Precedence::Before
        } else if self.when.earliest > other.when.latest {
            Precedence::After
        } else if self.when.is_dated() && other.when.is_dated() {
            // The same instant at two places: the one that was heard first.
            match self.number < other.number {
                true => Precedence::Before,
                false => Precedence::After,
            }
        } else {
            Precedence::Unclear
        }
    }

    fn places_in_one_outbox(&self, other: &Self) -> Option<(u64, u64)> {
        let (own, others) = (self.place.as_ref()?, other.place.as_ref()?);
        let is_one = self.device == other.device && own.epoch == others.epoch;
        is_one.then_some((own.sequence, others.sequence))
    }
}

/// The order in which an item's facts are taken: each stands at its latest instant, but never
/// behind a fact its own outbox wrote after it. So an undated fact comes after the dated ones
/// before its receipt, and within its outbox by number.
pub(crate) fn order(facts: &mut [impl AsRef<Happening>]) {
    let stand = |fact: &Happening| {
        let all = facts.iter().map(AsRef::as_ref);
        let written_after = |other: &&Happening| {
            let places = fact.places_in_one_outbox(other);
            places.is_some_and(|(own, others)| own <= others)
        };
        let bounds = all.filter(written_after).map(|other| other.when.latest);
        bounds.min().unwrap_or(fact.when.latest)
    };
    let stands = facts
        .iter()
        .map(AsRef::as_ref)
        .map(|fact| (fact.number, stand(fact)));
    let stands: BTreeMap<EntryNumber, Timestamp> = stands.collect();
    facts.sort_by_cached_key(|fact| {
        let fact = fact.as_ref();
        let sequence = fact.place.as_ref().map(|place| place.sequence);
        (
            stands[&fact.number],
            fact.device.clone(),
            sequence,
            fact.number,
        )
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_one_outbox_keep_its_order_whatever_their_clock_said() {
        let mut facts = vec![
            placed(1, "bus", 7, When::at(at(90))),
            placed(2, "bus", 8, When::at(at(50))),
            placed(3, "main", 3, When::at(at(60))),
        ];
        order(&mut facts);
        assert_eq!(numbers(&facts), [1, 2, 3]);
    }

    #[test]
    fn an_undated_fact_comes_before_what_its_outbox_wrote_after_it_and_else_at_its_receipt() {
        let mut facts = vec![
            placed(1, "bus", 7, When::undated(Some(at(10)), at(100))),
            placed(2, "bus", 8, When::at(at(50))),
            placed(3, "main", 3, When::at(at(40))),
            placed(4, "south", 3, When::undated(None, at(45))),
        ];
        order(&mut facts);
        assert_eq!(numbers(&facts), [3, 4, 1, 2]);
    }

    #[test]
    fn what_came_first_is_unclear_only_where_an_undated_fact_overlaps_another_outbox() {
        let undated = placed(1, "bus", 7, When::undated(Some(at(10)), at(100)));
        let precedence = |other: &Happening| undated.precedence(other);
        assert_eq!(
            precedence(&placed(2, "main", 1, When::at(at(5)))),
            Precedence::After
        );
        assert_eq!(
            precedence(&placed(2, "main", 1, When::at(at(50)))),
            Precedence::Unclear
        );
        assert_eq!(
            precedence(&placed(2, "main", 1, When::at(at(101)))),
            Precedence::Before
        );
        assert_eq!(
            precedence(&placed(2, "bus", 8, When::at(at(50)))),
            Precedence::Before
        );
        assert_eq!(precedence(&undated.clone()), Precedence::Same);
    }

    impl AsRef<Happening> for Happening {
        fn as_ref(&self) -> &Happening {
            self
        }
    }

    fn numbers(facts: &[Happening]) -> Vec<i64> {
        facts.iter().map(|fact| fact.number.0).collect()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn placed(number: i64, device: &str, sequence: u64, when: When) -> Happening {
        let epoch = Epoch::from_bits(1);
        Happening {
            number: EntryNumber(number),
            device: device.parse().unwrap(),
            place: Some(OutboxPlace { epoch, sequence }),
            when,
        }
    }
}
