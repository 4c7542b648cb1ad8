//! The records of lending: what a device lent on a day, who borrowed, and what a stop of the bus
//! came to.
//!
//! Numbers are signed: an undone loan subtracts, and its fact may be folded before the one it
//! undoes. Sums are exact; only an answer cuts below zero.

use std::collections::BTreeMap;

use lujiang_wire::Label;

use crate::views::codec::{Decoder, Encoder};
use crate::views::record::Record;

/// Loans counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LoanCounts {
    /// Items lent.
    pub(crate) checkouts: i64,
    /// Of these, within block loans.
    pub(crate) in_blocks: i64,
    /// Items lent on.
    pub(crate) renewals: i64,
    /// Items taken back.
    pub(crate) checkins: i64,
    /// Cards issued.
    pub(crate) cards: i64,
}

impl LoanCounts {
    /// Adds others; stops at the largest number rather than beginning again.
    pub(crate) fn add(&mut self, other: Self) {
        for (mine, other) in [
            (&mut self.checkouts, other.checkouts),
            (&mut self.in_blocks, other.in_blocks),
            (&mut self.renewals, other.renewals),
            (&mut self.checkins, other.checkins),
            (&mut self.cards, other.cards),
        ] {
            *mine = mine.saturating_add(other);
        }
    }

    /// The same, to be taken away.
    pub(crate) fn negative(self) -> Self {
        Self {
            checkouts: -self.checkouts,
            in_blocks: -self.in_blocks,
            renewals: -self.renewals,
            checkins: -self.checkins,
            cards: -self.cards,
        }
    }
}

impl Record for LoanCounts {
    fn encode(&self, encoder: &mut Encoder) {
        encoder
            .signed(self.checkouts)
            .signed(self.in_blocks)
            .signed(self.renewals)
            .signed(self.checkins)
            .signed(self.cards);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self {
            checkouts: decoder.signed()?,
            in_blocks: decoder.signed()?,
            renewals: decoder.signed()?,
            checkins: decoder.signed()?,
            cards: decoder.signed()?,
        })
    }
}

/// What a device lent on a day of the library.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LoanSheet {
    /// By the first second of the hour.
    pub(crate) hours: BTreeMap<i64, LoanCounts>,
    /// Without any time, received on this day.
    pub(crate) undated: LoanCounts,
}

impl Record for LoanSheet {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.count(self.hours.len());
        for (start, counts) in &self.hours {
            counts.encode(encoder.signed(*start));
        }
        self.undated.encode(encoder);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let hours = (0..decoder.count()?)
            .map(|_| Some((decoder.signed()?, LoanCounts::decode(decoder)?)))
            .collect::<Option<_>>()?;
        Some(Self {
            hours,
            undated: LoanCounts::decode(decoder)?,
        })
    }
}

/// One session at a device on a day: one person, where items were lent in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Borrower {
    /// Items lent, by the first second of the hour.
    pub(crate) hours: BTreeMap<i64, i64>,
    /// Items lent without any time.
    pub(crate) undated: i64,
}

impl Borrower {
    /// When this person borrowed: in the first hour with an item; `Some(None)` without any time,
    /// none where everything was undone.
    pub(crate) fn borrowed(&self) -> Option<Option<i64>> {
        let items: i64 = self.hours.values().sum::<i64>() + self.undated;
        let mut hours = self.hours.iter().filter(|(_, items)| **items > 0);
        (items > 0).then(|| hours.next().map(|(start, _)| *start))
    }
}

impl Record for Borrower {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.count(self.hours.len());
        for (start, items) in &self.hours {
            encoder.signed(*start).signed(*items);
        }
        encoder.signed(self.undated);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let hours = (0..decoder.count()?)
            .map(|_| Some((decoder.signed()?, decoder.signed()?)))
            .collect::<Option<_>>()?;
        Some(Self {
            hours,
            undated: decoder.signed()?,
        })
    }
}

/// A stop of the bus.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StopSheet {
    /// Its opening; none where only its closing came, or loans at it.
    pub(crate) opened: Option<Opened>,
    /// Its closing.
    pub(crate) closed: Option<Closed>,
    /// What was lent and taken back at it.
    pub(crate) lent: LoanCounts,
}

