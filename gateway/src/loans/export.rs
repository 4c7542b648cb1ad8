//! Files for a library system without SIP2: Koha's `.koc` and Evergreen's `pending.xacts`. They
//! name readers in clear, so they are written here, for their owner alone, and the readers are
//! opened only meanwhile.
//!
//! Neither form has an id, so loading a file twice doubles it: what went out with one export goes
//! out with no other, and the same export again is the same file. What goes out is settled by it;
//! where it is undone later, its opposite goes out with the next.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lujiang_wire::Label;
use rusqlite::Transaction;
use serde_json::json;

use super::Loans;
use super::keeper::Kept;
use crate::data_dir::{DataDirError, replace_file};
use crate::desk::{Desk, Outgoing, Work};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::store::audit::{self, AuditRecord};
use crate::store::loans::{self as rows, DeskFact};

/// What is written as a return: a return, and the word that a loan did not happen.
const BACK: &str = "checkin";
const UNDO: &str = "undo";

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// Koha's off-line circulation file.
    Koc,
    /// Evergreen's off-line transactions.
    PendingXacts,
}

/// A written file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// Its number; none where there was nothing to write.
    pub number: Option<i64>,
    /// Where it lies, on the gateway's machine; none where there was nothing to write.
    pub file: Option<PathBuf>,
    /// Loans, renewals and returns in it.
    pub facts: u64,
    /// Loans and renewals that are not in it: their reader is no longer kept.
    pub without_reader: Vec<EntryNumber>,
}

/// What of all that waits goes into a file.
#[derive(Default)]
struct Chosen {
    /// Each as its line says it, with its reader, in clear, where it has one.
    written: Vec<(DeskFact, Option<String>)>,
    without_reader: Vec<EntryNumber>,
    kept: Kept,
}

/// A file about to be written.
struct Written {
    number: i64,
    form: ExportForm,
    lines: Vec<String>,
    without_reader: Vec<EntryNumber>,
    again: bool,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The desk tells the library system itself: a file would tell it twice.
    #[error(
        "the library system is told over SIP2, and a file would tell it twice; to export, take \
         `loans.ils.host` out of the configuration"
    )]
    OverSip2,
    /// There was no such export.
    #[error("there was no export {0}")]
    Unknown(i64),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] DataDirError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl ExportForm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Koc, Self::PendingXacts];

    /// The name on the command line and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Koc => "koc",
            Self::PendingXacts => "pending-xacts",
        }
    }

    pub(super) fn file_name(self, number: i64) -> String {
        match self {
            Self::Koc => format!("{number}.koc"),
            Self::PendingXacts => format!("{number}-pending.xacts"),
        }
    }
}

impl fmt::Display for ExportForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ExportForm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|form| form.as_str() == text)
            .ok_or_else(|| "expected koc or pending-xacts".to_owned())
    }
}

