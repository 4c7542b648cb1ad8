//! Pages: keyed records under whatever keeps them, and a draft of changes to them.
//!
//! A draft reads through to the pages beneath, changes records in memory, and says at the end
//! what is to be written at once. It keeps the sum over all records true as it goes.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use jiff::Timestamp;

use crate::entry::QuarantineReason;
use crate::views::fold::{Change, Edit};
use crate::views::key::{Key, after};
use crate::views::lent::{Borrower, LoanSheet, StopSheet};
use crate::views::payments::PaymentSheet;
use crate::views::record::{Counts, DaySheet, FlagSheet, Life, Numbers, Record, Tally};

/// The store is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Damage(pub(crate) String);

impl Damage {
    /// A record that is not as its kind is written.
    pub(crate) fn of_record(key: &[u8]) -> Self {
        Self(format!("record {} cannot be read", hex::encode(key)))
    }
}

/// Keys with their records.
pub(crate) type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// Keyed records, sorted by key.
pub(crate) trait Pages {
    /// The record of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Damage>;
    /// The records with keys in `[from, until)`.
    fn scan(&self, from: &[u8], until: &[u8]) -> Result<Records, Damage>;
}

/// Reads the record of a key; what is not there is as new.
pub(crate) fn read<R: Record>(pages: &dyn Pages, key: &Key) -> Result<R, Damage> {
    let key = key.encode();
    match pages.get(&key)? {
        None => Ok(R::default()),
        Some(bytes) => R::from_bytes(&bytes).ok_or_else(|| Damage::of_record(&key)),
    }
}

/// Reads the records from one key up to another, not included.
pub(crate) fn read_range<R: Record>(
    pages: &dyn Pages,
    from: &[u8],
    until: &[u8],
) -> Result<Vec<(Key, R)>, Damage> {
    let decode = |(key, bytes): (Vec<u8>, Vec<u8>)| {
        Key::decode(&key)
            .zip(R::from_bytes(&bytes))
            .ok_or_else(|| Damage::of_record(&key))
    };
    let records = pages.scan(from, until)?;
    records.into_iter().map(decode).collect()
}

/// Reads all records whose keys begin with `prefix`.
pub(crate) fn read_all<R: Record>(
    pages: &dyn Pages,
    prefix: &[u8],
) -> Result<Vec<(Key, R)>, Damage> {
    read_range(pages, prefix, &after(prefix))
}

/// How many records there are and a sum over them: a record lost or an older one come back shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Sum {
    /// How many.
    pub(crate) records: u64,
    /// The check values of all of them, added up.
    pub(crate) digest: u64,
}

impl Sum {
    /// Takes a record in.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.records = self.records.wrapping_add(1);
        self.digest = self.digest.wrapping_add(u64::from(check(key, value)));
    }

    fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.records = self.records.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(u64::from(check(key, value)));
    }
}

/// The CRC32C over a key and its value.
pub(crate) fn check(key: &[u8], value: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(key), value)
}

/// Changes not yet written.
pub(crate) struct Draft<'a> {
    pages: &'a dyn Pages,
    changed: BTreeMap<Vec<u8>, Changed>,
}

/// A record read once, changed as often as it is, and written once.
struct Changed {
    before: Option<Vec<u8>>,
    now: Box<dyn Sheet>,
}

/// A record of whatever kind its key says.
trait Sheet: Any {
    fn bytes(&self) -> Vec<u8>;
}

impl<R: Record + 'static> Sheet for R {
    fn bytes(&self) -> Vec<u8> {
        self.to_bytes()
    }
}

impl<'a> Draft<'a> {
    /// An empty draft over these pages.
    pub(crate) fn new(pages: &'a dyn Pages) -> Self {
        Self {
            pages,
            changed: BTreeMap::new(),
        }
    }

