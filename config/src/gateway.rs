//! The gateway's configuration.

mod read;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::{ByteSize, ContentSection, LoansSection, LogSection, RolloutsSection};

/// Everything a gateway can be told; `Default` is what runs without a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GatewayConfig {
    /// `[library]`
    pub library: LibrarySection,
    /// `[mqtt]`
    pub mqtt: MqttSection,
    /// `[tls]`
    pub tls: TlsSection,
    /// `[authority]`
    pub authority: AuthoritySection,
    /// `[intake]`
    pub intake: IntakeSection,
    /// `[views]`
    pub views: ViewsSection,
    /// `[http]`
    pub http: HttpSection,
    /// `[loans]`
    pub loans: LoansSection,
    /// `[content]`
    pub content: ContentSection,
    /// `[rollouts]`
    pub rollouts: RolloutsSection,
    /// `[log]`
    pub log: LogSection,
}

/// `[library]`: whose house this is.
#[derive(Debug, Clone, PartialEq)]
pub struct LibrarySection {
    /// Shown on pages and forms.
    pub name: String,
    /// Days and months are cut here. `time_zone = "Asia/Shanghai"`
    pub time_zone: TimeZone,
}

/// `[mqtt]`: the door. At a limit the one connection concerned is refused or closed with its
/// reason code; others are not touched.
#[derive(Debug, Clone, PartialEq)]
pub struct MqttSection {
    /// Where the door listens; port 0 takes a free one. Loopback only in this version.
    pub listen: SocketAddr,
    /// Connections at once; more get CONNACK 0x97 / 3 and are closed.
    pub connections_max: usize,
    /// From accept to CONNECT.
    pub connect_timeout: Duration,
    /// Longest wait for a peer to take what is written to it.
    pub write_timeout: Duration,
    /// Largest packet read.
    pub packet_max: ByteSize,
    /// Publishes under way unacknowledged, per connection; MQTT 5 is told so as Receive Maximum and
    /// disconnected beyond it (0x93), 3.1.1 is not read beyond it.
    pub unacked_max: u16,
    /// Longest keep alive granted; 0 asked or more asked gets this (MQTT 5: Server Keep Alive).
    pub keep_alive_max: Duration,
    /// Subscriptions of one connection.
    pub subscriptions_max: usize,
    /// Messages waiting for one slow subscriber; beyond it the oldest QoS 0 go first, then it is
    /// disconnected.
    pub outgoing_max: usize,
    /// Unauthorised publishes of a 3.1.1 client within a minute before it is closed.
    pub unauthorised_per_minute_max: u32,
    /// Publishes a second of one client, lasting; one that sends more is read more slowly.
    pub messages_per_second: u32,
    /// Publishes at once after a quiet time.
    pub messages_burst: u32,
    /// Bytes a second of one client, lasting.
    pub bytes_per_second: ByteSize,
    /// Bytes at once after a quiet time.
    pub bytes_burst: ByteSize,
    /// Connections of one device or reader at once, under different Client Identifiers.
    pub sessions_max: usize,
    /// Connections one address may open within a minute, and as many at once; an IPv6 /64 is one.
    pub attempts_per_minute_max: u32,
    /// Wrong passwords in a row from one address before it has to pause.
    pub failed_logins_max: u32,
    /// The first pause; each further wrong password doubles it.
    pub failed_login_backoff_min: Duration,
    /// The longest pause.
    pub failed_login_backoff_max: Duration,
}

/// `[tls]`: the doors that may face the street.
#[derive(Debug, Clone, PartialEq)]
pub struct TlsSection {
    /// Where MQTT over TLS listens; port 0 takes a free one.
    pub mqtt_listen: SocketAddr,
    /// Where the API and the page are served over HTTPS, and devices enrol; port 0 takes a free
    /// one.
    pub http_listen: SocketAddr,
    /// From accept to the end of the TLS handshake; then that one connection is closed.
    pub handshake_timeout: Duration,
    /// Host names and addresses in the certificate the gateway makes for itself.
    pub names: Vec<String>,
    /// The operator's own certificate chain (PEM), used in place of the gateway's.
    pub certificate: Option<PathBuf>,
    /// Its key (PEM), mode 0600.
    pub key: Option<PathBuf>,
    /// How often files the operator brought are looked at for newer ones.
    pub reload_interval: Duration,
}

/// `[authority]`: the gateway's own certificate authority.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthoritySection {
    /// The file with the secret that opens the authority's key; none: the systemd credential
    /// `lujiang-authority`, or else one made in the data folder at first start.
    pub secret_file: Option<PathBuf>,
    /// How long a device's certificate lives; it is renewed at two thirds of that.
    pub device_certificate_valid: Duration,
    /// How long the certificate lives that the gateway makes for itself; renewed likewise.
    pub gateway_certificate_valid: Duration,
    /// How long an enrolment token is good.
    pub token_valid: Duration,
}

