//! Files for a library system without SIP2: Koha's `.koc` and Evergreen's `pending.xacts`. They
//! name readers in clear, so they are written here, for their owner alone, and the readers are
//! opened only meanwhile.
//!
//! Neither form has an id, so loading a file twice doubles it: what went out with one export goes
//! out with no other, and the same export again is the same file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rusqlite::Transaction;
use serde_json::json;

use super::Loans;
use crate::data_dir::{DataDirError, replace_file};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::store::audit;
use crate::store::loans::{self as rows, DeskFact};

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

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
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

    fn file_name(self, number: i64) -> String {
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
    /// Writes what no library system was told of and no export has, and marks it; or writes an
    /// earlier export again.
    ///
    /// # Errors
    /// Where there was no such export, or nothing could be written.
    pub async fn export(
        &self,
        form: ExportForm,
        again: Option<i64>,
        actor: &Actor,
    ) -> Result<Export, ExportError> {
        let loans = self.clone();
        let mut record = self.record("loans.export", form.as_str(), actor);
        let by = actor.as_str().to_owned();
        let decide = move |tx: &Transaction<'_>| {
            let form = match again {
                None => form,
                Some(number) => match rows::export_form(tx, number)?.map(|it| it.parse()) {
                    Some(Ok(form)) => form,
                    Some(Err(_)) | None => return Ok(Err(ExportError::Unknown(number))),
                },
            };
            let (mut lines, mut out, mut without_reader) = (Vec::new(), Vec::new(), Vec::new());
            for fact in rows::exportable(tx, again)? {
                let reader = rows::person(tx, fact.number)?
                    .and_then(|person| loans.0.seals.open_person(&person).ok())
                    .and_then(|reader| String::from_utf8(reader).ok());
                if fact.kind != "checkin" && reader.is_none() {
                    without_reader.push(fact.number);
                    continue;
                }
                out.push(fact.number);
                lines.push(form.line(&fact, reader.as_deref(), &loans.0.zone));
            }
            let facts = out.len() as u64;
            if out.is_empty() && again.is_none() {
                let (number, file) = (None, None);
                let nothing = Export {
                    number,
                    file,
                    facts,
                    without_reader,
                };
                return Ok(Ok(nothing));
            }
            let number = match again {
                Some(number) => number,
                None => rows::begin_export(tx, record.at, &by, form.as_str(), &out)?,
            };
            let file = loans.0.exports.join(form.file_name(number));
            // The file first: what is marked as gone out is surely there.
            if let Err(error) = loans.write(&file, &form.whole(&lines)) {
                return Err(LedgerError::Database(format!("the export: {error}")));
            }
            record.after = Some(json!({
                "export": number, "facts": facts, "without_reader": without_reader.len(),
                "again": again.is_some(),
            }));
            audit::append(tx, &record)?;
            let (number, file) = (Some(number), Some(file));
            Ok(Ok(Export {
                number,
                file,
                facts,
                without_reader,
            }))
        };
        self.0.store.decide(decide).await?
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

impl ExportForm {
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
                    "checkin" => format!("{time} {milli:03}\treturn\t{item}\n"),
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
                    "checkin" => json!({
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