    /// Makes one change.
    pub(crate) fn apply(&mut self, change: &Change) -> Result<(), Damage> {
        let key = &change.key;
        match &change.edit {
            Edit::Hour { start, counts } => self.update(key, |sheet: &mut DaySheet| {
                sheet.hours.entry(*start).or_default().add(*counts);
            }),
            Edit::Day(counts) => self.update(key, |sheet: &mut DaySheet| sheet.day.add(*counts)),
            Edit::Undated(counts) => {
                self.update(key, |sheet: &mut DaySheet| sheet.undated.add(*counts))
            }
            Edit::Wide(counts) => self.update(key, |cell: &mut Counts| cell.add(*counts)),
            Edit::Cover { from, until } => self.update(key, |sheet: &mut DaySheet| {
                sheet.covered.insert(*from, *until);
            }),
            Edit::Flag(flag) => self.update(key, |sheet: &mut FlagSheet| sheet.add(flag)),
            Edit::Receive(number) => self.update(key, |numbers: &mut Numbers| {
                numbers.0.insert(*number, number + 1);
            }),
            Edit::GiveUp { from, to } => self.update(key, |numbers: &mut Numbers| {
                numbers.0.insert(*from, to + 1);
            }),
            Edit::Accepted(entry) => self.update(key, |life: &mut Life| {
                life.first = first(life.first, *entry);
                life.first_accepted = first(life.first_accepted, *entry);
            }),
            Edit::Heard(entry) => self.update(key, |life: &mut Life| {
                life.first = first(life.first, *entry);
            }),
            Edit::CountFact { received, covers } => self.update(key, |tally: &mut Tally| {
                count_fact(tally, *received, *covers);
            }),
            Edit::CountQuarantined(reason) => self.update(key, |tally: &mut Tally| {
                tally.quarantined += 1;
                tally.id_conflicts += u64::from(*reason == QuarantineReason::IdConflict);
            }),
            Edit::Lend { hour, counts } => self.update(key, |sheet: &mut LoanSheet| match hour {
                Some(start) => sheet.hours.entry(*start).or_default().add(*counts),
                None => sheet.undated.add(*counts),
            }),
            Edit::Borrow { hour, items } => self.update(key, |borrower: &mut Borrower| {
                let known = match hour {
                    Some(start) => borrower.hours.entry(*start).or_default(),
                    None => &mut borrower.undated,
                };
                *known = known.saturating_add(*items);
            }),
            Edit::OpenStop(opened) => self.update(key, |stop: &mut StopSheet| {
                stop.opened = Some(opened.clone());
            }),
            Edit::CloseStop(closed) => self.update(key, |stop: &mut StopSheet| {
                stop.closed = Some(*closed);
            }),
            Edit::LendAtStop(counts) => {
                self.update(key, |stop: &mut StopSheet| stop.lent.add(*counts))
            }
            Edit::Pay(payment) => self.update(key, |sheet: &mut PaymentSheet| {
                sheet.0 = Some(payment.clone());
            }),
        }
    }

    /// What is to be written, and the sum over all records once it is.
    pub(crate) fn finish(self, mut sum: Sum) -> (Records, Sum) {
        let mut writes = Vec::with_capacity(self.changed.len());
        for (key, Changed { before, now }) in self.changed {
            if let Some(before) = before {
                sum.remove(&key, &before);
            }
            let now = now.bytes();
            sum.add(&key, &now);
            writes.push((key, now));
        }
        (writes, sum)
    }

    fn update<R: Record + 'static>(
        &mut self,
        key: &Key,
        edit: impl FnOnce(&mut R),
    ) -> Result<(), Damage> {
        let key = key.encode();
        let changed = match self.changed.entry(key) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => {
                let before = self.pages.get(slot.key())?;
                let now = match &before {
                    None => R::default(),
                    Some(bytes) => {
                        R::from_bytes(bytes).ok_or_else(|| Damage::of_record(slot.key()))?
                    }
                };
                let now = Box::new(now);
                slot.insert(Changed { before, now })
            }
        };
        let now: &mut dyn Any = changed.now.as_mut();
        edit(now.downcast_mut().expect("a key has records of one kind"));
        Ok(())
    }
}

/// The earlier of two entries, where 0 is none.
fn first(known: u64, entry: u64) -> u64 {
    if known == 0 { entry } else { known.min(entry) }
}

fn count_fact(tally: &mut Tally, received: Timestamp, covers: Option<i64>) {
    tally.facts += 1;
    tally.last_fact = tally.last_fact.max(Some(received.as_nanosecond()));
    if let Some(second) = covers {
        let known = tally.first_covered.unwrap_or(second);
        tally.first_covered = Some(known.min(second));
    }
}

/// Pages in memory, for tests of everything above the store.
#[cfg(test)]
#[derive(Debug, Default)]
pub(crate) struct MemoryPages(pub(crate) BTreeMap<Vec<u8>, Vec<u8>>);

#[cfg(test)]
impl Pages for MemoryPages {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Damage> {
        Ok(self.0.get(key).cloned())
    }

    fn scan(&self, from: &[u8], until: &[u8]) -> Result<Records, Damage> {
        let range = self.0.range(from.to_vec()..until.to_vec());
        Ok(range.map(|(k, v)| (k.clone(), v.clone())).collect())
    }
}
