//! `loans`: what devices may lend off-line, and what the library system hears of it. The desk is the running gateway's, so
//! every one of these commands asks it.

mod desk;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;
use jiff::civil::Date;
use lujiang_wire::{DeviceId, Label};
use reqwest::Method;
use serde_json::json;

use desk::{LoanFilter, Print};

use crate::cli::access::Access;
use crate::cli::client::encoded;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::loans::{ExportForm, RulingKind};
use crate::papers::blocks::BlockSource;
use crate::papers::dto::{
    BlockImportReport, BlockListSummary, NewStopRequest, PlannedStopRow, PlannedStops, RotatedKey,
};

/// `loans …`
#[derive(Debug, Subcommand)]
pub(super) enum LoansCommand {
    /// List loans, renewals and returns, and what became of them at the library system
    #[command(after_help = "Examples:
  lujiang-gateway loans list --state waiting
  lujiang-gateway loans list --item LJ0001 --json")]
    List {
        #[command(flatten)]
        filter: LoanFilter,
        /// Print the page of the API
        #[arg(long)]
        json: bool,
    },
    /// Show what the library system disputes, and what each ruling would do
    #[command(after_help = "Example:\n  lujiang-gateway loans conflicts")]
    Conflicts {
        /// Print the page of the API
        #[arg(long)]
        json: bool,
    },
    /// Rule on a loan in dispute; for some seconds it can be taken back
    #[command(after_help = "Examples:
  lujiang-gateway loans rule 812 retry --reason 'the card was renewed'
  lujiang-gateway loans rule 812 dismiss --reason 'returned at the desk'")]
    Rule {
        /// Its number
        number: i64,
        /// retry, force or dismiss
        ruling: RulingKind,
        /// Why, in a line
        #[arg(long)]
        reason: String,
    },
    /// Take a ruling back that the library system has not heard of
    #[command(after_help = "Example:\n  lujiang-gateway loans take-back 812")]
    TakeBack {
        /// Its number
        number: i64,
    },
    /// Show how the loan desk stands, and what it will do next
    #[command(after_help = "Example:\n  lujiang-gateway loans desk --json")]
    Desk {
        /// Print the state
        #[arg(long)]
        json: bool,
    },
    /// Show how far each device's facts have come
    #[command(after_help = "Example:\n  lujiang-gateway loans sync")]
    Sync {
        /// Print the page of the API
        #[arg(long)]
        json: bool,
    },
    /// Have the desk ask and tell the library system nothing
    #[command(after_help = "Example:\n  lujiang-gateway loans pause")]
    Pause,
    /// Have the desk go on
    #[command(after_help = "Example:\n  lujiang-gateway loans resume")]
    Resume,
    /// Have the desk find out anew what the library system can answer, as after an upgrade of it
    #[command(after_help = "Example:\n  lujiang-gateway loans probe")]
    Probe,
    /// Write a file for a library system without SIP2. It names readers, and lies in the data
    /// folder. Exit code 3 where a loan is not in it because its reader is no longer kept
    #[command(after_help = "Examples:
  lujiang-gateway loans export koc
  lujiang-gateway loans export pending-xacts --again 3")]
    Export {
        /// koc (Koha) or pending-xacts (Evergreen)
        form: ExportForm,
        /// The number of an earlier export, to have the same file again
        #[arg(long, value_name = "NUMBER")]
        again: Option<i64>,
        /// Agree beforehand to have it again
        #[arg(long, requires = "again")]
        yes: bool,
        /// Print {"export","file","facts","without_reader"}
        #[arg(long)]
        json: bool,
    },
    /// Erase readers and pseudonym keys whose time is over, now
    #[command(after_help = "Example:\n  lujiang-gateway loans forget")]
    Forget {
        /// Print {"readers","years"}
        #[arg(long)]
        json: bool,
    },
    /// The block list: readers nothing is lent to off-line
    #[command(subcommand)]
    Blocks(BlocksCommand),
    /// Stops planned for the bus
    #[command(subcommand)]
    Stops(StopsCommand),
    /// Give the loan desk a new key; what is sealed to those before still opens
    #[command(after_help = "Example:\n  lujiang-gateway loans rotate-key")]
    RotateKey {
        /// Print {"kid"}
        #[arg(long)]
        json: bool,
    },
}

