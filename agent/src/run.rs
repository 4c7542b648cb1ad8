//! The agent as a whole: who owns its tasks, and in which order it ends. First the drivers write
//! what they know, then the link sends what it can, last the outbox is folded up; all within one
//! grace period, and nothing is lost when that is too short.

mod house;
mod keeper;

use std::sync::Arc;

use lujiang_config::{AgentConfig, AgentSection, Credential, UplinkSection};
use lujiang_kiosk::Shelf;
use lujiang_wire::{Clock, Epoch};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::bus_desk::BusDesk;
use crate::carried_by::CarriedBy;
use crate::carrying::Carrying;
use crate::clock::SystemClock;
use crate::gate::driver::Driver;
use crate::identity::IdentityFolder;
use crate::kiosk::Kiosk;
use crate::lending::{Lender, Lending};
use crate::outbox::{Outbox, OutboxOptions};
use crate::renewal::renewer::Renewer;
use crate::self_checkout::SelfCheckout;
use crate::status::AgentStatus;
use crate::tls::Trust;
use house::House;

/// What a program around the agent may choose.
#[derive(Clone)]
pub struct AgentOptions {
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How the outbox keeps its promises.
    pub outbox: OutboxOptions,
    /// How the gateway is verified.
    pub trust: Trust,
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
            trust: Trust::default(),
        })
    }
}

/// A running agent. It is ended by [`Agent::stop`]; dropping it is as pulling its plug.
pub struct Agent {
    house: House,
    lending: Option<Lending>,
    drivers: Owned,
    self_checkout: Owned,
    lender: Owned,
    bus_desk: Owned,
    shelf: Option<Shelf>,
    kiosk: Owned,
    carrying: Owned,
    carried_by: Owned,
    renewer: Owned,
    uplink: Owned,
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
            outbox,
            gate,
            self_checkout,
            lending,
            bus_desk,
            kiosk,
            carrying,
            carried_by,
            log: _,
        } = config;
        check_credential(&agent, &uplink)?;
        let house = House::open(agent, uplink, outbox, gate.is_some(), options).await?;
        let driver = gate.map(|gate| house.driver(&gate)).transpose()?;
        let (desired, renewals) = (watch::Sender::default(), watch::Sender::default());
        let lender = match lending {
            Some(section) => Some(house.lender(section, desired.subscribe()).await?),
            None => None,
        };
        let lending = lender.as_ref().map(|lender| lender.lending.clone());
        let self_checkout = house.self_checkout(self_checkout, lending.as_ref()).await?;
        let desk = match bus_desk.zip(lending.clone()) {
            Some((section, lending)) => Some(house.bus_desk(section, lending).await?),
            None => None,
        };
        let carried_by = match carried_by {
            Some(section) => Some(house.carried_by(section, renewals.subscribe()).await?),
            None => None,
        };
        let reported = watch::Sender::default();
        let said = reported.subscribe();
        let kiosk = match kiosk {
            Some(section) => {
                let desired = desired.subscribe();
                let (gateway, bus) = (house.gateway(renewals.subscribe()), carried_by.as_ref());
                Some(
                    house
                        .kiosk(section, desired, gateway, bus, reported)
                        .await?,
                )
            }
            None => None,
        };
        let shelf = kiosk.as_ref().map(Kiosk::shelf);
        let (carrying, satchel) = house.carrying(carrying, renewals.subscribe()).await?;
        let uplink = house.uplink(renewals.clone(), desired, said, satchel);
        let keeper = house.keeper();
        Ok(Self {
            lending,
            drivers: Owned::spawn_if(driver, Driver::run),
            self_checkout: Owned::spawn_if(self_checkout, SelfCheckout::run),
            lender: Owned::spawn_if(lender, Lender::run),
            bus_desk: Owned::spawn_if(desk, BusDesk::run),
            shelf,
            kiosk: Owned::spawn_if(kiosk, Kiosk::run),
            carrying: Owned::spawn_if(carrying, Carrying::run),
            carried_by: Owned::spawn_if(carried_by, CarriedBy::run),
            renewer: Owned::spawn_if(house.renewer(renewals), Renewer::run),
            uplink: Owned::spawn(|stop| uplink.run(stop)),
            keeper: Owned::spawn(|stop| keeper.run(stop)),
            house,
        })
    }

    /// What it says of itself now.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub async fn status(&self) -> anyhow::Result<AgentStatus> {
        self.house.status().await
    }

    /// The life of its outbox.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        self.house.outbox.epoch()
    }

    /// Its outbox, to look at or to write facts into beside the drivers.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.house.outbox
    }

    /// Its lending, where it lends off-line.
    #[must_use]
    pub fn lending(&self) -> Option<&Lending> {
        self.lending.as_ref()
    }

    /// What its shelf shows, where it is a kiosk.
    #[must_use]
    pub fn shelf(&self) -> Option<&Shelf> {
        self.shelf.as_ref()
    }

    /// Takes a last reading, sends what the link allows, says goodbye, and ends.
    pub async fn stop(mut self) {
        let begun = Instant::now();
        let grace = self.house.agent.stop_grace;
        // The readings are the half that cannot be had later.
        self.drivers.end("drivers", begun + grace / 2).await;
        // What a machine asked last gets its answer.
        self.self_checkout
            .end("self-checkout", begun + grace / 2)
            .await;
        self.bus_desk.end("bus desk", begun + grace / 2).await;
        self.kiosk.end("kiosk", begun + grace / 2).await;
        self.carried_by.end("carried by", begun + grace / 2).await;
        self.carrying.end("carrying", begun + grace / 2).await;
        self.lender.end("lender", begun + grace / 2).await;
        self.renewer.end("renewer", begun + grace / 2).await;
        self.uplink.end("uplink", begun + grace).await;
        self.keeper.end("keeper", begun + grace + grace / 4).await;
        if let Err(error) = self.house.outbox.with(Outbox::checkpoint).await {
            tracing::warn!(%error, "the outbox is not folded up; the next start does it");
        }
    }
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
