//! What the tasks of an agent share, and how each of them is made of it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use lujiang_config::{
    AgentSection, BusDeskSection, CarriedBySection, CarryingSection, Credential, GateSection,
    KioskSection, LendingSection, OutboxSection, SelfCheckoutSection, UplinkSection,
};
use lujiang_wire::{Clock, Desired, Reported};
use tokio::sync::watch;

use super::AgentOptions;
use super::keeper::Keeper;
use crate::bus_desk::BusDesk;
use crate::carried_by::{CarriedBy, CarriedByParts};
use crate::carrying::{Carrying, CarryingParts, Satchel};
use crate::data_folder;
use crate::gate::driver::Driver;
use crate::gateway_url::GatewayUrl;
use crate::identity::IdentityFolder;
use crate::kiosk::{Kiosk, KioskParts};
use crate::lending::{Lender, Lending, PapersKeeper, Surroundings};
use crate::line::{Line, Towards};
use crate::measured_time::MeasuredTime;
use crate::outbox::{Outbox, OutboxError};
use crate::renewal::renewer::Renewer;
use crate::self_checkout::SelfCheckout;
use crate::status::{AgentStatus, Board};
use crate::tls::Trust;
use crate::uplink::link::Uplink;

/// The name of the outbox in the data folder.
const OUTBOX: &str = "outbox.db";

/// Outbox, clocks and board, and the sections that everybody asks.
pub(super) struct House {
    pub(super) agent: AgentSection,
    pub(super) uplink: UplinkSection,
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) board: Arc<Board>,
    pub(super) time: MeasuredTime,
    trust: Trust,
}

impl House {
    /// Opens the outbox, in a data folder that is made where there is none.
    pub(super) async fn open(
        agent: AgentSection,
        uplink: UplinkSection,
        section: OutboxSection,
        has_gate: bool,
        options: AgentOptions,
    ) -> anyhow::Result<Self> {
        let (data, device) = (agent.data.clone(), agent.device.clone());
        let open = move || {
            data_folder::make(&data)?;
            Outbox::open(&data.join(OUTBOX), &device, &section, options.outbox)
                .context("cannot open the outbox")
        };
        let outbox = tokio::task::spawn_blocking(open).await??;
        let clock = options.clock;
        Ok(Self {
            agent,
            uplink,
            outbox,
            board: Arc::new(Board::new(clock.wall(), has_gate)),
            time: MeasuredTime::new(clock.clone()),
            clock,
            trust: options.trust,
        })
    }

    /// What the agent says of itself now.
    pub(super) async fn status(&self) -> anyhow::Result<AgentStatus> {
        let depth = self.outbox.with(Outbox::depth).await?;
        let (device, epoch) = (&self.agent.device, self.outbox.epoch());
        Ok(self.board.account(device, self.clock.wall(), epoch, depth))
    }

    /// The task that reads the gate.
    pub(super) fn driver(&self, section: &GateSection) -> Result<Driver, OutboxError> {
        let (outbox, clock) = (self.outbox.clone(), self.clock.clone());
        Driver::new(section, outbox, clock, self.board.clone())
    }

    /// Lending, and the task beside it.
    pub(super) async fn lender(
        &self,
        section: LendingSection,
        desired: watch::Receiver<Desired>,
    ) -> anyhow::Result<Lender> {
        let surroundings = Surroundings {
            data: self.agent.data.clone(),
            outbox: self.outbox.clone(),
            time: self.time.clone(),
            clock: self.clock.clone(),
            board: self.board.clone(),
        };
        let policy = section.clone();
        let open = move || Lending::open(&policy, surroundings);
        let lending = tokio::task::spawn_blocking(open).await??;
        let (uplink, device) = (&self.uplink, &self.agent.device);
        let papers = PapersKeeper::new(lending.clone(), section, uplink, device, desired);
        Ok(Lender { lending, papers })
    }

    /// The relay of self-checkouts, where there are any; it answers by the rules of lending.
    pub(super) async fn self_checkout(
        &self,
        section: Option<SelfCheckoutSection>,
        lending: Option<&Lending>,
    ) -> anyhow::Result<Option<SelfCheckout>> {
        let Some(section) = section else {
            return Ok(None);
        };
        let lending = lending.context("self-checkouts need [lending] in the configuration")?;
        SelfCheckout::open(&section, &self.agent.data, lending, &self.board)
            .await
            .map(Some)
    }

    /// The bus desk, bound; where its page is stands in the agent's account of itself.
    pub(super) async fn bus_desk(
        &self,
        section: BusDeskSection,
        lending: Lending,
    ) -> anyhow::Result<BusDesk> {
        let desk = BusDesk::open(section, &self.agent.data, lending, self.clock.clone()).await?;
        self.board.bus_desk(desk.address());
        Ok(desk)
    }

