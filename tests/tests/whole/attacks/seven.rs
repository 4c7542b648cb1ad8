//! The seven attacks that stop stock rumqttd for good.

use std::time::Duration;

use lujiang_tests::packet::{
    self, PINGRESP, Qos, SUBACK, Version, disconnect, pingreq, publish, subscribe,
};
use lujiang_tests::publisher::visit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::stage::{ANSWER, House, STOCK_CONNECTIONS, Stock, Target, answer, answer_of};

/// Where the accomplice may publish, and the onlooker read, at our door too.
const TOPIC: &str = "library/v1/devices/accomplice/events";

/// Payloads of 16 KiB that no socket between here and there can hold.
const FLOOD: u32 = 600;

/// Stock rumqttd falls when its link's last word crosses the DISCONNECT: about every second time.
const FLOODS_MAX: u32 = 10;

/// Fells stock rumqttd with an attack, then throws the same at our door.
async fn fells_stock_and_not_us(version: Version, attack: impl AsyncFn(&Target)) {
    let stock = Stock::start().await;
    attack(&stock.target).await;
    stock.has_fallen(version).await;
    let house = House::start().await;
    attack(&house.target).await;
    house.ends_unharmed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_beginning_beyond_ascii() {
    for version in Version::BOTH {
        fells_stock_and_not_us(version, async |target| {
            for topic in ["école", "荷花垅"] {
                let mut stream = match target.enter_as(version, "attacker").await {
                    Ok(stream) => stream,
                    // The first topic was enough.
                    Err(_) => return,
                };
                let bytes = publish(version, topic, b"{}", Qos::One(1));
                stream.write_all(&bytes).await.unwrap();
                // Whatever is said, or nothing.
                let _ = answer(&mut stream).await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persistent_member_of_a_group_that_drops_with_a_message_unacknowledged() {
    fells_stock_and_not_us(Version::V311, async |target| {
        for who in ["attacker", "onlooker"] {
            let mut connect = target.connect(Version::V311, who);
            connect.clean = false;
            let Ok(mut member) = target.enter(&connect).await else {
                return;
            };
            let filter = format!("$share/group/{TOPIC}");
            let bytes = subscribe(Version::V311, &filter, 1);
            member.write_all(&bytes).await.unwrap();
            let granted = answer_of(&mut member, SUBACK).await.unwrap();
            let mut accomplice = target.enter_as(Version::V311, "accomplice").await.unwrap();
            let event = visit("accomplice", who, jiff::Timestamp::now(), 1).to_string();
            let bytes = publish(Version::V311, TOPIC, event.as_bytes(), Qos::One(1));
            accomplice.write_all(&bytes).await.unwrap();
            if granted.last() == Some(&1) {
                answer_of(&mut member, 0x30).await.unwrap();
            } else {
                assert_eq!(granted.last(), Some(&0x80), "no group at our door");
            }
            drop(member);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_subscriber_that_disconnects_under_flood() {
    let mut stock = Stock::start().await;
    for round in 0..FLOODS_MAX {
        leave_under_flood(&stock.target, round).await;
        // Twice: a pause of the machine's is no fall.
        if stock.is_felled(Version::V311).await && stock.is_felled(Version::V311).await {
            break;
        }
    }
    stock.has_fallen(Version::V311).await;
    let house = House::start().await;
    leave_under_flood(&house.target, 0).await;
    house.ends_unharmed().await;
}

/// A subscriber that reads nothing until the flood has passed the broker, and then leaves.
async fn leave_under_flood(target: &Target, round: u32) {
    let version = Version::V311;
    let connect = target.connect(version, "onlooker");
    let mut subscriber = target.enter_slowly(&connect).await.unwrap();
    let bytes = subscribe(version, TOPIC, 0);
    subscriber.write_all(&bytes).await.unwrap();
    answer_of(&mut subscriber, SUBACK).await.unwrap();
    let mut flooder = target.enter_as(version, "accomplice").await.unwrap();
    for number in 0..FLOOD {
        let bytes = publish(version, TOPIC, &crowd(round, number), Qos::Zero);
        flooder.write_all(&bytes).await.unwrap();
    }
    // All of it has passed the broker: this comes after it on the same connection.
    flooder.write_all(&pingreq()).await.unwrap();
    let answered = timeout(ANSWER * 6, packet::read(&mut flooder)).await;
    assert_eq!(answered.unwrap().unwrap().0, PINGRESP);
    // The broker may have closed already.
    let _ = subscriber.write_all(&disconnect()).await;
    let mut rest = Vec::new();
    let _ = timeout(ANSWER, subscriber.read_to_end(&mut rest)).await;
}

/// Fifty facts in one payload of about 16 KiB.
fn crowd(round: u32, number: u32) -> Vec<u8> {
    let at = jiff::Timestamp::now();
    let facts: Vec<_> = (0..50)
        .map(|fact| visit("accomplice", &format!("{round}-{number}-{fact}"), at, 1))
        .collect();
    serde_json::to_vec(&facts).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_id_with_a_slash_connecting_twice() {
    for version in Version::BOTH {
        fells_stock_and_not_us(version, async |target| {
            for _ in 0..3 {
                let mut connect = target.connect(version, "attacker");
                connect.client_id = "a/b".to_owned();
                let mut stream = target.dial(version).await.unwrap();
                stream.write_all(&connect.bytes()).await.unwrap();
                let _ = answer(&mut stream).await;
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_places_taken_and_the_refused_client_retries() {
    let version = Version::V5;
    fells_stock_and_not_us(version, async |target| {
        let mut held = Vec::new();
        for number in 0..=STOCK_CONNECTIONS {
            let mut connect = target.connect(version, "attacker");
            connect.client_id = format!("place-{number}");
            for _ in 0..3 {
                let mut stream = target.dial(version).await.unwrap();
                stream.write_all(&connect.bytes()).await.unwrap();
                // A refused client of stock rumqttd hears nothing, and tries again.
                if let Ok(Ok((_, body))) = timeout(ANSWER, answer(&mut stream)).await
                    && body.get(1) == Some(&0)
                {
                    held.push(stream);
                    break;
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_then_reset_with_the_same_client_id() {
    let version = Version::V311;
    fells_stock_and_not_us(version, async |target| {
        let connect = target.connect(version, "attacker").bytes();
        for number in 0..100_u64 {
            let mut resets = JoinSet::new();
            let Ok(mut stream) = target.dial(version).await else {
                return;
            };
            let connect = connect.clone();
            resets.spawn(async move {
                let _ = stream.set_zero_linger();
                let _ = stream.write_all(&connect).await;
                // The reset must meet the broker between the CONNECT and its CONNACK: the moment
                // is tried out.
                tokio::time::sleep(Duration::from_micros(number * 10)).await;
            });
            resets.join_all().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsuback_from_a_client() {
    fells_stock_and_not_us(Version::V5, async |target| {
        for number in 0..STOCK_CONNECTIONS {
            let mut connect = target.connect(Version::V5, "attacker");
            connect.client_id = format!("ghost-{number}");
            let Ok(mut stream) = target.enter(&connect).await else {
                return;
            };
            let unsuback = packet::packet(0xB0, &[0, 1, 0, 0]);
            stream.write_all(&unsuback).await.unwrap();
            let _ = answer(&mut stream).await;
        }
    })
    .await;
}
