//! Who calls too often, and who guesses: its own address pays for it, nobody else's.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use lujiang_broker::{ConnectRefusal, Word};
use lujiang_config::MqttSection;

use super::client::{BOTH, Client, Connect, V5, V311};
use super::{open, open_with, own, section};

/// On Linux all of 127.0.0.0/8 is this machine.
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn wrong_password(version: u8) -> Connect {
    Connect {
        password: "wrong".to_owned(),
        ..Connect::new(version, "gate-1")
    }
}

#[tokio::test]
async fn an_address_that_calls_too_often_is_closed_unread_and_others_are_served() {
    let opened = open_with(
        MqttSection {
            attempts_per_minute_max: 3,
            ..section()
        },
        Vec::new(),
    );
    let address = opened.address();
    for _ in 0..3 {
        Client::connect(address, &Connect::new(V5, "gate-1")).await;
    }
    for _ in 0..5 {
        Client::open(address, V5).await.expect_closed().await;
    }
    let mut other = Client::open_from(ELSEWHERE, address, V5).await;
    other.expect_connack(&Connect::new(V5, "gate-2"), 0).await;
    other
        .publish("library/v1/devices/gate-2/events", "[]", Some(1))
        .await;
    other.expect_puback(1, 0).await;
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::AttemptsMax), 5);
}

#[tokio::test]
async fn after_some_wrong_passwords_an_address_pauses_and_others_log_in() {
    let opened = open_with(
        MqttSection {
            failed_logins_max: 3,
            failed_login_backoff_min: Duration::from_secs(60),
            ..section()
        },
        Vec::new(),
    );
    let address = opened.address();
    for _ in 0..3 {
        let (_, connack) = Client::try_connect(address, &wrong_password(V5)).await;
        assert_eq!(connack.body[1], 0x86);
    }
    let asked = opened.house.asked().len();
    // Now neither is looked at, so nobody learns which was right.
    for (version, code) in [(V311, 3), (V5, 0x9F)] {
        for connect in [wrong_password(version), Connect::new(version, "gate-1")] {
            let (mut client, connack) = Client::try_connect(address, &connect).await;
            assert_eq!(connack.body[1], code, "{connect:?}");
            client.expect_closed().await;
        }
    }
    assert_eq!(
        opened.house.asked().len(),
        asked,
        "no hash is spent on them"
    );
    let mut other = Client::open_from(ELSEWHERE, address, V5).await;
    other.expect_connack(&Connect::new(V5, "gate-1"), 0).await;
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::AddressHeld), 4);
}

#[tokio::test]
async fn a_right_password_forgives_the_wrong_ones_before_and_the_pause_ends() {
    let opened = open_with(
        MqttSection {
            failed_logins_max: 2,
            failed_login_backoff_min: Duration::from_millis(100),
            ..section()
        },
        Vec::new(),
    );
    for _ in 0..5 {
        let (_, connack) = Client::try_connect(opened.address(), &wrong_password(V5)).await;
        assert_eq!(connack.body[1], 0x86);
        Client::connect(opened.address(), &Connect::new(V5, "gate-1")).await;
    }
    for _ in 0..2 {
        Client::try_connect(opened.address(), &wrong_password(V5)).await;
    }
    super::soon(async {
        loop {
            let connect = Connect::new(V5, "gate-1");
            let (_, connack) = Client::try_connect(opened.address(), &connect).await;
            match connack.body[1] {
                0 => break,
                code => assert_eq!(code, 0x9F),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn whoever_says_to_be_a_device_and_is_turned_away_is_told_of_that_device() {
    let opened = open();
    for version in BOTH {
        Client::try_connect(opened.address(), &wrong_password(version)).await;
        let will = Connect::new(version, "gate-2").with_will(&own("status"), "{}");
        Client::try_connect(opened.address(), &will).await;
        Client::try_connect(opened.address(), &Connect::new(version, "revoked")).await;
        Client::try_connect(opened.address(), &Connect::new(version, "No Device!")).await;
    }
    let turned_away = |words: &[Word]| -> Vec<String> {
        let told = words.iter().filter_map(|word| match word {
            Word::TurnedAway { device, reason, .. } => Some(format!("{device} {reason}")),
            _ => None,
        });
        told.collect()
    };
    let once = [
        "gate-1 bad_credentials",
        "gate-2 will",
        "revoked not_authorised",
    ];
    let twice = [once, once].concat();
    let heard = |words: &Vec<Word>| turned_away(words).len() >= twice.len();
    let words = opened.house.heard_that(heard).await;
    assert_eq!(turned_away(&words), twice);
}
