//! MQTT behind TLS: what the handshake proves reaches the house, and what it costs stays with
//! the connection that costs it.

use std::net::SocketAddr;
use std::time::Duration;

use lujiang_broker::ConnectRefusal;
use lujiang_config::MqttSection;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::authority::Authority;
use super::client::{BOTH, Client, Connect, V5};
use super::{DEADLINE, Opened, open_behind, own, section, soon};

fn open(authority: &Authority, handshake_timeout: Duration) -> (Opened, SocketAddr) {
    open_limited(authority, handshake_timeout, section())
}

fn open_limited(
    authority: &Authority,
    handshake_timeout: Duration,
    section: MqttSection,
) -> (Opened, SocketAddr) {
    let tls = authority.door(handshake_timeout);
    let opened = open_behind(section, Some(tls), Vec::new());
    let address = opened.door.tls_addr().unwrap();
    (opened, address)
}

/// Waits until the door counted so many refusals.
async fn refused(opened: &Opened, reason: ConnectRefusal, count: u64) {
    let metrics = opened.switchboard.metrics();
    soon(async {
        while metrics.refused(reason) < count {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(metrics.refused(reason), count);
}

#[tokio::test]
async fn a_client_certificate_reaches_the_house_over_both_versions_of_tls() {
    let authority = Authority::new();
    let (opened, address) = open(&authority, DEADLINE);
    for (tls, mqtt) in [(&TLS12, BOTH[0]), (&TLS13, BOTH[1])] {
        let identity = authority.issue("gate-1");
        let leaf = identity.certificate.clone();
        let stream = authority.dial(address, tls, Some(identity)).await.unwrap();
        let mut client = Client::over(stream, mqtt);
        client
            .expect_connack(&Connect::new(mqtt, "gate-1"), 0)
            .await;
        client.publish(&own("events"), "[]", Some(1)).await;
        client.expect_puback(1, 0).await;
        let asked = opened.house.asked().pop().unwrap();
        assert_eq!(asked.certificate.as_deref(), Some(leaf.as_ref()));
    }
}

#[tokio::test]
async fn without_a_certificate_a_password_does_over_both_versions_of_tls() {
    let authority = Authority::new();
    let (opened, address) = open(&authority, DEADLINE);
    for (tls, mqtt) in [(&TLS12, BOTH[1]), (&TLS13, BOTH[0])] {
        let stream = authority.dial(address, tls, None).await.unwrap();
        let mut client = Client::over(stream, mqtt);
        client
            .expect_connack(&Connect::new(mqtt, "gate-1"), 0)
            .await;
        client.publish(&own("events"), "[]", Some(1)).await;
        client.expect_puback(1, 0).await;
        assert_eq!(opened.house.asked().pop().unwrap().certificate, None);
    }
}

#[tokio::test]
async fn a_certificate_of_another_authority_of_the_same_name_is_refused_and_counted() {
    let (authority, foreign) = (Authority::new(), Authority::new());
    let (opened, address) = open(&authority, DEADLINE);
    for (number, tls) in [&TLS12, &TLS13].into_iter().enumerate() {
        let identity = foreign.issue("gate-1");
        // With TLS 1.3 the client is done before its certificate is looked at.
        if let Ok(stream) = authority.dial(address, tls, Some(identity)).await {
            let mut client = Client::over(stream, V5);
            // It may be closed while we still write.
            let _ = client
                .stream
                .write_all(&Connect::new(V5, "gate-1").bytes())
                .await;
            client.expect_closed().await;
        }
        refused(&opened, ConnectRefusal::Tls, number as u64 + 1).await;
    }
    assert!(opened.house.asked().is_empty());
}

#[tokio::test]
async fn whoever_shows_a_certificate_is_not_held_for_others_wrong_passwords() {
    let authority = Authority::new();
    let limited = MqttSection {
        failed_logins_max: 1,
        failed_login_backoff_min: Duration::from_secs(60),
        ..section()
    };
    let (opened, address) = open_limited(&authority, DEADLINE, limited);
    let wrong = Connect {
        password: "wrong".to_owned(),
        ..Connect::new(V5, "gate-2")
    };
    for code in [0x86, 0x9F] {
        let stream = authority.dial(address, &TLS13, None).await.unwrap();
        Client::over(stream, V5).expect_connack(&wrong, code).await;
    }
    let identity = authority.issue("gate-1");
    let stream = authority.dial(address, &TLS13, Some(identity)).await;
    let mut client = Client::over(stream.unwrap(), V5);
    let connect = Connect::new(V5, "gate-1").without_password();
    client.expect_connack(&connect, 0).await;
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::AddressHeld), 1);
}

#[tokio::test]
async fn whoever_shows_a_certificate_does_not_queue_behind_passwords() {
    let authority = Authority::new();
    let (opened, address) = open(&authority, DEADLINE);
    let mut waiting = Vec::new();
    for number in 0..10 {
        let mut client = Client::open(opened.address(), V5).await;
        let connect = Connect {
            client_id: format!("slow-{number}"),
            ..Connect::new(V5, "slow")
        };
        client.send(&connect.bytes()).await;
        waiting.push(client);
    }
    soon(async {
        while opened.house.asked().len() < 4 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let identity = authority.issue("gate-1");
    let stream = authority.dial(address, &TLS13, Some(identity)).await;
    let mut client = Client::over(stream.unwrap(), V5);
    let connect = Connect::new(V5, "gate-1").without_password();
    client.expect_connack(&connect, 0).await;
    assert_eq!(opened.house.asked().len(), 5, "six passwords still queue");
}

#[tokio::test]
async fn a_handshake_that_never_ends_costs_its_own_connection_only() {
    let authority = Authority::new();
    let (opened, address) = open(&authority, Duration::from_secs(6));
    let mut hanging = Vec::new();
    for number in 0..50_u8 {
        let mut stream = soon(TcpStream::connect(address)).await.unwrap();
        if number % 2 == 0 {
            // The head of a ClientHello that is never finished.
            stream.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
        }
        hanging.push(stream);
    }
    let stream = authority.dial(address, &TLS13, None).await.unwrap();
    let mut client = Client::over(stream, V5);
    client.expect_connack(&Connect::new(V5, "gate-1"), 0).await;
    client.publish(&own("events"), "[]", Some(1)).await;
    client.expect_puback(1, 0).await;
    for mut stream in hanging {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    refused(&opened, ConnectRefusal::Timeout, 50).await;
}

#[tokio::test]
async fn sockets_that_speak_no_tls_are_bounded_like_any_and_closed() {
    let authority = Authority::new();
    let limited = MqttSection {
        connections_max: 1,
        ..section()
    };
    let (opened, address) = open_limited(&authority, DEADLINE, limited);
    let mut plain = Client::open(address, V5).await;
    plain.send(&Connect::new(V5, "gate-1").bytes()).await;
    // What comes back is a TLS alert, not MQTT.
    let mut answer = Vec::new();
    let _ = soon(plain.stream.read_to_end(&mut answer)).await;
    assert!(answer.is_empty() || answer[0] == 0x15, "{answer:02x?}");
    refused(&opened, ConnectRefusal::Tls, 1).await;
    // One connection, and 64 sockets that are told why not: the next is closed at once.
    let mut silent = Vec::new();
    for _ in 0..65 {
        silent.push(soon(TcpStream::connect(address)).await.unwrap());
    }
    Client::open(address, V5).await.expect_closed().await;
    refused(&opened, ConnectRefusal::ConnectionsMax, 1).await;
}
