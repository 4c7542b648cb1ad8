//! Status, wills, take-over, and the end of the door.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use lujiang_broker::{Kept, Retained, Word};
use lujiang_wire::{DeviceId, LinkState, Status};

use super::client::{BOTH, Client, Connect, V5, V311};
use super::house::Keep;
use super::{open, open_with, own, section, soon};

const WILL: &str = r#"{"state":"offline","since":"2026-11-22T08:00:00Z","agent":"will"}"#;
const ONLINE: &str = r#"{"state":"online","since":"2026-11-22T08:00:00Z","agent":"lujiang-agent"}"#;

/// A word in short: what the order of events is told by.
fn short(word: &Word) -> String {
    match word {
        Word::Connected { .. } => "connected".to_owned(),
        Word::Disconnected { .. } => "disconnected".to_owned(),
        Word::Status { status, .. } => {
            let agent = status.agent.as_deref().unwrap_or("door");
            format!("{:?} by {agent}", status.state)
        }
        other => format!("{other:?}"),
    }
}

fn shorts(words: &[Word]) -> Vec<String> {
    words.iter().map(short).collect()
}

#[tokio::test]
async fn a_plain_device_is_online_while_connected_and_offline_after() {
    let opened = open();
    for (version, goodbye) in [(V311, true), (V5, false)] {
        let seen = opened.house.words().len();
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        if goodbye {
            client.send(&[0xE0, 0]).await;
        }
        drop(client);
        let words = opened
            .house
            .heard_that(|words| words.len() == seen + 4)
            .await;
        let expected = [
            "connected",
            "Online by door",
            "Offline by door",
            "disconnected",
        ];
        assert_eq!(shorts(&words[seen..]), expected);
    }
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    reader
        .subscribe(&[("library/v1/devices/+/status", 1)])
        .await;
    let message = reader.message().await;
    let status: Status = serde_json::from_str(&message.payload).unwrap();
    assert!(message.retain && status.state == LinkState::Offline);
}

#[tokio::test]
async fn a_will_is_published_at_an_unclean_end_only() {
    let opened = open();
    for (version, goodbye, published) in [
        (V311, None, true),
        (V5, None, true),
        (V311, Some(&[0xE0, 0][..]), false),
        (V5, Some(&[0xE0, 0][..]), false),
        (V5, Some(&[0xE0, 1, 0x04][..]), true),
        (V5, Some(&[0xE0, 2, 0x04, 0][..]), true),
        (V5, Some(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF][..]), true),
    ] {
        let seen = opened.house.words().len();
        let connect = Connect::new(version, "gate-1").with_will(&own("status"), WILL);
        let mut client = Client::connect(opened.address(), &connect).await;
        client.publish(&own("status"), ONLINE, Some(1)).await;
        client.expect_puback(1, 0).await;
        if let Some(goodbye) = goodbye {
            client.send(goodbye).await;
        }
        drop(client);
        let words = opened
            .house
            .heard_that(|words| words.len() == seen + 4)
            .await;
        // The door keeps what the agent said of itself, and corrects the state.
        let offline = if published {
            "Offline by will"
        } else {
            "Offline by lujiang-agent"
        };
        let expected = [
            "connected",
            "Online by lujiang-agent",
            offline,
            "disconnected",
        ];
        assert_eq!(shorts(&words[seen..]), expected, "{version} {goodbye:02x?}");
    }
}

#[tokio::test]
async fn a_take_over_publishes_the_old_will_before_the_new_connack() {
    let opened = open();
    for version in BOTH {
        let connect = Connect::new(version, "gate-1").with_will(&own("status"), WILL);
        let mut old = Client::connect(opened.address(), &connect).await;
        let seen = opened.house.words().len();
        let new = Client::connect(opened.address(), &connect).await;
        let expected = ["Offline by will", "disconnected", "connected"];
        let words = opened.house.words();
        assert_eq!(
            shorts(&words[seen..]),
            expected,
            "all of it before the CONNACK"
        );
        old.expect_end(0x8E).await;
        assert_eq!(opened.switchboard.connections(), 1);
        drop(new);
        opened
            .house
            .heard_that(|words| words.len() == seen + 5)
            .await;
    }
}

#[tokio::test]
async fn a_take_over_does_not_wait_for_a_peer_that_is_stuck() {
    let opened = open();
    opened.house.set_keep(Keep::Hold);
    let mut old = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    opened.house.places.forget_permits(100_000);
    old.publish(&own("events"), "[]", Some(1)).await;
    Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    old.expect_end(0x8E).await;
}

