//! One packet's bytes cut from the stream [MQTT 2.1], bounded before anything is decoded.
//!
//! Only packet types a client may send us pass, with the flags the standard prescribes
//! [MQTT-2.1.3-1]: the decoder behind panics on others. Nothing here looks into the body.

use bytes::{Bytes, BytesMut};

use crate::reason::ReasonCode;

/// Longest Remaining Length field, in bytes [MQTT 2.1.4].
const LENGTH_BYTES_MAX: usize = 4;

/// The packets a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameType {
    Connect,
    Publish,
    PubAck,
    Subscribe,
    Unsubscribe,
    PingReq,
    Disconnect,
}

/// A whole packet.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// What it is.
    pub(crate) kind: FrameType,
    /// Bytes of the fixed header.
    pub(crate) header_len: usize,
    /// Fixed header and body.
    pub(crate) bytes: Bytes,
}

impl Frame {
    /// The low four bits of the first byte.
    pub(crate) fn flags(&self) -> u8 {
        self.bytes[0] & 0x0F
    }

    /// Everything behind the fixed header.
    pub(crate) fn body(&self) -> &[u8] {
        &self.bytes[self.header_len..]
    }
}

/// Why a peer's bytes end its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Fault {
    /// What MQTT 5 is told.
    pub(crate) code: ReasonCode,
    /// In a few words for people.
    pub(crate) what: &'static str,
}

impl Fault {
    pub(crate) const fn malformed(what: &'static str) -> Self {
        let code = ReasonCode::MalformedPacket;
        Self { code, what }
    }

    pub(crate) const fn protocol(what: &'static str) -> Self {
        let code = ReasonCode::ProtocolError;
        Self { code, what }
    }
}

/// Cuts the next packet off `stream`, `None` while it is not all there.
///
/// # Errors
/// As soon as the fixed header shows a packet that will not be read.
pub(crate) fn next_frame(stream: &mut BytesMut, packet_max: usize) -> Result<Option<Frame>, Fault> {
    let Some(&first) = stream.first() else {
        return Ok(None);
    };
    let kind = frame_type(first)?;
    let Some((length_len, remaining)) = remaining_length(&stream[1..])? else {
        return Ok(None);
    };
    let header_len = 1 + length_len;
    let total = header_len + remaining;
    if total > packet_max {
        return Err(Fault {
            code: ReasonCode::PacketTooLarge,
            what: "packet too large",
        });
    }
    if stream.len() < total {
        // One reservation for the rest of a large packet instead of many small ones.
        stream.reserve(total - stream.len());
        return Ok(None);
    }
    Ok(Some(Frame {
        kind,
        header_len,
        bytes: stream.split_to(total).freeze(),
    }))
}

fn frame_type(first: u8) -> Result<FrameType, Fault> {
    let (kind, flags) = match first >> 4 {
        1 => (FrameType::Connect, 0),
        3 => return publish_flags(first),
        4 => (FrameType::PubAck, 0),
        8 => (FrameType::Subscribe, 0b0010),
        10 => (FrameType::Unsubscribe, 0b0010),
        12 => (FrameType::PingReq, 0),
        14 => (FrameType::Disconnect, 0),
        5..=7 => return Err(Fault::protocol("a packet of QoS 2")),
        15 => return Err(Fault::protocol("AUTH without an authentication method")),
        0 => return Err(Fault::malformed("packet type 0")),
        _ => return Err(Fault::protocol("a packet only a server sends")),
    };
    if first & 0x0F == flags {
        Ok(kind)
    } else {
        Err(Fault::malformed("reserved flags"))
    }
}

fn publish_flags(first: u8) -> Result<FrameType, Fault> {
    let (duplicate, qos) = (first & 0b1000 != 0, (first & 0b0110) >> 1);
    match qos {
        0 if duplicate => Err(Fault::malformed("DUP with QoS 0")), // [MQTT-3.3.1-2]
        0 | 1 => Ok(FrameType::Publish),
        2 => Err(Fault {
            code: ReasonCode::QosNotSupported, // [MQTT-3.2.2-11]
            what: "QoS 2",
        }),
        _ => Err(Fault::malformed("QoS 3")), // [MQTT-3.3.1-4]
    }
}

/// Reads a Variable Byte Integer: how many bytes it takes, and its value.
fn remaining_length(bytes: &[u8]) -> Result<Option<(usize, usize)>, Fault> {
    let mut value = 0;
    for (position, &byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
        value |= usize::from(byte & 0x7F) << (7 * position);
        if byte & 0x80 == 0 {
            return Ok(Some((position + 1, value)));
        }
    }
    if bytes.len() < LENGTH_BYTES_MAX {
        Ok(None)
    } else {
        Err(Fault::malformed("remaining length"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(bytes: &[u8]) -> Result<Option<Frame>, Fault> {
        next_frame(&mut BytesMut::from(bytes), 64)
    }

    #[test]
    fn a_packet_in_pieces_is_waited_for() {
        let whole = [0x30, 5, 0, 1, b'a', b'x', b'y'];
        for cut in 0..whole.len() {
            assert!(next(&whole[..cut]).unwrap().is_none(), "after {cut} bytes");
        }
        let frame = next(&whole).unwrap().unwrap();
        assert_eq!(frame.kind, FrameType::Publish);
        assert_eq!(frame.body(), &whole[2..]);
    }

    #[test]
    fn a_packet_too_large_is_refused_by_its_header_alone() {
        assert_eq!(next(&[0x30, 62, 0]).unwrap().map(|_| ()), None);
        let fault = next(&[0x30, 63]).unwrap_err();
        assert_eq!(fault.code, ReasonCode::PacketTooLarge);
    }

    #[test]
    fn a_length_of_five_bytes_is_malformed() {
        let fault = next(&[0x30, 0x80, 0x80, 0x80, 0x80, 1]).unwrap_err();
        assert_eq!(fault.code, ReasonCode::MalformedPacket);
    }

    #[test]
    fn only_what_a_client_may_send_passes() {
        for first in 0..=u8::MAX {
            let expected = match first {
                0x10 | 0x30 | 0x31 | 0x32 | 0x33 | 0x3A | 0x3B => None,
                0x40 | 0x82 | 0xA2 | 0xC0 | 0xE0 => None,
                0x34 | 0x35 | 0x3C | 0x3D => Some(ReasonCode::QosNotSupported),
                0x50..=0x7F | 0xF0..=0xFF => Some(ReasonCode::ProtocolError),
                0x20..=0x2F | 0x90..=0x9F | 0xB0..=0xBF | 0xD0..=0xDF => {
                    Some(ReasonCode::ProtocolError)
                }
                _ => Some(ReasonCode::MalformedPacket),
            };
            let found = next(&[first, 0]).err().map(|fault| fault.code);
            assert_eq!(found, expected, "first byte {first:#04x}");
        }
    }
}
