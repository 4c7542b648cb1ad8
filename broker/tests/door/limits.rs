//! Bounds: sizes, times, and who waits for whom.

use std::io::ErrorKind;
use std::time::Duration;

use bytes::Bytes;
use lujiang_broker::Kept;
use lujiang_config::{ByteSize, MqttSection};
use lujiang_wire::Topic;
use tokio::io::AsyncReadExt as _;

use super::client::{BOTH, Client, Connect, V5, V311, publish};
use super::house::Keep;
use super::{ended, open, open_with, own, section};

#[tokio::test]
async fn a_packet_too_large_is_refused_before_it_is_read() {
    let opened = open_with(
        MqttSection {
            packet_max: ByteSize::kib(1),
            ..section()
        },
        Vec::new(),
    );
    let fits = "x".repeat(1_024 - 4 - own("events").len() - 3 - 2);
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        client.publish(&own("events"), &fits, Some(1)).await;
        client.expect_puback(1, 0).await;
        // All of it can be sent, far more than fits between us, and the reason arrives.
        client
            .send(&publish(
                version,
                &own("events"),
                &"x".repeat(16 * 1_024 * 1_024),
                Some(2),
            ))
            .await;
        if version == V5 {
            let disconnect = client.packet().await;
            assert_eq!((disconnect.first, disconnect.body[0]), (0xE0, 0x95));
        }
        let end = super::soon(client.stream.read_u8()).await.unwrap_err();
        assert_eq!(end.kind(), ErrorKind::UnexpectedEof, "{end}");
    }
    assert_eq!(opened.house.payloads().len(), 2);
}

#[tokio::test]
async fn a_silent_client_is_ended_after_one_and_a_half_keep_alives() {
    let opened = open();
    for version in BOTH {
        let connect = Connect {
            keep_alive: 1,
            ..Connect::new(version, "gate-1")
        };
        let from = std::time::Instant::now();
        let mut client = Client::connect(opened.address(), &connect).await;
        client.expect_end(0x8D).await;
        let silent = from.elapsed();
        assert!(silent >= Duration::from_millis(1_400), "{silent:?}");
        assert!(silent < Duration::from_secs(15), "{silent:?}");
    }
    assert_eq!(opened.switchboard.metrics().timeouts.get(), 2);
    assert_eq!(ended(&opened, "keep_alive_timeout"), 2);
}

#[tokio::test]
async fn keep_alive_stands_still_while_the_door_does_not_read() {
    let opened = open();
    opened.house.places.forget_permits(100_000);
    let alive = |user, keep_alive| Connect {
        keep_alive,
        ..Connect::new(V5, user)
    };
    let mut waiting = Client::connect(opened.address(), &alive("gate-1", 2)).await;
    waiting.publish(&own("events"), "[]", Some(1)).await;
    let mut silent = Client::connect(opened.address(), &alive("gate-2", 3)).await;
    // The other's clock runs out; the one that is not read waits longer and stays.
    silent.expect_end(0x8D).await;
    opened.house.places.add_permits(1);
    waiting.expect_puback(1, 0).await;
    waiting.expect_end(0x8D).await;
}

#[tokio::test]
async fn keep_alive_zero_is_kept_as_the_longest() {
    let opened = open_with(
        MqttSection {
            keep_alive_max: Duration::from_secs(1),
            ..section()
        },
        Vec::new(),
    );
    for version in BOTH {
        let connect = Connect {
            keep_alive: 0,
            ..Connect::new(version, "gate-1")
        };
        let mut client = Client::connect(opened.address(), &connect).await;
        client.expect_end(0x8D).await;
    }
}

#[tokio::test]
async fn who_cannot_be_told_the_maximum_is_not_read_beyond_it() {
    let opened = open_with(
        MqttSection {
            unacked_max: 2,
            ..section()
        },
        Vec::new(),
    );
    opened.house.set_keep(Keep::Hold);
    let mut client = Client::connect(opened.address(), &Connect::new(V311, "gate-1")).await;
    for id in 1..=3 {
        client.publish(&own("events"), "[]", Some(id)).await;
    }
    opened.house.arrived(2).await;
    // Another connection is served meanwhile, so the third would have come by now.
    let mut other = Client::connect(opened.address(), &Connect::new(V5, "gate-2")).await;
    other.expect_nothing_but_pong().await;
    assert_eq!(opened.house.payloads().len(), 2);
    let held = opened.house.held.lock().unwrap().remove(0);
    held.send(Kept::Committed).unwrap();
    client.expect_puback(1, 0).await;
    opened.house.arrived(3).await;
}

#[tokio::test]
async fn who_was_told_the_maximum_and_exceeds_it_is_disconnected_and_nobody_else() {
    let opened = open_with(
        MqttSection {
            unacked_max: 2,
            ..section()
        },
        Vec::new(),
    );
    opened.house.set_keep(Keep::Hold);
    let mut other = Client::connect(opened.address(), &Connect::new(V5, "gate-2")).await;
    other.publish(&topic_of("gate-2"), "[]", Some(1)).await;
    opened.house.arrived(1).await;
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    for id in 1..=3 {
        client.publish(&own("events"), "[]", Some(id)).await;
    }
    client.expect_end(0x93).await;
    assert_eq!(ended(&opened, "receive_maximum_exceeded"), 1);
    assert_eq!(opened.house.payloads().len(), 3, "the third went nowhere");
    let first = opened.house.held.lock().unwrap().remove(0);
    first.send(Kept::Committed).unwrap();
    other.expect_puback(1, 0).await;
}

#[tokio::test]
async fn an_idle_client_is_no_slow_one() {
    let opened = open_with(
        MqttSection {
            connect_timeout: Duration::from_millis(400),
            write_timeout: Duration::from_millis(100),
            ..section()
        },
        Vec::new(),
    );
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    // A clock: it is closed after four write timeouts.
    Client::open(opened.address(), V5)
        .await
        .expect_closed()
        .await;
    for _ in 0..20 {
        client.expect_nothing_but_pong().await;
    }
}

#[tokio::test]
async fn a_reader_too_slow_is_disconnected_and_others_are_not() {
    let opened = open_with(
        MqttSection {
            outgoing_max: 16,
            ..section()
        },
        Vec::new(),
    );
    let mut slow = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    slow.subscribe(&[("library/v1/devices/#", 1)]).await;
    let mut good = Client::connect(opened.address(), &Connect::new(V5, "narrow")).await;
    good.subscribe(&[("library/v1/devices/+/events", 1)]).await;
    let topic: Topic = own("events").parse().unwrap();
    let message = Bytes::from(vec![b'x'; 1_000]);
    for number in 0..300 {
        opened.switchboard.fan_out(&topic, message.clone());
        assert_eq!(
            good.message().await.payload.len(),
            1_000,
            "message {number}"
        );
    }
    assert_eq!(opened.switchboard.connections(), 1);
    let mut last = slow.packet().await;
    while last.first == 0x32 {
        last = slow.packet().await;
    }
    assert_eq!((last.first, last.body[0]), (0xE0, 0x97));
}

fn topic_of(device: &str) -> String {
    format!("library/v1/devices/{device}/events")
}
