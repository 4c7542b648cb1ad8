//! Erasing persons: the sealed readers beside facts, and the sealed originals of quarantined
//! elements, which may name one. The records, their digests and the figures stay as they are.
//!
//! Deleted content is overwritten within the database (`secure_delete`); what the log still holds
//! goes when it is emptied. What a disk or a backup remembers is outside of this file.

use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::entry::EntryNumber;
use crate::ledger::LedgerError;

/// Whose persons are erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Erasure {
    /// Those of these entries; of a quarantined element and what counts in its place, both.
    Entries(Vec<EntryNumber>),
    /// Those of everything received before this.
    Before(Timestamp),
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Sealed readers.
    pub persons: u64,
    /// Originals of quarantined elements.
    pub originals: u64,
    /// Whether the log is empty too. It is not while somebody reads an older state; then it goes
    /// with the next erasure, or when the store closes.
    pub is_log_empty: bool,
}

impl Erasure {
    /// In the words of the audit.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Before(time) => format!("before {time}"),
            Self::Entries(entries) => {
                let numbers: Vec<String> =
                    entries.iter().map(|entry| entry.0.to_string()).collect();
                format!("entries {}", numbers.join(", "))
            }
        }
    }
}

/// Erases; the log is not emptied yet.
pub(crate) fn erase(connection: &Connection, erasure: &Erasure) -> Result<Erased, LedgerError> {
    let mut erased = Erased::default();
    match erasure {
        Erasure::Entries(entries) => {
            for entry in entries {
                erased.persons += changed(connection.execute(
                    "UPDATE person SET sealed = NULL, pseudonym = NULL
                     WHERE (sealed IS NOT NULL OR pseudonym IS NOT NULL)
                       AND fact IN (?1, (SELECT admitted FROM quarantine WHERE number = ?1))",
                    [entry.0],
                )?);
                erased.originals += changed(connection.execute(
                    "UPDATE quarantine SET sealed = x''
                     WHERE length(sealed) > 0 AND (number = ?1 OR admitted = ?1)",
                    [entry.0],
                )?);
            }
        }
        Erasure::Before(time) => {
            let micros = params![time.as_microsecond()];
            erased.persons = changed(connection.execute(
                "UPDATE person SET sealed = NULL, pseudonym = NULL
                 WHERE (sealed IS NOT NULL OR pseudonym IS NOT NULL)
                   AND (SELECT received FROM fact WHERE number = person.fact) < ?1",
                micros,
            )?);
            erased.originals = changed(connection.execute(
                "UPDATE quarantine SET sealed = x'' WHERE length(sealed) > 0 AND received < ?1",
                micros,
            )?);
        }
    }
    Ok(erased)
}

/// Erases the originals of elements that somebody decided on before this; says of how many. Those
/// nobody has decided on stay: nothing else is left of them.
pub(crate) fn erase_decided(
    connection: &Connection,
    before: Timestamp,
) -> Result<u64, LedgerError> {
    let erased = connection.execute(
        "UPDATE quarantine SET sealed = x''
         WHERE length(sealed) > 0 AND state <> 'open' AND ruled < ?1",
        [before.as_microsecond()],
    )?;
    Ok(changed(erased))
}

fn changed(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {

    use serde_json::json;

    use super::*;
    use crate::intake::rehearsal::{Rehearsal, batch, plain, visit};
    use crate::ledger::verify::verify;
    use crate::registry::Actor;
    use crate::ruling::RulingReason;

    /// Enough rows for several pages of every table.
    const LOANS: usize = 300;

    #[tokio::test]
    async fn erased_by_age_no_byte_of_a_person_is_left_in_any_file() {
        let house = lent().await;
        let sealed = sealed(&house);
        assert_eq!(sealed.len(), LOANS + 2);
        assert!(sealed.iter().all(|bytes| house.files_hold(bytes)));
        let visits = house.visits();

        let erased = erase(
            &house,
            Erasure::Before("2026-03-03T00:00:00Z".parse().unwrap()),
        )
        .await;

        let expected = Erased {
            persons: LOANS as u64,
            originals: 2,
            is_log_empty: true,
        };
        assert_eq!(erased, expected);
        let left = sealed
            .iter()
            .filter(|bytes| house.files_hold(bytes))
            .count();
        assert_eq!(left, 0);
        assert_eq!(house.visits(), visits);
        let report = verify(house.store.path(), &mut |_, _| ()).unwrap();
        assert_eq!(report.findings, []);
        let again = erase(
            &house,
            Erasure::Before("2026-03-03T00:00:00Z".parse().unwrap()),
        )
        .await;
        assert_eq!((again.persons, again.originals), (0, 0));
    }

    #[tokio::test]
    async fn erased_by_entry_the_others_stay() {
        let house = lent().await;
        let sealed = sealed(&house);
        let element = EntryNumber(i64::try_from(LOANS).unwrap() + 1);

        let erased = erase(&house, Erasure::Entries(vec![EntryNumber(7), element])).await;

        assert_eq!((erased.persons, erased.originals), (1, 1));
        let left: Vec<bool> = sealed.iter().map(|bytes| house.files_hold(bytes)).collect();
        assert_eq!((left[6], left[LOANS]), (false, false));
        assert_eq!(left.iter().filter(|found| **found).count(), LOANS);
        assert!(house.quarantine().pop().unwrap().is_erased);
        let by = Actor::named("the technician");
        let opened = house.intake.open_aside(element, &by).await;
        assert!(opened.unwrap_err().to_string().contains("erased"));
    }

    #[tokio::test]
    async fn while_somebody_reads_an_older_state_it_says_that_the_log_still_holds_it() {
        let house = lent().await;
        let reader = Connection::open(house.store.path()).unwrap();
        reader
            .execute_batch("BEGIN; SELECT count(*) FROM fact")
            .unwrap();
        let entries = || Erasure::Entries(vec![EntryNumber(1)]);

        assert!(!erase(&house, entries()).await.is_log_empty);
        drop(reader);
        assert!(erase(&house, entries()).await.is_log_empty);
    }

    /// Loans with clear readers, then two elements kept aside.
    async fn lent() -> Rehearsal {
        let house = Rehearsal::new();
        for hundred in 0..LOANS / 100 {
            let loans: Vec<_> = (0..100)
                .map(|loan| {
                    let number = hundred * 100 + loan;
                    let mut event = plain(&format!("loan-{number}"), 0);
                    event["type"] = json!("library.loan.checkout.v1");
                    event["data"] = json!({"item": "LJ1", "patron": {"id": format!("R{number}")},
                        "session": "s", "mode": "offline", "outcome": {"ok": true}});
                    event
                })
                .collect();
            house.send(&batch(&loans)).await;
        }
        house.send(&format!("a reader{}", "x".repeat(9_000))).await;
        house.send("another reader").await;
        house.send(&visit(1, 7).to_string()).await;
        house
    }

    async fn erase(house: &Rehearsal, erasure: Erasure) -> Erased {
        let (why, by) = (RulingReason::new("retention").unwrap(), Actor::named("a"));
        house
            .store
            .erase(erasure, why, &by, Timestamp::UNIX_EPOCH)
            .await
            .unwrap()
    }

    /// Everything sealed, as it lies in the files, in the order of entries.
    fn sealed(house: &Rehearsal) -> Vec<Vec<u8>> {
        let sql = "SELECT CAST(sealed AS BLOB) FROM person UNION ALL
                   SELECT substr(sealed, 1, 64) FROM quarantine";
        let read = house.store.read(|connection| {
            let mut statement = connection.prepare(sql)?;
            let rows = statement.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.unwrap()
    }
}
