//! One connection: reads, calls the session, performs its effects, writes.
//!
//! One task owns everything of a connection. While facts wait for their place in the house's
//! queue, or as many answers are owed as are allowed, or the peer does not take what is written,
//! or has sent more than its rates allow, the task does not read; then its keep alive stands
//! still.

mod deliveries;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lujiang_wire::Receipts;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::acknowledgements::{Acknowledgements, NotKept, Settled};
use crate::door::Context;
use crate::encode;
use crate::ending::Ending;
use crate::frame::{Fault, next_frame};
use crate::house::{Arrival, ClientLimits, Keeping, Origin};
use crate::keep_alive::KeepAlive;
use crate::packet::{Incoming, PacketId, decode};
use crate::reason::ReasonCode;
use crate::registration::Registration;
use crate::router::{FannedOut, ReaderLink, RouterGone};
use crate::session::{Effect, Session};
use crate::throttle::Throttle;
use crate::wire::Wire;

/// Beyond this many bytes unwritten nothing is added and nothing is read.
const WRITE_HIGH: usize = 64 * 1024;

/// A connection that was let in.
pub(crate) struct Connection<S> {
    context: Arc<Context>,
    wire: Wire<S>,
    session: Session,
    registration: Registration,
    keep_alive: KeepAlive,
    throttle: Throttle,
    /// Largest packet read.
    received_max: usize,
    /// Largest packet the peer takes.
    sent_max: usize,
    acknowledgements: Acknowledgements,
    /// Facts that wait for their place in the house's queue.
    placing: Option<Placing>,
    /// A reader's link, from its first SUBSCRIBE on.
    link: Option<ReaderLink>,
    /// Receipts asked of the house.
    receipts: Option<BoxFuture<'static, Option<Receipts>>>,
    /// Topics whose retained message is still to be given to a new subscription.
    giving: BTreeSet<String>,
    /// Since when the peer has taken nothing of what is unsent; `None` while nothing is.
    unsent_since: Option<Instant>,
    /// Rings at a deadline or before it: most deadlines move on before they come, and setting it
    /// at each packet would cost more than the packet.
    alarm: Pin<Box<Sleep>>,
    /// Kept over all waits, for the same reason.
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The door is closing: nothing is read, what is owed is still answered.
    stopping: bool,
}

/// What a connection is made of besides its socket.
pub(crate) struct Parts {
    pub(crate) session: Session,
    pub(crate) registration: Registration,
    pub(crate) limits: ClientLimits,
    /// As granted.
    pub(crate) keep_alive: Duration,
    /// Largest packet the peer takes.
    pub(crate) sent_max: usize,
}

/// Facts on their way to their place, and the packet identifier they came with.
type Placing = BoxFuture<'static, (Option<PacketId>, Keeping)>;

/// What woke a connection.
enum Event {
    Read(std::io::Result<usize>),
    Written(std::io::Result<usize>),
    Placed(Option<PacketId>, Keeping),
    Settled(Settled),
    Mail,
    Link(Result<FannedOut, RouterGone>),
    Receipts(Option<Receipts>),
    Deadline,
    Stop,
}

impl<S: AsyncRead + AsyncWrite> Connection<S> {
    pub(crate) fn new(context: Arc<Context>, wire: Wire<S>, parts: Parts) -> Self {
        let Parts {
            session,
            registration,
            limits,
            keep_alive,
            sent_max,
        } = parts;
        let now = Instant::now();
        let stop = context.stop.clone().cancelled_owned();
        Self {
            acknowledgements: Acknowledgements::new(limits.unacked_max, session.version()),
            keep_alive: KeepAlive::new(keep_alive, now),
            throttle: Throttle::new(&limits, keep_alive, now),
            received_max: limits.packet_max,
            context,
            wire,
            session,
            registration,
            sent_max,
            placing: None,
            link: None,
            receipts: None,
            giving: BTreeSet::new(),
            unsent_since: None,
            alarm: Box::pin(sleep_until(now + keep_alive)),
            stop: Box::pin(stop),
            stopping: false,
        }
    }

    /// Serves the client until either side ends it.
    pub(crate) async fn run(mut self: Box<Self>) {
        let ending = loop {
            if let Err(ending) = self.tick().await {
                break ending;
            }
        };
        tracing::debug!(why = ending.why, "connection ends");
        if ending.code == Some(ReasonCode::KeepAliveTimeout) {
            self.context.metrics.timeouts.increase();
        }
        // First of all: a client that takes this place over waits for it.
        self.registration.end(&ending);
        drop(self.link.take());
        if let Some(code) = ending.code {
            self.context.metrics.end(code);
            encode::disconnect(self.session.version(), code, &mut self.wire.unsent);
        }
        self.wire.farewell().await;
    }

