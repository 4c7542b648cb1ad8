//! `[carrying]` and `[carried_by]` of the agent's configuration: the bus that carries for devices
//! without a way to the gateway, and such a device.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use jiff::tz::TimeZone;
use lujiang_wire::DeviceId;

use crate::section::{Section, is_host};
use crate::{ByteSize, DownloadsSection};

/// Most devices that one bus carries for.
const DEVICES_MAX: usize = 256;

/// `[carrying]`: what makes this device a carrier. It serves the devices on its route over a local
/// network, by mutual TLS with the certificates the gateway gave both.
#[derive(Debug, Clone, PartialEq)]
pub struct CarryingSection {
    /// Where it serves them.
    pub listen: SocketAddr,
    /// Whom it carries for.
    pub devices: Vec<DeviceId>,
    /// How often the gateway is asked for receipts and wishes.
    pub ask_every: Duration,
    /// Most bytes of facts on the way.
    pub facts_max: ByteSize,
    /// Connections at once.
    pub connections_max: u16,
    /// A peer that neither says nor takes anything for this long is let go.
    pub patience: Duration,
    /// Days and hours of the downloads are those of here.
    pub time_zone: TimeZone,
    /// `[carrying.downloads]`
    pub downloads: DownloadsSection,
}

/// `[carried_by]`: the bus that comes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedBySection {
    /// The bus, by its device id.
    pub bus: DeviceId,
    /// Where it is on the local network while it stands here.
    pub host: String,
    /// Its port there.
    pub port: u16,
    /// How often it is looked whether it is there.
    pub look_every: Duration,
    /// Longest wait for an answer of it.
    pub timeout: Duration,
}

impl Default for CarryingSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8_446)),
            devices: Vec::new(),
            ask_every: Duration::from_secs(5 * 60),
            facts_max: ByteSize::mib(64),
            connections_max: 16,
            patience: Duration::from_secs(30),
            time_zone: TimeZone::get("Asia/Shanghai").expect("the zone data is built in"),
            downloads: DownloadsSection::default(),
        }
    }
}

impl CarryingSection {
    /// Reads the section.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let second = Duration::from_secs(1);
        let devices = "a list of device ids such as [\"kiosk-1\", \"kiosk-2\"], at most 256";
        Self {
            listen: section.listen_anywhere("listen", default.listen),
            devices: section.list(
                "devices",
                devices,
                default.devices,
                0..=DEVICES_MAX,
                |value| value.as_str()?.parse().ok(),
            ),
            ask_every: section.duration("ask_every", default.ask_every, second..=86_400 * second),
            facts_max: section.size(
                "facts_max",
                default.facts_max,
                ByteSize::mib(1)..=ByteSize::mib(64 * 1024),
            ),
            connections_max: section.number("connections_max", default.connections_max, 1..=1_000),
            patience: section.duration("patience", default.patience, second..=600 * second),
            time_zone: section.time_zone("time_zone", default.time_zone),
            downloads: section.section("downloads", DownloadsSection::read),
        }
    }
}

impl CarriedBySection {
    /// The defaults, with the bus that has none.
    #[must_use]
    pub fn at(bus: DeviceId, host: &str) -> Self {
        Self {
            bus,
            host: host.to_owned(),
            port: 8_446,
            look_every: Duration::from_secs(30),
            timeout: Duration::from_secs(10),
        }
    }

    /// Reads the section; none where the bus or its place cannot be read, which was named as a
    /// problem.
    pub(crate) fn read(section: &mut Section<'_>) -> Option<Self> {
        let bus = section.required_device("bus");
        let host = section.required_text("host", "a host name or an address", is_host);
        let placeholder = "bus".parse().expect("letters only");
        let default = Self::at(bus.clone().unwrap_or(placeholder), "");
        let second = Duration::from_secs(1);
        let read = Self {
            bus: default.bus,
            host: host.clone().unwrap_or_default(),
            port: section.number("port", default.port, 1..=u16::MAX),
            look_every: section.duration("look_every", default.look_every, second..=3_600 * second),
            timeout: section.duration("timeout", default.timeout, second..=300 * second),
        };
        bus.and(host).map(|_| read)
    }
}