#[tokio::test]
async fn a_device_is_gone_when_its_last_connection_is() {
    let opened = open();
    let named = |client_id: &str| Connect {
        client_id: client_id.to_owned(),
        ..Connect::new(V5, "gate-1")
    };
    let first = Client::connect(opened.address(), &named("a")).await;
    let mut second = Client::connect(opened.address(), &named("b")).await;
    drop(first);
    super::soon(async {
        while opened.switchboard.connections() > 1 {
            second.expect_nothing_but_pong().await;
        }
    })
    .await;
    let expected = ["connected", "Online by door", "connected"];
    assert_eq!(shorts(&opened.house.words()), expected);
    drop(second);
    let words = opened.house.heard_that(|words| words.len() == 5).await;
    assert_eq!(shorts(&words[3..]), ["Offline by door", "disconnected"]);
}

#[tokio::test]
async fn after_a_restart_every_online_is_unknown() {
    let retained = |device: &str, payload: &'static str| Retained {
        topic: format!("library/v1/devices/{device}/status")
            .parse()
            .unwrap(),
        payload: Bytes::from_static(payload.as_bytes()),
    };
    let opened = open_with(
        section(),
        vec![retained("gate-1", ONLINE), retained("gate-2", WILL)],
    );
    assert_eq!(shorts(&opened.house.words()), ["Unknown by lujiang-agent"]);
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    reader
        .subscribe(&[("library/v1/devices/+/status", 1)])
        .await;
    for expected in [LinkState::Unknown, LinkState::Offline] {
        let status: Status = serde_json::from_str(&reader.message().await.payload).unwrap();
        assert_eq!(status.state, expected);
    }
}

#[tokio::test]
async fn a_device_can_be_sent_away() {
    let opened = open();
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        let mut other = Client::connect(opened.address(), &Connect::new(version, "gate-2")).await;
        let device: DeviceId = "gate-1".parse().unwrap();
        opened.switchboard.disconnect(&device, "revoked");
        client.expect_end(0x98).await;
        other.expect_nothing_but_pong().await;
    }
}

#[tokio::test]
async fn who_is_sent_away_while_it_is_let_in_does_not_come_in() {
    let opened = open();
    for version in BOTH {
        let connect = Connect::new(version, "slow");
        opened.house.slow.add_permits(1);
        let mut old = Client::connect(opened.address(), &connect).await;
        let asked = opened.house.asked().len();
        let heard = opened.house.words().len();
        let mut newcomer = Client::open(opened.address(), version).await;
        newcomer.send(&connect.bytes()).await;
        soon(async {
            while opened.house.asked().len() == asked {
                tokio::task::yield_now().await;
            }
        })
        .await;
        // It is being let in, and has no place by which it could be found.
        opened.house.stands.store(false, Ordering::SeqCst);
        opened
            .switchboard
            .disconnect(&"slow".parse().unwrap(), "revoked");
        opened.house.slow.add_permits(1);
        let refused = if version == V5 { 0x87 } else { 5 };
        let connack = newcomer.packet().await;
        assert_eq!((connack.first, connack.body[1]), (0x20, refused));
        old.expect_end(0x98).await;
        let connected = |word: &Word| matches!(word, Word::Connected { .. });
        assert!(!opened.house.words().iter().skip(heard).any(connected));
        opened.house.stands.store(true, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_closing_door_answers_what_is_owed_and_says_so() {
    let opened = open();
    opened.house.set_keep(Keep::Hold);
    let mut owed = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    let mut idle = Client::connect(opened.address(), &Connect::new(V311, "gate-2")).await;
    owed.publish(&own("events"), "[]", Some(1)).await;
    opened.house.arrived(1).await;
    let stopping = tokio::spawn(opened.door.stop(Duration::from_secs(10)));
    idle.expect_closed().await;
    let held = opened.house.held.lock().unwrap().pop().unwrap();
    held.send(Kept::Committed).unwrap();
    owed.expect_puback(1, 0).await;
    owed.expect_end(0x8B).await;
    super::soon(stopping).await.unwrap();
    assert_eq!(opened.switchboard.connections(), 0);
}

#[tokio::test]
async fn a_door_closes_within_its_grace_whatever_is_owed() {
    let opened = open();
    opened.house.set_keep(Keep::Hold);
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    client.publish(&own("events"), "[]", Some(1)).await;
    opened.house.arrived(1).await;
    super::soon(opened.door.stop(Duration::from_millis(100))).await;
    client.expect_closed().await;
    assert_eq!(opened.switchboard.connections(), 0, "no ghost is left");
    let last = opened.house.words().last().map(short);
    assert_eq!(last.as_deref(), Some("disconnected"));
}