/// `[intake]`: from the door to the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct IntakeSection {
    /// Payloads waiting for the writer; beyond it doors stop reading.
    pub queue_max: usize,
    /// Payloads committed together.
    pub group_max: usize,
    /// Quarantined elements kept per device; beyond it the device is disconnected.
    pub quarantine_rows_max: u64,
    /// Quarantined bytes kept per device; beyond it the device is disconnected.
    pub quarantine_bytes_max: ByteSize,
    /// Persons through one gate a minute, more are not believed.
    pub visits_per_minute_max: u32,
    /// How long to wait before a full disk is tried again.
    pub full_retry: Duration,
    /// A device without clock measurement is believed when its time is at most this much before
    /// the receipt.
    pub plain_age_max: Duration,
    /// … and at most this much after it.
    pub plain_ahead_max: Duration,
}

/// `[views]`: figures folded from the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct ViewsSection {
    /// Ledger entries folded in one batch.
    pub batch: usize,
    /// Memory for the views' pages.
    pub cache: ByteSize,
}

/// `[http]`: API and page.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpSection {
    /// Where the API and the page are served; port 0 takes a free one. Loopback only in this version.
    pub listen: SocketAddr,
    /// Connections at once to each of the two listeners, plain and HTTPS; more are closed.
    pub connections_max: usize,
    /// Connections at once of one address over HTTPS; more are closed.
    pub address_connections_max: usize,
    /// Connections of one address over HTTPS within a minute; more are closed before TLS.
    pub attempts_per_minute_max: u32,
    /// Longest wait for the head of a request, the first or the next; then that one connection is
    /// closed.
    pub header_timeout: Duration,
    /// Longest wait for a peer to take something of what is written to it; then its connection is
    /// closed.
    pub write_timeout: Duration,
    /// Longest time for an answer, the live stream excepted.
    pub request_timeout: Duration,
    /// Largest request body.
    pub body_max: ByteSize,
    /// Live streams at once; more get 503.
    pub live_max: usize,
    /// A session ends after this long without a request.
    pub session_idle: Duration,
    /// A one-time sign-in link is good for this long.
    pub link_valid: Duration,
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

impl Default for LibrarySection {
    fn default() -> Self {
        Self {
            name: "渌江".to_owned(),
            time_zone: TimeZone::get("Asia/Shanghai").expect("the zone data is built in"),
        }
    }
}

impl Default for MqttSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(LOOPBACK, 1883),
            connections_max: 1_000,
            connect_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(20),
            packet_max: ByteSize::kib(320),
            unacked_max: 64,
            keep_alive_max: Duration::from_secs(1_200),
            subscriptions_max: 32,
            outgoing_max: 1_024,
            unauthorised_per_minute_max: 20,
            messages_per_second: 500,
            messages_burst: 2_000,
            bytes_per_second: ByteSize::mib(2),
            bytes_burst: ByteSize::mib(8),
            sessions_max: 4,
            attempts_per_minute_max: 600,
            failed_logins_max: 10,
            failed_login_backoff_min: Duration::from_secs(1),
            failed_login_backoff_max: Duration::from_secs(300),
        }
    }
}

impl Default for TlsSection {
    fn default() -> Self {
        Self {
            mqtt_listen: SocketAddr::new(LOOPBACK, 8883),
            http_listen: SocketAddr::new(LOOPBACK, 8443),
            handshake_timeout: Duration::from_secs(10),
            names: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            certificate: None,
            key: None,
            reload_interval: Duration::from_secs(60),
        }
    }
}

impl Default for AuthoritySection {
    fn default() -> Self {
        Self {
            secret_file: None,
            device_certificate_valid: Duration::from_secs(400 * 24 * 3_600),
            gateway_certificate_valid: Duration::from_secs(90 * 24 * 3_600),
            token_valid: Duration::from_secs(24 * 3_600),
        }
    }
}

impl Default for IntakeSection {
    fn default() -> Self {
        Self {
            queue_max: 1_024,
            group_max: 512,
            quarantine_rows_max: 1_000,
            quarantine_bytes_max: ByteSize::mib(16),
            visits_per_minute_max: 600,
            full_retry: Duration::from_secs(2),
            plain_age_max: Duration::from_secs(31 * 24 * 3_600),
            plain_ahead_max: Duration::from_secs(300),
        }
    }
}

impl Default for ViewsSection {
    fn default() -> Self {
        Self {
            batch: 1_000,
            cache: ByteSize::mib(32),
        }
    }
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(LOOPBACK, 8080),
            connections_max: 512,
            address_connections_max: 128,
            attempts_per_minute_max: 600,
            header_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(30),
            body_max: ByteSize::mib(1),
            live_max: 256,
            session_idle: Duration::from_secs(12 * 3_600),
            link_valid: Duration::from_secs(24 * 3_600),
        }
    }
}
