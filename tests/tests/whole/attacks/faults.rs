//! What else is wrong with stock rumqttd, each shown there first, and how our door does it.
//!
//! One known fault is not shown at stock: an idle TCP connection blocks its TLS listener, because
//! accept waits for the handshake. rumqttd is built here without TLS (its TLS brings an old
//! rustls-webpki with advisories), so there is nothing to show it on; our door is held to it.

use std::collections::BTreeSet;
use std::time::Duration;

use lujiang_tests::bench::client::Dialer;
use lujiang_tests::bench::load::Who;
use lujiang_tests::packet::{
    self, Connect, DISCONNECT, PUBACK, Qos, SUBACK, Version, pingreq, publish, retained, subscribe,
};
use lujiang_tests::publisher::visit;
use lujiang_tests::wait::until;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::stage::{ANSWER, House, STOCK_CONNECTIONS, Stock, Target, answer, answer_of};

const EVENTS: &str = "library/v1/devices/accomplice/events";
/// After this long without a packet nothing more comes.
const QUIET: Duration = Duration::from_secs(3);
const STATUS: &str = "library/v1/devices/accomplice/status";

/// A subscription, and the code it was answered with.
async fn subscribed(target: &Target, connect: &Connect, filter: &str, qos: u8) -> (TcpStream, u8) {
    let mut stream = target.enter(connect).await.unwrap();
    let bytes = subscribe(connect.version, filter, qos);
    stream.write_all(&bytes).await.unwrap();
    let granted = answer_of(&mut stream, SUBACK).await.unwrap();
    let code = *granted.last().unwrap();
    (stream, code)
}

/// Publishes and waits for the PUBACK; gives back its reason code, 0 in 3.1.1.
async fn acknowledged(stream: &mut TcpStream, version: Version, topic: &str, bytes: &[u8]) -> u8 {
    let bytes = publish(version, topic, bytes, Qos::One(7));
    stream.write_all(&bytes).await.unwrap();
    let body = answer_of(stream, PUBACK).await.unwrap();
    body.get(2).copied().unwrap_or(0)
}

fn fact(id: &str) -> Vec<u8> {
    let event = visit("accomplice", id, jiff::Timestamp::now(), 1);
    event.to_string().into_bytes()
}

