//! What the door brings to a device.

use std::collections::BTreeMap;

use bytes::Bytes;
use lujiang_broker::Word;
use lujiang_wire::{Channel, ClockMessage, DeviceId, LedgerId, Receipts};

use super::client::{BOTH, Client, Connect, V5, V311};
use super::{open, own};

const EPOCH: &str = "0123456789abcdef0123456789abcdef";

fn gate() -> DeviceId {
    "gate-1".parse().unwrap()
}

#[tokio::test]
async fn receipts_come_as_a_device_subscribes_and_as_they_move() {
    let opened = open();
    let receipts = Receipts {
        ledger: LedgerId("ledger-1".to_owned()),
        epoch: EPOCH.parse().unwrap(),
        streams: BTreeMap::new(),
    };
    *opened.house.receipts.lock().unwrap() = Some(receipts.clone());
    for (version, qos) in [(V311, 1), (V5, 1), (V5, 0)] {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        let codes = client.subscribe(&[(&own("receipts"), qos)]).await;
        assert_eq!(codes, [qos]);
        let message = client.message().await;
        assert_eq!(
            serde_json::from_str::<Receipts>(&message.payload).unwrap(),
            receipts
        );
        assert_eq!(
            (message.topic, message.id.is_some()),
            (own("receipts"), qos == 1)
        );
        let moved = Bytes::from_static(b"moved");
        opened
            .switchboard
            .deliver(&gate(), Channel::Receipts, moved);
        assert_eq!(client.message().await.payload, "moved");
        client.send(&[0xE0, 0]).await;
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn only_who_subscribed_gets_a_delivery_and_only_the_device_meant() {
    let opened = open();
    let mut other = Client::connect(opened.address(), &Connect::new(V5, "gate-2")).await;
    other.subscribe(&[("library/v1/devices/gate-2/#", 1)]).await;
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    opened
        .switchboard
        .deliver(&gate(), Channel::Receipts, Bytes::from_static(b"1"));
    client.expect_nothing_but_pong().await;
    client.subscribe(&[(&own("jobs/+"), 1)]).await;
    let job = Channel::Job("a".parse().unwrap());
    opened
        .switchboard
        .deliver(&gate(), job, Bytes::from_static(b"2"));
    assert_eq!(client.message().await.topic, own("jobs/a"));
    let topics_of_its_own = other.message().await.topic;
    assert_eq!(topics_of_its_own, "library/v1/devices/gate-2/status");
    other.expect_nothing_but_pong().await;
}

#[tokio::test]
async fn newer_receipts_replace_those_that_wait_for_a_slow_device() {
    let opened = open();
    let one_at_a_time = Connect {
        properties: vec![0x21, 0, 1],
        ..Connect::new(V5, "gate-1")
    };
    let mut client = Client::connect(opened.address(), &one_at_a_time).await;
    client.subscribe(&[(&own("receipts"), 1)]).await;
    opened
        .switchboard
        .deliver(&gate(), Channel::Receipts, Bytes::from_static(b"1"));
    let first = client.packet().await;
    assert_eq!(first.first, 0x32);
    for payload in ["2", "3", "4"] {
        let payload = Bytes::from_static(payload.as_bytes());
        opened
            .switchboard
            .deliver(&gate(), Channel::Receipts, payload);
    }
    client.expect_nothing_but_pong().await;
    let id_at = 2 + own("receipts").len();
    client
        .send(&[0x40, 2, first.body[id_at], first.body[id_at + 1]])
        .await;
    assert_eq!(client.message().await.payload, "4");
    client.expect_nothing_but_pong().await;
}

#[tokio::test]
async fn desired_state_waits_for_a_device_that_is_not_there() {
    let opened = open();
    for payload in ["{\"v\":1}", "{\"v\":2}"] {
        let payload = Bytes::from_static(payload.as_bytes());
        opened
            .switchboard
            .deliver(&gate(), Channel::Desired, payload);
    }
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        client.subscribe(&[(&own("desired"), 1)]).await;
        let message = client.message().await;
        assert_eq!(
            (message.payload.as_str(), message.retain),
            ("{\"v\":2}", true)
        );
    }
}

#[tokio::test]
async fn a_packet_larger_than_the_peer_takes_is_not_sent() {
    let opened = open();
    let small = Connect {
        properties: vec![0x27, 0, 0, 0, 100],
        ..Connect::new(V5, "gate-1")
    };
    let mut client = Client::connect(opened.address(), &small).await;
    client
        .subscribe(&[(&own("desired"), 1), (&own("receipts"), 1)])
        .await;
    let large = Bytes::from(vec![b'x'; 100]);
    opened.switchboard.deliver(&gate(), Channel::Desired, large);
    opened
        .switchboard
        .deliver(&gate(), Channel::Receipts, Bytes::from_static(b"1"));
    assert_eq!(client.message().await.payload, "1");
}

#[tokio::test]
async fn the_door_tells_the_time_and_passes_on_what_was_measured() {
    let opened = open();
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    client.subscribe(&[(&own("clock"), 1)]).await;
    let before = jiff::Timestamp::now();
    let request = r#"{"kind":"request","id":7,"uptime":"1234"}"#;
    client.publish(&own("clock"), request, Some(1)).await;
    let mut packets = [client.packet().await, client.packet().await];
    packets.sort_by_key(|packet| packet.first);
    assert_eq!(packets[1].first, 0x40, "PUBACK");
    let payload = &packets[0].body[3 + own("clock").len()..];
    let Ok(ClockMessage::Reply(reply)) = serde_json::from_slice(payload) else {
        panic!("no reply: {}", String::from_utf8_lossy(payload));
    };
    assert_eq!(reply.id, 7);
    assert!(before <= reply.time && reply.time <= jiff::Timestamp::now());

    let report = format!(
        r#"{{"kind":"report","boot":"{EPOCH}","uptime":"1300","time":"{}","error_ms":3}}"#,
        reply.time
    );
    client.publish(&own("clock"), &report, Some(2)).await;
    client.expect_puback(2, 0).await;
    let measured =
        |word: &Word| matches!(word, Word::ClockMeasured { report, .. } if report.error_ms == 3);
    assert!(
        opened.house.words().iter().any(measured),
        "heard before the PUBACK"
    );
}
