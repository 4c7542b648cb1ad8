//! CONNECT [MQTT 3.1]: from its bytes to what is asked of the house, and what is granted.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use lujiang_config::MqttSection;
use lujiang_wire::{Channel, DeviceId, Status};
use rumqttd::protocol;

use crate::authorise;
use crate::encode::Welcome;
use crate::frame::{Fault, Frame, FrameType};
use crate::house::{Admission, ClientLimits, Credentials, ProtocolVersion};
use crate::metrics::ConnectRefusal;
use crate::packet::decode_any;
use crate::reason::ReasonCode;
use crate::registration::Will;

/// Longest Client Identifier taken, in bytes; the standard asks for 23 [MQTT-3.1.3-5].
const CLIENT_ID_MAX: usize = 256;

/// A CONNECT the standard allows.
#[derive(Debug)]
pub(crate) struct ConnectRequest {
    pub(crate) version: ProtocolVersion,
    pub(crate) client_id: String,
    /// The name the door gave it because it had none.
    pub(crate) assigned: bool,
    keep_alive: u16,
    /// Publishes the peer takes unacknowledged (MQTT 5: Receive Maximum).
    pub(crate) receive_maximum: u16,
    /// Largest packet the peer takes.
    pub(crate) packet_max: usize,
    login: Option<protocol::Login>,
    will: Option<protocol::LastWill>,
}

/// Why a CONNECT is refused, and in which words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// How to answer; `None`: not at all, the peer speaks no MQTT of ours.
    pub(crate) answer: Option<(ProtocolVersion, ReasonCode)>,
    /// How it is counted.
    pub(crate) counted: ConnectRefusal,
}

impl Refused {
    pub(crate) fn new(version: ProtocolVersion, code: ReasonCode, counted: ConnectRefusal) -> Self {
        let answer = Some((version, code));
        Self { answer, counted }
    }

    /// Nothing is said.
    pub(crate) fn silently(counted: ConnectRefusal) -> Self {
        let answer = None;
        Self { answer, counted }
    }
}

impl ConnectRequest {
    /// Reads the first packet of a connection.
    ///
    /// # Errors
    /// What to answer before closing.
    pub(crate) fn read(frame: &Frame) -> Result<Self, Refused> {
        if frame.kind != FrameType::Connect {
            return Err(Refused::silently(ConnectRefusal::Malformed)); // [MQTT-3.1.0-1]
        }
        let version = version_of(frame.body())?;
        let malformed = |fault: Fault| Refused::new(version, fault.code, ConnectRefusal::Malformed);
        check_flags(version, frame.body()).map_err(malformed)?;
        let protocol::Packet::Connect(connect, properties, will, _, login) =
            decode_any(version, frame).map_err(malformed)?
        else {
            return Err(Refused::silently(ConnectRefusal::Malformed));
        };
        let (receive_maximum, packet_max) = check_properties(version, properties.as_ref())?;
        let (client_id, assigned) = client_id(version, connect.client_id, connect.clean_session)?;
        Ok(Self {
            version,
            client_id,
            assigned,
            keep_alive: connect.keep_alive,
            receive_maximum,
            packet_max,
            login,
            will,
        })
    }

    /// The device its user name is the name of.
    pub(crate) fn device_named(&self) -> Option<DeviceId> {
        self.login.as_ref()?.username.parse().ok()
    }

    /// What the house is asked.
    pub(crate) fn credentials(
        &mut self,
        peer: SocketAddr,
        certificate: Option<Bytes>,
    ) -> Credentials {
        // The decoder writes "" for what is not there; nobody has an empty name or password.
        let (user_name, password) = match self.login.take() {
            Some(login) => (login.username, login.password),
            None => Default::default(),
        };
        Credentials {
            user_name: Some(user_name).filter(|name| !name.is_empty()),
            password: Some(Bytes::from(password)).filter(|password| !password.is_empty()),
            client_id: self.client_id.clone(),
            peer,
            version: self.version,
            certificate,
        }
    }

    /// The will, if this principal may have it: its own status and nothing else.
    ///
    /// # Errors
    /// What to answer before closing.
    pub(crate) fn will(&mut self, admission: &Admission) -> Result<Option<Will>, Refused> {
        let Some(will) = self.will.take() else {
            return Ok(None);
        };
        let version = self.version;
        let refused = |code| Refused::new(version, code, ConnectRefusal::Will);
        if will.qos == protocol::QoS::ExactlyOnce && version == ProtocolVersion::V5 {
            return Err(refused(ReasonCode::QosNotSupported)); // [MQTT-3.2.2-12]
        }
        let Admission {
            principal, limits, ..
        } = admission;
        let topic = std::str::from_utf8(&will.topic).unwrap_or_default();
        let own = authorise::publish(principal, &limits.topics, topic) == Some(Channel::Status);
        if !own {
            return Err(refused(ReasonCode::NotAuthorized));
        }
        let status: Status = serde_json::from_slice(&will.message)
            .map_err(|_| refused(ReasonCode::PayloadFormatInvalid))?;
        Ok(Some(Will {
            status,
            payload: will.message,
        }))
    }

