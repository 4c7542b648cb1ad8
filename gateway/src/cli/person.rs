//! `person`: readers forgotten.

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use jiff::Timestamp;

use crate::cli::access::{Access, actor};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::entry::EntryNumber;
use crate::http::persons::{ErasedBody, ErasureBody};
use crate::ruling::RulingReason;
use crate::store::Erasure;

/// `person …`
#[derive(Debug, Subcommand)]
pub(super) enum PersonCommand {
    /// Erase sealed readers and originals of quarantined elements; facts and figures stay. Exit
    /// code 3 where the log could not be emptied, because somebody reads: erase again
    #[command(after_help = "Examples:
  lujiang-gateway person erase --before 2025-01-01 --why 'retention of a year'
  lujiang-gateway person erase --entry 812 --entry 813 --why 'asked for by the reader'")]
    Erase {
        /// Of this entry of the ledger; may be given several times
        #[arg(
            long = "entry",
            value_name = "NUMBER",
            required_unless_present = "before"
        )]
        entries: Vec<i64>,
        /// Of everything received before this date or time
        #[arg(long, conflicts_with = "entries", value_name = "DATE")]
        before: Option<String>,
        /// Why, in a line
        #[arg(long)]
        why: String,
    },
}

impl PersonCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let Self::Erase {
            entries,
            before,
            why,
        } = self;
        let reason = RulingReason::new(&why).map_err(|error| Failure::Usage(anyhow!("{error}")))?;
        let zone = folder.config()?.library.time_zone;
        let before = before.map(|text| moment(&text, &zone)).transpose()?;
        let erased = erase(folder, entries, before, reason).await?;
        printer.line(format!("readers    {}", erased.persons))?;
        printer.line(format!("originals  {}", erased.originals))?;
        Ok(match erased.log_emptied {
            true => Outcome::Done,
            false => {
                printer.line("The log still holds them while somebody reads: erase again.")?;
                Outcome::ProblemsFound
            }
        })
    }
}

async fn erase(
    folder: &Folder,
    entries: Vec<i64>,
    before: Option<Timestamp>,
    why: RulingReason,
) -> Result<ErasedBody, Failure> {
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let body = ErasureBody {
                entries: before.is_none().then_some(entries),
                before,
                why: why.as_str().to_owned(),
            };
            gateway.post("/api/v1/persons/erase", &body).await
        }
        Access::Stopped(stopped) => {
            let erasure = match before {
                Some(before) => Erasure::Before(before),
                None => Erasure::Entries(entries.into_iter().map(EntryNumber).collect()),
            };
            let erased = stopped
                .store
                .erase(erasure, why, &actor(), Timestamp::now())
                .await;
            stopped.close().await;
            erased.map(ErasedBody::from).map_err(anyhow::Error::new)
        }
    }
    .context("erasing readers")?)
}
