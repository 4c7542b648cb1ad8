//! What one client may do by its row: rates, sizes, sessions, topics. Who exceeds a rate is
//! slowed down, and only it.

use std::time::{Duration, Instant};

use lujiang_broker::{ClientLimits, ConnectRefusal};
use lujiang_config::MqttSection;

use super::client::{BOTH, Client, Connect, V5, publish};
use super::{Opened, open_for, own, section};

/// A door whose registry grants this to everybody.
fn open(change: impl FnOnce(&mut ClientLimits)) -> Opened {
    let mut limits = ClientLimits::of(&MqttSection::default());
    change(&mut limits);
    open_for(section(), limits)
}

fn topic_of(device: &str) -> String {
    format!("library/v1/devices/{device}/events")
}

/// Publishes all at once, and how long it took until all was acknowledged.
async fn publish_all(client: &mut Client, version: u8, count: u16) -> Duration {
    let from = Instant::now();
    let all = (1..=count).flat_map(|id| publish(version, &own("events"), "[]", Some(id)));
    client.send(&all.collect::<Vec<u8>>()).await;
    for id in 1..=count {
        client.expect_puback(id, 0).await;
    }
    from.elapsed()
}

#[tokio::test]
async fn who_sends_more_than_its_rate_is_slowed_down_to_it_and_loses_nothing() {
    let opened = open(|limits| {
        limits.messages_per_second = 40;
        limits.messages_burst = 10;
    });
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        let took = publish_all(&mut client, version, 30).await;
        // Ten at once, twenty at forty a second.
        assert!(took >= Duration::from_millis(450), "{took:?}");
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
    assert_eq!(opened.house.payloads().len(), 60);
    assert!(opened.switchboard.metrics().slowed.get() >= 2);
}

#[tokio::test]
async fn bytes_are_paced_like_messages() {
    let opened = open(|limits| {
        limits.bytes_per_second = 4_000;
        limits.bytes_burst = 1_000;
    });
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    let one = publish(V5, &own("events"), "[]", Some(1)).len();
    let took = publish_all(&mut client, V5, 60).await;
    let beyond = u32::try_from(60 * one - 1_000).unwrap();
    let least = Duration::from_secs(1) * beyond / 4_000 - Duration::from_millis(50);
    assert!(
        took >= least,
        "{took:?} for {beyond} bytes beyond the burst"
    );
}

#[tokio::test]
async fn a_slowed_client_stays_connected_and_is_read_again_within_a_quarter_of_its_keep_alive() {
    let opened = open(|limits| {
        limits.messages_per_second = 1;
        limits.messages_burst = 1;
    });
    let connect = Connect {
        keep_alive: 2,
        ..Connect::new(V5, "gate-1")
    };
    let mut client = Client::connect(opened.address(), &connect).await;
    // One a second would take nine seconds, three times what its keep alive grants in silence.
    let took = publish_all(&mut client, V5, 10).await;
    assert!(took >= Duration::from_millis(9 * 400), "{took:?}");
    assert!(took < Duration::from_millis(8_800), "{took:?}");
    assert_eq!(opened.switchboard.metrics().timeouts.get(), 0);
}

#[tokio::test]
async fn others_are_served_while_one_is_slowed_down() {
    let opened = open(|limits| {
        limits.messages_per_second = 1;
        limits.messages_burst = 1;
    });
    let mut flooding = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    for id in 1..=30 {
        flooding.publish(&own("events"), "[]", Some(id)).await;
    }
    flooding.expect_puback(1, 0).await;
    for number in 2..50 {
        let user = format!("gate-{number}");
        let mut other = Client::connect(opened.address(), &Connect::new(V5, &user)).await;
        other.publish(&topic_of(&user), "[]", Some(1)).await;
        other.expect_puback(1, 0).await;
    }
    let of_flood = opened.house.arrived(49).await;
    let of_flood = of_flood
        .iter()
        .filter(|arrival| arrival.device.as_str() == "gate-1");
    assert!(of_flood.count() < 30, "it is still being slowed down");
}

#[tokio::test]
async fn each_client_is_told_its_own_limits_and_held_to_them() {
    let opened = open(|limits| {
        limits.packet_max = 1_000;
        limits.unacked_max = 7;
    });
    let connect = Connect::new(V5, "gate-1");
    let (mut client, connack) = Client::try_connect(opened.address(), &connect).await;
    let properties = &connack.body[3..];
    for told in [
        &[0x21, 0, 7][..],         // Receive Maximum
        &[0x27, 0, 0, 0x03, 0xE8], // Maximum Packet Size
        &[0x22, 0, 0],             // Topic Alias Maximum
        &[0x11, 0, 0, 0, 0],       // Session Expiry Interval
    ] {
        let has = properties.windows(told.len()).any(|found| found == told);
        assert!(has, "{told:02x?} in {properties:02x?}");
    }
    client
        .publish(&own("events"), &"x".repeat(900), Some(1))
        .await;
    client.expect_puback(1, 0).await;
    client
        .publish(&own("events"), &"x".repeat(1_000), Some(2))
        .await;
    client.expect_end(0x95).await;
}

#[tokio::test]
async fn one_principal_has_so_many_sessions_and_others_have_their_own() {
    let opened = open(|limits| limits.sessions_max = 2);
    let named = |version, user, client_id: &str| Connect {
        client_id: client_id.to_owned(),
        ..Connect::new(version, user)
    };
    for user in ["gate-1", "reader"] {
        let mut held = Vec::new();
        for client_id in ["a", "b"] {
            held.push(Client::connect(opened.address(), &named(V5, user, client_id)).await);
        }
        for (version, code) in BOTH.into_iter().zip([3, 0x97]) {
            let third = named(version, user, "c");
            let (_, connack) = Client::try_connect(opened.address(), &third).await;
            assert_eq!(connack.body[1], code);
        }
        // Taking over a session of its own is no further one.
        Client::connect(opened.address(), &named(V5, user, "b")).await;
        held[1].expect_end(0x8E).await;
        held[0].expect_nothing_but_pong().await;
    }
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::SessionsMax), 4);
}

#[tokio::test]
async fn a_row_may_narrow_the_topics_of_a_device() {
    let opened =
        open(|limits| limits.topics = vec!["library/v1/devices/+/events".parse().unwrap()]);
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    client.publish(&own("events"), "[]", Some(1)).await;
    client.expect_puback(1, 0).await;
    client.publish(&own("telemetry"), "{}", Some(2)).await;
    client.expect_puback(2, 0x87).await;
    let status = r#"{"state":"offline","since":"2026-11-22T08:00:00Z"}"#;
    let will = Connect::new(V5, "gate-1").with_will(&own("status"), status);
    let (_, connack) = Client::try_connect(opened.address(), &will).await;
    assert_eq!(connack.body[1], 0x87);
}

#[tokio::test]
async fn a_reader_whose_right_is_withdrawn_is_disconnected_and_others_are_not() {
    let opened = open(|_| {});
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    let mut second = Client::connect(
        opened.address(),
        &Connect {
            client_id: "second".to_owned(),
            ..Connect::new(V5, "reader")
        },
    )
    .await;
    let mut narrow = Client::connect(opened.address(), &Connect::new(V5, "narrow")).await;
    // A device of the same name is somebody else.
    opened
        .switchboard
        .disconnect(&"reader".parse().unwrap(), "revoked");
    reader.expect_nothing_but_pong().await;
    opened.switchboard.disconnect_reader("reader", "revoked");
    reader.expect_end(0x98).await;
    second.expect_end(0x98).await;
    narrow.expect_nothing_but_pong().await;
}
