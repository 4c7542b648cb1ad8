//! One connection: reads, calls the session, performs its effects, writes.
//!
//! One task owns everything of a connection. While facts wait for their place in the house's
//! queue, or as many answers are owed as are allowed, or the peer does not take what is written,
//! the task does not read; then the client's keep alive stands still.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use lujiang_wire::{Channel, ClockMessage, ClockReply, ClockRequest, Receipts, Topic};
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::time::{Instant, sleep_until, timeout};

use crate::acknowledgements::{Acknowledgements, NotKept, Settled};
use crate::door::Context;
use crate::encode;
use crate::ending::Ending;
use crate::frame::next_frame;
use crate::house::{Arrival, Keeping};
use crate::keep_alive::KeepAlive;
use crate::mailbox::Delivery;
use crate::outgoing::TooSlow;
use crate::packet::{PacketId, Qos, decode};
use crate::reason::ReasonCode;
use crate::registration::Registration;
use crate::router::{FannedOut, ReaderLink, RouterGone};
use crate::session::{Effect, Session};

/// Bytes read at once from an idle connection: one gate's packet is far smaller.
const READ_CHUNK: usize = 4 * 1024;

/// Beyond this many bytes unwritten nothing is added and nothing is read.
const WRITE_HIGH: usize = 64 * 1024;

/// How long a peer that is being closed may take to read why.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// The socket and the bytes on both sides of it.
pub(crate) struct Wire<S> {
    reader: ReadHalf<S>,
    writer: WriteHalf<S>,
    pub(crate) received: BytesMut,
    pub(crate) unsent: BytesMut,
}

/// A connection that was let in.
pub(crate) struct Connection<S> {
    context: Arc<Context>,
    wire: Wire<S>,
    session: Session,
    registration: Registration,
    keep_alive: KeepAlive,
    /// Largest packet the peer takes.
    packet_max: usize,
    acknowledgements: Acknowledgements,
    /// Facts that wait for their place in the house's queue.
    placing: Option<Placing>,
    /// A reader's link, from its first SUBSCRIBE on.
    link: Option<ReaderLink>,
    /// Receipts asked of the house.
    receipts: Option<BoxFuture<'static, Option<Receipts>>>,
    /// When the peer last took something, or had nothing to take.
    taken_at: Instant,
    /// The door is closing: nothing is read, what is owed is still answered.
    stopping: bool,
}

struct Placing {
    id: Option<PacketId>,
    placed: BoxFuture<'static, Keeping>,
}

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

impl<S: AsyncRead + AsyncWrite> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            received: BytesMut::new(),
            unsent: BytesMut::new(),
        }
    }

    /// Reads more into `received`.
    ///
    /// # Cancel safety
    /// Nothing read is lost.
    pub(crate) async fn read(&mut self) -> std::io::Result<usize> {
        self.received.reserve(READ_CHUNK);
        self.reader.read_buf(&mut self.received).await
    }

    /// Writes what is unsent, closes, and reads away what still comes for a moment: a socket
    /// closed over unread bytes takes the last words back.
    pub(crate) async fn farewell(mut self) {
        let closing = async {
            self.writer.write_all_buf(&mut self.unsent).await?;
            self.writer.shutdown().await?;
            loop {
                self.received.clear();
                if self.read().await? == 0 {
                    return Ok::<(), std::io::Error>(());
                }
            }
        };
        // Whoever does not listen to the end goes without it.
        let _ = timeout(FAREWELL_MAX, closing).await;
    }
}

impl<S: AsyncRead + AsyncWrite> Connection<S> {
    pub(crate) fn new(
        context: Arc<Context>,
        wire: Wire<S>,
        session: Session,
        registration: Registration,
        keep_alive: KeepAlive,
        packet_max: usize,
    ) -> Self {
        let acknowledgements = Acknowledgements::new(context.section.unacked_max);
        Self {
            context,
            wire,
            session,
            registration,
            keep_alive,
            packet_max,
            acknowledgements,
            placing: None,
            link: None,
            receipts: None,
            taken_at: Instant::now(),
            stopping: false,
        }
    }

    /// Serves the client until either side ends it.
    pub(crate) async fn run(mut self) {
        let ending = loop {
            if let Err(ending) = self.tick().await {
                break ending;
            }
        };
        tracing::debug!(why = ending.why, "connection ends");
        let counter = match ending.code {
            Some(ReasonCode::KeepAliveTimeout) => Some(&self.context.metrics.timeouts),
            Some(ReasonCode::MalformedPacket | ReasonCode::ProtocolError) => {
                Some(&self.context.metrics.malformed)
            }
            _ => None,
        };
        counter
            .into_iter()
            .for_each(crate::metrics::Counter::increase);
        // First of all: a client that takes this place over waits for it.
        self.registration.end(&ending);
        drop(self.link.take());
        if let Some(code) = ending.code {
            encode::disconnect(self.session.version(), code, &mut self.wire.unsent);
        }
        self.wire.farewell().await;
    }

