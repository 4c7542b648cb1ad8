//! The gateway's file, key by key.

use std::path::Path;
use std::time::Duration;

use crate::document::{self, Reading};
use crate::section::Section;
use crate::{
    AuthoritySection, ByteSize, ContentSection, GatewayConfig, HttpSection, IntakeSection,
    LibrarySection, LoansSection, LogSection, MqttSection, Problems, RolloutsSection, TlsSection,
    ViewsSection,
};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

impl GatewayConfig {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        document::load(path, Self::parse)
    }

    /// Reads the text of a configuration file; `file` stands in problems.
    ///
    /// # Errors
    /// Everything wrong with it.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        Self::reading(text, file).map(|(config, _)| config)
    }

    pub(crate) fn reading(text: &str, file: &Path) -> Reading<Self> {
        document::parse(text, file, |root| {
            Some(Self {
                library: root.section("library", LibrarySection::read),
                mqtt: root.section("mqtt", MqttSection::read),
                tls: root.section("tls", TlsSection::read),
                authority: root.section("authority", AuthoritySection::read),
                intake: root.section("intake", IntakeSection::read),
                views: root.section("views", ViewsSection::read),
                http: root.section("http", HttpSection::read),
                loans: root.section("loans", LoansSection::read),
                content: root.section("content", ContentSection::read),
                rollouts: root.section("rollouts", RolloutsSection::read),
                log: root.section("log", LogSection::read),
            })
        })
    }
}

impl LibrarySection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let is_name = |text: &str| (1..=100).contains(&text.trim().chars().count());
        Self {
            name: section.text(
                "name",
                default.name,
                "a name of 1 to 100 characters",
                is_name,
            ),
            time_zone: section.time_zone("time_zone", default.time_zone),
        }
    }
}

impl MqttSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            listen: section.listen("listen", default.listen),
            connections_max: section.number(
                "connections_max",
                default.connections_max,
                1..=100_000,
            ),
            connect_timeout: section.duration(
                "connect_timeout",
                default.connect_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            write_timeout: section.duration(
                "write_timeout",
                default.write_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            packet_max: section.size(
                "packet_max",
                default.packet_max,
                ByteSize::kib(1)..=ByteSize::mib(16),
            ),
            unacked_max: section.number("unacked_max", default.unacked_max, 1..=u16::MAX),
            keep_alive_max: section.seconds(
                "keep_alive_max",
                default.keep_alive_max,
                SECOND..=18 * HOUR,
            ),
            subscriptions_max: section.number(
                "subscriptions_max",
                default.subscriptions_max,
                1..=10_000,
            ),
            outgoing_max: section.number("outgoing_max", default.outgoing_max, 16..=1_000_000),
            unauthorised_per_minute_max: section.number(
                "unauthorised_per_minute_max",
                default.unauthorised_per_minute_max,
                1..=100_000,
            ),
            ..Self::read_rates(section)
        }
    }

    /// What one client may do.
    fn read_rates(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            messages_per_second: section.number(
                "messages_per_second",
                default.messages_per_second,
                1..=1_000_000,
            ),
            messages_burst: section.number("messages_burst", default.messages_burst, 1..=1_000_000),
            bytes_per_second: section.size(
                "bytes_per_second",
                default.bytes_per_second,
                ByteSize::kib(1)..=ByteSize::mib(1_024),
            ),
            bytes_burst: section.size(
                "bytes_burst",
                default.bytes_burst,
                ByteSize::kib(1)..=ByteSize::mib(1_024),
            ),
            sessions_max: section.number("sessions_max", default.sessions_max, 1..=10_000),
            ..Self::read_addresses(section)
        }
    }

    /// What one address may do.
    fn read_addresses(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let read = Self {
            attempts_per_minute_max: section.number(
                "attempts_per_minute_max",
                default.attempts_per_minute_max,
                1..=1_000_000,
            ),
            failed_logins_max: section.number(
                "failed_logins_max",
                default.failed_logins_max,
                1..=1_000_000,
            ),
            failed_login_backoff_min: section.duration(
                "failed_login_backoff_min",
                default.failed_login_backoff_min,
                100 * MILLI..=HOUR,
            ),
            failed_login_backoff_max: section.duration(
                "failed_login_backoff_max",
                default.failed_login_backoff_max,
                100 * MILLI..=DAY,
            ),
            ..default
        };
        let rises = read.failed_login_backoff_min <= read.failed_login_backoff_max;
        section.fits(
            "failed_login_backoff_max",
            rises,
            "at least failed_login_backoff_min",
        );
        read
    }
}

