//! The rows of the loan desk: each item as its core keeps it, each fact by how far it has come,
//! rulings that can still be taken back, and the desk's place in the ledger.
//!
//! Each function is one statement or a few; what goes together in a transaction is the caller's
//! business.

mod abilities;
mod exports;
mod readers;
mod rulings;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Due, EventId, Fact, Label, LoanKind, ReturnedConflict};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::registry::timestamp;
use crate::desk::{ConflictKind, ItemRecord, OpenFact, Rest, Settlement, Stage};
use crate::entry::{Entry, EntryNumber};
use crate::ledger::LedgerError;
use crate::store::rows::signed;

pub(crate) use abilities::{abilities, is_probe_wanted, probe_heeded, set_abilities, want_probe};
pub(crate) use exports::{begin_export, export_form, exportable, exported, exports_before};
pub(crate) use readers::{erase_readers, happened, person, put_pseudonym};
pub(crate) use rulings::{EIGHTH, RulingRow, put_ruling, rulings, take_ruling};

/// What version 3 of the tables adds. Times are microseconds since 1970.
pub(crate) const THIRD: &str = "
CREATE TABLE desk (
    name  TEXT PRIMARY KEY,  -- heard, abilities, probe or work
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE desk_item (
    item   TEXT PRIMARY KEY,
    rest   TEXT NOT NULL,    -- moving, held or quiet
    record TEXT NOT NULL     -- JSON, as the desk's core has it; it names no reader
) STRICT, WITHOUT ROWID;
CREATE INDEX desk_item_open ON desk_item (rest) WHERE rest <> 'quiet';
-- Facts the desk had something to do about; on-line ones it only took notice of are not here.
CREATE TABLE desk_fact (
    number   INTEGER PRIMARY KEY,  -- its entry in the ledger
    device   TEXT NOT NULL,
    event    TEXT NOT NULL,
    item     TEXT NOT NULL,
    kind     TEXT NOT NULL,        -- checkout, renew, checkin or undo
    happened INTEGER NOT NULL,
    due      INTEGER,
    state    TEXT NOT NULL,        -- waiting, sent, disputed or settled
    outcome  TEXT,                 -- the kind of conflict, or why it is settled
    changed  INTEGER NOT NULL,
    exported INTEGER               -- the export it went out with
) STRICT;
CREATE INDEX desk_fact_state ON desk_fact (state, number);
CREATE INDEX desk_fact_device ON desk_fact (device, state);
CREATE INDEX desk_fact_item ON desk_fact (item, number);
CREATE TABLE desk_ruling (
    fact   INTEGER PRIMARY KEY,
    item   TEXT NOT NULL,
    ruling TEXT NOT NULL,          -- retry, force or dismiss
    why    TEXT NOT NULL,
    by     TEXT NOT NULL,
    at     INTEGER NOT NULL,
    due    INTEGER NOT NULL        -- until then it can be taken back
) STRICT;
CREATE TABLE desk_export (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at     INTEGER NOT NULL,
    by     TEXT NOT NULL,
    form   TEXT NOT NULL           -- koc or pending-xacts
) STRICT;
";

/// What facts are called.
const KINDS: [&str; 4] = ["checkout", "renew", "checkin", "undo"];

/// How far a fact has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactState {
    /// The library system has not heard of it.
    Waiting,
    /// It may have heard of it.
    Sent,
    /// It disputes it.
    Disputed,
    /// Nothing is left to do.
    Settled,
}

/// A fact as the desk has it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeskFact {
    /// Its entry in the ledger.
    pub number: EntryNumber,
    /// Where.
    pub device: DeviceId,
    /// Its event.
    pub event: EventId,
    /// The item's barcode.
    pub item: Label,
    /// What it was: `checkout`, `renew`, `checkin`, or `undo`.
    pub kind: &'static str,
    /// When; of an undated one, when it came at the latest; of an exported one, when its line says.
    pub happened: Timestamp,
    /// Until when it was lent.
    pub due: Option<Timestamp>,
    /// How far it has come.
    pub state: FactState,
    /// The kind of conflict, or why it is settled.
    pub outcome: Option<String>,
    /// Since when it stands so.
    pub changed: Timestamp,
    /// The export it went out with.
    pub exported: Option<i64>,
}

