//! SUBSCRIBE, and what the other subscribers get.

use bytes::Bytes;
use lujiang_broker::Retained;
use lujiang_wire::Topic;

use super::client::{BOTH, Client, Connect, Message, V5, V311};
use super::{open, open_with, own, section};

#[tokio::test]
async fn a_filter_beyond_ones_rights_is_refused_by_code() {
    let opened = open();
    let own = own("#");
    let filters = [
        (own.as_str(), 1),
        (own.as_str(), 2),
        ("#", 1),
        ("$SYS/#", 1),
        ("$share/g/library/v1/devices/gate-1/#", 1),
        ("library/v1/devices/gate-2/events", 0),
        ("library/v1/devices/荷花垅/#", 0),
        ("library/v1/devices/gate-1/#/a", 0),
    ];
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    let codes = client.subscribe(&filters).await;
    assert_eq!(codes, [1, 1, 0x87, 0x87, 0x9E, 0x87, 0x87, 0x8F]);
    let mut client = Client::connect(opened.address(), &Connect::new(V311, "gate-2")).await;
    let codes = client.subscribe(&filters[2..]).await;
    assert_eq!(codes, [0x80, 0x80, 0x80, 0, 0x80, 0x80]);
    let mut narrow = Client::connect(opened.address(), &Connect::new(V5, "narrow")).await;
    let filters = [
        ("library/v1/devices/+/events", 1),
        ("library/v1/devices/gate-1/events", 0),
        ("library/v1/devices/+/status", 1),
        ("library/v1/devices/#", 1),
    ];
    assert_eq!(narrow.subscribe(&filters).await, [1, 0, 0x87, 0x87]);
}

#[tokio::test]
async fn a_reader_gets_what_it_subscribed_to_and_nothing_else() {
    let opened = open();
    for version in BOTH {
        let mut reader = Client::connect(opened.address(), &Connect::new(version, "reader")).await;
        let codes = reader
            .subscribe(&[("library/v1/devices/+/events", 1)])
            .await;
        assert_eq!(codes, [1]);
        let fan_out = |topic: &str, payload: &'static str| {
            let topic: Topic = topic.parse().unwrap();
            opened
                .switchboard
                .fan_out(&topic, Bytes::from_static(payload.as_bytes()));
        };
        fan_out("library/v1/devices/gate-2/telemetry", "no");
        fan_out("library/v1/devices/gate-2/events", "1");
        fan_out("library/v1/devices/gate-1/events", "2");
        for (device, payload) in [("gate-2", "1"), ("gate-1", "2")] {
            let message = reader.message().await;
            assert_eq!(message.topic, format!("library/v1/devices/{device}/events"));
            assert_eq!((message.payload.as_str(), message.retain), (payload, false));
            assert!(message.id.is_some(), "with QoS 1");
        }
        reader
            .send(&unsubscribe(version, "library/v1/devices/+/events"))
            .await;
        assert_eq!(reader.packet().await.first, 0xB0);
        fan_out("library/v1/devices/gate-1/events", "3");
        reader.expect_nothing_but_pong().await;
    }
}

#[tokio::test]
async fn two_readers_of_one_client_id_do_not_meet() {
    let opened = open();
    let named = |user| Connect {
        client_id: "node-red".to_owned(),
        ..Connect::new(V5, user)
    };
    let mut first = Client::connect(opened.address(), &named("reader")).await;
    let mut second = Client::connect(opened.address(), &named("narrow")).await;
    first.expect_nothing_but_pong().await;
    second.expect_nothing_but_pong().await;
    assert_eq!(opened.switchboard.connections(), 2);
}

#[tokio::test]
async fn a_new_subscriber_gets_every_retained_message_once() {
    // More than a router of rumqttd gives, and more than may wait or be in flight at once.
    let count = 1_500;
    let retained = (0..count).map(|number| Retained {
        topic: format!("library/v1/devices/gate-{number}/reported")
            .parse()
            .unwrap(),
        payload: Bytes::from(format!("{{\"number\":{number}}}")),
    });
    let opened = open_with(section(), retained.collect());
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    reader
        .subscribe(&[("library/v1/devices/+/reported", 1)])
        .await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..count {
        let Message { topic, retain, .. } = reader.message().await;
        assert!(retain);
        assert!(seen.insert(topic), "once");
    }
    reader.expect_nothing_but_pong().await;
}

#[tokio::test]
async fn status_reported_and_telemetry_are_fanned_out_by_the_door() {
    let opened = open();
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    reader
        .subscribe(&[("library/v1/devices/gate-1/#", 1)])
        .await;
    let mut device = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    assert!(
        reader.message().await.payload.contains("online"),
        "the door's own status"
    );
    let telemetry = r#"{"time":"2026-11-22T08:00:00Z","load":0.5}"#;
    let status = r#"{"state":"online","since":"2026-11-22T08:00:00Z","agent":"x"}"#;
    for (channel, payload, qos_1) in [
        ("telemetry", telemetry, false),
        ("status", status, true),
        ("reported", "{}", true),
    ] {
        device.publish(&own(channel), payload, Some(1)).await;
        device.expect_puback(1, 0).await;
        let message = reader.message().await;
        assert_eq!(
            (message.topic, message.payload.as_str()),
            (own(channel), payload)
        );
        assert_eq!(message.id.is_some(), qos_1, "{channel}");
    }
    // Facts are fanned out by the house only: sealed, never as they came.
    device.publish(&own("events"), "[]", Some(2)).await;
    device.expect_puback(2, 0).await;
    reader.expect_nothing_but_pong().await;
}

fn unsubscribe(version: u8, filter: &str) -> Vec<u8> {
    let mut body = vec![0, 8];
    body.extend((version == V5).then_some(0));
    body.extend(super::client::text(filter));
    super::client::packet(0xA2, &body)
}
