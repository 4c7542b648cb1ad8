//! The packets the door sends, as bytes, per version of the standard.
//!
//! rumqttd's encoders are not used: packet identifiers are private there, its MQTT 5 DISCONNECT
//! is one byte longer than it says, and its 3.1.1 encoders panic on MQTT 5 codes.

use bytes::{BufMut, BytesMut};

use crate::ProtocolVersion;
use crate::packet::{PacketId, Qos};
use crate::reason::ReasonCode;

/// What a CONNACK that lets in says in MQTT 5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) receive_maximum: u16,
    pub(crate) packet_max: u32,
    pub(crate) assigned_client_id: Option<String>,
    pub(crate) server_keep_alive: Option<u16>,
}

/// CONNACK that lets in [MQTT 3.2]. There is never a session to be present.
pub(crate) fn connack(version: ProtocolVersion, welcome: &Welcome, out: &mut BytesMut) {
    if version == ProtocolVersion::V311 {
        out.put_slice(&[0x20, 2, 0, 0]);
        return;
    }
    let mut properties = BytesMut::with_capacity(64);
    properties.put_u8(0x11); // Session Expiry Interval
    properties.put_u32(0);
    properties.put_u8(0x21); // Receive Maximum
    properties.put_u16(welcome.receive_maximum);
    properties.put_slice(&[0x24, 1]); // Maximum QoS
    properties.put_slice(&[0x25, 1]); // Retain Available
    properties.put_u8(0x27); // Maximum Packet Size
    properties.put_u32(welcome.packet_max);
    if let Some(client_id) = &welcome.assigned_client_id {
        properties.put_u8(0x12); // Assigned Client Identifier
        put_text(client_id, &mut properties);
    }
    properties.put_slice(&[0x22, 0, 0]); // Topic Alias Maximum
    properties.put_slice(&[0x28, 1]); // Wildcard Subscription Available
    properties.put_slice(&[0x29, 0]); // Subscription Identifiers Available
    properties.put_slice(&[0x2A, 0]); // Shared Subscription Available
    if let Some(seconds) = welcome.server_keep_alive {
        properties.put_u8(0x13); // Server Keep Alive
        properties.put_u16(seconds);
    }
    let mut body = BytesMut::with_capacity(properties.len() + 4);
    body.put_slice(&[0, ReasonCode::Success.byte()]);
    put_length(properties.len(), &mut body);
    body.put_slice(&properties);
    put_packet(0x20, &body, out);
}

/// CONNACK that refuses; nothing where 3.1.1 has no code for it.
pub(crate) fn connack_refused(version: ProtocolVersion, code: ReasonCode, out: &mut BytesMut) {
    match version {
        ProtocolVersion::V5 => out.put_slice(&[0x20, 3, 0, code.byte(), 0]),
        ProtocolVersion::V311 => {
            if let Some(code) = code.connack_v311() {
                out.put_slice(&[0x20, 2, 0, code]);
            }
        }
    }
}

/// PUBACK; 3.1.1 has no codes, there it only says "received".
pub(crate) fn puback(version: ProtocolVersion, id: PacketId, code: ReasonCode, out: &mut BytesMut) {
    if version == ProtocolVersion::V311 || code == ReasonCode::Success {
        out.put_slice(&[0x40, 2]);
        out.put_u16(id.get());
    } else {
        out.put_slice(&[0x40, 3]);
        out.put_u16(id.get());
        out.put_u8(code.byte());
    }
}

/// The answer to one filter of a SUBSCRIBE.
pub(crate) type SubscribeAnswer = Result<Qos, ReasonCode>;

/// SUBACK, one answer a filter in their order [MQTT-3.8.4-6].
pub(crate) fn suback(
    version: ProtocolVersion,
    id: PacketId,
    answers: &[SubscribeAnswer],
    out: &mut BytesMut,
) {
    let mut body = BytesMut::with_capacity(answers.len() + 3);
    body.put_u16(id.get());
    if version == ProtocolVersion::V5 {
        body.put_u8(0);
    }
    for answer in answers {
        body.put_u8(match (answer, version) {
            (Ok(qos), _) => qos.byte(),
            (Err(code), ProtocolVersion::V5) => code.byte(),
            (Err(_), ProtocolVersion::V311) => 0x80,
        });
    }
    put_packet(0x90, &body, out);
}