    async fn tick(&mut self) -> Result<(), Ending> {
        self.throttle.release(Instant::now());
        self.handle_received().await?;
        self.fill_unsent()?;
        let now = Instant::now();
        if self.may_read() {
            self.keep_alive.run(now);
        } else {
            self.keep_alive.stop();
        }
        if self.wire.unsent.is_empty() {
            self.unsent_since = None;
        } else {
            self.unsent_since.get_or_insert(now);
        }
        if self.stopping && self.placing.is_none() && self.acknowledgements.is_empty() {
            let why = "the gateway is shutting down";
            return Err(Ending::by_door(ReasonCode::ServerShuttingDown, why));
        }
        self.set_alarm();
        let event = self.next_event().await;
        self.handle(event).await
    }

    /// Sees to it that the alarm rings no later than the next deadline.
    fn set_alarm(&mut self) {
        if let Some(deadline) = self.deadline()
            && (self.alarm.is_elapsed() || deadline < self.alarm.deadline())
        {
            self.alarm.as_mut().reset(deadline);
        }
    }

    fn may_read(&self) -> bool {
        !self.stopping
            && self.placing.is_none()
            && self.throttle.paused_until().is_none()
            && !self.acknowledgements.is_full()
            && self.wire.unsent.len() < WRITE_HIGH
    }

