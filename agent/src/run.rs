//! The agent as a whole: who owns its tasks, and in which order it ends. First the drivers write
//! what they know, then the link sends what it can, last the outbox is folded up; all within one
//! grace period, and nothing is lost when that is too short.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lujiang_config::{
    AgentConfig, AgentSection, Credential, LendingSection, OutboxSection, UplinkSection,
};
use lujiang_wire::{Clock, DeviceId, Epoch};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::clock::SystemClock;
use crate::gate::driver::Driver;
use crate::identity::IdentityFolder;
use crate::lending::{Lending, Steward, Surroundings};
use crate::measured_time::MeasuredTime;
use crate::outbox::{Outbox, OutboxOptions};
use crate::renewal::renewer::Renewer;
use crate::state_file;
use crate::status::{AgentStatus, Board};
use crate::uplink::link::Uplink;

/// The name of the outbox in the data folder.
const OUTBOX: &str = "outbox.db";

/// Shortest time between two writings of the state file: flash wears.
const STATE_PAUSE: Duration = Duration::from_secs(5);

/// How often settled facts that were kept long enough are let go.
const LET_GO_INTERVAL: Duration = Duration::from_secs(600);

/// What a program around the agent may choose.
#[derive(Clone)]
pub struct AgentOptions {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How the outbox keeps its promises.
    pub outbox: OutboxOptions,
}

impl AgentOptions {
    /// This machine's clocks, every promise kept.
    ///
    /// # Errors
    /// Where the machine does not tell its boot.
    pub fn system() -> std::io::Result<Self> {
        Ok(Self {
            clock: Arc::new(SystemClock::new()?),
            outbox: OutboxOptions::default(),
        })
    }
}

/// A running agent. It is ended by [`Agent::stop`]; dropping it is as pulling its plug.
pub struct Agent {
    device: DeviceId,
    grace: Duration,
    clock: Arc<dyn Clock>,
    outbox: Outbox,
    board: Arc<Board>,
    lending: Option<Lending>,
    drivers: Owned,
    uplink: Owned,
    renewer: Owned,
    steward: Owned,
    keeper: Owned,
}

/// A task and the word that ends it.
struct Owned {
    cancel: CancellationToken,
    task: Option<JoinHandle<()>>,
}

impl Owned {
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        run: impl FnOnce(CancellationToken) -> F,
    ) -> Self {
        let cancel = CancellationToken::new();
        let task = Some(tokio::spawn(run(cancel.clone())));
        Self { cancel, task }
    }

    /// A task that ends at once where there is nothing to run.
    fn spawn_if<T: Send + 'static, F: Future<Output = ()> + Send + 'static>(
        what: Option<T>,
        run: impl FnOnce(T, CancellationToken) -> F + Send + 'static,
    ) -> Self {
        Self::spawn(|stop| async move {
            if let Some(what) = what {
                run(what, stop).await;
            }
        })
    }

    /// Ends the task and waits for it; after the deadline it is cut off.
    async fn end(&mut self, name: &str, deadline: Instant) {
        self.cancel.cancel();
        let Some(mut task) = self.task.take() else {
            return;
        };
        match timeout_at(deadline, &mut task).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, task = name, "a task failed"),
            Err(_) => {
                tracing::warn!(task = name, "a task did not end in time");
                task.abort();
            }
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Agent {
    /// Starts an agent: opens its outbox, reads its gate, keeps its link.
    ///
    /// # Errors
    /// Where the data folder, the outbox, or the certificate or password cannot be used.
    pub async fn start(config: AgentConfig, options: AgentOptions) -> anyhow::Result<Self> {
        let AgentConfig {
            agent,
            uplink,
            outbox: section,
            gate,
            self_checkout: _,
            lending,
            log: _,
        } = config;
        check_credential(&agent, &uplink)?;
        let AgentOptions {
            clock,
            outbox: outbox_options,
        } = options;
        let outbox = open_outbox(&agent, section, outbox_options).await?;
        let board = Arc::new(Board::new(clock.wall(), gate.is_some()));
        let open = |section| Driver::new(section, outbox.clone(), clock.clone(), board.clone());
        let driver = gate.as_ref().map(open).transpose()?;
        let drivers = Owned::spawn_if(driver, Driver::run);
        let time = MeasuredTime::new(clock.clone());
        let surroundings = Surroundings {
            data: agent.data.clone(),
            outbox: outbox.clone(),
            time: time.clone(),
            clock: clock.clone(),
            board: board.clone(),
        };
        let lending = open_lending(lending, surroundings).await?;
        let steward = Owned::spawn_if(lending.clone().map(Steward::new), Steward::run);
        let renewals = watch::Sender::new(0);
        let renewer = (uplink.credential == Credential::Certificate).then(|| Renewer {
            folder: IdentityFolder::new(&uplink.identity, &agent.device),
            section: uplink.clone(),
            time: time.clone(),
            board: board.clone(),
            renewals: renewals.clone(),
        });
        let renewer = Owned::spawn_if(renewer, Renewer::run);
        let link = Uplink {
            agent: agent.clone(),
            section: uplink,
            outbox: outbox.clone(),
            clock: clock.clone(),
            board: board.clone(),
            time,
            renewals,
        };
        let uplink = Owned::spawn(|stop| link.run(stop));
        let keeper = Keeper {
            data: agent.data.clone(),
            device: agent.device.clone(),
            outbox: outbox.clone(),
            clock: clock.clone(),
            board: board.clone(),
        };
        let keeper = Owned::spawn(|stop| keeper.run(stop));
        Ok(Self {
            device: agent.device,
            grace: agent.stop_grace,
            clock,
            outbox,
            board,
            lending,
            drivers,
            uplink,
            renewer,
            steward,
            keeper,
        })
    }

    /// What it says of itself now.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub async fn status(&self) -> anyhow::Result<AgentStatus> {
        let depth = self.outbox.with(Outbox::depth).await?;
        Ok(self
            .board
            .account(&self.device, self.clock.wall(), self.outbox.epoch(), depth))
    }

    /// The life of its outbox.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        self.outbox.epoch()
    }

    /// Its outbox, to look at or to write facts into beside the drivers.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Its lending, where it lends off-line.
    #[must_use]
    pub fn lending(&self) -> Option<&Lending> {
        self.lending.as_ref()
    }

    /// Takes a last reading, sends what the link allows, says goodbye, and ends.
    pub async fn stop(mut self) {
        let begun = Instant::now();
        // The readings are the half that cannot be had later.
        self.drivers.end("drivers", begun + self.grace / 2).await;
        self.renewer.end("renewer", begun + self.grace / 2).await;
        self.uplink.end("uplink", begun + self.grace).await;
        let rest = begun + self.grace + self.grace / 4;
        self.steward.end("steward", rest).await;
        self.keeper.end("keeper", rest).await;
        if let Err(error) = self.outbox.with(Outbox::checkpoint).await {
            tracing::warn!(%error, "the outbox is not folded up; the next start does it");
        }
    }
}

