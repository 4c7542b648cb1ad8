//! What the door asks of the house behind it, and what it tells it.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use lujiang_config::MqttSection;
use lujiang_wire::{
    ClockReport, DeviceId, Receipts, Reported, Status, Telemetry, Topic, TopicFilter,
};
use tokio::sync::oneshot;

/// The gateway, as the door sees it.
pub trait House: Send + Sync + 'static {
    /// Says who this is and what it may do. May take as long as a password hash takes; the door
    /// bounds how many passwords it asks about at once.
    fn admit(&self, credentials: Credentials) -> BoxFuture<'_, Result<Admission, Refusal>>;

    /// Whether someone who was admitted a moment ago still would be, and as the same. Asked as
    /// the connection takes its place: from then on [`crate::Switchboard::disconnect`] reaches
    /// it, and what was withdrawn before is seen here. Never waits.
    fn stands(&self, admission: &Admission) -> bool;

    /// Takes a payload of facts. The outer future ends when the payload has its place in the
    /// queue (until then the door does not read on); the inner one when the verdict is on disk.
    fn keep(&self, arrival: Arrival) -> BoxFuture<'_, Keeping>;

    /// Whether facts can be kept now; while not, CONNECT is answered 0x97 / 3.
    fn has_room(&self) -> bool;

    /// What the ledger holds of this device now, to be sent as it subscribes to `receipts`.
    fn receipts(&self, device: &DeviceId) -> BoxFuture<'_, Option<Receipts>>;

    /// Takes note of something that is not a fact; never waits.
    fn heard(&self, word: Word);

    /// The time, for `clock`.
    fn now(&self) -> jiff::Timestamp;
}

/// The version of MQTT a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProtocolVersion {
    /// MQTT 3.1.1
    V311,
    /// MQTT 5.0
    V5,
}

/// What a CONNECT says of its sender.
#[derive(Clone)]
pub struct Credentials {
    /// The User Name.
    pub user_name: Option<String>,
    /// The Password; never logged.
    pub password: Option<Bytes>,
    /// The Client Identifier.
    pub client_id: String,
    /// Where it comes from.
    pub peer: SocketAddr,
    /// What it speaks.
    pub version: ProtocolVersion,
    /// The certificate (DER) whose key it has proved to hold in the TLS handshake; its chain is
    /// verified, whose it is and whether it was revoked is not.
    pub certificate: Option<Bytes>,
}

/// Who was let in, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admission {
    /// Who it is.
    pub principal: Principal,
    /// How much it may do.
    pub limits: ClientLimits,
    /// What it was let in by.
    pub pass: Pass,
}

/// What someone was let in by, in the house's own words: the door only gives it back. Prints as
/// `[redacted]`.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass(String);

impl Pass {
    /// The pass of these words.
    #[must_use]
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    /// The words.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// How much one client may do: from the configuration, or from its row in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientLimits {
    /// Publishes a second, lasting; more are not read for a while.
    pub messages_per_second: u32,
    /// Publishes at once after a quiet time.
    pub messages_burst: u32,
    /// Bytes a second, lasting; more are not read for a while.
    pub bytes_per_second: u64,
    /// Bytes at once after a quiet time.
    pub bytes_burst: u64,
    /// Largest packet, in bytes.
    pub packet_max: usize,
    /// Publishes under way unacknowledged; beyond it the client is disconnected.
    pub unacked_max: u16,
    /// Connections at once under different Client Identifiers.
    pub sessions_max: usize,
    /// Where among its own topics a device may publish; empty: on all of them.
    pub topics: Vec<TopicFilter>,
}

impl ClientLimits {
    /// What the configuration grants to everybody whose row says nothing else.
    #[must_use]
    pub fn of(section: &MqttSection) -> Self {
        Self {
            messages_per_second: section.messages_per_second,
            messages_burst: section.messages_burst,
            bytes_per_second: section.bytes_per_second.as_u64(),
            bytes_burst: section.bytes_burst.as_u64(),
            packet_max: section.packet_max.as_usize(),
            unacked_max: section.unacked_max,
            sessions_max: section.sessions_max,
            topics: Vec::new(),
        }
    }
}

/// Someone who was let in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// A device: publishes and subscribes under its own name only.
    Device(DeviceId),
    /// Another subscriber: subscribes within its filters, publishes nothing.
    Reader {
        /// Its name in the registry.
        name: String,
        /// What it may read.
        filters: Vec<TopicFilter>,
    },
}

/// Why someone was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Unknown, or the password is wrong: 0x86 / 4.
    #[error("bad user name or password")]
    BadCredentials,
    /// Known, but not to be let in: 0x87 / 5.
    #[error("not authorised")]
    NotAuthorised,
    /// The registry cannot be asked now: 0x88 / 3.
    #[error("server unavailable")]
    Unavailable,
}

/// A payload on `…/events`, as it came.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Whose connection it came over.
    pub device: DeviceId,
    /// Whose facts it says it brings.
    pub origin: Origin,
    /// The payload.
    pub payload: Bytes,
    /// When the door read it.
    pub received: jiff::Timestamp,
}

/// Whose facts a payload brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The device's own, from `…/events`.
    Own,
    /// Another device's, signed by that one, from `…/carried`.
    Carried,
}

/// Ends when the verdict is on disk; a dropped sender means [`Kept::Full`].
pub type Keeping = oneshot::Receiver<Kept>;

/// What became of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Every element has its verdict on disk: PUBACK.
    Committed,
    /// No room or no disk: no PUBACK; MQTT 5 gets DISCONNECT 0x97, 3.1.1 is closed.
    Full,
    /// The device's quarantine is full: no PUBACK; DISCONNECT 0x97 for this device alone.
    QuarantineFull,
}

/// What the door tells the house besides facts.
#[derive(Debug, Clone, PartialEq)]
pub enum Word {
    /// A device connected; its first connection, or another beside it.
    Connected {
        /// Who.
        device: DeviceId,
        /// From where.
        peer: SocketAddr,
        /// Speaking what.
        version: ProtocolVersion,
    },
    /// The last connection of a device ended.
    Disconnected {
        /// Who.
        device: DeviceId,
        /// Why, in a few words for people.
        reason: String,
    },
    /// A device's status changed: published by it, its will, or the door's own knowledge.
    Status {
        /// Whose.
        device: DeviceId,
        /// The document now retained.
        status: Status,
    },
    /// A sample of measurements.
    Telemetry {
        /// Whose.
        device: DeviceId,
        /// The sample.
        telemetry: Telemetry,
    },
    /// What a device says it has and shows.
    Reported {
        /// Whose.
        device: DeviceId,
        /// The document now retained.
        reported: Reported,
    },
    /// What a device measured of its clock; the house keeps it before it answers later facts.
    ClockMeasured {
        /// Whose.
        device: DeviceId,
        /// The measurement.
        report: ClockReport,
    },
    /// Someone who said to be this device was not let in.
    TurnedAway {
        /// The device it said to be; whether it was is not known.
        device: DeviceId,
        /// From where.
        peer: SocketAddr,
        /// Why, as the metrics name it.
        reason: &'static str,
    },
    /// Something a device published was refused, or could not be read.
    Refused {
        /// Whose connection.
        device: DeviceId,
        /// Where it would have gone, cut to 80 characters.
        topic: String,
        /// Why, in a few words for people.
        reason: String,
    },
}

/// A retained message the door is given at its start, or gives to a new subscriber.
#[derive(Debug, Clone)]
pub struct Retained {
    /// Where.
    pub topic: Topic,
    /// What.
    pub payload: Bytes,
}