/// Which facts are asked for.
#[derive(Debug, Clone, Default)]
pub struct FactQuery {
    /// Only of this device.
    pub device: Option<DeviceId>,
    /// Only of this item.
    pub item: Option<Label>,
    /// Only those that have come so far.
    pub state: Option<FactState>,
    /// Only with this outcome.
    pub outcome: Option<String>,
    /// Only entries before this one.
    pub before: Option<EntryNumber>,
    /// At most this many.
    pub limit: usize,
}

impl FactState {
    /// All of them, in the order they come in.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sent, Self::Disputed, Self::Settled];

    /// The name in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Disputed => "disputed",
            Self::Settled => "settled",
        }
    }

    /// How far a fact has come, and why no further.
    pub(crate) fn of(open: &OpenFact) -> (Self, Option<&'static str>) {
        match &open.stage {
            Stage::Waiting if open.fact.deed.is_sure() => (Self::Waiting, None),
            // It waits to be asked about; it is never told.
            Stage::Waiting => (Self::Waiting, Some(ConflictKind::Unresolved.as_str())),
            Stage::Intended(_) | Stage::Proving => (Self::Sent, None),
            Stage::Disputed(conflict) => (Self::Disputed, Some(conflict.kind.as_str())),
        }
    }
}

impl std::str::FromStr for FactState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|state| state.as_str() == text)
            .ok_or_else(|| format!("{text:?} is no state of a fact"))
    }
}

/// The last entry the desk took in.
pub(crate) fn heard(connection: &Connection) -> Result<EntryNumber, LedgerError> {
    let text = value(connection, "heard")?;
    let number = text.map_or(Ok(0), |text| text.parse());
    number.map(EntryNumber).map_err(|error| not_ours(&error))
}

pub(crate) fn set_heard(connection: &Connection, number: EntryNumber) -> Result<(), LedgerError> {
    set(connection, "heard", &number.0.to_string())
}

/// Whether staff has paused the desk.
pub(crate) fn is_paused(connection: &Connection) -> Result<bool, LedgerError> {
    Ok(value(connection, "work")?.as_deref() == Some("paused"))
}

pub(crate) fn set_work(connection: &Connection, word: &str) -> Result<(), LedgerError> {
    set(connection, "work", word)
}

/// An item's row.
pub(crate) fn item(
    connection: &Connection,
    item: &Label,
) -> Result<Option<ItemRecord>, LedgerError> {
    let record: Option<String> = connection
        .prepare_cached("SELECT record FROM desk_item WHERE item = ?1")?
        .query_row([item.as_str()], |row| row.get(0))
        .optional()?;
    record.map(|json| self::record(&json)).transpose()
}

/// Rows that are moving, of items after this one, in order.
pub(crate) fn moving(
    connection: &Connection,
    limit: usize,
) -> Result<Vec<ItemRecord>, LedgerError> {
    let mut statement =
        connection.prepare_cached("SELECT record FROM desk_item WHERE rest = 'moving' LIMIT ?1")?;
    let mut rows = statement.query([signed(limit as u64)])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(record(&row.get::<_, String>(0)?)?);
    }
    Ok(records)
}

/// Puts an item's row in the place of the one before, and with it how far its facts have come.
pub(crate) fn keep(
    connection: &Connection,
    record: &ItemRecord,
    rest: Rest,
    settled: &[Settlement],
    now: Timestamp,
) -> Result<(), LedgerError> {
    let rest = match rest {
        Rest::Moving => "moving",
        Rest::Held => "held",
        Rest::Quiet => "quiet",
    };
    connection
        .prepare_cached(
            "INSERT INTO desk_item (item, rest, record) VALUES (?1, ?2, ?3)
             ON CONFLICT (item) DO UPDATE SET rest = excluded.rest, record = excluded.record",
        )?
        .execute(params![record.item.as_str(), rest, record.to_json()])?;
    for open in &record.open {
        let (state, outcome) = FactState::of(open);
        let happening = &open.fact.happening;
        connection
            .prepare_cached(
                "INSERT INTO desk_fact (number, device, event, item, kind, happened, due, state,
                                        outcome, changed)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (number) DO UPDATE SET
                     state = excluded.state, outcome = excluded.outcome,
                     changed = excluded.changed
                 WHERE state <> excluded.state OR outcome IS NOT excluded.outcome",
            )?
            .execute(params![
                happening.number.0,
                happening.device.as_str(),
                open.fact.id.as_str(),
                record.item.as_str(),
                kind(open.fact.deed.kind(), open.fact.deed.is_undo()),
                happening.when.latest().as_microsecond(),
                open.fact.deed.due().map(Timestamp::as_microsecond),
                state.as_str(),
                outcome,
                now.as_microsecond(),
            ])?;
    }
    for settlement in settled {
        connection
            .prepare_cached(
                "UPDATE desk_fact SET state = 'settled', outcome = ?2, changed = ?3
                 WHERE number = ?1",
            )?
            .execute(params![
                settlement.number.0,
                settlement.settled.as_str(),
                settlement.at.as_microsecond(),
            ])?;
    }
    Ok(())
}

