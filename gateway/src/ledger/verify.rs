//! Verification: reads every record and every row beside it, and says exactly what is not as it
//! was written. It repairs nothing.

use std::collections::BTreeMap;
use std::path::Path;

use lujiang_wire::{Event, EventId, Fact, LedgerId};

use crate::entry::{EntryNumber, Verdict};
use crate::ledger::{Digest, LedgerError, Outcome, Record};
use crate::store::scan::{LineKey, Range, Scan};

/// Findings that are named one by one; the others are counted.
const FINDINGS_MAX: usize = 1_000;

/// Entries between two calls of the progress callback.
const PROGRESS_EVERY: u64 = 1_000;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The ledger.
    pub ledger: LedgerId,
    /// Records read, damaged ones included.
    pub entries: u64,
    /// Facts accepted.
    pub accepted: u64,
    /// Quarantined elements that people let in.
    pub admitted: u64,
    /// Elements quarantined.
    pub quarantined: u64,
    /// What is not as it was written, the first thousand.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_unnamed: u64,
}

impl VerifyReport {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// The database says so of its own pages or indexes.
    #[error("the database file: {found}")]
    Database {
        /// In its words.
        found: String,
    },
    /// Entries are not there.
    #[error("entries {from} to {to} are missing")]
    Missing {
        /// First missing.
        from: i64,
        /// Last missing.
        to: i64,
    },
    /// A record is not what was written.
    #[error("entry {number}: {found}")]
    Damaged {
        /// Its number.
        number: i64,
        /// What is wrong with it.
        found: String,
    },
    /// A fact's id is not remembered, so that a repeat would be counted.
    #[error("entry {number}: its id is not remembered, a repeat of it would be counted")]
    IdNotRemembered {
        /// Its number.
        number: i64,
    },
    /// A remembered id points at an entry that is not there or says something else.
    #[error("device {device}, id {id:?}: the entry {entry} it points at is another or missing")]
    IdAstray {
        /// Whose.
        device: String,
        /// The id.
        id: String,
        /// Where it points.
        entry: i64,
    },
    /// More than one fact counts at one place.
    #[error("{place}: {times} facts are accepted at this place")]
    CountedTwice {
        /// Device, epoch, stream and number.
        place: String,
        /// How many.
        times: u64,
    },
    /// The end of what is settled does not fit the entries.
    #[error(
        "device {device}, epoch {epoch}, stream {stream}: settled through {}, the entries say {}",
        shown(*stored), shown(*computed)
    )]
    Settled {
        /// Whose.
        device: String,
        /// Which life of its outbox.
        epoch: String,
        /// Which stream.
        stream: String,
        /// As stored; none without a row.
        stored: Option<u64>,
        /// As computed; none without an entry.
        computed: Option<u64>,
    },
    /// A given-up range does not fit the entry that says so.
    #[error("entry {number}: the range it gave up is not remembered as it says")]
    GivenUp {
        /// The entry.
        number: i64,
    },
    /// The bytes of a quarantined element are not there.
    #[error("entry {number}: it is quarantined, and what was kept aside is missing")]
    AsideMissing {
        /// Its number.
        number: i64,
    },
    /// Something kept aside fits no quarantined entry.
    #[error("quarantine row {number}: its entry is another or missing")]
    AsideAstray {
        /// Its number.
        number: i64,
    },
    /// An admitted entry and the quarantined element it counts for do not name each other.
    #[error("entry {number}: it and the quarantined element it counts for do not name each other")]
    RulingAstray {
        /// The admitted entry, or the element.
        number: i64,
    },
    /// A fact with a reader has no person row (an erased one has an empty row).
    #[error("entry {number}: its person row is missing")]
    PersonMissing {
        /// Its number.
        number: i64,
    },
    /// A person row stands beside no accepted fact.
    #[error("person row {fact}: there is no such fact")]
    PersonAstray {
        /// Where it points.
        fact: i64,
    },
}

