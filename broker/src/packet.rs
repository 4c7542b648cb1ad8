//! Packets as the session sees them, decoded once and valid from here on.

use std::num::NonZeroU16;

use bytes::Bytes;
use rumqttd::protocol::{self, Protocol, RetainForwardRule};

use crate::ProtocolVersion;
use crate::frame::{Fault, Frame, FrameType};
use crate::reason::ReasonCode;

/// A Packet Identifier, never 0 [MQTT-2.2.1-3].
pub(crate) type PacketId = NonZeroU16;

/// The two qualities of service the door speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Qos {
    AtMostOnce,
    AtLeastOnce,
}

impl Qos {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::AtMostOnce => 0,
            Self::AtLeastOnce => 1,
        }
    }
}

/// A packet of a client after its CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Incoming {
    Publish(Publish),
    PubAck(PacketId),
    Subscribe {
        id: PacketId,
        filters: Vec<RequestedFilter>,
    },
    Unsubscribe {
        id: PacketId,
        filters: Vec<String>,
    },
    PingReq,
    Disconnect {
        /// Reason Code 0x04 of MQTT 5: the will is to be published all the same.
        with_will: bool,
    },
}

/// A message of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    /// Valid UTF-8 without NUL and wildcards; may still be anybody's.
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    /// There with QoS 1 only.
    pub(crate) id: Option<PacketId>,
}

/// One filter of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RequestedFilter {
    pub(crate) filter: String,
    pub(crate) qos: Qos,
    pub(crate) retained: RetainedWanted,
}

/// Retain Handling [MQTT 3.8.3.1].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetainedWanted {
    Always,
    IfNew,
    Never,
}

/// Decodes a packet that may follow a CONNECT.
///
/// # Errors
/// What ends the connection of the peer that sent it.
pub(crate) fn decode(version: ProtocolVersion, frame: &Frame) -> Result<Incoming, Fault> {
    if frame.kind == FrameType::Connect {
        return Err(Fault::protocol("a second CONNECT")); // [MQTT-3.1.0-2]
    }
    if frame.kind == FrameType::Disconnect {
        return decode_disconnect(version, frame);
    }
    match decode_any(version, frame)? {
        protocol::Packet::Publish(publish, properties) => {
            check_publish_properties(properties.as_ref())?;
            decode_publish(frame, publish)
        }
        protocol::Packet::PubAck(puback, _) => Ok(Incoming::PubAck(packet_id(puback.pkid)?)),
        protocol::Packet::Subscribe(subscribe, properties) => {
            if properties.is_some_and(|properties| properties.id.is_some()) {
                return Err(Fault {
                    code: ReasonCode::SubscriptionIdentifiersNotSupported,
                    what: "subscription identifiers are not supported",
                });
            }
            Ok(Incoming::Subscribe {
                id: packet_id(subscribe.pkid)?,
                filters: subscribe.filters.into_iter().map(requested).collect(),
            })
        }
        protocol::Packet::Unsubscribe(unsubscribe, _) if unsubscribe.filters.is_empty() => {
            Err(Fault::protocol("UNSUBSCRIBE without a filter")) // [MQTT-3.10.3-2]
        }
        protocol::Packet::Unsubscribe(unsubscribe, _) => Ok(Incoming::Unsubscribe {
            id: packet_id(unsubscribe.pkid)?,
            filters: unsubscribe.filters,
        }),
        protocol::Packet::PingReq(_) if frame.body().is_empty() => Ok(Incoming::PingReq),
        // `frame` lets no other type through, and PINGREQ has no body.
        _ => Err(Fault::malformed("unexpected packet")),
    }
}

/// Hands a frame to rumqttd's decoder.
pub(crate) fn decode_any(
    version: ProtocolVersion,
    frame: &Frame,
) -> Result<protocol::Packet, Fault> {
    let max = frame.bytes.len();
    let mut bytes = frame.bytes.clone().into();
    let packet = match version {
        ProtocolVersion::V311 => protocol::v4::V4.read_mut(&mut bytes, max),
        ProtocolVersion::V5 => protocol::v5::V5.read_mut(&mut bytes, max),
    };
    packet.map_err(fault_of)
}

