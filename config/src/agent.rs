//! The agent's configuration.

mod read;

use std::path::{Path, PathBuf};
use std::time::Duration;

use lujiang_wire::DeviceId;

use crate::{
    BusDeskSection, ByteSize, CarriedBySection, CarryingSection, GateSection, KioskSection,
    LendingSection, LogSection, SelfCheckoutSection,
};

/// Everything an agent can be told. `device` has no default.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentConfig {
    /// `[agent]`
    pub agent: AgentSection,
    /// `[uplink]`
    pub uplink: UplinkSection,
    /// `[outbox]`
    pub outbox: OutboxSection,
    /// `[gate]`: present where this device is a gate counter.
    pub gate: Option<GateSection>,
    /// `[self_checkout]`: present where machines lend by themselves through this device.
    pub self_checkout: Option<SelfCheckoutSection>,
    /// `[lending]`: present where this device lends off-line.
    pub lending: Option<LendingSection>,
    /// `[bus_desk]`: present where this device is the book bus's own computer.
    pub bus_desk: Option<BusDeskSection>,
    /// `[kiosk]`: present where this device is an e-book kiosk.
    pub kiosk: Option<KioskSection>,
    /// `[carrying]`: present where this device is a bus that carries for others.
    pub carrying: Option<CarryingSection>,
    /// `[carried_by]`: present where a bus comes by this device.
    pub carried_by: Option<CarriedBySection>,
    /// `[log]`
    pub log: LogSection,
}

/// `[agent]`: who this is.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSection {
    /// The device id, as registered.
    pub device: DeviceId,
    /// Where the outbox and the agent's state live.
    pub data: PathBuf,
    /// How often the agent's own health is sent.
    pub telemetry_interval: Duration,
    /// Longest time from SIGTERM to the end.
    pub stop_grace: Duration,
}

/// `[uplink]`: the way to the gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct UplinkSection {
    /// Host name or address of the door.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// By what the device is known there.
    pub credential: Credential,
    /// The folder with its key and certificate, mode 0700.
    pub identity: PathBuf,
    /// The file with the password, mode 0600.
    pub password_file: PathBuf,
    /// From asking for a certificate to the whole answer.
    pub https_timeout: Duration,
    /// First pause after a renewal that failed; doubles, with jitter.
    pub renewal_pause_min: Duration,
    /// Longest such pause, and the pause after a refusal.
    pub renewal_pause_max: Duration,
    /// MQTT keep alive, whole seconds.
    pub keep_alive: Duration,
    /// From dialling to CONNACK.
    pub connect_timeout: Duration,
    /// First pause after a lost connection; doubles, with jitter.
    pub backoff_min: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// Longest wait for one PUBACK before the connection is given up.
    pub ack_timeout: Duration,
    /// Payloads under way at once.
    pub in_flight_max: u16,
    /// Facts in one payload when catching up, at most 500.
    pub batch_max: usize,
    /// Bytes in one payload, at most 256KiB.
    pub batch_bytes_max: ByteSize,
    /// Longest wait for the clock measurement before facts are sent.
    pub clock_timeout: Duration,
    /// How often the clock is measured again.
    pub clock_interval: Duration,
}

/// By what a device is known to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Its own certificate, over mutual TLS.
    Certificate,
    /// A password over a plain line that does not leave this machine.
    Password,
}

/// `[outbox]`: what waits, and what is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxSection {
    /// Settled facts are kept this long, for a gateway restored from an old backup.
    pub keep: Duration,
    /// Largest size of the outbox file; beyond it settled facts go first, then visits are merged.
    pub size_max: ByteSize,
}

impl AgentConfig {
    /// An agent that only keeps its link: everything that makes it a gate, a desk, a kiosk or a
    /// carrier is left out.
    #[must_use]
    pub fn bare(agent: AgentSection, uplink: UplinkSection) -> Self {
        Self {
            agent,
            uplink,
            outbox: OutboxSection::default(),
            gate: None,
            self_checkout: None,
            lending: None,
            bus_desk: None,
            kiosk: None,
            carrying: None,
            carried_by: None,
            log: LogSection::default(),
        }
    }
}

impl Default for OutboxSection {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(30 * 24 * 3_600),
            size_max: ByteSize::mib(256),
        }
    }
}

impl UplinkSection {
    /// The defaults, with secrets in this folder.
    #[must_use]
    pub fn in_folder(data: &Path) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8883,
            credential: Credential::Certificate,
            identity: data.join("identity"),
            password_file: data.join("password"),
            https_timeout: Duration::from_secs(30),
            renewal_pause_min: Duration::from_secs(60),
            renewal_pause_max: Duration::from_secs(3 * 3_600),
            keep_alive: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            ack_timeout: Duration::from_secs(30),
            in_flight_max: 8,
            batch_max: 500,
            batch_bytes_max: ByteSize::kib(240),
            clock_timeout: Duration::from_secs(10),
            clock_interval: Duration::from_secs(600),
        }
    }
}

impl AgentSection {
    /// The defaults, with the device that has none.
    #[must_use]
    pub fn of_device(device: DeviceId) -> Self {
        Self {
            device,
            data: PathBuf::from("/var/lib/lujiang-agent"),
            telemetry_interval: Duration::from_secs(60),
            stop_grace: Duration::from_secs(10),
        }
    }
}
