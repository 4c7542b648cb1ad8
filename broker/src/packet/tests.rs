use bytes::BytesMut;
use proptest::prelude::*;

use super::*;
use crate::connect::ConnectRequest;
use crate::frame::next_frame;

const PACKET_MAX: usize = 4_096;

/// Whole packets of a client, to be spoilt.
const PACKETS: [&[u8]; 10] = [
    b"\x10\x16\0\x04MQTT\x04\xC2\0\x3C\0\x01a\0\x04gate\0\x01p",
    b"\x10\x1A\0\x04MQTT\x05\xC2\0\x3C\x03\x21\0\x08\0\x01a\0\x04gate\0\x01p",
    b"\x32\x09\0\x03a/b\0\x07xy",
    b"\x32\x0E\0\x03a/b\0\x07\x03\x23\0\x01xyz",
    b"\x82\x08\0\x01\0\x03a/b\x01",
    b"\x82\x0B\0\x01\x02\x0B\x7F\0\x03a/b\x01",
    b"\xA2\x07\0\x01\0\x03a/b",
    b"\xA2\x08\0\x01\0\0\x03a/b",
    b"\x40\x04\0\x01\x10\0",
    b"\xE0\x07\0\x05\x11\0\0\0\0",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn no_spoilt_packet_makes_the_decoder_panic(
        packet in prop::sample::select(PACKETS.as_slice()),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        more in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = packet.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(more);
        read_all(&bytes);
    }
}

#[test]
fn the_packets_to_be_spoilt_are_good() {
    for packet in PACKETS {
        let mut stream = BytesMut::from(packet);
        let frame = next_frame(&mut stream, PACKET_MAX).unwrap().expect("whole");
        assert!(stream.is_empty(), "{packet:02x?}");
        let readable = match frame.kind {
            FrameType::Connect => ConnectRequest::read(&frame).is_ok(),
            _ => {
                let v311 = decode(ProtocolVersion::V311, &frame);
                let v5 = decode(ProtocolVersion::V5, &frame);
                v311.is_ok() || v5.is_ok() || v5.unwrap_err().code != ReasonCode::MalformedPacket
            }
        };
        assert!(readable, "{packet:02x?}");
    }
}

#[test]
fn a_publish_keeps_its_packet_identifier_in_both_versions() {
    for (version, packet) in [
        (ProtocolVersion::V311, PACKETS[2]),
        (ProtocolVersion::V5, &b"\x32\x0A\0\x03a/b\0\x07\0xy"[..]),
    ] {
        let frame = next_frame(&mut BytesMut::from(packet), PACKET_MAX)
            .unwrap()
            .unwrap();
        let Ok(Incoming::Publish(publish)) = decode(version, &frame) else {
            panic!("{version:?}");
        };
        assert_eq!(publish.id, PacketId::new(7));
        assert_eq!(
            (publish.topic.as_str(), &publish.payload[..]),
            ("a/b", &b"xy"[..])
        );
    }
}

#[test]
fn the_short_disconnect_of_one_byte_is_read() {
    let frame = next_frame(&mut BytesMut::from(&b"\xE0\x01\x04"[..]), PACKET_MAX);
    let decoded = decode(ProtocolVersion::V5, &frame.unwrap().unwrap());
    assert_eq!(decoded, Ok(Incoming::Disconnect { with_will: true }));
}

fn read_all(bytes: &[u8]) {
    for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
        let mut stream = BytesMut::from(bytes);
        while let Ok(Some(frame)) = next_frame(&mut stream, PACKET_MAX) {
            if frame.kind == FrameType::Connect {
                let _ = ConnectRequest::read(&frame);
            }
            let _ = decode(version, &frame);
        }
    }
}
