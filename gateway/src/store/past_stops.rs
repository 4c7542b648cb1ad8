//! The rows of stops in years before the ledger, and the one change there is: a year's table put
//! in place of what was taken of that year, with its audit record.

use jiff::Timestamp;
use jiff::civil::Date;
use lujiang_wire::Label;
use rusqlite::{Connection, params};
use serde_json::json;

use crate::ledger::LedgerError;
use crate::past_stops::PastStop;
use crate::registry::Actor;
use crate::store::Store;
use crate::store::audit::{self, AuditRecord};

/// The table, of version 3.
pub(crate) const THIRD: &str = "
CREATE TABLE past_stop (
    year         INTEGER NOT NULL,
    number       INTEGER NOT NULL,  -- in the printed table
    unit         TEXT NOT NULL,
    occasion     TEXT NOT NULL,
    date         TEXT NOT NULL,     -- the first day, YYYY-MM-DD
    printed      TEXT NOT NULL,     -- the date as printed
    place        TEXT NOT NULL,
    volumes      INTEGER NOT NULL,
    participants INTEGER NOT NULL,
    PRIMARY KEY (year, number)
) STRICT, WITHOUT ROWID;
";

impl Store {
    /// Puts these stops in place of all that were taken of their year.
    ///
    /// # Errors
    /// Where nothing could be committed.
    pub(crate) async fn take_past_stops(
        &self,
        year: i16,
        stops: Vec<PastStop>,
        by: &Actor,
        at: Timestamp,
    ) -> Result<(), LedgerError> {
        let actor = by.as_str().to_owned();
        self.decide(move |tx| {
            let gone = replace_year(tx, year, &stops)?;
            let volumes: u64 = stops.iter().map(|stop| stop.volumes).sum();
            let participants: u64 = stops.iter().map(|stop| stop.participants).sum();
            let record = AuditRecord {
                at,
                actor,
                action: "stops.import".to_owned(),
                subject: year.to_string(),
                before: Some(json!({ "stops": gone })),
                after: Some(json!({
                    "stops": stops.len(), "volumes": volumes, "participants": participants,
                })),
            };
            audit::append(tx, &record).map(drop)
        })
        .await
    }
}

/// Puts these in place of all of that year; says how many there were.
fn replace_year(
    connection: &Connection,
    year: i16,
    stops: &[PastStop],
) -> Result<usize, LedgerError> {
    let gone = connection.execute("DELETE FROM past_stop WHERE year = ?1", [year])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO past_stop (year, number, unit, occasion, date, printed, place, volumes,
                                participants)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?;
    for stop in stops {
        insert.execute(params![
            year,
            stop.number,
            stop.unit.as_str(),
            stop.occasion.as_str(),
            stop.date.to_string(),
            stop.printed.as_str(),
            stop.place.as_str(),
            count(stop.volumes)?,
            count(stop.participants)?,
        ])?;
    }
    Ok(gone)
}

/// Those of a year, in the order of their numbers.
pub(crate) fn of_year(connection: &Connection, year: i16) -> Result<Vec<PastStop>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT number, unit, occasion, date, printed, place, volumes, participants
         FROM past_stop WHERE year = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([year])?;
    let mut stops = Vec::new();
    while let Some(row) = rows.next()? {
        let date: String = row.get(3)?;
        stops.push(PastStop {
            number: row.get(0)?,
            unit: label(row.get(1)?)?,
            occasion: label(row.get(2)?)?,
            date: date.parse::<Date>().map_err(|_| odd("date"))?,
            printed: label(row.get(4)?)?,
            place: label(row.get(5)?)?,
            volumes: row.get::<_, i64>(6)?.unsigned_abs(),
            participants: row.get::<_, i64>(7)?.unsigned_abs(),
        });
    }
    Ok(stops)
}

fn count(number: u64) -> Result<i64, LedgerError> {
    i64::try_from(number).map_err(|_| odd("number"))
}

fn label(text: String) -> Result<Label, LedgerError> {
    Label::try_from(text).map_err(|_| odd("text"))
}

fn odd(what: &str) -> LedgerError {
    LedgerError::Database(format!("a past stop holds no {what}"))
}
