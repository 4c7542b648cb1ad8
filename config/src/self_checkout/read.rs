//! The self-checkout's sections, key by key.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::{
    AcsSection, CardSection, MachineLanguage, MachineLine, MachineSection, OfflineSection,
    OfflineStatus, SelfCheckoutSection, VendorSection,
};
use crate::section::{Section, is_host};
use crate::{ByteSize, SerialSection, Sip2Profile};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const HOUR: Duration = Duration::from_secs(3_600);

/// Machines of one agent: each is a port, a connection to the library system and a task.
const MACHINES_MAX: usize = 16;

/// Longest name of a machine: it stands in the names of metrics.
const NAME_LENGTH_MAX: usize = 32;

/// Longest text in a message of ours, in characters.
const TEXT_LENGTH_MAX: usize = 200;

/// The requests with a field AA.
const NAMING_A_READER: [&str; 10] = ["01", "11", "15", "23", "25", "29", "35", "37", "63", "65"];

/// The codes the standard has, in either direction.
const STANDARD: [&str; 31] = [
    "01", "09", "10", "11", "12", "15", "16", "17", "18", "19", "20", "23", "24", "25", "26", "29",
    "30", "35", "36", "37", "38", "63", "64", "65", "66", "93", "94", "96", "97", "98", "99",
];

/// Messages of a vendor's own at one machine.
const VENDOR_MESSAGES_MAX: usize = 16;

/// Widest fixed part of a vendor's own message, in characters.
const FIXED_WIDTH_MAX: u16 = 200;

/// What a text may be that names a field, or none.
const FIELD: &str = "two letters A-Z, or \"\" for none";

/// What a text may be that stands in a field.
const TEXT: &str = "at most 200 characters, no \"|\" and no control character; \"\" for none";

impl SelfCheckoutSection {
    /// Reads the section; none where a problem was named.
    pub(crate) fn read(section: &mut Section<'_>, data: &Path) -> Option<Self> {
        let acs = section.section("acs", |acs| AcsSection::read(acs, data));
        let offline = section.section("offline", OfflineSection::read);
        let card = section.optional_section("card", CardSection::read);
        let machines = section.named_sections(
            "machines",
            "1 to 16 machines, each with a name of 1 to 32 of a-z 0-9 _",
            |names| (1..=MACHINES_MAX).contains(&names),
            is_name,
            MachineSection::read,
        );
        let default = Self::for_machines(data, BTreeMap::new());
        let read = Self {
            message_size_max: section.size(
                "message_size_max",
                default.message_size_max,
                ByteSize::kib(1)..=ByteSize::kib(256),
            ),
            session_idle: section.duration("session_idle", default.session_idle, SECOND..=HOUR),
            repeat_within: section.duration("repeat_within", default.repeat_within, SECOND..=HOUR),
            silent_after: section.duration("silent_after", default.silent_after, MINUTE..=DAY),
            acs,
            offline,
            ..default
        };
        Some(Self {
            card: match card {
                Some(card) => Some(card?),
                None => None,
            },
            machines: machines?,
            ..read
        })
    }
}

impl AcsSection {
    fn read(section: &mut Section<'_>, data: &Path) -> Self {
        let default = Self::in_folder(data);
        let user = section.text("user", String::new(), TEXT, is_text);
        let read = Self {
            host: section.text("host", default.host, "a host name or an address", is_host),
            port: section.number("port", default.port, 1..=u16::MAX),
            user: Some(user).filter(|user| !user.is_empty()),
            password_file: section.path("password_file", default.password_file),
            location: section.text("location", default.location, TEXT, is_text),
            profile: Sip2Profile::read(section),
            connect_timeout: section.duration(
                "connect_timeout",
                default.connect_timeout,
                100 * MILLI..=MINUTE,
            ),
            answer_timeout: section.duration(
                "answer_timeout",
                default.answer_timeout,
                100 * MILLI..=MINUTE,
            ),
            keep_alive: section.duration("keep_alive", default.keep_alive, 100 * MILLI..=HOUR),
            backoff_min: section.duration("backoff_min", default.backoff_min, 10 * MILLI..=MINUTE),
            backoff_max: section.duration("backoff_max", default.backoff_max, 10 * MILLI..=HOUR),
            retries: section.number("retries", default.retries, 1..=10),
        };
        let orderly = read.backoff_min <= read.backoff_max;
        section.fits("backoff_max", orderly, "at least backoff_min");
        read
    }
}

impl OfflineSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            status: section.choice(
                "status",
                default.status,
                &[
                    ("off-line", OfflineStatus::Offline),
                    ("on-line", OfflineStatus::Online),
                ],
            ),
            institution: section.text("institution", default.institution, TEXT, is_text),
            machine_timeout: section.duration(
                "machine_timeout",
                default.machine_timeout,
                SECOND..=90 * SECOND,
            ),
            machine_retries: section.number("machine_retries", default.machine_retries, 0..=999),
        }
    }
}