impl Loans {
    /// Writes what no library system was told of, and settles it as exported; or writes an earlier
    /// export again.
    ///
    /// # Errors
    /// Where the library system is told over SIP2, there was no such export, or nothing could be
    /// written.
    pub async fn export(
        &self,
        form: ExportForm,
        again: Option<i64>,
        actor: &Actor,
    ) -> Result<Export, ExportError> {
        if again.is_none() && self.0.section.ils.host.is_some() {
            return Err(ExportError::OverSip2);
        }
        let loans = self.clone();
        let record = self.record("loans.export", form.as_str(), actor);
        let decide = move |tx: &Transaction<'_>| match again {
            None => loans.export_new(tx, form, record).map(Ok),
            Some(number) => match rows::export_form(tx, number)?.map(|it| it.parse()) {
                Some(Ok(form)) => loans.export_again(tx, form, number, record).map(Ok),
                Some(Err(_)) | None => Ok(Err(ExportError::Unknown(number))),
            },
        };
        let (export, kept) = self.0.store.decide(decide).await??;
        self.tidy(kept).await;
        Ok(export)
    }

    fn export_new(
        &self,
        tx: &Transaction<'_>,
        form: ExportForm,
        record: AuditRecord,
    ) -> Result<(Export, Kept), LedgerError> {
        let waiting = rows::exportable(tx)?;
        let mut chosen = self.choose(tx, &waiting, form.tick())?;
        chosen
            .written
            .sort_by_key(|(fact, _)| (fact.happened, fact.number));
        let out = chosen.written.iter();
        let out: Vec<_> = out.map(|(fact, _)| (fact.number, fact.happened)).collect();
        if out.is_empty() {
            let nothing = Export {
                number: None,
                file: None,
                facts: 0,
                without_reader: chosen.without_reader,
            };
            return Ok((nothing, chosen.kept));
        }
        let number = rows::begin_export(tx, record.at, &record.actor, form.as_str(), &out)?;
        let line = |(fact, reader): &(DeskFact, Option<String>)| {
            form.line(fact, reader.as_deref(), &self.0.zone)
        };
        let lines = chosen.written.iter().map(line).collect();
        let export = Written {
            number,
            form,
            lines,
            without_reader: chosen.without_reader,
            again: false,
        };
        Ok((self.finish(tx, export, record)?, chosen.kept))
    }

    fn export_again(
        &self,
        tx: &Transaction<'_>,
        form: ExportForm,
        number: i64,
        record: AuditRecord,
    ) -> Result<(Export, Kept), LedgerError> {
        let (mut lines, mut without_reader) = (Vec::new(), Vec::new());
        for fact in rows::exported(tx, number)? {
            match (fact.kind, self.reader(tx, fact.number)?) {
                (BACK | UNDO, reader) => {
                    lines.push(form.line(&fact, reader.as_deref(), &self.0.zone))
                }
                (_, None) => without_reader.push(fact.number),
                (_, reader) => lines.push(form.line(&fact, reader.as_deref(), &self.0.zone)),
            }
        }
        let export = Written {
            number,
            form,
            lines,
            without_reader,
            again: true,
        };
        Ok((self.finish(tx, export, record)?, Kept::default()))
    }

    /// Has the desk's core say what of all that waits goes out, and settles that.
    fn choose(
        &self,
        tx: &Transaction<'_>,
        waiting: &[DeskFact],
        tick: SignedDuration,
    ) -> Result<Chosen, LedgerError> {
        let now = self.now();
        let mut chosen = Chosen::default();
        let items: BTreeSet<&Label> = waiting.iter().map(|fact| &fact.item).collect();
        for item in items {
            let Some(record) = rows::item(tx, item)? else {
                continue;
            };
            let mut desk = Desk::new(self.profile(), self.policy(), self.abilities(tx)?);
            desk.handle_work(Work::Paused);
            desk.recall(record);
            let mut written = Vec::new();
            while let Some(number) = desk.next_outgoing(item, now) {
                let reader = self.reader(tx, number)?;
                let fact = waiting.iter().find(|fact| fact.number == number);
                let outgoing = match fact {
                    Some(fact) if [BACK, UNDO].contains(&fact.kind) || reader.is_some() => {
                        written.push((fact.clone(), reader));
                        Outgoing::Written
                    }
                    Some(_) | None => {
                        chosen.without_reader.push(number);
                        Outgoing::NoReader
                    }
                };
                desk.handle_outgoing(item, number, outgoing, now);
            }
            put_in_order(&mut written, tick);
            chosen.written.append(&mut written);
            chosen.kept = chosen.kept.and(self.keep_all(&mut desk, tx)?);
        }
        Ok(chosen)
    }

    fn finish(
        &self,
        tx: &Transaction<'_>,
        export: Written,
        mut record: AuditRecord,
    ) -> Result<Export, LedgerError> {
        let file = self.0.exports.join(export.form.file_name(export.number));
        // The file first: what is marked as gone out is surely there.
        if let Err(error) = self.write(&file, &export.form.whole(&export.lines)) {
            return Err(LedgerError::Database(format!("the export: {error}")));
        }
        let facts = export.lines.len() as u64;
        record.after = Some(json!({
            "export": export.number, "facts": facts, "again": export.again,
            "without_reader": export.without_reader.len(),
        }));
        audit::append(tx, &record)?;
        Ok(Export {
            number: Some(export.number),
            file: Some(file),
            facts,
            without_reader: export.without_reader,
        })
    }

    /// The reader of a fact, in clear; none where there is none, or none any more.
    fn reader(
        &self,
        tx: &Transaction<'_>,
        number: EntryNumber,
    ) -> Result<Option<String>, LedgerError> {
        let person = rows::person(tx, number)?;
        let opened = person.and_then(|person| self.0.seals.open_person(&person).ok());
        Ok(opened.and_then(|reader| String::from_utf8(reader).ok()))
    }

    fn write(&self, file: &std::path::Path, text: &str) -> Result<(), DataDirError> {
        use std::os::unix::fs::DirBuilderExt as _;
        let folder = &self.0.exports;
        let made = std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder);
        made.map_err(|source| DataDirError::File {
            action: "create",
            path: folder.clone(),
            source,
        })?;
        replace_file(file, text.as_bytes())
    }
}

