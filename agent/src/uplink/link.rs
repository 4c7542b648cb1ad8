//! The task that keeps the link: connects, performs what the session decides, pauses, again.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lujiang_config::{AgentSection, UplinkSection};
use lujiang_wire::{
    Channel, Clock, ClockMessage, Desired, LinkState, MachineMetric, Reported, Status, Telemetry,
    Topic,
};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::door::{Door, DoorEvent};
use super::papers::{Papers, Showing};
use super::{Answer, Effect, Leave, Session, SessionLimits};
use crate::backoff::Backoff;
use crate::carrying::Satchel;
use crate::error_chain::chain;
use crate::identity::{Identity, IdentityFolder};
use crate::measured_time::MeasuredTime;
use crate::outbox::{Outbox, OutboxError, Stamp};
use crate::status::{Board, Link};
use crate::telemetry::{Health, approximate};
use crate::tls::Trust;

/// Name and version, as the status says them.
const AGENT: &str = concat!("lujiang-agent/", env!("CARGO_PKG_VERSION"));

/// The status is said again after this many telemetry samples, with fresh numbers.
const SAMPLES_PER_STATUS: u64 = 5;

/// The least time between two reports: progress is for people.
const REPORT_PAUSE: Duration = Duration::from_secs(2);

/// Longest wait at the end for the PUBACK of the last status.
const LAST_STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// The task that owns the link.
pub(crate) struct Uplink {
    pub(crate) agent: AgentSection,
    pub(crate) section: UplinkSection,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) board: Arc<Board>,
    pub(crate) time: MeasuredTime,
    /// How the gateway is verified.
    pub(crate) trust: Trust,
    /// Moves with each new certificate.
    pub(crate) renewals: watch::Sender<u64>,
    /// What the gateway wants of this device.
    pub(crate) desired: watch::Sender<Desired>,
    /// What this device says of itself, where it has anything to say.
    pub(crate) reported: watch::Receiver<Reported>,
    /// Facts of others, where this device carries for them.
    pub(crate) satchel: Option<Satchel>,
}

/// Answers still to come.
pub(super) type Answers = FuturesUnordered<BoxFuture<'static, (Asked, Answer)>>;

/// What an answer is to.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    /// The subscription at the beginning.
    Subscription,
    /// The payload of this number.
    Payload(u64),
}

/// What lives as long as one connection.
pub(super) struct Conversation<'a> {
    pub(super) uplink: &'a Uplink,
    pub(super) door: &'a mut Door,
    pub(super) session: Session,
    pub(super) answers: Answers,
    changes: watch::Receiver<u64>,
    /// Moves with the facts of others; never where this device carries for nobody.
    given: watch::Receiver<u64>,
    renewals: watch::Receiver<u64>,
    /// The identity we go by, where it is not the present one.
    previous: Option<Identity>,
    pub(super) begun: Instant,
    samples: u64,
    health: Health,
    next_sample: Instant,
    reported: watch::Receiver<Reported>,
    /// There is something to say that was not said on this connection.
    is_report_due: bool,
    next_report: Instant,
}