/// When the last dated fact happened that the same outbox wrote before this entry.
pub(crate) fn dated_before(
    connection: &Connection,
    entry: &Entry,
) -> Result<Option<Timestamp>, LedgerError> {
    let Some(place) = &entry.place else {
        return Ok(None);
    };
    let found: Option<(String, i64)> = connection
        .prepare_cached(
            "SELECT body, correction FROM fact
             WHERE device = ?1 AND epoch = ?2 AND stream = ?3 AND sequence < ?4
               AND verdict IN ('accepted', 'admitted') AND quality <> 'unknown'
             ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row(
            params![
                entry.device.as_str(),
                place.epoch.as_str(),
                place.stream.as_str(),
                signed(place.sequence.get()),
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let time = found.and_then(|(body, correction)| {
        let event: serde_json::Value = serde_json::from_str(&body).ok()?;
        let time: Timestamp = event["time"].as_str()?.parse().ok()?;
        time.checked_add(jiff::SignedDuration::from_micros(correction))
            .ok()
    });
    Ok(time)
}

/// Facts, the newest first.
///
/// # Errors
/// Where the database fails, or a row is none of ours.
pub fn facts(connection: &Connection, query: &FactQuery) -> Result<Vec<DeskFact>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, device, event, item, kind, happened, due, state, outcome, changed, exported
         FROM desk_fact
         WHERE number < ?1 AND (?2 IS NULL OR device = ?2) AND (?3 IS NULL OR item = ?3)
           AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR outcome = ?5)
         ORDER BY number DESC LIMIT ?6",
    )?;
    let mut rows = statement.query(params![
        query.before.map_or(i64::MAX, |before| before.0),
        query.device.as_ref().map(DeviceId::as_str),
        query.item.as_ref().map(Label::as_str),
        query.state.map(FactState::as_str),
        query.outcome,
        signed(query.limit as u64),
    ])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        facts.push(fact(row)?);
    }
    Ok(facts)
}

/// How many facts are asked for, whatever the limit.
pub(crate) fn count(connection: &Connection, query: &FactQuery) -> Result<u64, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM desk_fact
         WHERE number < ?1 AND (?2 IS NULL OR device = ?2) AND (?3 IS NULL OR item = ?3)
           AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR outcome = ?5)",
    )?;
    let of = params![
        query.before.map_or(i64::MAX, |before| before.0),
        query.device.as_ref().map(DeviceId::as_str),
        query.item.as_ref().map(Label::as_str),
        query.state.map(FactState::as_str),
        query.outcome,
    ];
    let count: i64 = statement.query_row(of, |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// How many facts have come how far, by state and outcome.
pub(crate) fn totals(
    connection: &Connection,
) -> Result<Vec<(FactState, Option<String>, u64)>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT state, outcome, count(*) FROM desk_fact GROUP BY state, outcome ORDER BY 1, 2",
    )?;
    let mut rows = statement.query([])?;
    let mut totals = Vec::new();
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        let state = state.parse().map_err(|error: String| not_ours(&error))?;
        totals.push((state, row.get(1)?, row.get::<_, i64>(2)?.unsigned_abs()));
    }
    Ok(totals)
}