/// Has each line of an item say a time before that of the next, in the order in which the desk
/// takes its facts: who loads the file goes by the lines, or by their times. The time of an undated
/// fact is its receipt, which may be long after what its outbox wrote next.
fn put_in_order(item: &mut [(DeskFact, Option<String>)], tick: SignedDuration) {
    let mut next: Option<Timestamp> = None;
    for (fact, _) in item.iter_mut().rev() {
        let before = next.map(|next| next.checked_sub(tick).unwrap_or(next));
        fact.happened = before.map_or(fact.happened, |before| before.min(fact.happened));
        next = Some(fact.happened);
    }
}

impl ExportForm {
    /// The least that tells two times apart in the file.
    fn tick(self) -> SignedDuration {
        match self {
            Self::Koc => SignedDuration::from_millis(1),
            Self::PendingXacts => SignedDuration::from_secs(1),
        }
    }

    fn whole(self, lines: &[String]) -> String {
        let head = match self {
            Self::Koc => format!(
                "Version=1.0\tGenerator=lujiang\tGeneratorVersion={}\n",
                env!("CARGO_PKG_VERSION")
            ),
            Self::PendingXacts => String::new(),
        };
        head + &lines.concat()
    }

    fn line(self, fact: &DeskFact, reader: Option<&str>, zone: &TimeZone) -> String {
        let reader = reader.unwrap_or_default();
        match self {
            Self::Koc => {
                let local = fact.happened.to_zoned(zone.clone());
                let time = local.strftime("%Y-%m-%d %H:%M:%S");
                let milli = local.millisecond();
                let item = &fact.item;
                match fact.kind {
                    BACK | UNDO => format!("{time} {milli:03}\treturn\t{item}\n"),
                    // Koha renews what is issued again to whom it is issued.
                    _ => format!("{time} {milli:03}\tissue\t{reader}\t{item}\n"),
                }
            }
            Self::PendingXacts => {
                let seconds = fact.happened.as_second();
                let day =
                    |at: Timestamp| at.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string();
                let time = || {
                    let local = fact.happened.to_zoned(zone.clone());
                    local.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
                };
                let line = match fact.kind {
                    BACK | UNDO => json!({
                        "timestamp": seconds, "type": "checkin", "delta": 0,
                        "barcode": fact.item, "backdate": time(),
                    }),
                    kind => json!({
                        "timestamp": seconds, "type": kind, "delta": 0,
                        "patron_barcode": reader, "barcode": fact.item,
                        "checkout_time": time(), "due_date": fact.due.map(day),
                    }),
                };
                format!("{line}\n")
            }
        }
    }
}