    /// The e-book kiosk, bound, with the shelf it had; where its pages are stands in the agent's
    /// account of itself.
    pub(super) async fn kiosk(
        &self,
        section: KioskSection,
        desired: watch::Receiver<Desired>,
        gateway: Line,
        carried_by: Option<&CarriedBy>,
        reported: watch::Sender<Reported>,
    ) -> anyhow::Result<Kiosk> {
        let kiosk = Kiosk::open(KioskParts {
            section,
            device: &self.agent.device,
            data: &self.agent.data,
            outbox: self.outbox.clone(),
            clock: self.clock.clone(),
            time: self.time.clone(),
            board: self.board.clone(),
            desired,
            gateway,
            neighbour: carried_by.map(CarriedBy::neighbour),
            carried: carried_by
                .map_or_else(|| watch::Sender::default().subscribe(), CarriedBy::wish),
            reported,
        })
        .await?;
        self.board.screens(kiosk.addresses().pages);
        Ok(kiosk)
    }

    /// The line to the gateway over HTTPS.
    pub(super) fn gateway(&self, renewals: watch::Receiver<u64>) -> Line {
        self.line(Towards::Gateway, self.uplink.https_timeout, renewals)
    }

    fn line(&self, towards: Towards, timeout: Duration, renewals: watch::Receiver<u64>) -> Line {
        let folder = self.identity();
        Line::new(towards, folder, self.time.clone(), timeout, renewals)
    }

    fn identity(&self) -> IdentityFolder {
        IdentityFolder::new(&self.uplink.identity, &self.agent.device)
    }

    /// The carrier, bound, and what it brings for others, where it carries for any; where it serves
    /// stands in the agent's account of itself.
    pub(super) async fn carrying(
        &self,
        section: Option<CarryingSection>,
        renewals: watch::Receiver<u64>,
    ) -> anyhow::Result<(Option<Carrying>, Option<Satchel>)> {
        let Some(section) = section else {
            return Ok((None, None));
        };
        let satchel = Carrying::satchel(&section, &self.agent.data)?;
        let carrying = Carrying::open(CarryingParts {
            section,
            data: &self.agent.data,
            identity: self.identity(),
            gateway: self.gateway(renewals.clone()),
            satchel: satchel.clone(),
            clock: self.clock.clone(),
            time: self.time.clone(),
            renewals,
        })
        .await?;
        self.board.carrying(carrying.address());
        Ok((Some(carrying), Some(satchel)))
    }

    /// The task that looks for the bus.
    pub(super) async fn carried_by(
        &self,
        section: CarriedBySection,
        renewals: watch::Receiver<u64>,
    ) -> anyhow::Result<CarriedBy> {
        let address = GatewayUrl::of_fellow(&section.host, section.port)
            .with_context(|| format!("carried_by.host = {:?}", section.host))?;
        let bus = Towards::Fellow(section.bus.clone(), address);
        CarriedBy::open(CarriedByParts {
            line: self.line(bus, section.timeout, renewals),
            section,
            device: self.agent.device.clone(),
            batch_max: self.uplink.batch_max,
            outbox: self.outbox.clone(),
            clock: self.clock.clone(),
            time: self.time.clone(),
            board: self.board.clone(),
        })
        .await
    }

    /// The task that renews the certificate, where there is one.
    pub(super) fn renewer(&self, renewals: watch::Sender<u64>) -> Option<Renewer> {
        (self.uplink.credential == Credential::Certificate).then(|| Renewer {
            folder: self.identity(),
            section: self.uplink.clone(),
            time: self.time.clone(),
            board: self.board.clone(),
            renewals,
        })
    }

    /// The task that keeps the link.
    pub(super) fn uplink(
        &self,
        renewals: watch::Sender<u64>,
        desired: watch::Sender<Desired>,
        reported: watch::Receiver<Reported>,
        satchel: Option<Satchel>,
    ) -> Uplink {
        Uplink {
            agent: self.agent.clone(),
            section: self.uplink.clone(),
            outbox: self.outbox.clone(),
            clock: self.clock.clone(),
            board: self.board.clone(),
            time: self.time.clone(),
            trust: self.trust,
            renewals,
            desired,
            reported,
            satchel,
        }
    }

    /// The task that writes the state file.
    pub(super) fn keeper(&self) -> Keeper {
        Keeper {
            data: self.agent.data.clone(),
            device: self.agent.device.clone(),
            outbox: self.outbox.clone(),
            clock: self.clock.clone(),
            board: self.board.clone(),
        }
    }
}
