//! `stops`: the yearly table of the bus, of years before the ledger.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Subcommand;
use jiff::Timestamp;

use crate::cli::access::{Access, actor};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;
use crate::http::stops::{PastStopsBody, PastStopsTaken};
use crate::past_stops::{PastStop, read_past_stops};

/// `stops …`
#[derive(Debug, Subcommand)]
pub(super) enum StopsCommand {
    /// Take the table of a year before the ledger (流动服务活动一览表), in place of what was taken
    /// of that year. Exit code 3 where it has problems; then nothing is taken
    #[command(after_help = "Examples:
  lujiang-gateway stops import --year 2016 mobile_service_2016.csv --dry-run
  lujiang-gateway stops import --year 2016 mobile_service_2016.csv")]
    Import {
        /// The table as CSV, UTF-8, its columns named as in the printed form
        file: PathBuf,
        /// Which year it is of
        #[arg(long, value_parser = clap::value_parser!(i16).range(1900..=2200))]
        year: i16,
        /// Only read it and say what was understood
        #[arg(long)]
        dry_run: bool,
        /// Print {"taken","stops","volumes","participants","problems"}
        #[arg(long)]
        json: bool,
    },
}

impl StopsCommand {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let Self::Import {
            file,
            year,
            dry_run,
            json,
        } = self;
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("reading {} as UTF-8", file.display()))?;
        let taken = match read_past_stops(year, &text) {
            Err(problems) => PastStopsTaken {
                problems,
                ..PastStopsTaken::of(&[], false)
            },
            Ok(stops) if dry_run => PastStopsTaken::of(&stops, false),
            Ok(stops) => take(folder, year, text, stops).await?,
        };
        match json {
            true => printer.json(&taken)?,
            false => tell(printer, &taken)?,
        }
        Ok(match taken.problems.is_empty() {
            true => Outcome::Done,
            false => Outcome::ProblemsFound,
        })
    }
}

fn tell(printer: &mut Printer, taken: &PastStopsTaken) -> Result<(), Failure> {
    for problem in &taken.problems {
        printer.line(problem.to_string())?;
    }
    if !taken.problems.is_empty() {
        return Ok(printer.line("Nothing was taken: mend the file and import it again.")?);
    }
    printer.line(format!("stops         {}", taken.stops))?;
    printer.line(format!("volumes       {}", taken.volumes))?;
    printer.line(format!("participants  {}", taken.participants))?;
    if !taken.taken {
        printer.line("A dry run: nothing was taken.")?;
    }
    Ok(())
}

async fn take(
    folder: &Folder,
    year: i16,
    csv: String,
    stops: Vec<PastStop>,
) -> Result<PastStopsTaken, Failure> {
    Ok(match Access::find(folder).await? {
        Access::Running(gateway) => {
            let body = PastStopsBody {
                year,
                csv,
                dry_run: false,
            };
            gateway.post("/api/v1/stops/past", &body).await
        }
        Access::Stopped(stopped) => {
            let taken = PastStopsTaken::of(&stops, true);
            let (by, at) = (actor(), Timestamp::now());
            let took = stopped.store.take_past_stops(year, stops, &by, at).await;
            stopped.close().await;
            took.map(|()| taken).map_err(|error| anyhow!(error))
        }
    }
    .context("taking the table")?)
}
