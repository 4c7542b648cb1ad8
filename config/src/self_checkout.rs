//! `[self_checkout]` of the agent's configuration: the machines that lend by themselves, and the
//! library system they speak to through us.

mod read;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{ByteSize, SerialSection, Sip2Profile};

/// `[self_checkout]`: a SIP2 relay between machines and the library system's ACS.
#[derive(Debug, Clone, PartialEq)]
pub struct SelfCheckoutSection {
    /// The library system.
    pub acs: AcsSection,
    /// What is done while it cannot be reached.
    pub offline: OfflineSection,
    /// How a message is known that says a card was issued; none where no machine issues any.
    pub card: Option<CardSection>,
    /// The machines by name, at least one.
    pub machines: BTreeMap<String, MachineSection>,
    /// Longest message, of a machine or of the library system.
    pub message_size_max: ByteSize,
    /// After this long without a transaction the next one begins another session.
    pub session_idle: Duration,
    /// How long a repeated request is answered from memory.
    pub repeat_within: Duration,
    /// A machine that said nothing for so long counts as not connected, until it says something.
    pub silent_after: Duration,
}

/// `[self_checkout.acs]`: the library system's SIP2 server. Each machine has a connection of its
/// own to it.
#[derive(Debug, Clone, PartialEq)]
pub struct AcsSection {
    /// Its host name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whom we log in as; none where the machines do that, or nobody has to.
    pub user: Option<String>,
    /// The file with the password, mode 0600.
    pub password_file: PathBuf,
    /// The location that is told at the login.
    pub location: String,
    /// How it writes.
    pub profile: Sip2Profile,
    /// From dialling to a connection.
    pub connect_timeout: Duration,
    /// Longest wait for one answer; then it counts as silent.
    pub answer_timeout: Duration,
    /// It is asked for its status after this long without a request.
    pub keep_alive: Duration,
    /// First pause after a lost connection; doubles, with jitter.
    pub backoff_min: Duration,
    /// Longest pause.
    pub backoff_max: Duration,
    /// How often one message that did not arrive whole is sent or asked for again.
    pub retries: u8,
}

/// `[self_checkout.offline]`: what machines are told while the library system is away. What is
/// done meanwhile stands in `[lending]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OfflineSection {
    /// What a machine is told of the library system's state.
    pub status: OfflineStatus,
    /// The institution (AO) in our own answers.
    pub institution: String,
    /// How long a machine is told to wait for an answer.
    pub machine_timeout: Duration,
    /// How often it is told to ask again.
    pub machine_retries: u16,
}

/// What a machine is told of the library system's state while it is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineStatus {
    /// That it is away.
    Offline,
    /// That it is there: for machines that close otherwise.
    Online,
}

/// `[self_checkout.card]`: which message says that a card was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSection {
    /// The two digits of the machine's message: the standard's, or a vendor's own.
    pub message: String,
    /// The two letters of a field that has to be in it.
    pub field: String,
    /// The value the field has to have; any, where it is empty.
    pub value: String,
    /// The kind of card that is noted; none where it is empty.
    pub kind: String,
    /// Characters of a vendor's own message, and of its answer, before the first field.
    pub fixed_width: u16,
    /// The field of a vendor's own message with the new card's number; none where it is empty.
    pub card: String,
    /// The field of a vendor's own message with the reader's number; none where it is empty.
    pub reader: String,
    /// The field of the answer to a vendor's own message that says yes; where it is empty, each
    /// answer does.
    pub answer_field: String,
    /// The value that field has to have; any, where it is empty.
    pub answer_value: String,
}

/// `[self_checkout.machines.<name>]`: one machine, on a port of its own or on a serial line.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineSection {
    /// How it reaches us.
    pub line: MachineLine,
    /// The only address it may connect from; none where any may that reaches the port.
    pub from: Option<IpAddr>,
    /// The language of our own texts until it tells one.
    pub language: MachineLanguage,
    /// How it writes.
    pub profile: Sip2Profile,
    /// Messages of its vendor's own that are handed on, both ways.
    pub vendor_messages: Vec<VendorSection>,
}

/// One of `vendor_messages`, as `"81-82"`: a request of a vendor's own, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorSection {
    /// The two digits of the request.
    pub request: String,
    /// The two digits of its answer.
    pub answer: String,
}

/// How a machine reaches us.
#[derive(Debug, Clone, PartialEq)]
pub enum MachineLine {
    /// It connects to this address. A newer connection takes the place of an older one.
    Tcp(SocketAddr),
    /// It hangs on this line.
    Serial(SerialSection),
}

/// A language of what machines show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineLanguage {
    /// 中文.
    Chinese,
    /// English.
    English,
}

impl SelfCheckoutSection {
    /// The defaults for these machines, with secrets in this folder.
    #[must_use]
    pub fn for_machines(data: &Path, machines: BTreeMap<String, MachineSection>) -> Self {
        Self {
            acs: AcsSection::in_folder(data),
            offline: OfflineSection::default(),
            card: None,
            machines,
            message_size_max: ByteSize::kib(16),
            session_idle: Duration::from_secs(120),
            repeat_within: Duration::from_secs(120),
            silent_after: Duration::from_secs(15 * 60),
        }
    }
}

impl AcsSection {
    /// The defaults, with the password in this folder.
    #[must_use]
    pub fn in_folder(data: &Path) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 6_001,
            user: None,
            password_file: data.join("sip2-password"),
            location: String::new(),
            profile: Sip2Profile::default(),
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(5),
            keep_alive: Duration::from_secs(60),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            retries: 3,
        }
    }
}

impl Default for OfflineSection {
    fn default() -> Self {
        Self {
            status: OfflineStatus::Offline,
            institution: String::new(),
            machine_timeout: Duration::from_secs(10),
            machine_retries: 3,
        }
    }
}

impl CardSection {
    /// The defaults: there is no common message, so the first three have to be said.
    #[must_use]
    pub fn of_message(message: &str, field: &str) -> Self {
        Self {
            message: message.to_owned(),
            field: field.to_owned(),
            value: String::new(),
            kind: String::new(),
            fixed_width: 0,
            card: String::new(),
            reader: "AA".to_owned(),
            answer_field: String::new(),
            answer_value: String::new(),
        }
    }
}

impl MachineSection {
    /// The defaults for a machine on this line.
    #[must_use]
    pub fn on(line: MachineLine) -> Self {
        Self {
            line,
            from: None,
            language: MachineLanguage::Chinese,
            profile: Sip2Profile::default(),
            vendor_messages: Vec::new(),
        }
    }

    /// The defaults for a machine that connects to this port of this machine.
    #[must_use]
    pub fn on_port(port: u16) -> Self {
        Self::on(MachineLine::Tcp((Ipv4Addr::LOCALHOST, port).into()))
    }
}
