//! The records of the views: what is kept of a device, a day, a stream.

use std::collections::BTreeMap;

use crate::views::codec::{Decoder, Encoder};
use crate::views::spans::Spans;

/// Different flags kept of one day; a device that makes more up is kept as [`FLAGS_FURTHER`].
const FLAGS_MAX: usize = 16;

/// Longest flag kept, in characters.
const FLAG_LENGTH_MAX: usize = 40;

/// Stands for all flags beyond [`FLAGS_MAX`].
const FLAGS_FURTHER: &str = "further";

/// Something kept under a key; what is not there is as `Default`.
pub(crate) trait Record: Default {
    /// Writes it.
    fn encode(&self, encoder: &mut Encoder);
    /// Reads it.
    fn decode(decoder: &mut Decoder<'_>) -> Option<Self>;

    /// Its bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        self.encode(&mut encoder);
        encoder.finish()
    }

    /// Reads all of these bytes.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let record = Self::decode(&mut decoder)?;
        decoder.is_at_end().then_some(record)
    }
}

/// Persons counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// In.
    pub(crate) entered: u64,
    /// Out.
    pub(crate) left: u64,
    /// Visits.
    pub(crate) visits: u64,
}

impl Counts {
    /// Adds others; stops at the largest number rather than beginning again.
    pub(crate) fn add(&mut self, other: Self) {
        self.entered = self.entered.saturating_add(other.entered);
        self.left = self.left.saturating_add(other.left);
        self.visits = self.visits.saturating_add(other.visits);
    }
}

impl Record for Counts {
    fn encode(&self, encoder: &mut Encoder) {
        encoder
            .number(self.entered)
            .number(self.left)
            .number(self.visits);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self {
            entered: decoder.number()?,
            left: decoder.number()?,
            visits: decoder.number()?,
        })
    }
}

/// A device on a day of the library.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DaySheet {
    /// Counts of its hours, by their first second.
    pub(crate) hours: BTreeMap<i64, Counts>,
    /// Counts whose hour is not known.
    pub(crate) day: Counts,
    /// Counts without any time, received on this day.
    pub(crate) undated: Counts,
    /// Seconds somebody watched the counter.
    pub(crate) covered: Spans<i64>,
}

impl Record for DaySheet {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.count(self.hours.len());
        for (start, counts) in &self.hours {
            counts.encode(encoder.signed(*start));
        }
        self.day.encode(encoder);
        self.undated.encode(encoder);
        encoder.count(self.covered.len());
        let mut last = 0;
        for (from, until) in self.covered.iter() {
            // Differences are small; wrapping, so that any number comes back as it went in.
            encoder.signed(from.wrapping_sub(last));
            encoder.signed(until.wrapping_sub(from));
            last = until;
        }
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut sheet = Self::default();
        for _ in 0..decoder.count()? {
            sheet
                .hours
                .insert(decoder.signed()?, Counts::decode(decoder)?);
        }
        sheet.day = Counts::decode(decoder)?;
        sheet.undated = Counts::decode(decoder)?;
        let mut last = 0_i64;
        for _ in 0..decoder.count()? {
            let from = last.wrapping_add(decoder.signed()?);
            last = from.wrapping_add(decoder.signed()?);
            sheet.covered.insert(from, last);
        }
        Some(sheet)
    }
}

/// What there is of a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Facts accepted.
    pub(crate) facts: u64,
    /// Elements quarantined.
    pub(crate) quarantined: u64,
    /// Of these, ids used twice.
    pub(crate) id_conflicts: u64,
    /// When the last accepted fact was received, in nanoseconds since 1970.
    pub(crate) last_fact: Option<i128>,
    /// The first second somebody watched its counter.
    pub(crate) first_covered: Option<i64>,
}

impl Record for Tally {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.number(self.facts).number(self.quarantined);
        encoder.number(self.id_conflicts);
        match self.last_fact {
            Some(at) => encoder.text(&at.to_string()),
            None => encoder.text(""),
        };
        match self.first_covered {
            Some(second) => encoder.number(1).signed(second),
            None => encoder.number(0),
        };
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self {
            facts: decoder.number()?,
            quarantined: decoder.number()?,
            id_conflicts: decoder.number()?,
            last_fact: match decoder.text()?.as_str() {
                "" => None,
                digits => Some(digits.parse().ok()?),
            },
            first_covered: match decoder.number()? {
                0 => None,
                _ => Some(decoder.signed()?),
            },
        })
    }
}

/// How many periods of a day had which flag.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FlagSheet(pub(crate) BTreeMap<String, u64>);

impl FlagSheet {
    /// Counts a flag; its name and their number are bounded.
    pub(crate) fn add(&mut self, flag: &str) {
        let mut flag: String = flag.chars().take(FLAG_LENGTH_MAX).collect();
        if !self.0.contains_key(&flag) && self.0.len() >= FLAGS_MAX {
            FLAGS_FURTHER.clone_into(&mut flag);
        }
        *self.0.entry(flag).or_default() += 1;
    }
}

impl Record for FlagSheet {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.count(self.0.len());
        for (flag, periods) in &self.0 {
            encoder.text(flag).number(*periods);
        }
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let flags = (0..decoder.count()?)
            .map(|_| Some((decoder.text()?, decoder.number()?)))
            .collect::<Option<_>>()?;
        Some(Self(flags))
    }
}

/// One life of an outbox: when the ledger first heard of it. Lives are ordered by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Life {
    /// The first entry accepted from it; 0 where there is none: what is only quarantined (a
    /// foreign source, an invented epoch) does not make an older life end.
    pub(crate) first_accepted: u64,
    /// The first entry from it.
    pub(crate) first: u64,
}

impl Record for Life {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.number(self.first_accepted).number(self.first);
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        Some(Self {
            first_accepted: decoder.number()?,
            first: decoder.number()?,
        })
    }
}

/// Sequence numbers, as half-open spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Numbers(pub(crate) Spans<u64>);

impl Record for Numbers {
    fn encode(&self, encoder: &mut Encoder) {
        encoder.count(self.0.len());
        for (from, until) in self.0.iter() {
            encoder.number(from).number(until - from);
        }
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        let mut numbers = Spans::default();
        for _ in 0..decoder.count()? {
            let from = decoder.number()?;
            numbers.insert(from, from.checked_add(decoder.number()?)?);
        }
        Some(Self(numbers))
    }
}