/// How many facts of a device are not settled, and when the oldest of them happened.
pub(crate) fn waiting_of(
    connection: &Connection,
    device: &DeviceId,
) -> Result<(u64, Option<Timestamp>), LedgerError> {
    let (count, oldest): (i64, Option<i64>) = connection
        .prepare_cached(
            "SELECT count(*), min(happened) FROM desk_fact
             WHERE device = ?1 AND state IN ('waiting', 'sent', 'disputed')",
        )?
        .query_row([device.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((count.unsigned_abs(), oldest.map(timestamp).transpose()?))
}

/// What is disputed of a device's facts, the newest first.
pub(crate) fn disputed_of(
    connection: &Connection,
    device: &DeviceId,
    limit: usize,
) -> Result<Vec<ReturnedConflict>, LedgerError> {
    let query = FactQuery {
        device: Some(device.clone()),
        state: Some(FactState::Disputed),
        limit,
        ..FactQuery::default()
    };
    let returned = |fact: DeskFact| {
        let kind = fact.outcome.unwrap_or_default();
        Ok(ReturnedConflict {
            fact: fact.event,
            item: fact.item,
            time: fact.happened,
            kind: kind.parse().map_err(|error| not_ours(&error))?,
            due: fact.due.map(Due::Instant),
        })
    };
    facts(connection, &query)?
        .into_iter()
        .map(returned)
        .collect()
}

/// What is in dispute of an item, to be compared.
pub(crate) fn disputes(connection: &Connection, item: &Label) -> Result<String, LedgerError> {
    let disputes: Option<String> = connection
        .prepare_cached(
            "SELECT group_concat(number || ' ' || outcome) FROM desk_fact
             WHERE item = ?1 AND state = 'disputed'",
        )?
        .query_row([item.as_str()], |row| row.get(0))?;
    Ok(disputes.unwrap_or_default())
}

/// Whether the desk ever had something to do about an entry.
pub(crate) fn is_known(connection: &Connection, number: EntryNumber) -> Result<bool, LedgerError> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM desk_fact WHERE number = ?1")?;
    Ok(statement.exists([number.0])?)
}

/// Whether an entry tells of an item: what the desk takes in.
pub(crate) fn is_of_an_item(fact: &Fact) -> bool {
    match fact {
        Fact::LoanCheckout(_) | Fact::LoanRenew(_) | Fact::LoanCheckin(_) => true,
        Fact::LoanUndone(_) => true,
        Fact::VisitCounted(_) | Fact::CardIssued(_) | Fact::KioskUsed(_) => false,
        Fact::ContentInstalled(_) | Fact::ContentRemoved(_) | Fact::ContentFailed(_) => false,
        Fact::StopOpened(_) | Fact::StopClosed(_) | Fact::OutboxDropped(_) => false,
        Fact::PaymentUnresolved(_) => false,
    }
}

fn value(connection: &Connection, name: &str) -> Result<Option<String>, LedgerError> {
    let value = connection
        .prepare_cached("SELECT value FROM desk WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(value)
}

fn set(connection: &Connection, name: &str, value: &str) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO desk (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )?
        .execute([name, value])?;
    Ok(())
}

fn record(json: &str) -> Result<ItemRecord, LedgerError> {
    ItemRecord::from_json(json).map_err(|error| not_ours(&error))
}

fn fact(row: &Row<'_>) -> Result<DeskFact, LedgerError> {
    let text = |column| -> Result<String, LedgerError> { Ok(row.get(column)?) };
    let (kind, state) = (text(4)?, text(7)?);
    Ok(DeskFact {
        number: EntryNumber(row.get(0)?),
        device: super::registry::id(text(1)?)?,
        event: text(2)?.parse().map_err(|error| not_ours(&error))?,
        item: text(3)?.parse().map_err(|error| not_ours(&error))?,
        kind: (KINDS.into_iter().find(|known| *known == kind))
            .ok_or_else(|| not_ours(&"a kind of loan that is none"))?,
        happened: timestamp(row.get(5)?)?,
        due: row.get::<_, Option<i64>>(6)?.map(timestamp).transpose()?,
        state: state.parse().map_err(|error: String| not_ours(&error))?,
        outcome: row.get(8)?,
        changed: timestamp(row.get(9)?)?,
        exported: row.get(10)?,
    })
}

/// What a fact is called, by what is to be done about it and whether it is the word that another
/// is undone.
pub(crate) fn kind(kind: LoanKind, is_undo: bool) -> &'static str {
    let [checkout, renew, checkin, undo] = KINDS;
    match kind {
        _ if is_undo => undo,
        LoanKind::Checkout => checkout,
        LoanKind::Renew => renew,
        LoanKind::Checkin => checkin,
    }
}

fn not_ours(error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Database(format!("a row of the loan desk is none: {error}"))
}
