//! CONNECT and CONNACK.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lujiang_broker::ConnectRefusal;
use lujiang_config::MqttSection;

use super::client::{BOTH, Client, Connect, V5, V311, packet, text};
use super::{open, open_with, own, section};

#[tokio::test]
async fn each_refusal_has_the_code_of_its_version() {
    let opened = open();
    let refused = |version, user: &str| Connect::new(version, user);
    let wrong_password = |version| Connect {
        password: "wrong".to_owned(),
        ..Connect::new(version, "gate-1")
    };
    let cases = [
        (wrong_password(V311), 4),
        (wrong_password(V5), 0x86),
        (refused(V311, "revoked"), 5),
        (refused(V5, "revoked"), 0x87),
        (refused(V311, "unavailable"), 3),
        (refused(V5, "unavailable"), 0x88),
    ];
    for (connect, code) in cases {
        let (mut client, connack) = Client::try_connect(opened.address(), &connect).await;
        assert_eq!(
            (connack.first, connack.body[1]),
            (0x20, code),
            "{connect:?}"
        );
        client.expect_closed().await;
    }
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::BadCredentials), 2);
    assert_eq!(opened.switchboard.connections(), 0);
}

#[tokio::test]
async fn nobody_is_let_in_while_facts_cannot_be_kept() {
    let opened = open();
    opened.house.has_room.store(false, Ordering::SeqCst);
    for (version, code) in [(V311, 3), (V5, 0x97)] {
        let connect = Connect::new(version, "gate-1");
        let (_, connack) = Client::try_connect(opened.address(), &connect).await;
        assert_eq!(connack.body[1], code);
    }
    opened.house.has_room.store(true, Ordering::SeqCst);
    Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
}

#[tokio::test]
async fn beyond_the_bound_of_connections_the_next_is_told_so() {
    let connections_max = 2;
    let opened = open_with(
        MqttSection {
            connections_max,
            ..section()
        },
        Vec::new(),
    );
    let first = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    let _second = Client::connect(opened.address(), &Connect::new(V311, "gate-2")).await;
    for (version, code) in [(V311, 3), (V5, 0x97)] {
        let connect = Connect::new(version, "gate-3");
        let (_, connack) = Client::try_connect(opened.address(), &connect).await;
        assert_eq!(connack.body[1], code);
    }
    drop(first);
    opened
        .house
        .heard_that(|words| {
            words
                .iter()
                .any(|word| format!("{word:?}").starts_with("Disc"))
        })
        .await;
    // Its place is free once its last words are said; a refusal in between is no fault.
    super::soon(async {
        loop {
            let connect = Connect::new(V5, "gate-3");
            let (_, connack) = Client::try_connect(opened.address(), &connect).await;
            if connack.body[1] == 0 {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_sends_no_connect_in_time_is_closed() {
    let connect_timeout = Duration::from_millis(200);
    let opened = open_with(
        MqttSection {
            connect_timeout,
            ..section()
        },
        Vec::new(),
    );
    let mut silent = Client::open(opened.address(), V5).await;
    let mut slow = Client::open(opened.address(), V5).await;
    slow.send(&Connect::new(V5, "gate-1").bytes()[..9]).await;
    silent.expect_closed().await;
    slow.expect_closed().await;
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::Timeout), 2);
}

#[tokio::test]
async fn mqtt_5_is_told_what_is_granted() {
    let opened = open();
    let connect = Connect {
        client_id: String::new(),
        keep_alive: 0,
        ..Connect::new(V5, "gate-1")
    };
    let (_, connack) = Client::try_connect(opened.address(), &connect).await;
    let properties = &connack.body[3..];
    let has = |wanted: &[u8]| {
        properties
            .windows(wanted.len())
            .any(|found| found == wanted)
    };
    assert!(has(&[0x24, 1]), "Maximum QoS 1");
    assert!(has(&[0x21, 0, 64]), "Receive Maximum");
    assert!(has(&[0x27, 0, 5, 0, 0]), "Maximum Packet Size");
    assert!(has(&[0x13, 0x04, 0xB0]), "Server Keep Alive of 1,200 s");
    assert!(
        has(b"\x12\0\x09lujiang-") || has(b"\x12\0\x0Alujiang-"),
        "{properties:?}"
    );
    let connect = Connect::new(V5, "gate-1");
    let (_, connack) = Client::try_connect(opened.address(), &connect).await;
    let lowered = connack.body[3..]
        .windows(3)
        .any(|found| found[0] == 0x13 && found[1] == 0);
    assert!(!lowered, "60 s are granted as asked");
}

#[tokio::test]
async fn a_version_or_client_id_we_cannot_serve_is_named() {
    let opened = open();
    let versions: [(&[u8], u8); 3] = [
        (&[0, 4, b'M', b'Q', b'T', b'T', 6, 2, 0, 0], 0x84),
        (&[0, 4, b'M', b'Q', b'T', b'T', 3, 2, 0, 0], 1),
        (b"\0\x06MQIsdp\x03\x02\0\0", 1),
    ];
    for (body, code) in versions {
        let mut client = Client::open(opened.address(), V5).await;
        client.send(&packet(0x10, body)).await;
        assert_eq!(client.packet().await.body[1], code);
        client.expect_closed().await;
    }
    let nameless = Connect {
        client_id: String::new(),
        clean: false,
        ..Connect::new(V311, "gate-1")
    };
    let (_, connack) = Client::try_connect(opened.address(), &nameless).await;
    assert_eq!(connack.body[1], 2); // [MQTT-3.1.3-9]
}

#[tokio::test]
async fn a_will_is_the_devices_own_status_or_refused() {
    let opened = open();
    let status = r#"{"state":"offline","since":"2026-11-22T08:00:00Z"}"#;
    for (user, topic, payload, codes) in [
        ("gate-1", own("events"), status, [5, 0x87]),
        ("gate-2", own("status"), status, [5, 0x87]),
        ("reader", own("status"), status, [5, 0x87]),
        ("gate-1", "门/状态".to_owned(), status, [5, 0x87]),
        ("gate-1", own("status"), "gone", [5, 0x99]),
    ] {
        for (version, code) in BOTH.into_iter().zip(codes) {
            let connect = Connect::new(version, user).with_will(&topic, payload);
            let (_, connack) = Client::try_connect(opened.address(), &connect).await;
            assert_eq!(connack.body[1], code, "{connect:?}");
        }
    }
}

#[tokio::test]
async fn what_must_not_come_first_or_twice_ends_the_connection() {
    let opened = open();
    let mut first = Client::open(opened.address(), V5).await;
    first.send(&[0xC0, 0]).await;
    first.expect_closed().await;
    for version in BOTH {
        let connect = Connect::new(version, "gate-1");
        let mut client = Client::connect(opened.address(), &connect).await;
        client.send(&connect.bytes()).await;
        client.expect_end(0x82).await;
    }
    let authentication = Connect {
        properties: [vec![0x15], text("SCRAM")].concat(),
        ..Connect::new(V5, "gate-1")
    };
    let (_, connack) = Client::try_connect(opened.address(), &authentication).await;
    assert_eq!(connack.body[1], 0x8C);
}