/// Verifies a ledger, running or not. `progress` is told how many of how many entries are read.
///
/// # Errors
/// Where there is no ledger, or so little of one that its tables cannot be read.
pub fn verify(
    path: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<VerifyReport, LedgerError> {
    let scan = Scan::open(path)?;
    let mut verification = Verification {
        given_up: BTreeMap::new(),
        last: 0,
        report: VerifyReport {
            ledger: scan.ledger().clone(),
            entries: 0,
            accepted: 0,
            admitted: 0,
            quarantined: 0,
            findings: Vec::new(),
            findings_unnamed: 0,
        },
    };
    // Pages too broken to be walked end a check; what the other checks find still helps.
    for check in [
        Verification::check_database,
        Verification::check_places,
        Verification::check_rows,
    ] {
        if let Err(error) = check(&mut verification, &scan) {
            verification.found(Finding::Database {
                found: error.to_string(),
            });
        }
    }
    if let Err(error) = verification.check_records(&scan, progress) {
        verification.found(Finding::Database {
            found: error.to_string(),
        });
    }
    if let Err(error) = verification.check_given_up(&scan) {
        verification.found(Finding::Database {
            found: error.to_string(),
        });
    }
    Ok(verification.report)
}

struct Verification {
    /// Ranges that accepted entries gave up.
    given_up: BTreeMap<LineKey, Vec<Range>>,
    /// Number of the last record read.
    last: i64,
    report: VerifyReport,
}

impl Verification {
    fn check_database(&mut self, scan: &Scan) -> Result<(), LedgerError> {
        for found in scan.problems()? {
            self.found(Finding::Database { found });
        }
        Ok(())
    }

    /// Numbers without a hole, checksums, events, and what must stand beside each.
    fn check_records(
        &mut self,
        scan: &Scan,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<(), LedgerError> {
        let total = scan.entries()?;
        scan.records(&mut |record| {
            self.report.entries += 1;
            if self.report.entries.is_multiple_of(PROGRESS_EVERY) {
                progress(self.report.entries, total);
            }
            match record {
                Ok(record) => self.check_record(scan, record),
                Err(LedgerError::Damaged { number, found }) => {
                    self.follow(number);
                    self.found(Finding::Damaged { number, found });
                    Ok(())
                }
                Err(error) => Err(error),
            }
        })?;
        progress(self.report.entries, total);
        // The streams remember a tail of records that is gone as a whole.
        self.follow(scan.last_remembered()? + 1);
        Ok(())
    }

    fn check_record(&mut self, scan: &Scan, record: Record) -> Result<(), LedgerError> {
        let number = record.number.0;
        self.follow(number);
        let (digest, body) = match &record.outcome {
            Outcome::Accepted { body, .. } | Outcome::Admitted { body, .. } => {
                (record.digest, Digest::of(body.as_bytes()))
            }
            Outcome::Quarantined { .. } => (record.digest, record.digest),
        };
        let entry = match record.into_entry() {
            Ok(entry) => entry,
            Err(LedgerError::Damaged { number, found }) => {
                self.found(Finding::Damaged { number, found });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let event = match &entry.verdict {
            Verdict::Quarantined { .. } => {
                self.report.quarantined += 1;
                return Ok(());
            }
            Verdict::Accepted { event, .. } => {
                self.report.accepted += 1;
                event
            }
            Verdict::Admitted { event, ruling, .. } => {
                self.report.admitted += 1;
                let element = (entry.device.as_str(), ruling.quarantined);
                if !scan.is_admitted(element, entry.received, entry.number)? {
                    self.found(Finding::RulingAstray { number });
                }
                event
            }
        };
        let disagrees = [
            (
                event.source != entry.device,
                "its event is another device's",
            ),
            (
                event.place != entry.place,
                "its event stands at another place",
            ),
            // Where a reader was sealed the digest is of what was received.
            (
                event.fact().patron().is_none() && digest != body,
                "its digest is not that of its event",
            ),
        ];
        for (_, found) in disagrees.iter().filter(|(disagrees, _)| *disagrees) {
            let found = (*found).to_owned();
            self.found(Finding::Damaged { number, found });
        }
        if event.fact().patron().is_some() && !scan.has_person(entry.number)? {
            self.found(Finding::PersonMissing { number });
        }
        self.check_id(scan, event, entry.number)?;
        self.remember_given_up(event, number);
        Ok(())
    }

    fn check_id(
        &mut self,
        scan: &Scan,
        event: &Event,
        number: EntryNumber,
    ) -> Result<(), LedgerError> {
        let follows_from_place = event
            .place
            .as_ref()
            .is_some_and(|place| EventId::of_place(place) == event.id);
        if !follows_from_place
            && scan.entry_of_id(event.source.as_str(), event.id.as_str())? != Some(number)
        {
            self.found(Finding::IdNotRemembered { number: number.0 });
        }
        Ok(())
    }

    fn remember_given_up(&mut self, event: &Event, number: i64) {
        if let (Fact::OutboxDropped(dropped), Some(place)) = (event.fact(), &event.place) {
            let line = (
                event.source.to_string(),
                place.epoch.to_string(),
                dropped.stream.to_string(),
            );
            let range = (dropped.from, dropped.to, number);
            self.given_up.entry(line).or_default().push(range);
        }
    }

    /// The ranges that are remembered are those the entries gave up.
    fn check_given_up(&mut self, scan: &Scan) -> Result<(), LedgerError> {
        let stored = scan.given_up()?;
        let flat = |ranges: &BTreeMap<LineKey, Vec<Range>>| -> Vec<(LineKey, Range)> {
            let each = |(line, ranges): (&LineKey, &Vec<Range>)| {
                let line = line.clone();
                ranges
                    .iter()
                    .map(move |range| (line.clone(), *range))
                    .collect::<Vec<_>>()
            };
            ranges.iter().flat_map(each).collect()
        };
        let (stored, computed) = (flat(&stored), flat(&self.given_up));
        let astray = stored
            .iter()
            .filter(|range| !computed.contains(range))
            .chain(computed.iter().filter(|range| !stored.contains(range)));
        let numbers: Vec<i64> = astray.map(|(_, (_, _, number))| *number).collect();
        for number in numbers {
            self.found(Finding::GivenUp { number });
        }
        Ok(())
    }

    /// What is settled is what has come or was given up, without a hole, and no more.
    fn check_places(&mut self, scan: &Scan) -> Result<(), LedgerError> {
        for (place, times) in scan.counted_twice()? {
            self.found(Finding::CountedTwice { place, times });
        }
        let given_up = scan.given_up()?;
        let mut computed: BTreeMap<LineKey, u64> =
            given_up.keys().map(|line| (line.clone(), 0)).collect();
        scan.places(&mut |line, sequence| {
            let ranges = given_up.get(&line);
            let through = computed.entry(line).or_insert(0);
            *through = over_given_up(*through, ranges);
            if sequence == *through + 1 {
                *through = sequence;
            }
        })?;
        for (line, through) in &mut computed {
            *through = over_given_up(*through, given_up.get(line));
        }
        let mut stored = scan.settled()?;
        for (line, through) in computed {
            let found = stored.remove(&line);
            if found != Some(through) {
                self.found(settled(line, found, Some(through)));
            }
        }
        for (line, through) in stored {
            self.found(settled(line, Some(through), None));
        }
        Ok(())
    }

    fn check_rows(&mut self, scan: &Scan) -> Result<(), LedgerError> {
        for (device, id, entry) in scan.seen_astray()? {
            self.found(Finding::IdAstray { device, id, entry });
        }
        for number in scan.asides_missing()? {
            self.found(Finding::AsideMissing { number });
        }
        for number in scan.asides_astray()? {
            self.found(Finding::AsideAstray { number });
        }
        for number in scan.rulings_astray()? {
            self.found(Finding::RulingAstray { number });
        }
        for fact in scan.persons_astray()? {
            self.found(Finding::PersonAstray { fact });
        }
        Ok(())
    }

    /// Follows the numbers, which have no hole.
    fn follow(&mut self, number: i64) {
        if number > self.last + 1 {
            self.found(Finding::Missing {
                from: self.last + 1,
                to: number - 1,
            });
        }
        self.last = number;
    }

    fn found(&mut self, finding: Finding) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(finding);
        } else {
            self.report.findings_unnamed += 1;
        }
    }
}

/// Moves the end of what is settled over the given-up ranges that begin right after it.
fn over_given_up(mut through: u64, ranges: Option<&Vec<Range>>) -> u64 {
    // Sorted by their first number: one pass is enough.
    for (first, last, _) in ranges.into_iter().flatten() {
        if *first <= through + 1 && *last > through {
            through = *last;
        }
    }
    through
}

fn settled(line: LineKey, stored: Option<u64>, computed: Option<u64>) -> Finding {
    Finding::Settled {
        device: line.0,
        epoch: line.1,
        stream: line.2,
        stored,
        computed,
    }
}

fn shown(through: Option<u64>) -> String {
    through.map_or_else(|| "nothing".to_owned(), |through| through.to_string())
}

#[cfg(test)]
mod tests;