    async fn tick(&mut self) -> Result<(), Ending> {
        self.handle_received().await?;
        self.fill_unsent()?;
        let now = Instant::now();
        if self.may_read() {
            self.keep_alive.run(now);
        } else {
            self.keep_alive.stop();
        }
        if self.wire.unsent.is_empty() {
            self.taken_at = now;
        }
        if self.stopping && self.placing.is_none() && self.acknowledgements.is_empty() {
            let why = "the gateway is shutting down";
            return Err(Ending::by_door(ReasonCode::ServerShuttingDown, why));
        }
        let event = self.next_event().await;
        self.handle(event).await
    }

    fn may_read(&self) -> bool {
        !self.stopping
            && self.placing.is_none()
            && !self.acknowledgements.is_full()
            && self.wire.unsent.len() < WRITE_HIGH
    }

    async fn next_event(&mut self) -> Event {
        let may_read = self.may_read();
        let deadline = self.deadline();
        let Wire {
            reader,
            writer,
            received,
            unsent,
        } = &mut self.wire;
        if may_read {
            received.reserve(READ_CHUNK);
        }
        // Every branch is cancel-safe: each says so where it is defined, and the others are
        // futures kept in a field and polled by reference.
        tokio::select! {
            () = self.context.stop.cancelled(), if !self.stopping => Event::Stop,
            read = reader.read_buf(received), if may_read => Event::Read(read),
            written = writer.write_buf(unsent), if !unsent.is_empty() => Event::Written(written),
            (id, keeping) = placed(&mut self.placing) => Event::Placed(id, keeping),
            settled = self.acknowledgements.next() => Event::Settled(settled),
            () = self.registration.mailbox().arrived() => Event::Mail,
            message = linked(&mut self.link) => Event::Link(message),
            receipts = asked(&mut self.receipts) => Event::Receipts(receipts),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                Event::Deadline
            }
        }
    }

    fn deadline(&self) -> Option<Instant> {
        let write = (!self.wire.unsent.is_empty())
            .then(|| self.taken_at + self.context.section.write_timeout);
        [write, self.keep_alive.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    async fn handle(&mut self, event: Event) -> Result<(), Ending> {
        match event {
            Event::Read(Ok(0)) => return Err(Ending::lost("the device closed the connection")),
            Event::Read(Ok(count)) => self.context.metrics.bytes_received.add(count),
            Event::Written(Ok(count)) if count > 0 => {
                self.context.metrics.bytes_sent.add(count);
                self.taken_at = Instant::now();
            }
            Event::Read(Err(_)) | Event::Written(_) => {
                return Err(Ending::lost("the connection broke"));
            }
            Event::Placed(id, keeping) => self.acknowledgements.push_awaited(id, keeping),
            Event::Settled(settled) => self.acknowledge(settled)?,
            Event::Mail => self.take_mail()?,
            Event::Link(Ok(message)) => {
                let qos = qos_of(&message.topic);
                let pushed = self
                    .session
                    .deliver(&message.topic, message.payload, qos, false);
                self.count_dropped(pushed)?;
            }
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
        let write_timeout = self.context.section.write_timeout;
        if !self.wire.unsent.is_empty() && self.taken_at + write_timeout <= now {
            self.context.metrics.timeouts.increase();
            return Err(Ending::lost("it does not take what is written to it"));
        }
        Ok(())
    }

    /// Handles the whole packets that are there, as long as the door may read.
    async fn handle_received(&mut self) -> Result<(), Ending> {
        let packet_max = self.context.section.packet_max.as_usize();
        while self.may_read() {
            let Some(frame) = next_frame(&mut self.wire.received, packet_max)? else {
                return Ok(());
            };
            let packet = decode(self.session.version(), &frame)?;
            let now = Instant::now();
            self.keep_alive.heard(now);
            if let crate::packet::Incoming::Publish(_) = &packet {
                self.context.metrics.publishes.increase();
            }
            for effect in self.session.handle_packet(packet, now) {
                self.perform(effect).await?;
            }
        }
        Ok(())
    }

    async fn perform(&mut self, effect: Effect) -> Result<(), Ending> {
        let version = self.session.version();
        match effect {
            Effect::Keep { payload, id } => self.place(payload, id),
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
                    Err(_) => ReasonCode::QuotaExceeded,
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
                for (topic, payload) in self.context.switchboard.retained(&filter) {
                    let pushed = self
                        .session
                        .deliver(&topic, payload, Qos::AtLeastOnce, true);
                    self.count_dropped(pushed)?;
                    // A reader of everything gets more than may wait: what can be sent is sent.
                    self.fill_unsent()?;
                }
            }
            Effect::AskReceipts => self.ask_receipts(),
            Effect::Pong => encode::pingresp(&mut self.wire.unsent),
            Effect::CountUnauthorised => self.context.metrics.unauthorised.increase(),
            Effect::CountUnreadable => self.context.metrics.unreadable.increase(),
            Effect::End(ending) => return Err(ending),
        }
        Ok(())
    }

    /// Gives facts to the house; nothing more is read until they have their place.
    fn place(&mut self, payload: Bytes, id: Option<PacketId>) {
        let Some(device) = self.session.device().cloned() else {
            return; // The session lets only devices publish.
        };
        let house = Arc::clone(&self.context.house);
        let received = house.now();
        let arrival = Arrival {
            device,
            payload,
            received,
        };
        let placed = Box::pin(async move { house.keep(arrival).await });
        self.placing = Some(Placing { id, placed });
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

    /// Moves answers and messages to the socket's side, acknowledgements first.
    fn fill_unsent(&mut self) -> Result<(), Ending> {
        while self.wire.unsent.len() < WRITE_HIGH {
            if let Some(settled) = self.acknowledgements.try_next() {
                self.acknowledge(settled)?;
                continue;
            }
            let Some((message, id)) = self.session.outgoing.next() else {
                return Ok(());
            };
            let version = self.session.version();
            let qos = if id.is_some() {
                Qos::AtLeastOnce
            } else {
                Qos::AtMostOnce
            };
            let length = encode::publish_len(version, &message.topic, &message.payload, qos);
            if length > self.packet_max {
                // [MQTT-3.1.2-25]: as if it had been sent and acknowledged.
                id.into_iter()
                    .for_each(|id| self.session.outgoing.acknowledged(id));
                self.context.metrics.outgoing_dropped.increase();
                continue;
            }
            let (topic, payload) = (&message.topic, &message.payload);
            encode::publish(
                version,
                topic,
                payload,
                message.retain,
                id,
                &mut self.wire.unsent,
            );
        }
        Ok(())
    }

    fn take_mail(&mut self) -> Result<(), Ending> {
        let (deliveries, ending) = self.registration.mailbox().take();
        if let Some(ending) = ending {
            return Err(ending);
        }
        for Delivery { topic, payload } in deliveries {
            if topic.channel == Channel::Receipts {
                // Newer than any answer still on its way.
                self.receipts = None;
            }
            let pushed = self
                .session
                .deliver_newest(&topic, payload, Qos::AtLeastOnce);
            self.count_dropped(pushed)?;
        }
        Ok(())
    }

    fn ask_receipts(&mut self) {
        if let Some(device) = self.session.device().cloned() {
            let house = Arc::clone(&self.context.house);
            self.receipts = Some(Box::pin(async move { house.receipts(&device).await }));
        }
    }

    fn give_receipts(&mut self, receipts: Option<Receipts>) -> Result<(), Ending> {
        self.receipts = None;
        let (Some(receipts), Some(device)) = (receipts, self.session.device().cloned()) else {
            return Ok(());
        };
        let topic = Topic {
            device,
            channel: Channel::Receipts,
        };
        let payload = serde_json::to_vec(&receipts).expect("receipts are plain data");
        let pushed = self
            .session
            .deliver_newest(&topic, payload.into(), Qos::AtLeastOnce);
        self.count_dropped(pushed)
    }

    /// Answers with QoS 0: a reply that comes late would only mislead.
    fn answer_clock(&mut self, topic: &Topic, request: ClockRequest) -> Result<(), Ending> {
        let reply = ClockMessage::Reply(ClockReply {
            id: request.id,
            uptime: request.uptime,
            time: self.context.house.now(),
        });
        let payload = serde_json::to_vec(&reply).expect("a reply is plain data");
        let topic = topic.to_string();
        let pushed = self
            .session
            .deliver(&topic, payload.into(), Qos::AtMostOnce, false);
        self.count_dropped(pushed)
    }

    async fn open_link(&mut self) -> Result<(), Ending> {
        if self.link.is_none() {
            let opened = self.context.switchboard.router().open().await;
            let link = opened
                .map_err(|gone| Ending::by_door(ReasonCode::ServerUnavailable, gone.to_string()))?;
            self.link = Some(link);
        }
        Ok(())
    }

    fn count_dropped(&self, pushed: Result<usize, TooSlow>) -> Result<(), Ending> {
        match pushed {
            Ok(dropped) => {
                self.context.metrics.outgoing_dropped.add(dropped);
                Ok(())
            }
            Err(TooSlow) => {
                let why = "too slow for what it subscribed to";
                Err(Ending::by_door(ReasonCode::QuotaExceeded, why))
            }
        }
    }
}

/// The quality of service a message is fanned out with: measurements may be lost.
fn qos_of(topic: &str) -> Qos {
    if topic.ends_with("/telemetry") {
        Qos::AtMostOnce
    } else {
        Qos::AtLeastOnce
    }
}

/// Waits until facts have their place. Cancel-safe: the future stays where it is.
async fn placed(placing: &mut Option<Placing>) -> (Option<PacketId>, Keeping) {
    match placing {
        None => std::future::pending().await,
        Some(Placing { id, placed }) => {
            let keeping = placed.as_mut().await;
            let id = *id;
            *placing = None;
            (id, keeping)
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
