//! The agent's file, key by key.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::document::{self, Reading};
use crate::section::{Section, is_host};
use crate::{
    AgentConfig, AgentSection, BusDeskSection, ByteSize, CarriedBySection, CarryingSection,
    Credential, GateSection, KioskSection, LendingSection, LogSection, OutboxSection, Problems,
    SelfCheckoutSection, UplinkSection,
};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl AgentConfig {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        document::load(path, Self::parse)
    }

    /// Reads the text of a configuration file; `file` stands in problems, and relative paths
    /// begin at its folder.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        Self::reading(text, file).map(|(config, _)| config)
    }

    pub(crate) fn reading(text: &str, file: &Path) -> Reading<Self> {
        document::parse(text, file, |root| {
            let agent = root.section("agent", AgentSection::read);
            let data = agent
                .as_ref()
                .map_or_else(PathBuf::new, |agent| agent.data.clone());
            let uplink = root.section("uplink", |section| UplinkSection::read(section, &data));
            let outbox = root.section("outbox", OutboxSection::read);
            // A gate that is there but cannot be read was named as a problem: none either way.
            let gate = root.optional_section("gate", GateSection::read).flatten();
            let self_checkout = root.optional_section("self_checkout", |section| {
                SelfCheckoutSection::read(section, &data)
            });
            let lending = root.optional_section("lending", LendingSection::read);
            let bus_desk = root.optional_section("bus_desk", BusDeskSection::read);
            let kiosk = root.optional_section("kiosk", KioskSection::read);
            let carrying = root.optional_section("carrying", CarryingSection::read);
            let carried_by = root.optional_section("carried_by", CarriedBySection::read);
            let decided = self_checkout.is_none() || lending.is_some();
            let expected = "a section [lending]: by it [self_checkout] decides off-line";
            root.fits("lending", decided, expected);
            let decided = bus_desk.is_none() || lending.is_some();
            let expected = "a section [lending]: by it [bus_desk] decides";
            root.fits("lending", decided, expected);
            let known = uplink.credential == Credential::Certificate;
            let expected = "uplink.credential = \"certificate\": by it the two know each other";
            root.fits("carrying", carrying.is_none() || known, expected);
            root.fits("carried_by", carried_by.is_none() || known, expected);
            let log = root.section("log", LogSection::read);
            Some(Self {
                agent: agent?,
                uplink,
                outbox,
                gate,
                // As with the gate.
                self_checkout: self_checkout.flatten(),
                lending,
                bus_desk: bus_desk.flatten(),
                kiosk,
                carrying,
                carried_by: carried_by.flatten(),
                log,
            })
        })
    }
}

impl AgentSection {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let device = section.required_device("device");
        let placeholder = "device".parse().expect("letters only");
        let default = Self::of_device(device.clone().unwrap_or(placeholder));
        let read = Self {
            device: default.device,
            data: section.path("data", default.data),
            telemetry_interval: section.duration(
                "telemetry_interval",
                default.telemetry_interval,
                SECOND..=DAY,
            ),
            stop_grace: section.duration("stop_grace", default.stop_grace, SECOND..=5 * MINUTE),
        };
        device.map(|_| read)
    }
}

impl UplinkSection {
    fn read(section: &mut Section<'_>, data: &Path) -> Self {
        let default = Self::in_folder(data);
        let read = Self {
            host: section.text("host", default.host, "a host name or an address", is_host),
            port: section.number("port", default.port, 1..=u16::MAX),
            credential: section.choice(
                "credential",
                default.credential,
                &[
                    ("certificate", Credential::Certificate),
                    ("password", Credential::Password),
                ],
            ),
            identity: section.path("identity", default.identity),
            password_file: section.path("password_file", default.password_file),
            https_timeout: section.duration(
                "https_timeout",
                default.https_timeout,
                SECOND..=10 * MINUTE,
            ),
            renewal_pause_min: section.duration(
                "renewal_pause_min",
                default.renewal_pause_min,
                100 * MILLI..=DAY,
            ),
            renewal_pause_max: section.duration(
                "renewal_pause_max",
                default.renewal_pause_max,
                100 * MILLI..=30 * DAY,
            ),
            keep_alive: section.seconds("keep_alive", default.keep_alive, SECOND..=18 * HOUR),
            connect_timeout: section.duration(
                "connect_timeout",
                default.connect_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            backoff_min: section.duration("backoff_min", default.backoff_min, 10 * MILLI..=MINUTE),
            backoff_max: section.duration("backoff_max", default.backoff_max, 10 * MILLI..=HOUR),
            ack_timeout: section.duration("ack_timeout", default.ack_timeout, SECOND..=10 * MINUTE),
            in_flight_max: section.number("in_flight_max", default.in_flight_max, 1..=1_000),
            batch_max: section.number(
                "batch_max",
                default.batch_max,
                1..=lujiang_wire::BATCH_ELEMENTS_MAX,
            ),
            batch_bytes_max: section.size(
                "batch_bytes_max",
                default.batch_bytes_max,
                ByteSize::kib(4)..=ByteSize::kib(256),
            ),
            clock_timeout: section.duration(
                "clock_timeout",
                default.clock_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            clock_interval: section.duration(
                "clock_interval",
                default.clock_interval,
                SECOND..=DAY,
            ),
        };
        let orderly = read.backoff_min <= read.backoff_max;
        section.fits("backoff_max", orderly, "at least backoff_min");
        let orderly = read.renewal_pause_min <= read.renewal_pause_max;
        section.fits("renewal_pause_max", orderly, "at least renewal_pause_min");
        let is_near = read.credential == Credential::Certificate || is_this_machine(&read.host);
        let expected = "this machine (127.0.0.1, ::1 or localhost) where credential is \"password\": \
                        that line is not encrypted";
        section.fits("host", is_near, expected);
        read
    }
}

impl OutboxSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            keep: section.duration("keep", default.keep, MINUTE..=3_660 * DAY),
            size_max: section.size(
                "size_max",
                default.size_max,
                ByteSize::mib(1)..=ByteSize::mib(65_536),
            ),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    address || host.eq_ignore_ascii_case("localhost")
}