/// The first byte and the topic of the next PUBLISH.
async fn message(stream: &mut TcpStream) -> anyhow::Result<(u8, String)> {
    loop {
        let (first, body) = answer(stream).await?;
        if first & 0xF0 == 0x30 {
            let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
            let topic = String::from_utf8_lossy(&body[2..2 + length]).into_owned();
            return Ok((first, topic));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_reads_everything_and_speaks_for_anybody_at_stock() {
    let version = Version::V5;
    let mut stock = Stock::start().await;
    let connect = stock.target.connect(version, "attacker");
    let (mut attacker, code) = subscribed(&stock.target, &connect, "#", 1).await;
    assert_eq!(code, 1, "stock rumqttd lets anybody read everything");
    assert_eq!(
        acknowledged(&mut attacker, version, EVENTS, &fact("forged")).await,
        0
    );
    assert_eq!(message(&mut attacker).await.unwrap().1, EVENTS);
    stock.end().await;

    let house = House::start().await;
    let connect = house.target.connect(version, "attacker");
    let (mut attacker, code) = subscribed(&house.target, &connect, "#", 1).await;
    assert_eq!(code, 0x87);
    assert_eq!(
        acknowledged(&mut attacker, version, EVENTS, &fact("forged")).await,
        0x87
    );
    let entries = house.library.entries().await.unwrap();
    let forged = entries
        .iter()
        .find(|entry| entry["event"]["id"] == "forged");
    assert!(forged.is_none(), "{forged:?}");
    house.ends_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_place_of_the_link_in_the_house_is_taken_at_stock() {
    let version = Version::V311;
    let mut stock = Stock::start().await;
    let mut connect = stock.target.connect(version, "attacker");
    connect.client_id = "house".to_owned();
    let thief = stock.target.enter(&connect).await.unwrap();
    until("the link to be thrown out", ANSWER, async || {
        anyhow::ensure!(stock.said().contains("house link gone"));
        Ok(())
    })
    .await
    .unwrap();
    drop(thief);
    stock.end().await;

    // At our door the links are called so; a client of that name is somebody else.
    let house = House::start().await;
    let connect = house.target.connect(version, "onlooker");
    let (mut onlooker, code) = subscribed(&house.target, &connect, EVENTS, 1).await;
    assert_eq!(code, 1);
    let mut thieves = Vec::new();
    for name in ["door", "reader-0", "reader-1", "house"] {
        let mut connect = house.target.connect(version, "attacker");
        connect.client_id = name.to_owned();
        thieves.push(house.target.enter(&connect).await.unwrap());
    }
    let mut accomplice = house.target.enter_as(version, "accomplice").await.unwrap();
    acknowledged(&mut accomplice, version, EVENTS, &fact("a")).await;
    assert_eq!(message(&mut onlooker).await.unwrap().1, EVENTS);
    house.ends_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_subscriber_is_never_given_less_without_a_word() {
    // Stock: everything is acknowledged, and the log of 64 KiB forgets most of it.
    let version = Version::V311;
    let mut stock = Stock::with_log(64 * 1024).await;
    let target = &stock.target;
    let connect = target.connect(version, "onlooker");
    let (mut stalled, _) = subscribed(target, &connect, EVENTS, 1).await;
    let mut publisher = target.enter_as(version, "accomplice").await.unwrap();
    for number in 0..MESSAGES {
        let bytes = fact(&format!("fact-{number}"));
        acknowledged(&mut publisher, version, EVENTS, &bytes).await;
    }
    let seen = seen_to_the_end(&mut stalled, QUIET).await;
    assert!(seen.len() < MESSAGES, "stock lost nothing of {MESSAGES}");
    assert!(!seen.is_empty());
    stock.end().await;

    // Ours: all of it, in order, or the connection is closed; and the facts are in the ledger.
    let house = House::start().await;
    let connect = house.target.connect(version, "onlooker");
    let (mut stalled, _) = subscribed(&house.target, &connect, EVENTS, 1).await;
    let mut publisher = house.target.enter_as(version, "accomplice").await.unwrap();
    for number in 0..MESSAGES {
        let bytes = fact(&format!("fact-{number}"));
        acknowledged(&mut publisher, version, EVENTS, &bytes).await;
    }
    let seen = seen_to_the_end(&mut stalled, ANSWER).await;
    let from_the_first: Vec<_> = (0..seen.len()).map(|n| format!("fact-{n}")).collect();
    assert_eq!(seen, from_the_first, "nothing is left out in between");
    if seen.len() < MESSAGES {
        let end = packet::read(&mut stalled).await;
        assert!(
            end.is_err(),
            "cut short, and the connection goes on: {end:?}"
        );
    }
    let entries = house.library.entries().await.unwrap();
    let kept: BTreeSet<_> = entries
        .iter()
        .filter(|entry| entry["event"]["source"] == "/devices/accomplice")
        .filter_map(|entry| entry["event"]["id"].as_str())
        .collect();
    assert_eq!(kept.len(), MESSAGES);
    house.ends_unharmed().await;
}

/// More than the log of 64 KiB and a window of 100 messages hold.
const MESSAGES: usize = 600;

/// Reads and acknowledges what is sent until nothing more comes; gives back the events' ids.
async fn seen_to_the_end(stream: &mut TcpStream, quiet: Duration) -> Vec<String> {
    let mut seen = Vec::new();
    while seen.len() < MESSAGES
        && let Ok(Ok((first, body))) = timeout(quiet, packet::read(stream)).await
    {
        if first & 0xF0 != 0x30 {
            continue;
        }
        let topic = usize::from(u16::from_be_bytes([body[0], body[1]])) + 2;
        let id = u16::from_be_bytes([body[topic], body[topic + 1]]);
        let event: serde_json::Value = serde_json::from_slice(&body[topic + 2..]).unwrap();
        let event = event.get(0).unwrap_or(&event);
        seen.push(event["id"].as_str().unwrap().to_owned());
        if stream.write_all(&packet::puback(id)).await.is_err() {
            break;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn keep_alive_zero_is_refused_at_stock() {
    let mut stock = Stock::start().await;
    let house = House::start().await;
    for version in Version::BOTH {
        let mut connect = stock.target.connect(version, "attacker");
        connect.keep_alive = 0;
        assert!(stock.target.enter(&connect).await.is_err(), "{version:?}");
        let mut connect = house.target.connect(version, "attacker");
        connect.keep_alive = 0;
        let mut stream = house.target.enter(&connect).await.unwrap();
        stream.write_all(&pingreq()).await.unwrap();
        answer_of(&mut stream, packet::PINGRESP).await.unwrap();
    }
    stock.end().await;
    house.ends_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_only_receives_lives_for_ever_at_stock() {
    let version = Version::V5;
    let mut ended = Vec::new();
    // A pause of the machine's ends a client, too: it must live once.
    while ended.len() < 3 {
        let mut stock = Stock::start().await;
        let end = only_receives(&stock.target).await;
        stock.end().await;
        let Some(end) = end else {
            break;
        };
        ended.push(end);
    }
    assert!(ended.len() < 3, "stock ends it: {ended:?}");
    let house = House::start().await;
    let silent = only_receives(&house.target).await;
    assert!(silent.is_some(), "{version:?}: it must be ended");
    house.ends_unharmed().await;
}

/// Receives for four keep alives of two seconds without a word; gives back when it was ended.
async fn only_receives(target: &Target) -> Option<Duration> {
    let version = Version::V5;
    let mut connect = target.connect(version, "onlooker");
    connect.keep_alive = 2;
    let (mut silent, _) = subscribed(target, &connect, EVENTS, 0).await;
    let mut accomplice = target.enter_as(version, "accomplice").await.unwrap();
    let from = Instant::now();
    let mut number = 0;
    while from.elapsed() < Duration::from_secs(8) {
        number += 1;
        let id = format!("fact-{number}");
        acknowledged(&mut accomplice, version, EVENTS, &fact(&id)).await;
        match packet::read(&mut silent).await {
            Ok((DISCONNECT, _)) | Err(_) => return Some(from.elapsed()),
            Ok(_) => {}
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_publish_deletes_what_is_retained_at_stock() {
    let version = Version::V5;
    let mut stock = Stock::start().await;
    clear_by_an_empty_publish(&stock.target).await;
    let connect = stock.target.connect(version, "onlooker");
    let (mut reader, _) = subscribed(&stock.target, &connect, STATUS, 1).await;
    reader.write_all(&pingreq()).await.unwrap();
    let (first, _) = answer(&mut reader).await.unwrap();
    assert_eq!(first, packet::PINGRESP, "stock still has it");
    stock.end().await;

    let house = House::start().await;
    clear_by_an_empty_publish(&house.target).await;
    let connect = house.target.connect(version, "onlooker");
    let (mut reader, _) = subscribed(&house.target, &connect, STATUS, 1).await;
    let (first, topic) = message(&mut reader).await.unwrap();
    assert_eq!((first & 1, topic.as_str()), (1, STATUS), "retained");
    house.ends_unharmed().await;
}

/// Retains a status, and then publishes nothing there, without RETAIN [MQTT-3.3.1-8].
async fn clear_by_an_empty_publish(target: &Target) {
    let version = Version::V5;
    let mut accomplice = target.enter_as(version, "accomplice").await.unwrap();
    let status =
        br#"{"state":"online","since":"2026-11-04T08:00:00Z","agent":"test","boot":"b-1"}"#;
    let bytes = retained(publish(version, STATUS, status, Qos::One(1)));
    accomplice.write_all(&bytes).await.unwrap();
    let body = answer_of(&mut accomplice, PUBACK).await.unwrap();
    assert_eq!(body.get(2).copied().unwrap_or(0), 0, "{body:?}");
    let bytes = publish(version, STATUS, b"", Qos::One(2));
    accomplice.write_all(&bytes).await.unwrap();
    answer_of(&mut accomplice, PUBACK).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_property_of_version_5_ends_the_subscriber_of_version_3_at_stock() {
    let mut stock = Stock::start().await;
    let end = with_a_property(&stock.target).await;
    assert!(end.is_err(), "stock delivered {end:?}");
    stock.end().await;
    let house = House::start().await;
    assert_eq!(with_a_property(&house.target).await.unwrap().1, EVENTS);
    house.ends_unharmed().await;
}

/// A PUBLISH with a Content Type, to a subscriber that speaks 3.1.1.
async fn with_a_property(target: &Target) -> anyhow::Result<(u8, String)> {
    let connect = target.connect(Version::V311, "onlooker");
    let (mut old, _) = subscribed(target, &connect, EVENTS, 0).await;
    let mut accomplice = target.enter_as(Version::V5, "accomplice").await?;
    let mut body = u16::try_from(EVENTS.len())?.to_be_bytes().to_vec();
    body.extend(EVENTS.bytes());
    body.extend([0, 1]);
    // Properties of 7 bytes: Content Type (3), "json".
    body.extend([7, 3, 0, 4, b'j', b's', b'o', b'n']);
    body.extend(fact("with-a-property"));
    accomplice.write_all(&packet::packet(0x32, &body)).await?;
    message(&mut old).await
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_delivers_with_the_quality_of_the_subscription() {
    let mut stock = Stock::start().await;
    assert_eq!(delivered_qos(&stock.target).await, 1, "[MQTT-3.8.4-8]");
    stock.end().await;
    // What our door delivers is the gateway's own message, sealed and encoded again, and it is
    // published with QoS 1 whichever way the fact came: the lower of 1 and the subscription's.
    let house = House::start().await;
    let qos = delivered_qos(&house.target).await;
    assert_eq!(qos, 1);
    house.ends_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_subscriber_of_everything_misses_retained_messages_at_stock() {
    // Ours is held to all of them in the door's own tests, where a thousand devices cost nothing.
    const RETAINED: usize = 300;
    let version = Version::V311;
    let mut stock = Stock::start().await;
    let mut publisher = stock.target.enter_as(version, "accomplice").await.unwrap();
    for number in 0..RETAINED {
        let topic = format!("library/v1/devices/device-{number}/status");
        let bytes = retained(publish(version, &topic, b"{}", Qos::One(1)));
        publisher.write_all(&bytes).await.unwrap();
        answer_of(&mut publisher, PUBACK).await.unwrap();
    }
    let connect = stock.target.connect(version, "onlooker");
    let (mut reader, _) = subscribed(&stock.target, &connect, "#", 0).await;
    let mut seen = 0;
    // Stock says nothing after the last one.
    while let Ok(Ok((0x31, _))) = timeout(QUIET, packet::read(&mut reader)).await {
        seen += 1;
    }
    assert!((100..RETAINED).contains(&seen), "{seen} of {RETAINED}");
    stock.end().await;
}

/// The QoS a message of QoS 0 has that comes through a subscription of QoS 1.
async fn delivered_qos(target: &Target) -> u8 {
    let version = Version::V311;
    let connect = target.connect(version, "onlooker");
    let (mut onlooker, _) = subscribed(target, &connect, EVENTS, 1).await;
    let mut accomplice = target.enter_as(version, "accomplice").await.unwrap();
    let bytes = publish(version, EVENTS, &fact("at-most-once"), Qos::Zero);
    accomplice.write_all(&bytes).await.unwrap();
    message(&mut onlooker).await.unwrap().0 >> 1 & 3
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_keep_nobody_out() {
    let house = House::start().await;
    let mut idle = Vec::new();
    let secure = house.library.endpoints().mqtts;
    for _ in 0..STOCK_CONNECTIONS {
        idle.push(house.target.dial(Version::V311).await.unwrap());
        idle.push(TcpStream::connect(secure).await.unwrap());
    }
    let authority = house.library.authority_file();
    let dialer = Dialer::new(secure, Some(&authority)).unwrap();
    let login = house.target.connect(Version::V311, "attacker");
    let (device, password) = login.login.unwrap();
    let who = Who {
        client_id: device.clone(),
        device,
        password,
        papers: None,
    };
    let entered = timeout(ANSWER, dialer.connect(who)).await;
    entered.unwrap().unwrap();
    house.ends_unharmed().await;
}