/// `loans blocks …`
#[derive(Debug, Subcommand)]
pub(super) enum BlocksCommand {
    /// Import a library system's list in place of the one before. With a line that is not
    /// understood nothing is taken, and the exit code is 3
    #[command(after_help = "Examples:
  lujiang-gateway loans blocks import --from koha borrowers.csv
  lujiang-gateway loans blocks import --from evergreen patrons.csv --check
  lujiang-gateway loans blocks import --from csv blocked.csv --as-of 2026-11-25T06:00:00Z")]
    Import {
        /// The exported file
        file: PathBuf,
        /// Who wrote it: csv (columns reader, until), koha (cardnumber, debarred, dateexpiry) or
        /// evergreen (barcode, barred, expire_date, or its off-line block list)
        #[arg(long)]
        from: BlockSource,
        /// When the library system said so; now where left out
        #[arg(long, value_name = "DATE")]
        as_of: Option<String>,
        /// Only show what is understood
        #[arg(long)]
        check: bool,
        /// Take what is understood, also where some lines are not
        #[arg(long, conflicts_with = "check")]
        take_understood: bool,
        /// Print the report
        #[arg(long)]
        json: bool,
    },
    /// Show how long the list is, and as of when
    #[command(after_help = "Example:\n  lujiang-gateway loans blocks show")]
    Show {
        /// Print {"readers","as_of","imported"}
        #[arg(long)]
        json: bool,
    },
}

/// `loans stops …`
#[derive(Debug, Subcommand)]
pub(super) enum StopsCommand {
    /// Plan a stop, and print its name
    #[command(after_help = "Example:
  lujiang-gateway loans stops plan --date 2026-12-03 --unit 东岗村小学 --place 操场")]
    Plan {
        /// On which day
        #[arg(long)]
        date: Date,
        /// Whom it serves (流动服务单位)
        #[arg(long)]
        unit: Label,
        /// On what occasion (活动内容)
        #[arg(long)]
        occasion: Option<Label>,
        /// Where (活动地点)
        #[arg(long)]
        place: Label,
        /// The bus it is for; every bus where none is said
        #[arg(long)]
        device: Option<DeviceId>,
        /// Print the stop
        #[arg(long)]
        json: bool,
    },
    /// List the planned stops
    #[command(after_help = "Example:\n  lujiang-gateway loans stops list")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Remove a planned stop
    #[command(after_help = "Example:\n  lujiang-gateway loans stops remove 2026-12-03-1a2b3c4d")]
    Remove {
        /// Its name
        stop: Label,
    },
}

impl LoansCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::List { filter, json } => {
                desk::list(folder, printer, &filter, Print::of(json)).await
            }
            Self::Conflicts { json } => desk::conflicts(folder, printer, Print::of(json)).await,
            Self::Rule {
                number,
                ruling,
                reason,
            } => desk::rule(folder, printer, number, ruling, reason).await,
            Self::TakeBack { number } => desk::take_back(folder, number).await,
            Self::Desk { json } => desk::desk(folder, printer, Print::of(json)).await,
            Self::Sync { json } => desk::sync(folder, printer, Print::of(json)).await,
            Self::Pause => desk::post(folder, "pause").await,
            Self::Probe => desk::post(folder, "probe").await,
            Self::Resume => desk::post(folder, "resume").await,
            Self::Export {
                form,
                again,
                yes,
                json,
            } => {
                let again = again.map(|number| desk::Again {
                    number,
                    is_agreed: yes,
                });
                desk::export(folder, printer, form, again, Print::of(json)).await
            }
            Self::Forget { json } => desk::forget(folder, printer, Print::of(json)).await,
            Self::Blocks(command) => command.perform(folder, printer).await,
            Self::Stops(command) => command.perform(folder, printer).await,
            Self::RotateKey { json } => {
                let gateway = Access::running(folder).await?;
                let path = "/api/v1/loans/rotate-key";
                let rotated: RotatedKey = gateway
                    .post(path, &json!({}))
                    .await
                    .context("rotating the desk's key")?;
                match json {
                    true => printer.json(&rotated)?,
                    false => printer.line(format!("key  {}", rotated.kid))?,
                }
                Ok(Outcome::Done)
            }
        }
    }
}