/// What the decoder found, in our words.
fn fault_of(error: protocol::Error) -> Fault {
    match error {
        protocol::Error::PacketIdZero => Fault::malformed("packet identifier 0"),
        protocol::Error::EmptySubscription => Fault::protocol("SUBSCRIBE without a filter"),
        protocol::Error::TopicNotUtf8 | protocol::Error::PayloadNotUtf8(_) => {
            Fault::malformed("text is not UTF-8")
        }
        protocol::Error::InvalidQoS(_) => Fault::malformed("QoS 3"),
        _ => Fault::malformed("malformed packet"),
    }
}

fn decode_publish(frame: &Frame, publish: protocol::Publish) -> Result<Incoming, Fault> {
    let topic = std::str::from_utf8(&publish.topic)
        .map_err(|_| Fault::malformed("topic name is not UTF-8"))?;
    if topic.contains('\0') {
        return Err(Fault::malformed("topic name with NUL")); // [MQTT-1.5.4-2]
    }
    if topic.contains(['+', '#']) || topic.is_empty() {
        return Err(Fault {
            code: ReasonCode::TopicNameInvalid,
            what: "topic name empty or with a wildcard", // [MQTT-3.3.2-2]
        });
    }
    // The decoder keeps the packet identifier to itself: it stands behind the topic.
    let id = if frame.flags() & 0b0110 == 0 {
        None
    } else {
        let at = 2 + publish.topic.len();
        let bytes = frame.body().get(at..at + 2);
        let bytes: [u8; 2] = bytes
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(Fault::malformed("no packet identifier"))?;
        Some(packet_id(u16::from_be_bytes(bytes))?)
    };
    Ok(Incoming::Publish(Publish {
        topic: topic.to_owned(),
        payload: publish.payload,
        id,
    }))
}

fn check_publish_properties(properties: Option<&protocol::PublishProperties>) -> Result<(), Fault> {
    let Some(properties) = properties else {
        return Ok(());
    };
    if properties.topic_alias.is_some() {
        return Err(Fault {
            code: ReasonCode::TopicAliasInvalid, // we granted none [MQTT-3.3.2-9]
            what: "topic alias",
        });
    }
    if !properties.subscription_identifiers.is_empty() {
        return Err(Fault::protocol("subscription identifier in a PUBLISH")); // [MQTT-3.3.4-6]
    }
    Ok(())
}

/// DISCONNECT is read here: the decoder refuses the short form of one byte [MQTT5 3.14.2.1].
fn decode_disconnect(version: ProtocolVersion, frame: &Frame) -> Result<Incoming, Fault> {
    let code = match (version, frame.body()) {
        (_, []) => 0,
        (ProtocolVersion::V311, _) => return Err(Fault::malformed("DISCONNECT with a body")),
        (ProtocolVersion::V5, [code]) => *code,
        (ProtocolVersion::V5, [code, ..]) => {
            decode_any(version, frame)?;
            *code
        }
    };
    // Codes other than 0x00 end the connection uncleanly: the will is published.
    Ok(Incoming::Disconnect {
        with_will: code != 0,
    })
}

fn packet_id(number: u16) -> Result<PacketId, Fault> {
    PacketId::new(number).ok_or(Fault::malformed("packet identifier 0"))
}

fn requested(filter: protocol::Filter) -> RequestedFilter {
    RequestedFilter {
        filter: filter.path,
        // QoS 2 asked is QoS 1 granted [MQTT-3.8.4-7].
        qos: match filter.qos {
            protocol::QoS::AtMostOnce => Qos::AtMostOnce,
            protocol::QoS::AtLeastOnce | protocol::QoS::ExactlyOnce => Qos::AtLeastOnce,
        },
        retained: match filter.retain_forward_rule {
            RetainForwardRule::OnEverySubscribe => RetainedWanted::Always,
            RetainForwardRule::OnNewSubscribe => RetainedWanted::IfNew,
            RetainForwardRule::Never => RetainedWanted::Never,
        },
    }
}

#[cfg(test)]
mod tests;
