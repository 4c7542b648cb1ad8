//! PUBLISH and PUBACK.

use lujiang_broker::{Kept, Word};

use super::client::{BOTH, Client, Connect, V5, V311, publish};
use super::house::Keep;
use super::{open, own, requests_refused, section};

#[tokio::test]
async fn facts_are_acknowledged_when_they_are_kept_and_not_before() {
    let opened = open();
    for version in BOTH {
        opened.house.set_keep(Keep::Hold);
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        client.publish(&own("events"), "[1]", Some(1)).await;
        let arrivals = opened.house.arrived(1).await;
        assert_eq!(arrivals[0].device.as_str(), "gate-1");
        client.expect_nothing_but_pong().await;
        let held = opened.house.held.lock().unwrap().pop().unwrap();
        held.send(Kept::Committed).unwrap();
        client.expect_puback(1, 0).await;
    }
}

#[tokio::test]
async fn acknowledgements_leave_in_the_order_of_arrival() {
    let opened = open();
    opened.house.set_keep(Keep::Hold);
    let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    for id in 1..=4 {
        client.publish(&own("events"), "[]", Some(id)).await;
    }
    client
        .publish("library/v1/devices/gate-2/events", "[]", Some(5))
        .await;
    opened.house.arrived(4).await;
    let held: Vec<_> = opened.house.held.lock().unwrap().drain(..).collect();
    for held in held.into_iter().rev() {
        client.expect_nothing_but_pong().await;
        held.send(Kept::Committed).unwrap();
    }
    for id in 1..=4 {
        client.expect_puback(id, 0).await;
    }
    client.expect_puback(5, 0x87).await;
}

#[tokio::test]
async fn what_is_not_kept_is_never_acknowledged() {
    for keep in [Keep::Full, Keep::QuarantineFull] {
        for version in BOTH {
            let opened = open();
            let connect = Connect::new(version, "gate-1");
            let mut client = Client::connect(opened.address(), &connect).await;
            client.publish(&own("events"), "[1]", Some(1)).await;
            client.expect_puback(1, 0).await;
            opened.house.set_keep(keep);
            client.publish(&own("events"), "[2]", Some(2)).await;
            client.expect_end(0x97).await;
        }
    }
}

#[tokio::test]
async fn a_house_that_forgets_its_promise_has_kept_nothing() {
    for version in BOTH {
        let opened = open();
        opened.house.set_keep(Keep::Hold);
        let connect = Connect::new(version, "gate-1");
        let mut client = Client::connect(opened.address(), &connect).await;
        client.publish(&own("events"), "[]", Some(1)).await;
        opened.house.arrived(1).await;
        // The door waits for the verdict by now: it has answered something later.
        client.expect_nothing_but_pong().await;
        opened.house.held.lock().unwrap().clear();
        client.expect_end(0x97).await;
    }
}

#[tokio::test]
async fn facts_of_qos_0_go_the_same_way_without_puback() {
    let opened = open();
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        client.publish(&own("events"), "[0]", None).await;
        client.send(&[0xE0, 0]).await;
        client.expect_closed().await;
    }
    opened.house.arrived(2).await;
}

#[tokio::test]
async fn what_a_device_may_not_publish_is_refused_and_told_to_the_house() {
    let opened = open();
    let topics = [
        "library/v1/devices/gate-2/events".to_owned(),
        own("receipts"),
        own("desired"),
        own("jobs/a"),
        own("nothing"),
        "library/v1/devices/荷花垅/events".to_owned(),
        "门".to_owned(),
        "école".to_owned(),
        "$SYS/broker".to_owned(),
    ];
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        for (number, topic) in (1..).zip(&topics) {
            client.publish(topic, "[]", Some(number)).await;
            client.expect_puback(number, 0x87).await;
        }
        client.publish(&topics[0], "[]", None).await;
        client.expect_nothing_but_pong().await;
    }
    assert!(opened.house.payloads().is_empty());
    let refused = |words: &Vec<Word>| {
        let refused = words
            .iter()
            .filter(|word| matches!(word, Word::Refused { .. }));
        refused.count() == 2 * (topics.len() + 1)
    };
    opened.house.heard_that(refused).await;
    assert_eq!(requests_refused(&opened, "not_authorized"), 20);
}

#[tokio::test]
async fn after_twenty_unauthorised_publishes_a_3_1_1_client_is_closed() {
    let opened = open();
    let mut client = Client::connect(opened.address(), &Connect::new(V311, "gate-1")).await;
    let most = u16::try_from(section().unauthorised_per_minute_max).unwrap();
    for id in 1..=most {
        client
            .publish("library/v1/devices/gate-2/events", "[]", Some(id))
            .await;
        client.expect_puback(id, 0).await;
    }
    client
        .publish("library/v1/devices/gate-2/events", "[]", Some(99))
        .await;
    client.expect_closed().await;
}

#[tokio::test]
async fn a_reader_publishes_nothing() {
    let opened = open();
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    reader.publish(&own("events"), "[]", Some(1)).await;
    reader.expect_puback(1, 0x87).await;
    assert!(opened.house.payloads().is_empty());
}

#[tokio::test]
async fn a_status_or_telemetry_that_cannot_be_read_is_refused() {
    let opened = open();
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        for (id, channel) in [(1, "status"), (2, "telemetry"), (3, "clock")] {
            client.publish(&own(channel), "nonsense", Some(id)).await;
            client.expect_puback(id, 0x99).await;
        }
        let telemetry = r#"{"time":"2026-11-22T08:00:00Z","cpu_temperature_celsius":41.5}"#;
        client.publish(&own("telemetry"), telemetry, Some(4)).await;
        client.expect_puback(4, 0).await;
    }
    let telemetry = |word: &&Word| matches!(word, Word::Telemetry { .. });
    assert_eq!(opened.house.words().iter().filter(telemetry).count(), 2);
}

#[tokio::test]
async fn what_the_standard_forbids_ends_the_connection_with_its_code() {
    let opened = open();
    let own = own("events");
    let mut qos_2 = publish(V5, &own, "x", Some(1));
    qos_2[0] = 0x34;
    let mut no_id = publish(V5, &own, "x", Some(1));
    let at = no_id.len() - 3;
    no_id[at] = 0;
    let alias = [&[0x30, 6][..], &[0, 0, 3, 0x23, 0, 1][..]].concat();
    let not_utf8 = [&[0x30, 5][..], &[0, 2, 0xC3, 0x28, 0][..]].concat();
    let cases: [(&str, Vec<u8>, u8); 9] = [
        ("QoS 2", qos_2, 0x9B),
        ("packet identifier 0", no_id, 0x81),
        ("topic alias", alias, 0x94),
        ("topic name not UTF-8", not_utf8, 0x81),
        ("NUL", publish(V5, "a\0b", "x", None), 0x81),
        (
            "wildcard",
            publish(V5, "library/v1/devices/+/events", "x", None),
            0x90,
        ),
        ("UNSUBACK", vec![0xB0, 3, 0, 1, 0], 0x82),
        ("PUBREL", vec![0x62, 2, 0, 1], 0x82),
        (
            "length of five bytes",
            vec![0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1],
            0x81,
        ),
    ];
    for (what, bytes, code) in cases {
        let mut client = Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
        client.send(&bytes).await;
        let ended = client.packet().await;
        assert_eq!((ended.first, ended.body[0]), (0xE0, code), "{what}");
        client.expect_closed().await;
    }
    assert!(opened.house.payloads().is_empty());
}