/// UNSUBACK; 3.1.1 has no codes.
pub(crate) fn unsuback(
    version: ProtocolVersion,
    id: PacketId,
    answers: &[ReasonCode],
    out: &mut BytesMut,
) {
    let mut body = BytesMut::with_capacity(answers.len() + 3);
    body.put_u16(id.get());
    if version == ProtocolVersion::V5 {
        body.put_u8(0);
        body.extend(answers.iter().map(|code| code.byte()));
    }
    put_packet(0xB0, &body, out);
}

/// PINGRESP.
pub(crate) fn pingresp(out: &mut BytesMut) {
    out.put_slice(&[0xD0, 0]);
}

/// DISCONNECT; a 3.1.1 server has none and just closes.
pub(crate) fn disconnect(version: ProtocolVersion, code: ReasonCode, out: &mut BytesMut) {
    if version == ProtocolVersion::V5 {
        out.put_slice(&[0xE0, 2, code.byte(), 0]);
    }
}

/// Length of the PUBLISH that [`publish`] writes.
pub(crate) fn publish_len(
    version: ProtocolVersion,
    topic: &str,
    payload: &[u8],
    qos: Qos,
) -> usize {
    let body = publish_body_len(version, topic, payload, qos);
    1 + length_len(body) + body
}

/// PUBLISH; the packet identifier is there with QoS 1 only.
pub(crate) fn publish(
    version: ProtocolVersion,
    topic: &str,
    payload: &[u8],
    retain: bool,
    id: Option<PacketId>,
    out: &mut BytesMut,
) {
    let qos = if id.is_some() {
        Qos::AtLeastOnce
    } else {
        Qos::AtMostOnce
    };
    out.put_u8(0x30 | qos.byte() << 1 | u8::from(retain));
    put_length(publish_body_len(version, topic, payload, qos), out);
    put_text(topic, out);
    if let Some(id) = id {
        out.put_u16(id.get());
    }
    if version == ProtocolVersion::V5 {
        out.put_u8(0);
    }
    out.put_slice(payload);
}

fn publish_body_len(version: ProtocolVersion, topic: &str, payload: &[u8], qos: Qos) -> usize {
    let id_len = if qos == Qos::AtLeastOnce { 2 } else { 0 };
    let properties_len = usize::from(version == ProtocolVersion::V5);
    2 + topic.len() + id_len + properties_len + payload.len()
}

fn put_packet(first: u8, body: &[u8], out: &mut BytesMut) {
    out.put_u8(first);
    put_length(body.len(), out);
    out.put_slice(body);
}

fn put_text(text: &str, out: &mut BytesMut) {
    out.put_u16(u16::try_from(text.len()).expect("topics and client ids of ours are short"));
    out.put_slice(text.as_bytes());
}

fn length_len(length: usize) -> usize {
    match length {
        0..0x80 => 1,
        0x80..0x4000 => 2,
        0x4000..0x20_0000 => 3,
        _ => 4,
    }
}

fn put_length(mut length: usize, out: &mut BytesMut) {
    loop {
        let byte = (length & 0x7F) as u8;
        length >>= 7;
        if length == 0 {
            out.put_u8(byte);
            return;
        }
        out.put_u8(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use rumqttd::protocol::{Packet, Protocol, v4::V4, v5::V5};

    use super::*;

    fn read(version: ProtocolVersion, mut bytes: BytesMut) -> Packet {
        let max = 1 << 20;
        let packet = match version {
            ProtocolVersion::V311 => V4.read_mut(&mut bytes, max),
            ProtocolVersion::V5 => V5.read_mut(&mut bytes, max),
        };
        assert!(bytes.is_empty(), "a packet is as long as it says");
        packet.unwrap()
    }

    #[test]
    fn a_publish_reads_back_in_both_versions() {
        let id = PacketId::new(7).unwrap();
        for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
            for size in [0, 100, 127, 128, 16_383, 16_384, 70_000] {
                let payload = vec![b'x'; size];
                let mut out = BytesMut::new();
                publish(version, "a/b", &payload, true, Some(id), &mut out);
                let expected = publish_len(version, "a/b", &payload, Qos::AtLeastOnce);
                assert_eq!(out.len(), expected);
                let Packet::Publish(publish, _) = read(version, out) else {
                    panic!("not a PUBLISH");
                };
                assert_eq!(
                    (&publish.topic[..], &publish.payload[..]),
                    (&b"a/b"[..], &payload[..])
                );
                assert!(publish.retain);
            }
        }
    }
}
