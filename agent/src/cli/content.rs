//! `lujiang-agent content`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Subcommand;
use lujiang_agent::import::{self, ImportRequest, ImportState};
use lujiang_config::AgentConfig;
use lujiang_wire::{BlobHash, Label, STICK_FILE, Stick, TakingState};
use tokio::time::{Instant, MissedTickBehavior};

/// Largest `stick.json`: thousands of devices.
const STICK_BYTES_MAX: u64 = 1024 * 1024;

/// How long a running agent may take to say that it has heard.
const HEARD_WITHIN: Duration = Duration::from_secs(15);

/// How often it is asked how far it is.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// `content …`
#[derive(Debug, Subcommand)]
pub(crate) enum ContentCommand {
    /// Take a release from a stick that `lujiang-gateway content export` made.
    ///
    /// It is verified as what comes over the line is, and the running agent shows it once nobody
    /// reads. A kiosk that has taken no release yet asks whether the stick's root is the
    /// library's.
    Import {
        /// Where the stick is.
        folder: PathBuf,
        /// The configuration file.
        #[arg(long, value_name = "FILE", env = "LUJIANG_AGENT_CONFIG")]
        config: PathBuf,
        /// The release; the stick's own where left out.
        #[arg(long)]
        release: Option<Label>,
        /// The root, compared with what `lujiang-gateway content export` printed.
        #[arg(long, value_name = "SHA-256")]
        root: Option<BlobHash>,
    },
}

impl ContentCommand {
    /// Does it.
    pub(crate) fn run(self, config: &AgentConfig) -> anyhow::Result<()> {
        let Self::Import {
            folder,
            config: _,
            release,
            root,
        } = self;
        let device = &config.agent.device;
        ensure!(
            config.kiosk.is_some(),
            "{device} is no kiosk: there is no [kiosk] in its configuration"
        );
        let folder = folder
            .canonicalize()
            .with_context(|| format!("cannot look into {}", folder.display()))?;
        let stick = read(&folder)?;
        ensure!(
            stick.devices.contains(device),
            "this stick was not made for {device}: make one with `lujiang-gateway content export \
             --for {device}`"
        );
        let request = ImportRequest {
            id: new_id()?,
            release: release.unwrap_or(stick.release),
            folder,
            root,
        };
        let data = &config.agent.data;
        import::ask(data, &request)
            .with_context(|| format!("cannot write into {}", data.display()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let ended = runtime.block_on(wait(data, &request))?;
        tell(ended, &request)
    }
}

/// What stands on the stick.
fn read(folder: &Path) -> anyhow::Result<Stick> {
    let file = folder.join(STICK_FILE);
    let size = match std::fs::metadata(&file) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "{} is no stick of a release, or was pulled out before it was whole: it has no {STICK_FILE}",
            folder.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    ensure!(
        size <= STICK_BYTES_MAX,
        "{} is {size} bytes long",
        file.display()
    );
    let bytes = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not understood", file.display()))
}

/// Waits until the agent is done with it, and says how far it is.
async fn wait(data: &Path, request: &ImportRequest) -> anyhow::Result<ImportState> {
    let begun = Instant::now();
    let mut ask = tokio::time::interval(ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        ask.tick().await;
        let answer = import::answer(data);
        let answer = answer.with_context(|| format!("cannot read in {}", data.display()))?;
        match answer.filter(|it| it.id == request.id) {
            None if begun.elapsed() > HEARD_WITHIN => bail!(
                "the agent does not run: start it, and it takes the stick where it finds it at {}",
                request.folder.display()
            ),
            None => {}
            Some(answer) => match answer.state {
                ImportState::Working { taking } => {
                    let line = progress(taking.as_ref());
                    if told.as_ref() != Some(&line) {
                        writeln!(std::io::stderr(), "{}: {line}", request.release)?;
                        told = Some(line);
                    }
                }
                ended @ (ImportState::OnShelf
                | ImportState::WasThere
                | ImportState::Unconfirmed { .. }
                | ImportState::Refused { .. }
                | ImportState::BrokeOff { .. }) => return Ok(ended),
            },
        }
    }
}

fn progress(taking: Option<&TakingState>) -> String {
    match taking {
        Some(TakingState::Downloading { bytes, of, .. }) => {
            format!("{} of {} MB", bytes / 1_000_000, of / 1_000_000)
        }
        Some(TakingState::Verified) => "verified; it is shown once nobody reads".to_owned(),
        Some(
            TakingState::Offered
            | TakingState::Installed
            | TakingState::Shown
            | TakingState::Failed { .. }
            | TakingState::Removed,
        )
        | None => "being verified".to_owned(),
    }
}

fn tell(ended: ImportState, request: &ImportRequest) -> anyhow::Result<()> {
    let release = &request.release;
    match ended {
        ImportState::OnShelf => writeln!(std::io::stdout(), "{release} is on the shelf")?,
        ImportState::WasThere => writeln!(
            std::io::stdout(),
            "{release} was on the shelf; notices and withdrawals are as the stick has them"
        )?,
        ImportState::Unconfirmed { root } => bail!(
            "this kiosk has taken no release yet, and believes no stick by itself.\n\
             The stick's root is {root}.\n\
             Compare it with what `lujiang-gateway content export` printed; where it is the same:\n  \
             lujiang-agent content import {} --root {root}",
            request.folder.display()
        ),
        ImportState::Refused { reason } => {
            bail!("{release} is refused, and the shelf is as it was: {reason}")
        }
        ImportState::BrokeOff { reason } => {
            bail!("{release} did not come whole, and what came is kept: {reason}")
        }
        ImportState::Working { .. } => bail!("{release} is still being taken"),
    }
    Ok(())
}

fn new_id() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow!("no random numbers: {error}"))?;
    Ok(hex::encode(bytes))
}