impl BlocksCommand {
    async fn perform(self, folder: &Folder, printer: &mut Printer) -> Result<Outcome, Failure> {
        match self {
            Self::Import {
                file,
                from,
                as_of,
                check,
                take_understood,
                json,
            } => {
                let zone = folder.config()?.library.time_zone;
                let as_of = as_of.map(|text| moment(&text, &zone)).transpose()?;
                let take = match (check, take_understood) {
                    (true, _) => "check",
                    (false, true) => "understood",
                    (false, false) => "whole",
                };
                let mut path = format!("/api/v1/loans/blocks?from={from}&take={take}");
                if let Some(as_of) = as_of {
                    path += &format!("&as_of={as_of}");
                }
                let bytes = tokio::fs::read(&file)
                    .await
                    .with_context(|| format!("reading {}", file.display()))?;
                let gateway = Access::running(folder).await?;
                let report = gateway.post_text(&path, "text/csv", bytes).await;
                let report: BlockImportReport = report.context("importing the block list")?;
                match json {
                    true => printer.json(&report)?,
                    false => shown(printer, &report)?,
                }
                Ok(match report.problems_total {
                    0 => Outcome::Done,
                    _ => Outcome::ProblemsFound,
                })
            }
            Self::Show { json } => {
                let gateway = Access::running(folder).await?;
                let list: BlockListSummary = gateway
                    .get("/api/v1/loans/blocks")
                    .await
                    .context("asking for the block list")?;
                if json {
                    printer.json(&list)?;
                    return Ok(Outcome::Done);
                }
                match list.as_of {
                    Some(as_of) => {
                        printer.line(format!("readers  {}\nas of    {as_of}", list.readers))?;
                    }
                    None => printer.line("no block list was imported")?,
                }
                Ok(Outcome::Done)
            }
        }
    }
}

impl StopsCommand {
    async fn perform(self, folder: &Folder, printer: &mut Printer) -> Result<Outcome, Failure> {
        let gateway = Access::running(folder).await?;
        match self {
            Self::Plan {
                date,
                unit,
                occasion,
                place,
                device,
                json,
            } => {
                let request = NewStopRequest {
                    date,
                    unit,
                    occasion,
                    place,
                    device,
                };
                let planned = gateway.post("/api/v1/loans/stops", &request).await;
                let planned: PlannedStopRow = planned.context("planning a stop")?;
                match json {
                    true => printer.json(&planned)?,
                    false => printer.line(planned.stop)?,
                }
            }
            Self::List { json } => {
                let listed = gateway.get("/api/v1/loans/stops").await;
                let listed: PlannedStops = listed.context("asking for the stops")?;
                let row = |stop: &PlannedStopRow| {
                    [
                        stop.date.to_string(),
                        stop.stop.clone(),
                        stop.unit.clone(),
                        stop.place.clone(),
                        stop.occasion.clone().unwrap_or_default(),
                        stop.device.clone().unwrap_or_default(),
                    ]
                };
                let rows: Vec<_> = listed.stops.iter().map(row).collect();
                match json {
                    true => printer.json(&listed.stops)?,
                    false => {
                        let head = ["DATE", "STOP", "UNIT", "PLACE", "OCCASION", "BUS"];
                        printer.table(head, &rows)?;
                    }
                }
            }
            Self::Remove { stop } => {
                let path = format!("/api/v1/loans/stops/{}", encoded(stop.as_str()));
                let removed = gateway.tell(Method::DELETE, &path, None::<&()>).await;
                removed.with_context(|| format!("removing stop {stop}"))?;
            }
        }
        Ok(Outcome::Done)
    }
}

fn shown(printer: &mut Printer, report: &BlockImportReport) -> anyhow::Result<()> {
    for problem in &report.problems {
        let column = problem.column.as_ref().map(|it| format!(", {it}"));
        let column = column.unwrap_or_default();
        let (line, expected) = (problem.line, &problem.expected);
        printer.line(format!("line {line}{column}: expected {expected}"))?;
    }
    let more = report.problems_total - report.problems.len() as u64;
    if more > 0 {
        printer.line(format!("and {more} more lines that were not understood"))?;
    }
    for (name, count) in [
        ("blocked", report.blocked),
        ("expired", report.expired),
        ("may borrow", report.free),
        ("repeated", report.repeated),
        ("not understood", report.problems_total),
    ] {
        printer.line(format!("{name:14}  {count}"))?;
    }
    printer.line(match report.taken {
        true => format!(
            "taken: {} readers are lent nothing off-line",
            report.readers
        ),
        false => "not taken: the list before is still in use".to_owned(),
    })
}
