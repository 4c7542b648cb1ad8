//! `lujiang-agent content`.

use std::io::{self, Write as _};
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

/// How long an agent that has begun may say nothing: it says something every five seconds.
const SILENT_MAX: Duration = Duration::from_secs(60);

/// `content …`
#[derive(Debug, Subcommand)]
pub(crate) enum ContentCommand {
    /// Take a release from a stick that `lujiang-gateway content export` made.
    ///
    /// It is verified as what comes over the line is, and the running agent shows it once nobody
    /// reads. A kiosk that has taken no release yet asks for the code of the
    /// stick.
    Import {
        /// Where the stick is.
        folder: PathBuf,
        /// The configuration file.
        #[arg(long, value_name = "FILE", env = "LUJIANG_AGENT_CONFIG")]
        config: PathBuf,
        /// The release; the stick's own where left out.
        #[arg(long)]
        release: Option<Label>,
        /// The code that `lujiang-gateway content export` printed when it made the stick.
        #[arg(long, value_name = "SHA-256")]
        code: Option<BlobHash>,
        /// Print what became of it as {"release","state"}, with "reason" or "code".
        #[arg(long)]
        json: bool,
    },
}

impl ContentCommand {
    /// Does it.
    pub(crate) fn run(self, config: &AgentConfig) -> anyhow::Result<()> {
        let Self::Import {
            folder,
            config: _,
            release,
            code,
            json,
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
            code,
        };
        let data = &config.agent.data;
        import::ask(data, &request).with_context(|| {
            format!(
                "cannot leave a request in {}: run this as root, or as the user the agent runs as",
                data.display()
            )
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let ended = runtime.block_on(wait(data, &request))?;
        if json {
            let mut told = serde_json::to_value(&ended).context("writing JSON")?;
            told["release"] = request.release.as_str().into();
            writeln!(io::stdout(), "{told}")?;
        }
        tell(ended, &request, json)
    }
}

/// What stands on the stick.
fn read(folder: &Path) -> anyhow::Result<Stick> {
    let file = folder.join(STICK_FILE);
    let size = match std::fs::metadata(&file) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
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
    // Said at once: a small release is on the shelf before it is asked again.
    let from = request.folder.display();
    writeln!(io::stderr(), "{}: taken from {from}", request.release)?;
    let mut ask = tokio::time::interval(ASK_EVERY);
    ask.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = None;
    loop {
        ask.tick().await;
        let answer = import::answer(data);
        let answer = answer.with_context(|| {
            format!(
                "cannot read what the agent says in {}: run this as root, or as the user the agent \
                 runs as",
                data.display()
            )
        })?;
        match answer.filter(|it| it.id == request.id) {
            None if begun.elapsed() > HEARD_WITHIN => bail!(
                "the agent does not run: start it, and it takes the stick where it finds it at {}",
                request.folder.display()
            ),
            None => {}
            Some(answer) => match answer.state {
                ImportState::Working { taking } => {
                    ensure!(
                        !is_silent(data),
                        "the agent has said nothing for {} s: it goes on with the stick at its \
                         next start, where it finds it at {}",
                        SILENT_MAX.as_secs(),
                        request.folder.display()
                    );
                    let line = progress(taking.as_ref());
                    if told.as_ref() != Some(&line) {
                        writeln!(io::stderr(), "{}: {line}", request.release)?;
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

/// Whether an agent that has begun with a stick runs no more. Where the clock was set meanwhile it
/// counts as running.
fn is_silent(data: &Path) -> bool {
    let said = import::answered_at(data).and_then(|at| at.elapsed().map_err(io::Error::other));
    said.is_ok_and(|since| since > SILENT_MAX)
}

fn progress(taking: Option<&TakingState>) -> String {
    match taking {
        Some(TakingState::Downloading {
            bytes, of, rate, ..
        }) => {
            let left = rate.and_then(|rate| of.saturating_sub(*bytes).checked_div(rate));
            let left = left.map(|seconds| format!(", about {seconds} s left"));
            format!(
                "{} of {} MB{}",
                bytes / 1_000_000,
                of / 1_000_000,
                left.unwrap_or_default()
            )
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

/// Says how it ended. A program has been told already, and hears no more than the exit code.
fn tell(ended: ImportState, request: &ImportRequest, told: bool) -> anyhow::Result<()> {
    let release = &request.release;
    let mut out: Box<dyn io::Write> = match told {
        true => Box::new(io::sink()),
        false => Box::new(io::stdout()),
    };
    match ended {
        ImportState::OnShelf => writeln!(out, "{release} is on the shelf")?,
        ImportState::WasThere => writeln!(
            out,
            "{release} was on the shelf; notices and withdrawals are as the stick has them"
        )?,
        ImportState::Unconfirmed { code } => bail!(
            "this kiosk has taken no release yet, and believes no stick by itself.\n\
             The stick's code is {code}.\n\
             Compare it with what `lujiang-gateway content export` printed; where it is the same:\n  \
             lujiang-agent content import {} --code {code}",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_says_how_much_is_left_at_the_speed_so_far() {
        let taking = |rate| TakingState::Downloading {
            bytes: 200_000_000,
            of: 500_000_000,
            rate,
            arrival: None,
        };
        assert_eq!(
            progress(Some(&taking(Some(30_000_000)))),
            "200 of 500 MB, about 10 s left"
        );
        assert_eq!(progress(Some(&taking(None))), "200 of 500 MB");
        assert_eq!(progress(Some(&taking(Some(0)))), "200 of 500 MB");
        assert_eq!(progress(None), "being verified");
    }
}