/// Opens the outbox, in a data folder that is made where there is none.
async fn open_outbox(
    agent: &AgentSection,
    section: OutboxSection,
    options: OutboxOptions,
) -> anyhow::Result<Outbox> {
    let (data, device) = (agent.data.clone(), agent.device.clone());
    tokio::task::spawn_blocking(move || {
        // What is read at a desk concerns nobody else on this machine.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data)
            .with_context(|| format!("cannot make the data folder {}", data.display()))?;
        Outbox::open(&data.join(OUTBOX), &device, &section, options)
            .context("cannot open the outbox")
    })
    .await?
}

/// Opens lending, where the device lends.
async fn open_lending(
    section: Option<LendingSection>,
    surroundings: Surroundings,
) -> anyhow::Result<Option<Lending>> {
    let Some(section) = section else {
        return Ok(None);
    };
    let open = move || Lending::open(&section, surroundings);
    Ok(Some(tokio::task::spawn_blocking(open).await??))
}

/// What is wrong with the certificate or the password is said at the start, not at the first
/// connection.
fn check_credential(agent: &AgentSection, uplink: &UplinkSection) -> anyhow::Result<()> {
    match uplink.credential {
        Credential::Certificate => {
            IdentityFolder::new(&uplink.identity, &agent.device).load()?;
        }
        Credential::Password => {
            crate::uplink::read_password(&uplink.password_file)?;
        }
    }
    Ok(())
}

/// The task that writes the state file and lets old facts go.
struct Keeper {
    data: PathBuf,
    device: DeviceId,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    board: Arc<Board>,
}

impl Keeper {
    async fn run(self, stop: CancellationToken) {
        let mut changes = self.board.changes();
        let mut let_go = tokio::time::interval(LET_GO_INTERVAL);
        loop {
            self.write_state().await;
            let next = async {
                // The board lives as long as we do.
                let _ = changes.changed().await;
                sleep(STATE_PAUSE).await;
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = next => {}
                _ = let_go.tick() => self.let_go().await,
            }
        }
        self.write_state().await;
    }

    async fn let_go(&self) {
        let now = self.clock.uptime();
        match self.outbox.with(move |outbox| outbox.let_go(now)).await {
            Ok(0) => {}
            Ok(facts) => tracing::debug!(facts, "settled facts were kept long enough"),
            Err(error) => tracing::warn!(%error, "settled facts are not let go"),
        }
    }

    async fn write_state(&self) {
        let (clock, board, device) = (self.clock.clone(), self.board.clone(), self.device.clone());
        let data = self.data.clone();
        let written = self
            .outbox
            .with(move |outbox| {
                let status = board.account(&device, clock.wall(), outbox.epoch(), outbox.depth()?);
                if let Err(error) = state_file::write(&data, &status) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no state file");
                }
                Ok(())
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "the outbox cannot be read for the state file");
        }
    }
}