/// The opening of a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// When: the second, corrected; of unknown time, when it was received.
    pub(crate) at: i64,
    /// Whether that is when it happened.
    pub(crate) is_dated: bool,
    /// Where.
    pub(crate) place: Label,
    /// Whom it served.
    pub(crate) unit: Option<Label>,
    /// On what occasion.
    pub(crate) occasion: Option<Label>,
    /// Volumes carried.
    pub(crate) volumes: Option<u64>,
}

/// The closing of a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed {
    /// When: the second, as of the opening.
    pub(crate) at: i64,
    /// Persons who took part.
    pub(crate) participants: Option<u64>,
    /// Volumes carried, where the number of the opening was wrong.
    pub(crate) volumes: Option<u64>,
}

impl Record for StopSheet {
    fn encode(&self, encoder: &mut Encoder) {
        match &self.opened {
            None => {
                encoder.number(0);
            }
            Some(opened) => {
                encoder.number(1).signed(opened.at);
                encoder.number(u64::from(opened.is_dated));
                encoder.text(opened.place.as_str());
                for label in [&opened.unit, &opened.occasion] {
                    encoder.text(label.as_ref().map_or("", Label::as_str));
                }
                optional(encoder, opened.volumes);
            }
        }
        match self.closed {
            None => {
                encoder.number(0);
            }
            Some(closed) => {
                encoder.number(1).signed(closed.at);
                optional(encoder, closed.participants);
                optional(encoder, closed.volumes);
            }
        }
        self.lent.encode(encoder);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let opened = match decoder.number()? {
            0 => None,
            _ => Some(Opened {
                at: decoder.signed()?,
                is_dated: decoder.number()? != 0,
                place: decoder.text()?.parse().ok()?,
                unit: label(decoder)?,
                occasion: label(decoder)?,
                volumes: number(decoder)?,
            }),
        };
        let closed = match decoder.number()? {
            0 => None,
            _ => Some(Closed {
                at: decoder.signed()?,
                participants: number(decoder)?,
                volumes: number(decoder)?,
            }),
        };
        Some(Self {
            opened,
            closed,
            lent: LoanCounts::decode(decoder)?,
        })
    }
}

/// A number that may be missing.
fn optional(encoder: &mut Encoder, number: Option<u64>) {
    match number {
        None => encoder.number(0),
        Some(number) => encoder.number(1).number(number),
    };
}

fn number(decoder: &mut Decoder<'_>) -> Option<Option<u64>> {
    match decoder.number()? {
        0 => Some(None),
        _ => Some(Some(decoder.number()?)),
    }
}

/// A label that may be missing: no label is empty.
pub(crate) fn label(decoder: &mut Decoder<'_>) -> Option<Option<Label>> {
    let text = decoder.text()?;
    match text.is_empty() {
        true => Some(None),
        false => Some(Some(text.parse().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }

    #[test]
    fn a_stop_is_read_back_as_it_was_written() {
        let counts = LoanCounts {
            checkouts: -3,
            in_blocks: 1,
            renewals: 2,
            checkins: 4,
            cards: 5,
        };
        let opened = Opened {
            at: 7,
            is_dated: true,
            place: label("实验小学"),
            unit: Some(label("实验小学")),
            occasion: None,
            volumes: Some(320),
        };
        for sheet in [
            StopSheet::default(),
            StopSheet {
                opened: Some(opened),
                closed: Some(Closed {
                    at: 9,
                    participants: None,
                    volumes: Some(300),
                }),
                lent: counts,
            },
        ] {
            assert_eq!(StopSheet::from_bytes(&sheet.to_bytes()), Some(sheet));
        }
    }

    #[test]
    fn a_person_borrowed_in_the_first_hour_that_was_not_undone() {
        let borrower = |hours: &[(i64, i64)], undated| Borrower {
            hours: hours.iter().copied().collect(),
            undated,
        };
        assert_eq!(
            borrower(&[(0, 0), (3_600, 2)], 0).borrowed(),
            Some(Some(3_600))
        );
        assert_eq!(borrower(&[(0, 1), (3_600, -1)], 0).borrowed(), None);
        assert_eq!(borrower(&[], 2).borrowed(), Some(None));
        let kept = borrower(&[(0, 1)], -1);
        assert_eq!(Borrower::from_bytes(&kept.to_bytes()), Some(kept));
    }
}
