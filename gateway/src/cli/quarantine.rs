//! `quarantine`: what was kept aside, and what a person decides on it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::Subcommand;
use lujiang_wire::DeviceId;
use serde_json::{Value, json};

use crate::cli::access::{Access, Stopped, actor};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::entry::{EntryNumber, QuarantineReason};
use crate::http::rulings::{CorrectionBody, RulingBody};
use crate::intake::{AfterCommit, CommittedGroup, Intake, RulingVerdict};
use crate::ruling::{AsideState, RulingReason};
use crate::run::SystemClock;
use crate::seal::Seals;
use crate::store::quarantine::page;
use crate::store::{QuarantineQuery, QuarantineRow};

/// `quarantine …`
#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// List elements kept aside, newest first, without their values
    #[command(after_help = "Examples:
  lujiang-gateway quarantine list --state open
  lujiang-gateway quarantine list --device gate-1 --before 812 --json")]
    List {
        /// Only of this device
        #[arg(long)]
        device: Option<DeviceId>,
        /// Only not-readable, not-understood, foreign-source, id-conflict, implausible or not-signed
        #[arg(long)]
        reason: Option<QuarantineReason>,
        /// Only open, accepted, corrected or dismissed
        #[arg(long)]
        state: Option<AsideState>,
        /// Only entries before this number
        #[arg(long)]
        before: Option<i64>,
        /// At most this many
        #[arg(long, default_value = "100")]
        limit: usize,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Write the bytes of an element to standard output; who did so is in the audit
    #[command(after_help = "Example:\n  lujiang-gateway quarantine open 812 > element.json")]
    Open {
        /// Its number
        number: i64,
    },
    /// Let an element count as it is
    #[command(after_help = "Example:\n  lujiang-gateway quarantine accept 812 --why 'book fair'")]
    Accept {
        /// Its number
        number: i64,
        /// Why, in a line
        #[arg(long)]
        why: String,
    },
    /// Let a corrected event count in place of an element
    #[command(after_help = "Example:
  lujiang-gateway quarantine correct 812 --event corrected.json --why 'four zeros too many'")]
    Correct {
        /// Its number
        number: i64,
        /// A file with the CloudEvent that is to count
        #[arg(long, value_name = "FILE")]
        event: PathBuf,
        /// Why, in a line
        #[arg(long)]
        why: String,
    },
    /// Leave an element aside for good
    #[command(after_help = "Example:\n  lujiang-gateway quarantine dismiss 812 --why 'a test'")]
    Dismiss {
        /// Its number
        number: i64,
        /// Why, in a line
        #[arg(long)]
        why: String,
    },
}

impl QuarantineCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::List {
                device,
                reason,
                state,
                before,
                limit,
                json,
            } => {
                let query = QuarantineQuery {
                    device,
                    reason,
                    state,
                    before: before.map(EntryNumber),
                    limit,
                };
                list(folder, printer, &query, json)?;
            }
            Self::Open { number } => {
                let bytes = open(folder, number).await?;
                let out = printer.writer();
                out.write_all(&bytes)
                    .context("writing to standard output")?;
                out.flush().context("writing to standard output")?;
            }
            Self::Accept { number, why } => {
                rule(folder, printer, number, RulingVerdict::Accept, &why).await?;
            }
            Self::Correct { number, event, why } => {
                let text = std::fs::read_to_string(&event)
                    .with_context(|| format!("reading {}", event.display()))?;
                rule(folder, printer, number, RulingVerdict::Correct(text), &why).await?;
            }
            Self::Dismiss { number, why } => {
                rule(folder, printer, number, RulingVerdict::Dismiss, &why).await?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn list(
    folder: &Folder,
    printer: &mut Printer,
    query: &QuarantineQuery,
    json: bool,
) -> Result<(), Failure> {
    let readers = folder.read_only()?;
    let rows = readers.read(|connection| page(connection, query));
    let rows = rows.context("reading the quarantine")?;
    if json {
        return Ok(printer.json(&rows.iter().map(members).collect::<Vec<_>>())?);
    }
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            [
                row.number.0.to_string(),
                row.device.to_string(),
                row.received.to_string(),
                row.reason.as_str().to_owned(),
                row.state.as_str().to_owned(),
                row.error_place.clone(),
                row.expected.clone(),
            ]
        })
        .collect();
    let names = [
        "NUMBER", "DEVICE", "RECEIVED", "REASON", "STATE", "PLACE", "EXPECTED",
    ];
    Ok(printer.table(names, &cells)?)
}

