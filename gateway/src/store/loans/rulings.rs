//! Rulings that can still be taken back.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::Label;
use rusqlite::{Connection, Row, params};

use super::{not_ours, timestamp};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;

/// What version 8 of the tables adds: what the dispute was about that was ruled on. Empty in rows of
/// before.
pub(crate) const EIGHTH: &str =
    "ALTER TABLE desk_ruling ADD COLUMN about TEXT NOT NULL DEFAULT '';";

/// A clock that was set back by less is waited for.
const SET_BACK_MIN: SignedDuration = SignedDuration::from_mins(1);

/// A ruling that can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RulingRow {
    pub(crate) fact: EntryNumber,
    pub(crate) item: Label,
    pub(crate) ruling: String,
    /// The kind of conflict that was in front of whoever ruled.
    pub(crate) about: String,
    pub(crate) why: String,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
    pub(crate) due: Timestamp,
}

impl RulingRow {
    /// Whether it can no longer be taken back. One of a time to come was given before the clock was
    /// set back; it is not to wait for that time, unless that is hardly any.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now || self.at.duration_since(now) > SET_BACK_MIN
    }
}

/// Rulings nobody has taken back, the first due first.
pub(crate) fn rulings(connection: &Connection) -> Result<Vec<RulingRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT fact, item, ruling, why, by, at, due, about FROM desk_ruling ORDER BY due, fact",
    )?;
    let mut rows = statement.query([])?;
    let mut rulings = Vec::new();
    while let Some(row) = rows.next()? {
        rulings.push(ruling(row)?);
    }
    Ok(rulings)
}

pub(crate) fn put_ruling(connection: &Connection, row: &RulingRow) -> Result<bool, LedgerError> {
    let added = connection.execute(
        "INSERT INTO desk_ruling (fact, item, ruling, why, by, at, due, about)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (fact) DO NOTHING",
        params![
            row.fact.0,
            row.item.as_str(),
            row.ruling,
            row.why,
            row.by,
            row.at.as_microsecond(),
            row.due.as_microsecond(),
            row.about,
        ],
    )?;
    Ok(added > 0)
}

/// Takes a ruling off, and says what it was.
pub(crate) fn take_ruling(
    connection: &Connection,
    fact: EntryNumber,
) -> Result<Option<RulingRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "DELETE FROM desk_ruling WHERE fact = ?1
         RETURNING fact, item, ruling, why, by, at, due, about",
    )?;
    let mut rows = statement.query([fact.0])?;
    match rows.next()? {
        Some(row) => ruling(row).map(Some),
        None => Ok(None),
    }
}

fn ruling(row: &Row<'_>) -> Result<RulingRow, LedgerError> {
    let item: String = row.get(1)?;
    Ok(RulingRow {
        fact: EntryNumber(row.get(0)?),
        item: item.parse().map_err(|error| not_ours(&error))?,
        ruling: row.get(2)?,
        why: row.get(3)?,
        by: row.get(4)?,
        at: timestamp(row.get(5)?)?,
        due: timestamp(row.get(6)?)?,
        about: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruling_waits_for_its_delay_and_not_for_a_clock_that_was_set_back() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let row = RulingRow {
            fact: EntryNumber(1),
            item: "LJ1".parse().unwrap(),
            ruling: "retry".to_owned(),
            about: String::new(),
            why: String::new(),
            by: String::new(),
            at: at(10_000),
            due: at(10_008),
        };
        let due = [10_000, 10_007, 10_008, 9_970, 5_000].map(|now| row.is_due(at(now)));
        assert_eq!(due, [false, false, true, false, true]);
    }
}
