//! MQTT packets as bytes: written and read here by the letter, so that nothing of ours or of a
//! client library stands between a test and the wire. It knows no sockets but the stream it is
//! given, and answers nothing by itself.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// First bytes of packets that a test looks for.
pub const CONNACK: u8 = 0x20;
/// See [`CONNACK`].
pub const PUBACK: u8 = 0x40;
/// See [`CONNACK`].
pub const SUBACK: u8 = 0x90;
/// See [`CONNACK`].
pub const PINGRESP: u8 = 0xD0;
/// See [`CONNACK`].
pub const DISCONNECT: u8 = 0xE0;

/// The largest packet a test believes: a length beyond it is a fault of the broker.
const PACKET_MAX: usize = 16 * 1024 * 1024;

/// Which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1
    V311,
    /// MQTT 5.0
    V5,
}

impl Version {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::V311, Self::V5];

    fn level(self) -> u8 {
        match self {
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }

    /// An empty list of properties, where this version has one.
    fn no_properties(self) -> &'static [u8] {
        match self {
            Self::V311 => &[],
            Self::V5 => &[0],
        }
    }
}

/// A quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// At most once.
    Zero,
    /// At least once, under this Packet Identifier.
    One(u16),
}

/// A CONNECT, in parts that a test may change.
#[derive(Debug, Clone)]
pub struct Connect {
    /// The protocol.
    pub version: Version,
    /// The Client Identifier.
    pub client_id: String,
    /// User Name and Password; neither where the certificate says who it is.
    pub login: Option<(String, String)>,
    /// In seconds; 0 is none.
    pub keep_alive: u16,
    /// Clean Session, or Clean Start.
    pub clean: bool,
}

impl Connect {
    /// A clean session with a keep alive of a minute, and the user name as Client Identifier.
    #[must_use]
    pub fn new(version: Version, user: &str, password: &str) -> Self {
        Self {
            version,
            client_id: user.to_owned(),
            login: Some((user.to_owned(), password.to_owned())),
            keep_alive: 60,
            clean: true,
        }
    }

    /// The packet.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let login = if self.login.is_some() { 0b1100_0000 } else { 0 };
        let flags = login | u8::from(self.clean) << 1;
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', self.version.level(), flags];
        body.extend(self.keep_alive.to_be_bytes());
        body.extend(self.version.no_properties());
        push_text(&mut body, &self.client_id);
        if let Some((user, password)) = &self.login {
            push_text(&mut body, user);
            push_text(&mut body, password);
        }
        packet(0x10, &body)
    }
}

/// A PUBLISH.
#[must_use]
pub fn publish(version: Version, topic: &str, payload: &[u8], qos: Qos) -> Vec<u8> {
    let first = match qos {
        Qos::Zero => 0x30,
        Qos::One(_) => 0x32,
    };
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 5);
    push_text(&mut body, topic);
    if let Qos::One(id) = qos {
        body.extend(id.to_be_bytes());
    }
    body.extend(version.no_properties());
    body.extend_from_slice(payload);
    packet(first, &body)
}

/// The same PUBLISH with RETAIN set.
#[must_use]
pub fn retained(mut publish: Vec<u8>) -> Vec<u8> {
    publish[0] |= 1;
    publish
}

/// A SUBSCRIBE to one filter with this highest QoS, under the Packet Identifier 1.
#[must_use]
pub fn subscribe(version: Version, filter: &str, qos: u8) -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend(version.no_properties());
    push_text(&mut body, filter);
    body.push(qos);
    packet(0x82, &body)
}

/// A PUBACK of success for this Packet Identifier.
#[must_use]
pub fn puback(id: u16) -> Vec<u8> {
    packet(PUBACK, &id.to_be_bytes())
}

/// A PINGREQ.
#[must_use]
pub fn pingreq() -> Vec<u8> {
    packet(0xC0, &[])
}

/// A DISCONNECT of a client that leaves in peace.
#[must_use]
pub fn disconnect() -> Vec<u8> {
    packet(DISCONNECT, &[])
}

/// A fixed header with its Remaining Length, and the body.
///
/// # Panics
/// Where the body is larger than MQTT can say.
#[must_use]
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len() + 5);
    bytes.push(first);
    let mut rest = body.len();
    loop {
        let low = u8::try_from(rest % 128).expect("below 128");
        rest /= 128;
        bytes.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

/// Reads one packet: its first byte and its body.
///
/// # Errors
/// Where the stream ends or fails, or the length is none.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let first = stream.read_u8().await?;
    let mut length = 0_usize;
    for shift in [0, 7, 14, 21] {
        let byte = stream.read_u8().await?;
        length |= usize::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if length > PACKET_MAX {
        return Err(io::Error::other(format!("a packet of {length} bytes")));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok((first, body))
}

fn push_text(body: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names here are short");
    body.extend(length.to_be_bytes());
    body.extend(text.bytes());
}