    /// The keep alive granted: what was asked, or the longest there is.
    pub(crate) fn keep_alive(&self, section: &MqttSection) -> Duration {
        let longest = section.keep_alive_max;
        let asked = Duration::from_secs(self.keep_alive.into());
        if asked.is_zero() {
            longest
        } else {
            asked.min(longest)
        }
    }

    /// What CONNACK says to a client of these limits.
    pub(crate) fn welcome(&self, limits: &ClientLimits, keep_alive: Duration) -> Welcome {
        let granted = u16::try_from(keep_alive.as_secs()).unwrap_or(u16::MAX);
        Welcome {
            receive_maximum: limits.unacked_max.max(1),
            packet_max: u32::try_from(limits.packet_max).unwrap_or(u32::MAX),
            assigned_client_id: self.assigned.then(|| self.client_id.clone()),
            server_keep_alive: (granted != self.keep_alive).then_some(granted),
        }
    }
}

/// Protocol Name and Version [MQTT-3.1.2-1, -2].
fn version_of(body: &[u8]) -> Result<ProtocolVersion, Refused> {
    use ProtocolVersion::{V5, V311};
    let unsupported = |version| {
        let code = ReasonCode::UnsupportedProtocolVersion;
        Refused::new(version, code, ConnectRefusal::ProtocolVersion)
    };
    match body {
        [0, 4, b'M', b'Q', b'T', b'T', 4, ..] => Ok(V311),
        [0, 4, b'M', b'Q', b'T', b'T', 5, ..] => Ok(V5),
        [0, 4, b'M', b'Q', b'T', b'T', 0..=3, ..] => Err(unsupported(V311)),
        [0, 4, b'M', b'Q', b'T', b'T', _, ..] => Err(unsupported(V5)),
        [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', ..] => Err(unsupported(V311)),
        _ => Err(Refused::silently(ConnectRefusal::Malformed)),
    }
}

/// Connect Flags the decoder does not look at.
fn check_flags(version: ProtocolVersion, body: &[u8]) -> Result<(), Fault> {
    let flags = *body.get(7).ok_or(Fault::malformed("CONNECT too short"))?;
    if flags & 0b1 != 0 {
        return Err(Fault::malformed("reserved connect flag")); // [MQTT-3.1.2-3]
    }
    let (user_name, password) = (flags & 0b1000_0000 != 0, flags & 0b0100_0000 != 0);
    if version == ProtocolVersion::V311 && password && !user_name {
        return Err(Fault::malformed("password without user name")); // [MQTT-3.1.2-22]
    }
    Ok(())
}

/// What the peer takes: publishes unacknowledged, and bytes in a packet.
fn check_properties(
    version: ProtocolVersion,
    properties: Option<&protocol::ConnectProperties>,
) -> Result<(u16, usize), Refused> {
    let Some(properties) = properties else {
        return Ok((u16::MAX, usize::MAX));
    };
    if properties.authentication_method.is_some() {
        let code = ReasonCode::BadAuthenticationMethod;
        return Err(Refused::new(version, code, ConnectRefusal::Malformed));
    }
    let receive_maximum = properties.receive_maximum.unwrap_or(u16::MAX);
    let packet_max = properties.max_packet_size.unwrap_or(u32::MAX);
    if receive_maximum == 0 || packet_max == 0 {
        let code = ReasonCode::ProtocolError; // [MQTT5 3.1.2.11.3, 3.1.2.11.4]
        return Err(Refused::new(version, code, ConnectRefusal::Malformed));
    }
    Ok((
        receive_maximum,
        usize::try_from(packet_max).unwrap_or(usize::MAX),
    ))
}

/// The Client Identifier, or one of ours where it is empty.
fn client_id(
    version: ProtocolVersion,
    asked: String,
    clean_session: bool,
) -> Result<(String, bool), Refused> {
    static ASSIGNED: AtomicU64 = AtomicU64::new(1);
    let invalid = Refused::new(
        version,
        ReasonCode::ClientIdentifierNotValid,
        ConnectRefusal::ClientId,
    );
    if asked.is_empty() {
        if version == ProtocolVersion::V311 && !clean_session {
            return Err(invalid); // [MQTT-3.1.3-8]
        }
        // Relaxed: only that each is another. Names live below their principal, so nobody
        // else's can be hit.
        let number = ASSIGNED.fetch_add(1, Ordering::Relaxed);
        return Ok((format!("lujiang-{number}"), true));
    }
    if asked.len() > CLIENT_ID_MAX || asked.chars().any(char::is_control) {
        return Err(invalid);
    }
    Ok((asked, false))
}