    async fn next_event(&mut self) -> Event {
        let may_read = self.may_read();
        let awaits_deadline = self.deadline().is_some();
        if may_read {
            self.wire.make_room();
        }
        let Wire {
            reader,
            writer,
            received,
            unsent,
            ..
        } = &mut self.wire;
        // Every branch is cancel-safe: each says so where it is defined, and the others are
        // futures kept in a field and polled by reference.
        tokio::select! {
            () = &mut self.stop, if !self.stopping => Event::Stop,
            read = reader.read_buf(received), if may_read => Event::Read(read),
            written = writer.write_buf(unsent), if !unsent.is_empty() => Event::Written(written),
            (id, keeping) = placed(&mut self.placing) => Event::Placed(id, keeping),
            settled = self.acknowledgements.next() => Event::Settled(settled),
            () = self.registration.mailbox().arrived() => Event::Mail,
            message = linked(&mut self.link) => Event::Link(message),
            receipts = asked(&mut self.receipts) => Event::Receipts(receipts),
            () = &mut self.alarm, if awaits_deadline => Event::Deadline,
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let deadlines = [
            self.write_deadline(),
            self.keep_alive.deadline(),
            self.throttle.paused_until(),
        ];
        deadlines.into_iter().flatten().min()
    }

    fn write_deadline(&self) -> Option<Instant> {
        let since = self.unsent_since?;
        Some(since + self.context.section.write_timeout)
    }

    async fn handle(&mut self, event: Event) -> Result<(), Ending> {
        match event {
            Event::Read(Ok(0)) => return Err(Ending::lost("the device closed the connection")),
            Event::Read(Ok(count)) => {
                self.wire.was_read(count);
                self.context.metrics.bytes_received.add(count);
            }
            Event::Written(Ok(count)) if count > 0 => {
                self.context.metrics.bytes_sent.add(count);
                self.unsent_since = Some(Instant::now());
            }
            Event::Read(Err(_)) | Event::Written(_) => {
                return Err(Ending::lost("the connection broke"));
            }
            Event::Placed(id, keeping) => self.acknowledgements.push_awaited(id, keeping),
            Event::Settled(settled) => self.acknowledge(settled)?,
            Event::Mail => self.take_mail()?,
            Event::Link(Ok(message)) => self.pass_on(message)?,
            Event::Link(Err(RouterGone)) => {
                self.link = None;
                self.open_link().await?;
            }
            Event::Receipts(receipts) => self.give_receipts(receipts)?,
            Event::Deadline => self.check_deadline(Instant::now())?,
            Event::Stop => self.stopping = true,
        }
        Ok(())
    }

    fn check_deadline(&self, now: Instant) -> Result<(), Ending> {
        if self
            .keep_alive
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            let why = "silent for one and a half times its keep alive"; // [MQTT-3.1.2-22]
            return Err(Ending::by_door(ReasonCode::KeepAliveTimeout, why));
        }
        if self
            .write_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.context.metrics.timeouts.increase();
            return Err(Ending::lost("it does not take what is written to it"));
        }
        Ok(())
    }

    /// Handles the whole packets that are there, as long as the door may read.
    async fn handle_received(&mut self) -> Result<(), Ending> {
        while self.may_read() {
            let before = self.wire.received.len();
            let Some(packet) = self.next_packet()? else {
                return Ok(());
            };
            let now = Instant::now();
            self.keep_alive.heard(now);
            self.meter(&packet, before - self.wire.received.len(), now);
            if let Incoming::Publish(publish) = &packet {
                self.context.metrics.publishes.increase();
                if self.acknowledgements.is_exceeded_by(publish.id) {
                    let why = "more publishes under way than its Receive Maximum";
                    return Err(Ending::by_door(ReasonCode::ReceiveMaximumExceeded, why));
                }
            }
            for effect in self.session.handle_packet(packet, now) {
                self.perform(effect).await?;
            }
        }
        Ok(())
    }

    /// Counts a packet against the client's rates.
    fn meter(&mut self, packet: &Incoming, bytes: usize, now: Instant) {
        let messages = match packet {
            // An answer to a message of ours, which the door paces itself.
            Incoming::PubAck(_) => 0,
            Incoming::Publish(_)
            | Incoming::Subscribe { .. }
            | Incoming::Unsubscribe { .. }
            | Incoming::PingReq
            | Incoming::Disconnect { .. } => 1,
        };
        self.throttle.read(bytes, messages, now);
        if self.throttle.paused_until().is_some() {
            self.context.metrics.slowed.increase();
        }
    }

    fn next_packet(&mut self) -> Result<Option<Incoming>, Fault> {
        let frame = next_frame(&mut self.wire.received, self.received_max);
        let version = self.session.version();
        frame?.map(|frame| decode(version, &frame)).transpose()
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), Ending> {
        let version = self.session.version();
        match effect {
            Effect::Keep {
                origin,
                payload,
                id,
            } => self.place(origin, payload, id),
            Effect::Acknowledge(id, code) => self.acknowledgements.push_given(id, code),
            Effect::Retain {
                topic,
                payload,
                word,
                id,
            } => {
                let switchboard = &self.context.switchboard;
                let code = match switchboard.publish_retained(&topic, payload) {
                    Ok(()) => ReasonCode::Success,
                    Err(_) => {
                        let code = ReasonCode::QuotaExceeded;
                        self.context.metrics.refuse_request(code);
                        code
                    }
                };
                word.into_iter()
                    .for_each(|word| self.context.house.heard(word));
                if let Some(id) = id {
                    self.acknowledgements.push_given(id, code);
                }
            }
            Effect::FanOut { topic, payload } => self.context.switchboard.fan_out(&topic, payload),
            Effect::Tell(word) => self.context.house.heard(word),
            Effect::AnswerClock { topic, request } => self.answer_clock(&topic, request)?,
            Effect::OpenLink => self.open_link().await?,
            Effect::Subscribed(id, answers) => {
                encode::suback(version, id, &answers, &mut self.wire.unsent);
            }
            Effect::Unsubscribed(id, answers) => {
                encode::unsuback(version, id, &answers, &mut self.wire.unsent);
            }
            Effect::GiveRetained(filter) => {
                let names = self.context.switchboard.retained_names(&filter);
                self.giving.extend(names);
            }
            Effect::AskReceipts => self.ask_receipts(),
            Effect::Pong => encode::pingresp(&mut self.wire.unsent),
            Effect::CountRefused(code) => self.context.metrics.refuse_request(code),
            Effect::End(ending) => return Err(ending),
        }
        Ok(())
    }

    /// Gives facts to the house. Mostly they have their place at once; otherwise nothing more is
    /// read until they have.
    fn place(&mut self, origin: Origin, payload: Bytes, id: Option<PacketId>) {
        let Some(device) = self.session.device().cloned() else {
            return; // The session lets only devices publish.
        };
        let house = Arc::clone(&self.context.house);
        let received = house.now();
        let arrival = Arrival {
            device,
            origin,
            payload,
            received,
        };
        let mut placing: Placing = Box::pin(async move { (id, house.keep(arrival).await) });
        match (&mut placing).now_or_never() {
            Some((id, keeping)) => self.acknowledgements.push_awaited(id, keeping),
            None => self.placing = Some(placing),
        }
    }

    fn acknowledge(&mut self, settled: Settled) -> Result<(), Ending> {
        match settled {
            Settled::Acknowledged(Some(id), code) => {
                self.context.metrics.pubacks.increase();
                encode::puback(self.session.version(), id, code, &mut self.wire.unsent);
                Ok(())
            }
            Settled::Acknowledged(None, _) => Ok(()),
            Settled::NotKept(why) => {
                let why = match why {
                    NotKept::Full => "no room for facts",
                    NotKept::QuarantineFull => "its quarantine is full",
                };
                Err(Ending::by_door(ReasonCode::QuotaExceeded, why))
            }
        }
    }
}

/// Waits until facts have their place. Cancel-safe: the future stays where it is.
async fn placed(placing: &mut Option<Placing>) -> (Option<PacketId>, Keeping) {
    match placing {
        None => std::future::pending().await,
        Some(waiting) => {
            let placed = waiting.as_mut().await;
            *placing = None;
            placed
        }
    }
}

async fn linked(link: &mut Option<ReaderLink>) -> Result<FannedOut, RouterGone> {
    match link {
        None => std::future::pending().await,
        Some(link) => link.next().await,
    }
}

/// Waits for receipts asked for. Cancel-safe: the future stays where it is.
async fn asked(receipts: &mut Option<BoxFuture<'static, Option<Receipts>>>) -> Option<Receipts> {
    match receipts {
        None => std::future::pending().await,
        Some(receipts) => receipts.as_mut().await,
    }
}