impl TlsSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let read = Self {
            mqtt_listen: section.listen_anywhere("mqtt_listen", default.mqtt_listen),
            http_listen: section.listen_anywhere("http_listen", default.http_listen),
            handshake_timeout: section.duration(
                "handshake_timeout",
                default.handshake_timeout,
                100 * MILLI..=5 * MINUTE,
            ),
            names: section.hosts("names", default.names),
            certificate: section.optional_path("certificate"),
            key: section.optional_path("key"),
            reload_interval: section.duration(
                "reload_interval",
                default.reload_interval,
                100 * MILLI..=DAY,
            ),
        };
        let together = read.certificate.is_some() == read.key.is_some();
        section.fits("key", together, "the key of certificate, or neither");
        read
    }
}

impl AuthoritySection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            secret_file: section.optional_path("secret_file"),
            device_certificate_valid: section.duration(
                "device_certificate_valid",
                default.device_certificate_valid,
                SECOND..=3_660 * DAY,
            ),
            gateway_certificate_valid: section.duration(
                "gateway_certificate_valid",
                default.gateway_certificate_valid,
                SECOND..=3_660 * DAY,
            ),
            token_valid: section.duration("token_valid", default.token_valid, SECOND..=30 * DAY),
        }
    }
}

impl IntakeSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            queue_max: section.number("queue_max", default.queue_max, 1..=100_000),
            group_max: section.number("group_max", default.group_max, 1..=10_000),
            quarantine_rows_max: section.number(
                "quarantine_rows_max",
                default.quarantine_rows_max,
                1..=1_000_000,
            ),
            quarantine_bytes_max: section.size(
                "quarantine_bytes_max",
                default.quarantine_bytes_max,
                ByteSize::mib(1)..=ByteSize::mib(1_024),
            ),
            visits_per_minute_max: section.number(
                "visits_per_minute_max",
                default.visits_per_minute_max,
                1..=100_000,
            ),
            full_retry: section.duration("full_retry", default.full_retry, 100 * MILLI..=HOUR),
            plain_age_max: section.duration(
                "plain_age_max",
                default.plain_age_max,
                MINUTE..=3_660 * DAY,
            ),
            plain_ahead_max: section.duration(
                "plain_ahead_max",
                default.plain_ahead_max,
                SECOND..=DAY,
            ),
        }
    }
}

impl ViewsSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            batch: section.number("batch", default.batch, 1..=100_000),
            cache: section.size(
                "cache",
                default.cache,
                ByteSize::mib(1)..=ByteSize::mib(4_096),
            ),
        }
    }
}

impl HttpSection {
    fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            listen: section.listen("listen", default.listen),
            connections_max: section.number(
                "connections_max",
                default.connections_max,
                1..=100_000,
            ),
            address_connections_max: section.number(
                "address_connections_max",
                default.address_connections_max,
                1..=100_000,
            ),
            attempts_per_minute_max: section.number(
                "attempts_per_minute_max",
                default.attempts_per_minute_max,
                1..=1_000_000,
            ),
            header_timeout: section.duration(
                "header_timeout",
                default.header_timeout,
                100 * MILLI..=10 * MINUTE,
            ),
            write_timeout: section.duration(
                "write_timeout",
                default.write_timeout,
                100 * MILLI..=10 * MINUTE,
            ),
            request_timeout: section.duration(
                "request_timeout",
                default.request_timeout,
                SECOND..=10 * MINUTE,
            ),
            body_max: section.size(
                "body_max",
                default.body_max,
                ByteSize::kib(1)..=ByteSize::mib(64),
            ),
            live_max: section.number("live_max", default.live_max, 1..=10_000),
            session_idle: section.duration("session_idle", default.session_idle, MINUTE..=30 * DAY),
            link_valid: section.duration("link_valid", default.link_valid, MINUTE..=30 * DAY),
        }
    }
}