impl CardSection {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let expected = "a request that names a reader: one of 01, 11, 15, 23, 25, 29, 35, 37, 63, \
                        65; or a vendor's own, of two digits the standard does not have";
        let message = section.required_text("message", expected, |text| {
            NAMING_A_READER.contains(&text) || is_vendors(text)
        });
        let field = section.required_text("field", "two letters A-Z", is_field);
        let is_field_or_none = |text: &str| text.is_empty() || is_field(text);
        let default = Self::of_message("", "");
        let read = Self {
            value: section.text("value", default.value, TEXT, is_text),
            kind: section.text("kind", default.kind, TEXT, is_text),
            fixed_width: section.number("fixed_width", 0, 0..=FIXED_WIDTH_MAX),
            card: section.text("card", default.card, FIELD, is_field_or_none),
            reader: section.text("reader", default.reader, FIELD, is_field_or_none),
            answer_field: section.text(
                "answer_field",
                default.answer_field,
                FIELD,
                is_field_or_none,
            ),
            answer_value: section.text("answer_value", default.answer_value, TEXT, is_text),
            ..Self::of_message("", "")
        };
        Some(Self {
            message: message?,
            field: field?,
            ..read
        })
    }
}

impl MachineSection {
    /// Reads one machine; none where a problem was named.
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let expected = "a loopback, private or link-local address and port such as \
                        \"192.168.1.10:6001\", or \"\" where there is a serial line (SIP2 sends \
                        readers and passwords in clear, so no address others could reach)";
        let listen = section.text("listen", String::new(), expected, |text| {
            text.is_empty() || near_address(text).is_some()
        });
        let serial = section.optional_section("serial", SerialSection::read);
        let expected = "either an address here or a section serial, and not both";
        section.fits("listen", listen.is_empty() == serial.is_some(), expected);
        let expected = "the address of the machine such as \"192.168.1.31\", or \"\" for any";
        let from = section.text("from", String::new(), expected, |text| {
            text.is_empty() || text.parse::<IpAddr>().is_ok()
        });
        let languages = [
            ("zh", MachineLanguage::Chinese),
            ("en", MachineLanguage::English),
        ];
        let language = section.choice("language", MachineLanguage::Chinese, &languages);
        let profile = Sip2Profile::read(section);
        let vendor_messages = section.list(
            "vendor_messages",
            "a list of request and answer, each of two digits the standard does not have, such as \
             \"81-82\", at most 16 of them",
            Vec::new(),
            0..=VENDOR_MESSAGES_MAX,
            |value| value.as_str().and_then(vendor_message),
        );
        let line = match serial {
            Some(serial) => MachineLine::Serial(serial?),
            None => MachineLine::Tcp(near_address(&listen)?),
        };
        Some(Self {
            line,
            from: from.parse().ok(),
            language,
            profile,
            vendor_messages,
        })
    }
}

fn is_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.bytes().all(good)
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_LENGTH_MAX && !text.chars().any(|c| c.is_control() || c == '|')
}

fn is_field(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// Whether these are two digits that the standard leaves to others.
fn is_vendors(text: &str) -> bool {
    let is_code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    is_code && !STANDARD.contains(&text)
}

/// A request of a vendor's own and its answer.
fn vendor_message(text: &str) -> Option<VendorSection> {
    let (request, answer) = text.split_once('-')?;
    (is_vendors(request) && is_vendors(answer)).then(|| VendorSection {
        request: request.to_owned(),
        answer: answer.to_owned(),
    })
}

/// An address that only this machine or its own network reaches.
fn near_address(text: &str) -> Option<SocketAddr> {
    let address: SocketAddr = text.parse().ok()?;
    let is_near = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    is_near.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vendors_own_message_takes_no_code_of_the_standard() {
        assert!(vendor_message("81-82").is_some());
        for other in ["11-82", "81-12", "81", "81-", "8a-82", "081-82", "81-82-83"] {
            assert_eq!(vendor_message(other), None, "{other}");
        }
    }

    #[test]
    fn a_machine_is_listened_for_where_only_its_own_network_reaches() {
        for near in [
            "127.0.0.1:6001",
            "192.168.1.10:6001",
            "10.0.0.1:0",
            "[::1]:6001",
            "[fe80::1]:6001",
        ] {
            assert!(near_address(near).is_some(), "{near}");
        }
        for far in [
            "0.0.0.0:6001",
            "8.8.8.8:6001",
            "[::]:6001",
            "kiosk:6001",
            "127.0.0.1",
        ] {
            assert_eq!(near_address(far), None, "{far}");
        }
    }
}