fn members(row: &QuarantineRow) -> Value {
    json!({
        "number": row.number, "device": row.device, "received": row.received,
        "type": row.event_type, "reason": row.reason.as_str(), "place": row.error_place,
        "expected": row.expected, "excerpt": row.excerpt, "bytes": row.bytes,
        "state": row.state.as_str(),
        "decision": row.decision.as_ref().map(|decision| json!({
            "at": decision.at, "by": decision.by, "why": decision.why,
            "admitted": decision.admitted,
        })),
    })
}

async fn open(folder: &Folder, number: i64) -> Result<Vec<u8>, Failure> {
    let context = format!("opening quarantined element {number}");
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = format!("/api/v1/quarantine/{number}/open");
            let answer: anyhow::Result<Value> = gateway.post(&path, &json!({})).await;
            answer.and_then(|answer| {
                let text = answer["base64"].as_str().unwrap_or_default();
                let decoded = BASE64_STANDARD.decode(text);
                decoded.context("reading the answer of the gateway")
            })
        }
        Access::Stopped(stopped) => {
            let intake = intake(folder, &stopped)?;
            let opened = intake.open_aside(EntryNumber(number), &actor()).await;
            intake.stop().await;
            drop(intake);
            stopped.close().await;
            opened
                .map(|opened| opened.bytes)
                .map_err(anyhow::Error::new)
        }
    }
    .context(context)?)
}

async fn rule(
    folder: &Folder,
    printer: &mut Printer,
    number: i64,
    verdict: RulingVerdict,
    why: &str,
) -> Result<(), Failure> {
    let reason = RulingReason::new(why).map_err(|error| Failure::Usage(error.into()))?;
    let context = format!("deciding on quarantined element {number}");
    let (state, admitted) = match Access::find(folder).await? {
        Access::Running(gateway) => {
            let path = |act| format!("/api/v1/quarantine/{number}/{act}");
            let why = why.to_owned();
            let answer: anyhow::Result<Value> = match verdict {
                RulingVerdict::Accept => gateway.post(&path("accept"), &RulingBody { why }).await,
                RulingVerdict::Dismiss => gateway.post(&path("dismiss"), &RulingBody { why }).await,
                RulingVerdict::Correct(event) => {
                    let event = serde_json::from_str(&event)
                        .map_err(|error| Failure::Usage(anyhow!("the event: {error}")))?;
                    let body = CorrectionBody { why, event };
                    gateway.post(&path("correct"), &body).await
                }
            };
            answer.map(|row| {
                let state = row["state"].as_str().unwrap_or_default().to_owned();
                (state, row["decision"]["admitted"].as_i64())
            })
        }
        Access::Stopped(stopped) => {
            let intake = intake(folder, &stopped)?;
            let by = actor();
            let ruled = intake.rule(EntryNumber(number), verdict, reason, &by).await;
            intake.stop().await;
            drop(intake);
            stopped.close().await;
            ruled
                .map(|ruled| {
                    let admitted = ruled.admitted.map(|entry| entry.0);
                    (ruled.state.as_str().to_owned(), admitted)
                })
                .map_err(anyhow::Error::new)
        }
    }
    .context(context)?;
    let counts = admitted.map(|entry| format!("; entry {entry} counts"));
    let counts = counts.unwrap_or_default();
    printer.line(format!("{number}  {state}{counts}"))?;
    Ok(())
}

/// Nobody is connected to a stopped gateway.
struct Nobody;

impl AfterCommit for Nobody {
    fn committed(&self, _group: &CommittedGroup) {}
}

/// An intake in the folder of a stopped gateway, for decisions alone.
fn intake(folder: &Folder, stopped: &Stopped) -> Result<Intake, Failure> {
    let rules = folder.config()?.intake;
    let seals = Seals::open(&stopped.data.keys_dir()).context("opening the keys")?;
    Ok(Intake::start(
        stopped.store.clone(),
        rules,
        seals,
        Arc::new(SystemClock::new()),
        Arc::new(Nobody),
    ))
}
