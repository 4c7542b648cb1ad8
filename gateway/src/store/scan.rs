//! Scans of every table in one snapshot, for the verifier and the export: what is there, checked
//! for nothing but that it can be read.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use lujiang_wire::LedgerId;
use rusqlite::{Connection, params};

use crate::entry::EntryNumber;
use crate::ledger::{LedgerError, Record};
use crate::store::readers::open_read_only;
use crate::store::{rows, schema};

/// Problems of the database file that are named one by one.
const PROBLEMS_MAX: u32 = 100;

/// A stream of one life of a device's outbox, as its columns say.
pub(crate) type LineKey = (String, String, String);

/// A range that was given up: first, last, and the entry that says so.
pub(crate) type Range = (u64, u64, i64);

/// One snapshot of a ledger.
pub(crate) struct Scan {
    connection: Connection,
    ledger: LedgerId,
}

impl Scan {
    /// Opens a ledger, running or not, for reading.
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let connection = open_read_only(path)?;
        connection.execute_batch("BEGIN")?;
        let ledger = schema::checked(&connection)?;
        Ok(Self { connection, ledger })
    }

    pub(crate) fn ledger(&self) -> &LedgerId {
        &self.ledger
    }

    /// What the database says of its own pages and indexes; empty when all is well.
    pub(crate) fn problems(&self) -> Result<Vec<String>, LedgerError> {
        let sql = format!("PRAGMA integrity_check({PROBLEMS_MAX})");
        let mut statement = self.connection.prepare(&sql)?;
        let mut lines = statement
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        lines.retain(|line| line != "ok");
        Ok(lines)
    }

    /// How many entries there are.
    pub(crate) fn entries(&self) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM fact";
        let count: i64 = self.connection.query_row(sql, [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// Hands over every record in order; one that cannot be read comes as the damage it is.
    pub(crate) fn records(
        &self,
        each: &mut dyn FnMut(Result<Record, LedgerError>) -> Result<(), LedgerError>,
    ) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare(&rows::all_records())?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            each(rows::record(row))?;
        }
        Ok(())
    }

    /// The entry an id is remembered with.
    pub(crate) fn entry_of_id(
        &self,
        device: &str,
        id: &str,
    ) -> Result<Option<EntryNumber>, LedgerError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT entry FROM seen WHERE device = ?1 AND id = ?2")?;
        let mut rows = statement.query(params![device, id])?;
        Ok(match rows.next()? {
            Some(row) => Some(EntryNumber(row.get(0)?)),
            None => None,
        })
    }

    /// Whether a person is kept, or was erased, beside this fact.
    pub(crate) fn has_person(&self, fact: EntryNumber) -> Result<bool, LedgerError> {
        let found = self
            .connection
            .prepare_cached("SELECT 1 FROM person WHERE fact = ?1")?
            .exists([fact.0])?;
        Ok(found)
    }

    /// Whether a quarantined element of this device and receipt was let in by this entry.
    pub(crate) fn is_admitted(
        &self,
        (device, element): (&str, EntryNumber),
        received: Timestamp,
        entry: EntryNumber,
    ) -> Result<bool, LedgerError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT 1 FROM quarantine WHERE number = ?1 AND device = ?2 AND received = ?3
             AND admitted = ?4 AND state IN ('accepted', 'corrected')",
        )?;
        let received = received.as_microsecond();
        Ok(statement.exists(params![element.0, device, received, entry.0])?)
    }

    /// Elements said to be let in by an entry that is not there, or is no such entry.
    pub(crate) fn rulings_astray(&self) -> Result<Vec<i64>, LedgerError> {
        self.numbers(
            "SELECT q.number FROM quarantine q
             LEFT JOIN fact f ON f.number = q.admitted AND f.verdict = 'admitted'
             WHERE (q.admitted IS NOT NULL OR q.state IN ('accepted', 'corrected'))
               AND f.number IS NULL",
        )
    }

    /// The last entry that a stream remembers.
    pub(crate) fn last_remembered(&self) -> Result<i64, LedgerError> {
        let sql = "SELECT coalesce(max(last), 0) FROM settled";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Remembered ids whose entry is not there, or says something else: device, id, entry.
    pub(crate) fn seen_astray(&self) -> Result<Vec<(String, String, i64)>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT s.device, s.id, s.entry FROM seen s LEFT JOIN fact f ON f.number = s.entry
             WHERE f.number IS NULL OR f.device <> s.device OR f.digest <> s.digest",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Persons beside no fact that counts.
    pub(crate) fn persons_astray(&self) -> Result<Vec<i64>, LedgerError> {
        self.numbers(
            "SELECT p.fact FROM person p
             LEFT JOIN fact f
               ON f.number = p.fact AND f.verdict IN ('accepted', 'admitted')
             WHERE f.number IS NULL",
        )
    }

    /// Quarantined entries with nothing kept aside.
    pub(crate) fn asides_missing(&self) -> Result<Vec<i64>, LedgerError> {
        self.numbers(
            "SELECT f.number FROM fact f LEFT JOIN quarantine q ON q.number = f.number
             WHERE f.verdict NOT IN ('accepted', 'admitted') AND q.number IS NULL",
        )
    }

    /// Elements kept aside whose entry is not there, or says something else.
    pub(crate) fn asides_astray(&self) -> Result<Vec<i64>, LedgerError> {
        self.numbers(
            "SELECT q.number FROM quarantine q LEFT JOIN fact f ON f.number = q.number
             WHERE f.number IS NULL OR f.device <> q.device OR f.verdict <> q.reason
                OR f.received <> q.received",
        )
    }

    /// Places at which more than one fact was accepted: the place as text, how many.
    pub(crate) fn counted_twice(&self) -> Result<Vec<(String, u64)>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT device || ' ' || epoch || ' ' || stream || ' ' || sequence, count(*)
             FROM fact WHERE verdict IN ('accepted', 'admitted') AND sequence IS NOT NULL
             GROUP BY device, epoch, stream, sequence HAVING count(*) > 1",
        )?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Hands over every place in order of its stream and number.
    pub(crate) fn places(&self, each: &mut dyn FnMut(LineKey, u64)) -> Result<(), LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT device, epoch, stream, sequence FROM fact WHERE sequence IS NOT NULL
             ORDER BY device, epoch, stream, sequence",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let line = (row.get(0)?, row.get(1)?, row.get(2)?);
            each(line, row.get::<_, i64>(3)?.unsigned_abs());
        }
        Ok(())
    }

    /// The ranges given up, by stream.
    pub(crate) fn given_up(&self) -> Result<BTreeMap<LineKey, Vec<Range>>, LedgerError> {
        let mut statement = self.connection.prepare(
            "SELECT device, epoch, stream, first, through, entry FROM given_up
             ORDER BY device, epoch, stream, first, entry",
        )?;
        let mut rows = statement.query([])?;
        let mut ranges: BTreeMap<LineKey, Vec<Range>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let line = (row.get(0)?, row.get(1)?, row.get(2)?);
            ranges.entry(line).or_default().push((
                row.get::<_, i64>(3)?.unsigned_abs(),
                row.get::<_, i64>(4)?.unsigned_abs(),
                row.get(5)?,
            ));
        }
        Ok(ranges)
    }

    /// Up to where each stream is settled.
    pub(crate) fn settled(&self) -> Result<BTreeMap<LineKey, u64>, LedgerError> {
        let mut statement = self
            .connection
            .prepare("SELECT device, epoch, stream, through FROM settled")?;
        let mut rows = statement.query([])?;
        let mut settled = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let line = (row.get(0)?, row.get(1)?, row.get(2)?);
            settled.insert(line, row.get::<_, i64>(3)?.unsigned_abs());
        }
        Ok(settled)
    }

    fn numbers(&self, sql: &str) -> Result<Vec<i64>, LedgerError> {
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
