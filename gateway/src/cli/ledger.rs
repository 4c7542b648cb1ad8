//! `ledger`: checked and taken out, whether a gateway runs on it or not.

use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::cli::progress::Progress;
use crate::ledger::export::{self, ExportFormat, ExportRange};
use crate::ledger::verify::{self, VerifyReport};
use crate::store::LedgerFile;

/// `ledger …`
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Read every record and say exactly what is not as it was written; exit code 3 where
    /// anything is not
    #[command(after_help = "Example:\n  lujiang-gateway ledger verify --json")]
    Verify {
        /// Print a JSON document
        #[arg(long)]
        json: bool,
    },
    /// Write the entries received in a time to standard output
    #[command(after_help = "Example:
  lujiang-gateway ledger export --from 2026-01-01 --to 2027-01-01 --format csv > 2026.csv")]
    Export {
        /// Received at or after this date or time
        #[arg(long)]
        from: Option<String>,
        /// Received before this date or time
        #[arg(long)]
        to: Option<String>,
        /// The form
        #[arg(long, value_enum, default_value = "jsonl")]
        format: Form,
    },
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// One JSON object a line
    Jsonl,
    /// Comma-separated values with a header line
    Csv,
}

impl LedgerCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let file = folder.ledger()?;
        match self {
            Self::Verify { json } => {
                let report = verified(file).await?;
                match json {
                    true => print_json(printer, &report)?,
                    false => print_text(printer, &report)?,
                }
                Ok(match report.is_sound() {
                    true => Outcome::Done,
                    false => Outcome::ProblemsFound,
                })
            }
            Self::Export { from, to, format } => {
                let zone = folder.config()?.library.time_zone;
                let at = |text: Option<String>| text.map(|text| moment(&text, &zone)).transpose();
                let range = ExportRange {
                    from: at(from)?,
                    to: at(to)?,
                };
                let reader = LedgerFile::open(&file).context("opening the ledger")?;
                let format = match format {
                    Form::Jsonl => ExportFormat::JsonLines,
                    Form::Csv => ExportFormat::Csv,
                };
                let mut out = BufWriter::new(printer.writer());
                export::export(&reader, range, format, &mut out).context("exporting the ledger")?;
                out.flush().context("writing to standard output")?;
                Ok(Outcome::Done)
            }
        }
    }
}

async fn verified(file: PathBuf) -> Result<VerifyReport, Failure> {
    let verifying = tokio::task::spawn_blocking(move || {
        let mut progress = Progress::new();
        let report = verify::verify(&file, &mut |done, total| progress.reached(done, total));
        progress.finish();
        report
    });
    let report = verifying
        .await
        .map_err(|error| anyhow!("the verification ended: {error}"))?;
    Ok(report.context("verifying the ledger")?)
}

fn print_json(printer: &mut Printer, report: &VerifyReport) -> anyhow::Result<()> {
    let findings: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    printer.json(&json!({
        "ledger": report.ledger,
        "entries": report.entries,
        "accepted": report.accepted,
        "admitted": report.admitted,
        "quarantined": report.quarantined,
        "sound": report.is_sound(),
        "findings": findings,
        "findings_unnamed": report.findings_unnamed,
    }))
}

fn print_text(printer: &mut Printer, report: &VerifyReport) -> anyhow::Result<()> {
    printer.line(format!("ledger       {}", report.ledger.0))?;
    printer.line(format!("entries      {}", report.entries))?;
    printer.line(format!("accepted     {}", report.accepted))?;
    printer.line(format!("admitted     {}", report.admitted))?;
    printer.line(format!("quarantined  {}", report.quarantined))?;
    for finding in &report.findings {
        printer.line(format!("FOUND  {finding}"))?;
    }
    if report.findings_unnamed > 0 {
        printer.line(format!("FOUND  and {} more", report.findings_unnamed))?;
    }
    printer.line(match report.is_sound() {
        true => "everything is as it was written",
        false => "not everything is as it was written",
    })
}