impl Uplink {
    /// Keeps the link until told to stop, then sends what it can and says goodbye.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut backoff = Backoff::new(self.section.backoff_min, self.section.backoff_max);
        let mut showing = Showing::Present;
        while !stop.is_cancelled() {
            let (leave, was_online) = self.connect_once(&stop, showing).await;
            showing = match (&leave, showing) {
                (Leave::Unwelcome(_), Showing::Present) => Showing::Previous,
                _ => Showing::Present,
            };
            let reason = match leave {
                Leave::Stopped => break,
                Leave::Renewed => {
                    tracing::info!("connecting again with the new certificate");
                    continue;
                }
                Leave::Refused(reason) => {
                    tracing::warn!(%reason, "the gateway refuses facts; they stay in the outbox");
                    format!("facts refused: {reason}")
                }
                Leave::Unwelcome(reason) => {
                    tracing::warn!(%reason, "not let in");
                    reason
                }
                Leave::Lost(reason) => {
                    if was_online {
                        backoff.reset();
                    }
                    tracing::info!(%reason, "no link to the gateway");
                    reason
                }
            };
            self.board.link(Link::Down { reason }, self.clock.wall());
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(backoff.next_pause()) => {}
            }
        }
        self.board.link(Link::Stopped, self.clock.wall());
    }

    /// One connection from dialling to its end; and whether it was of use.
    async fn connect_once(&self, stop: &CancellationToken, showing: Showing) -> (Leave, bool) {
        self.board.link(Link::Connecting, self.clock.wall());
        // From before the certificate is read, so that no newer one is missed.
        let renewals = self.renewals.subscribe();
        let prepared = async {
            let (device, trust) = (&self.agent.device, self.trust);
            let papers = Papers::read(&self.section, device, &self.time, showing, trust).await?;
            self.outbox
                .with(Outbox::begin_connection)
                .await
                .map_err(|e| chain(&e))?;
            if let Some(satchel) = &self.satchel {
                satchel.begin_connection();
            }
            let will = self
                .status(LinkState::Offline)
                .await
                .map_err(|e| chain(&e))?;
            Ok::<_, String>((papers, will))
        };
        let (papers, will) = match prepared.await {
            Ok(prepared) => prepared,
            Err(reason) => return (Leave::Lost(reason), false),
        };
        let mut door = Door::open(&self.section, &self.agent.device, &papers.credentials, will);
        let session = Session::new(SessionLimits::of(&self.section), self.clock.boot());
        let begun = Instant::now();
        let mut conversation = Conversation {
            uplink: self,
            door: &mut door,
            session,
            answers: Answers::new(),
            changes: self.outbox.changes(),
            given: self
                .satchel
                .as_ref()
                .map_or_else(|| watch::Sender::default().subscribe(), Satchel::changes),
            renewals,
            previous: papers.previous,
            begun,
            samples: 0,
            health: Health::new(&self.agent.data),
            next_sample: begun,
            reported: self.reported.clone(),
            is_report_due: *self.reported.borrow() != Reported::default(),
            next_report: begun,
        };
        let leave = conversation.hold(stop).await;
        let was_online = conversation.session.is_sending();
        let ends_well = !matches!(leave, Leave::Lost(_));
        door.close(ends_well).await;
        (leave, was_online)
    }

    /// The status document.
    async fn status(&self, state: LinkState) -> Result<Vec<u8>, OutboxError> {
        let looking = |outbox: &Outbox| Ok((outbox.written()?, outbox.oldest_waiting()?));
        let (written, oldest) = self.outbox.with(looking).await?;
        let since = self.clock.wall();
        let age = oldest.map(|oldest| oldest.age(self.clock.as_ref()));
        let status = Status {
            state,
            since,
            agent: Some(AGENT.to_owned()),
            boot: Some(self.clock.boot()),
            epoch: Some(self.outbox.epoch().clone()),
            written,
            oldest: age.and_then(|age| since.checked_sub(age).ok()),
        };
        Ok(document(&status))
    }

    pub(super) fn stamp(&self) -> Stamp {
        Stamp::now(self.clock.as_ref())
    }
}

