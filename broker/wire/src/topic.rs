//! The topic grammar: `library/v1/devices/<device>/<channel>` and nothing else.

use std::fmt;
use std::str::FromStr;

use crate::{DeviceId, DeviceIdError};

/// What every topic of ours begins with, trailing separator included.
pub const TOPIC_ROOT: &str = "library/v1/devices/";

/// A topic of ours: whose it is, and which of that device's channels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Topic {
    /// The device named in the topic.
    pub device: DeviceId,
    /// Which of its channels.
    pub channel: Channel,
}

/// The channels below a device (chapter "On the wire" of ARCHITECTURE.md).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Facts, from the device; PUBACK means on disk.
    Events,
    /// Measurements, from the device; may be lost.
    Telemetry,
    /// Presence, from the device and as its will; retained.
    Status,
    /// The state it reports, from the device; retained.
    Reported,
    /// Facts of another device, signed by it, from the carrier.
    Carried,
    /// Clock measurement, both ways.
    Clock,
    /// How a job goes, from the device.
    JobStatus(JobId),
    /// What is committed, from the gateway.
    Receipts,
    /// The state it should have, from the gateway; retained.
    Desired,
    /// A job, from the gateway.
    Job(JobId),
}

impl Channel {
    /// Whether a device may publish on this channel of its own.
    #[must_use]
    pub fn is_published_by_device(&self) -> bool {
        match self {
            Self::Events | Self::Telemetry | Self::Status | Self::Reported => true,
            Self::Carried | Self::Clock | Self::JobStatus(_) => true,
            Self::Receipts | Self::Desired | Self::Job(_) => false,
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events => f.write_str("events"),
            Self::Telemetry => f.write_str("telemetry"),
            Self::Status => f.write_str("status"),
            Self::Reported => f.write_str("reported"),
            Self::Carried => f.write_str("carried"),
            Self::Clock => f.write_str("clock"),
            Self::JobStatus(job) => write!(f, "jobs/{}/status", job.0),
            Self::Receipts => f.write_str("receipts"),
            Self::Desired => f.write_str("desired"),
            Self::Job(job) => write!(f, "jobs/{}", job.0),
        }
    }
}

/// The name of a job; the same grammar as a device id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JobId(DeviceId);

impl JobId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = DeviceIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Why a topic name is none of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// It does not begin with `library/v1/devices/`.
    #[error("topic does not begin with {TOPIC_ROOT}")]
    Root,
    /// The level after the root is no device id.
    #[error("the device level of the topic is not a device id")]
    Device(#[source] DeviceIdError),
    /// The levels after the device name no channel.
    #[error("{found:?} is no channel of a device")]
    Channel {
        /// What stood there, cut to 80 characters.
        found: String,
    },
}

impl FromStr for Topic {
    type Err = TopicError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let rest = name.strip_prefix(TOPIC_ROOT).ok_or(TopicError::Root)?;
        let (device, channel) = rest.split_once('/').unwrap_or((rest, ""));
        let device = device.parse().map_err(TopicError::Device)?;
        let unknown = || TopicError::Channel {
            found: channel.chars().take(80).collect(),
        };
        let levels: Vec<&str> = channel.splitn(4, '/').collect();
        let channel = match levels.as_slice() {
            ["events"] => Channel::Events,
            ["telemetry"] => Channel::Telemetry,
            ["status"] => Channel::Status,
            ["reported"] => Channel::Reported,
            ["carried"] => Channel::Carried,
            ["clock"] => Channel::Clock,
            ["receipts"] => Channel::Receipts,
            ["desired"] => Channel::Desired,
            ["jobs", job] => Channel::Job(job.parse().map_err(|_| unknown())?),
            ["jobs", job, "status"] => Channel::JobStatus(job.parse().map_err(|_| unknown())?),
            _ => return Err(unknown()),
        };
        Ok(Self { device, channel })
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TOPIC_ROOT}{}/{}", self.device, self.channel)
    }
}
