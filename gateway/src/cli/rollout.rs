//! `rollout`: who is to have a release, and how far each kiosk is. Every command asks the running
//! gateway.

mod shown;
mod stage;

use anyhow::Context as _;
use clap::Subcommand;
use lujiang_wire::{DeviceId, Label};
use serde_json::json;

use crate::cli::access::Access;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::moment::moment;
use crate::cli::printer::Printer;
use crate::rollouts::dto::{NewRolloutForm, RolloutDetailForm, RolloutForm};

use stage::StageArg;

/// `rollout …`
#[derive(Debug, Subcommand)]
pub(super) enum RolloutCommand {
    /// Plan a rollout of a release; `start` begins it
    #[command(after_help = "Examples:
  lujiang-gateway rollout create 2026-12
  lujiang-gateway rollout create 2026-12 --stage kiosk-main:100/1:1/1 --stage 30%:90/5 --stage rest
  lujiang-gateway rollout create 2026-12 --stage site=main --stage rest --start

A stage is WHO[:SUCCESS[:FAILURE]], both as PERCENT/SAMPLE: so many of a hundred of at least so
many devices. WHO is devices (kiosk-a,kiosk-b), sites (site=main,site=bus), a share (30%) or rest.
SUCCESS must be met before the next stage begins (90/5 where left out), FAILURE holds the rollout
(20/3). Without --stage: 5% that must all show it, then 30%, then everybody.")]
    Create {
        /// The release
        release: Label,
        /// Only to these devices; every kiosk, also later ones, where left out
        #[arg(long = "device", value_name = "DEVICE")]
        devices: Vec<DeviceId>,
        /// A stage, in their order
        #[arg(long = "stage", value_name = "STAGE")]
        stages: Vec<StageArg>,
        /// Days a silent device is waited for; as configured where left out
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=365))]
        patience: Option<u16>,
        /// Start it at once
        #[arg(long)]
        start: bool,
        /// Print the rollout as JSON
        #[arg(long)]
        json: bool,
    },
    /// List rollouts, the newest first
    #[command(after_help = "Example:\n  lujiang-gateway rollout list")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Show a rollout with every device; exit code 3 where one failed or is silent
    #[command(after_help = "Example:\n  lujiang-gateway rollout show 3")]
    Show {
        /// Its number
        rollout: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Approve a rollout that another asked for
    #[command(after_help = "Example:\n  lujiang-gateway rollout approve 3")]
    Approve {
        /// Its number
        rollout: u64,
    },
    /// Start a rollout
    #[command(after_help = "Example:\n  lujiang-gateway rollout start 3")]
    Start {
        /// Its number
        rollout: u64,
    },
    /// Hold a rollout: nobody else is offered the release
    #[command(after_help = "Example:\n  lujiang-gateway rollout pause 3")]
    Pause {
        /// Its number
        rollout: u64,
    },
    /// Let a rollout go on; failures there are count no more
    #[command(after_help = "Example:\n  lujiang-gateway rollout resume 3")]
    Resume {
        /// Its number
        rollout: u64,
    },
    /// End a rollout: who has shown the release keeps it, nobody else gets it
    #[command(after_help = "Example:\n  lujiang-gateway rollout abort 3")]
    Abort {
        /// Its number
        rollout: u64,
    },
    /// Have those that failed try again
    #[command(after_help = "Example:\n  lujiang-gateway rollout retry 3")]
    Retry {
        /// Its number
        rollout: u64,
    },
    /// Say until when a device is expected to be off-line: it is not counted until then
    #[command(after_help = "Example:
  lujiang-gateway rollout excuse 3 kiosk-bus --until 2027-03-01")]
    Excuse {
        /// The number of the rollout
        rollout: u64,
        /// The device
        device: DeviceId,
        /// A date of the library, or a time with its offset
        #[arg(long, value_name = "DATE")]
        until: String,
    },
}

impl RolloutCommand {
    /// Does it.
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let (rollout, act) = match self {
            Self::Create {
                release,
                devices,
                stages,
                patience,
                start,
                json,
            } => {
                let form = NewRolloutForm {
                    release: release.to_string(),
                    devices: devices.iter().map(ToString::to_string).collect(),
                    stages: stages.into_iter().map(|stage| stage.0).collect(),
                    patience_days: patience,
                };
                return create(folder, printer, &form, start, json).await;
            }
            Self::List { json } => {
                let client = Access::running(folder).await?;
                let rollouts: Vec<RolloutForm> = client.get("/api/v1/rollouts").await?;
                match json {
                    true => printer.json(&rollouts)?,
                    false => shown::list(printer, &rollouts)?,
                }
                return Ok(Outcome::Done);
            }
            Self::Show { rollout, json } => return show(folder, printer, rollout, json).await,
            Self::Excuse {
                rollout,
                device,
                until,
            } => {
                let until = moment(&until, &folder.config()?.library.time_zone)?;
                let client = Access::running(folder).await?;
                let form = json!({ "device": device, "until": until });
                let path = format!("/api/v1/rollouts/{rollout}/excuse");
                let _: RolloutDetailForm = client.post(&path, &form).await?;
                printer.line(format!("{device} is not counted until {until}"))?;
                return Ok(Outcome::Done);
            }
            Self::Approve { rollout } => (rollout, "approve"),
            Self::Start { rollout } => (rollout, "start"),
            Self::Pause { rollout } => (rollout, "pause"),
            Self::Resume { rollout } => (rollout, "resume"),
            Self::Abort { rollout } => (rollout, "abort"),
            Self::Retry { rollout } => (rollout, "retry"),
        };
        let client = Access::running(folder).await?;
        let path = format!("/api/v1/rollouts/{rollout}/{act}");
        let done: RolloutDetailForm = client.post(&path, &json!({})).await?;
        printer.line(shown::sentence(&done.rollout))?;
        Ok(Outcome::Done)
    }
}

async fn create(
    folder: &Folder,
    printer: &mut Printer,
    form: &NewRolloutForm,
    start: bool,
    json: bool,
) -> Result<Outcome, Failure> {
    let client = Access::running(folder).await?;
    let mut made: RolloutDetailForm = client.post("/api/v1/rollouts", form).await?;
    if start {
        let path = format!("/api/v1/rollouts/{}/start", made.rollout.number);
        let started = client.post(&path, &json!({})).await;
        let number = made.rollout.number;
        made = started.with_context(|| format!("rollout {number} is planned; starting it"))?;
    }
    match json {
        true => printer.json(&made)?,
        false => printer.line(shown::sentence(&made.rollout))?,
    }
    Ok(Outcome::Done)
}

async fn show(
    folder: &Folder,
    printer: &mut Printer,
    rollout: u64,
    json: bool,
) -> Result<Outcome, Failure> {
    let client = Access::running(folder).await?;
    let path = format!("/api/v1/rollouts/{rollout}");
    let found: RolloutDetailForm = client.get(&path).await?;
    match json {
        true => printer.json(&found)?,
        false => shown::detail(printer, &found)?,
    }
    let is_troubled = found
        .devices
        .iter()
        .any(|it| it.is_absent || it.state == "failed");
    Ok(match is_troubled {
        true => Outcome::ProblemsFound,
        false => Outcome::Done,
    })
}