impl Conversation<'_> {
    /// Holds the connection until it ends.
    async fn hold(&mut self, stop: &CancellationToken) -> Leave {
        let mut stopping = false;
        loop {
            match self.perform().await {
                Ok(Some(leave)) => return leave,
                Ok(None) => {}
                Err(reason) => {
                    self.session.handle_lost(reason);
                    continue;
                }
            }
            let deadline = self.begun + self.session.deadline();
            // Telemetry goes last: facts that wait are sent before it, for one interval at most.
            let sampling = self.session.is_sending();
            let sample_at = if self.session.is_quiet() {
                self.next_sample
            } else {
                self.next_sample + self.uplink.agent.telemetry_interval
            };
            tokio::select! {
                event = self.door.next_event() => self.hear(event).await,
                Some((asked, answer)) = self.answers.next(), if !self.answers.is_empty() => {
                    match asked {
                        Asked::Subscription => {
                            self.session.handle_subscribed(answer, self.begun.elapsed());
                        }
                        Asked::Payload(id) => {
                            self.session.handle_answer(id, answer, self.begun.elapsed());
                        }
                    }
                }
                changed = self.changes.changed() => match changed {
                    Ok(()) => self.session.handle_written(),
                    Err(_) => self.session.handle_stop(),
                },
                Ok(()) = self.given.changed() => self.session.handle_written(),
                // We hold the sender: this never fails.
                Ok(()) = self.renewals.changed() => self.session.handle_renewed(),
                () = tokio::time::sleep_until(deadline) => {
                    self.session.handle_time(self.begun.elapsed());
                }
                () = tokio::time::sleep_until(sample_at), if sampling => self.sample().await,
                Ok(()) = self.reported.changed(), if !self.is_report_due => {
                    self.is_report_due = true;
                }
                () = tokio::time::sleep_until(self.next_report), if sampling && self.is_report_due => {
                    self.report();
                }
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    self.session.handle_stop();
                }
            }
        }
    }

    /// Performs what the session decided, and sends what it wants; the end, if it is one.
    async fn perform(&mut self) -> Result<Option<Leave>, String> {
        loop {
            while let Some(effect) = self.session.next_effect() {
                if let Some(leave) = self.perform_one(effect).await? {
                    return Ok(Some(leave));
                }
            }
            if !self.session.wants_batch() {
                return Ok(None);
            }
            self.send_next().await?;
        }
    }

    async fn perform_one(&mut self, effect: Effect) -> Result<Option<Leave>, String> {
        let clock = self.uplink.clock.as_ref();
        match effect {
            Effect::Subscribe => {
                self.uplink.board.link(Link::Measuring, clock.wall());
                let channels = [Channel::Receipts, Channel::Clock, Channel::Desired];
                let pending = self.door.subscribe(&channels)?;
                self.answers.push(Box::pin(async {
                    (Asked::Subscription, pending.answer().await)
                }));
            }
            Effect::AskTime => {
                if let Some(request) = self.session.clock_request(clock.uptime()) {
                    self.door
                        .tell(Channel::Clock, document(&ClockMessage::Request(request)))?;
                }
            }
            Effect::ReportClock(report) => {
                self.uplink.board.clock(report.clone());
                self.uplink.time.measured(report.clone());
                // The library answers for it; a report that is lost is measured again.
                let report = document(&ClockMessage::Report(report));
                drop(self.door.send(Channel::Clock, report)?);
            }
            Effect::Announce => {
                self.uplink.board.link(Link::Online, clock.wall());
                tracing::info!("the link to the gateway is up");
                self.announce().await?;
            }
            Effect::Arrived(cargo) => self.arrived(cargo).await?,
            Effect::Leave(leave) => {
                if leave == Leave::Stopped && self.session.is_sending() {
                    self.say_goodbye().await;
                }
                return Ok(Some(leave));
            }
        }
        Ok(None)
    }

    async fn hear(&mut self, event: DoorEvent) {
        let now = self.begun.elapsed();
        match event {
            DoorEvent::Connected => {
                self.go_back().await;
                self.session.handle_connected(now);
            }
            DoorEvent::Unwelcome(reason) => self.session.handle_unwelcome(reason),
            DoorEvent::Lost(reason) => self.session.handle_lost(reason),
            DoorEvent::Message { topic, payload } => {
                let heard = self.uplink.clock.uptime();
                match topic.parse::<Topic>().map(|topic| topic.channel) {
                    Ok(Channel::Clock) => {
                        if let Ok(ClockMessage::Reply(reply)) = serde_json::from_slice(&payload) {
                            self.session.handle_clock_reply(&reply, heard, now);
                        }
                    }
                    Ok(Channel::Receipts) => match serde_json::from_slice(&payload) {
                        Ok(receipts) => self.settle(receipts).await,
                        Err(error) => tracing::warn!(%error, "a receipt that cannot be read"),
                    },
                    // What was retained is gone: nothing is wanted any more.
                    Ok(Channel::Desired) if payload.is_empty() => {
                        self.uplink.desired.send_replace(Desired::default());
                    }
                    Ok(Channel::Desired) => match serde_json::from_slice(&payload) {
                        Ok(desired) => drop(self.uplink.desired.send_replace(desired)),
                        Err(error) => tracing::warn!(%error, "a wish that cannot be read"),
                    },
                    Ok(_) => tracing::debug!(%topic, "a message for a later version"),
                    Err(error) => tracing::debug!(%error, "a message on a foreign topic"),
                }
            }
        }
    }

    /// Makes the identity the gateway took the present one, where it was not: it does not know its
    /// successor, and will issue another.
    async fn go_back(&mut self) {
        let Some(identity) = self.previous.take() else {
            return;
        };
        tracing::warn!("the gateway knows only the certificate before the last: going back to it");
        let Uplink { section, agent, .. } = self.uplink;
        let folder = IdentityFolder::new(&section.identity, &agent.device);
        let gone = folder.with(move |folder| folder.replace(&identity)).await;
        if let Err(error) = gone {
            tracing::warn!(
                reason = chain(&error),
                "not gone back; tried again next time"
            );
        }
    }

    /// Says that the device is online, retained.
    async fn announce(&mut self) -> Result<(), String> {
        let status = self
            .uplink
            .status(LinkState::Online)
            .await
            .map_err(|error| chain(&error))?;
        // Its PUBACK matters to nobody: the will tells of our end, telemetry of our numbers.
        drop(self.door.retain(Channel::Status, status)?);
        Ok(())
    }

    /// Says how the device is, retained. Its PUBACK matters to nobody: what it is about are facts.
    fn report(&mut self) {
        self.is_report_due = false;
        self.next_report = Instant::now() + REPORT_PAUSE;
        let reported = document(&*self.reported.borrow_and_update());
        if let Err(reason) = self.door.retain(Channel::Reported, reported).map(drop) {
            self.session.handle_lost(reason);
        }
    }

    async fn say_goodbye(&mut self) {
        let Ok(status) = self.uplink.status(LinkState::Offline).await else {
            return;
        };
        if let Ok(pending) = self.door.retain(Channel::Status, status) {
            // The door knows of our end by itself; this only tells others sooner.
            let _ = tokio::time::timeout(LAST_STATUS_TIMEOUT, pending.answer()).await;
        }
    }

    /// Sends how the machine is, and now and then how far the outbox is.
    async fn sample(&mut self) {
        self.next_sample = Instant::now() + self.uplink.agent.telemetry_interval;
        match self.telemetry().await {
            Ok(telemetry) => {
                if let Err(reason) = self.door.tell(Channel::Telemetry, document(&telemetry)) {
                    tracing::debug!(%reason, "a sample is not sent");
                }
            }
            Err(error) => tracing::warn!(reason = chain(&error), "no sample"),
        }
        self.samples += 1;
        if self.samples.is_multiple_of(SAMPLES_PER_STATUS)
            && let Err(reason) = self.announce().await
        {
            self.session.handle_lost(reason);
        }
    }

    async fn telemetry(&mut self) -> Result<Telemetry, OutboxError> {
        let mut metrics = self.health.sample();
        let outbox = &self.uplink.outbox;
        let (written, depth, size) = outbox
            .with(|outbox| Ok((outbox.written()?, outbox.depth()?, outbox.size()?)))
            .await?;
        for (stream, depth) in depth {
            metrics.insert(
                format!("outbox_{stream}_waiting"),
                approximate(depth.waiting),
            );
        }
        metrics.insert("outbox_size_bytes".to_owned(), approximate(size));
        if let Some(satchel) = &self.uplink.satchel {
            let waiting = satchel.waiting() as u64;
            metrics.insert("carried_payloads_waiting".to_owned(), approximate(waiting));
        }
        if let Some(bytes) = self.uplink.board.content_read_bytes() {
            metrics.insert("content_read_bytes_total".to_owned(), approximate(bytes));
        }
        if let Some(gate) = self.uplink.board.gate() {
            metrics.insert("gate_readings_total".to_owned(), approximate(gate.readings));
            metrics.insert(
                "gate_read_failures_total".to_owned(),
                approximate(gate.failures),
            );
            metrics.insert("gate_doubted_total".to_owned(), approximate(gate.doubted));
        }
        for (machine, status) in self.uplink.board.machines() {
            let named = status.metrics().map(|(metric, value)| {
                let name = MachineMetric::name_for(&machine, metric);
                (name, approximate(value))
            });
            metrics.extend(named);
        }
        Ok(Telemetry {
            time: self.uplink.clock.wall(),
            epoch: Some(outbox.epoch().clone()),
            written,
            metrics,
        })
    }
}

fn document<T: serde::Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("our documents have text keys and plain values")
}

#[cfg(test)]
mod tests;
