//! Peers that cost what they can: each costs its own connection, and a steady client works on.

use std::time::Duration;

use lujiang_broker::ConnectRefusal;
use lujiang_config::{ByteSize, MqttSection};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{BOTH, Client, Connect, V5, V311, packet, publish, text};
use super::steady::Steady;
use super::{Opened, open, open_with, own, section, soon};

/// The longest a steady client may wait while others misbehave: far less than any deadline that
/// ends them.
const HARDLY: Duration = Duration::from_secs(10);

fn open_short() -> Opened {
    let short = MqttSection {
        connect_timeout: Duration::from_millis(500),
        write_timeout: Duration::from_millis(500),
        ..section()
    };
    open_with(short, Vec::new())
}

/// Waits until the door counted so much.
async fn until(claim: impl Fn() -> bool) {
    soon(async {
        while !claim() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn sockets_that_say_nothing_or_half_a_connect_are_closed_in_time() {
    let opened = open_short();
    let mut steady = Steady::start(opened.address()).await;
    let whole = Connect::new(V5, "gate-1").bytes();
    let mut held = Vec::new();
    for number in 0..200 {
        let mut stream = soon(TcpStream::connect(opened.address())).await.unwrap();
        stream
            .write_all(&whole[..number % whole.len()])
            .await
            .unwrap();
        held.push(stream);
    }
    steady.works_on(50).await;
    let metrics = opened.switchboard.metrics();
    until(|| metrics.refused(ConnectRefusal::Timeout) == 200).await;
    drop(held);
    assert!(steady.stop().await < HARDLY);
    assert_eq!(opened.house.asked().len(), 1, "only the steady one");
}

#[tokio::test]
async fn peers_that_vanish_without_a_word_are_gone_after_their_keep_alive() {
    let opened = open();
    let mut steady = Steady::start(opened.address()).await;
    let mut vanished = Vec::new();
    for number in 0..50 {
        let connect = Connect {
            keep_alive: 1,
            ..Connect::new(V5, &format!("gate-{number}"))
        };
        // Held open and never used again: as if its line had been cut.
        vanished.push(Client::connect(opened.address(), &connect).await);
    }
    let metrics = opened.switchboard.metrics();
    until(|| metrics.timeouts.get() == 50).await;
    steady.works_on(50).await;
    assert_eq!(opened.switchboard.connections(), 1);
    assert!(steady.stop().await < HARDLY);
}

#[tokio::test]
async fn who_sends_one_byte_at_a_time_is_served_like_anybody() {
    let opened = open();
    let mut steady = Steady::start(opened.address()).await;
    let mut patient = JoinSet::new();
    for number in 0..50 {
        let address = opened.address();
        patient.spawn(async move {
            let user = format!("gate-{number}");
            let version = BOTH[number % 2];
            let mut client = Client::open(address, version).await;
            for byte in Connect::new(version, &user).bytes() {
                client.send(&[byte]).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(client.packet().await.body[1], 0);
            let topic = format!("library/v1/devices/{user}/events");
            for byte in publish(version, &topic, "[]", Some(1)) {
                client.send(&[byte]).await;
                tokio::task::yield_now().await;
            }
            client.expect_puback(1, 0).await;
        });
    }
    while let Some(served) = soon(patient.join_next()).await {
        served.unwrap();
    }
    steady.works_on(10).await;
    assert!(steady.stop().await < HARDLY);
}

#[tokio::test]
async fn each_byte_in_time_is_no_packet_in_time() {
    let opened = open_short();
    let mut steady = Steady::start(opened.address()).await;
    // Each byte comes in time, the packet does not: the deadline is the packet's.
    let mut dripping = Client::open(opened.address(), V5).await;
    let drip = async {
        for byte in Connect::new(V5, "gate-1").bytes() {
            if dripping.stream.write_all(&[byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon(drip).await;
    dripping.expect_closed().await;
    steady.works_on(10).await;
    assert!(steady.stop().await < HARDLY);
}

#[tokio::test]
async fn lengths_beyond_the_largest_packet_end_a_connection_at_once() {
    let opened = open();
    let mut steady = Steady::start(opened.address()).await;
    for number in 0..100 {
        let mut stranger = Client::open(opened.address(), V5).await;
        // A CONNECT of 256 MiB; one of 320 KiB, which nobody unknown needs; five length bytes.
        let header: [&[u8]; 3] = [
            &[0x10, 0xFF, 0xFF, 0xFF, 0x7F],
            &[0x10, 0x80, 0x80, 0x14],
            &[0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        ];
        stranger.send(header[number % 3]).await;
        stranger.expect_closed().await;
    }
    for version in BOTH {
        let mut client = Client::connect(opened.address(), &Connect::new(version, "gate-1")).await;
        client.send(&[0x32, 0xFF, 0xFF, 0xFF, 0x7F]).await;
        client.expect_end(0x95).await;
    }
    let metrics = opened.switchboard.metrics();
    assert_eq!(metrics.refused(ConnectRefusal::Malformed), 100);
    steady.works_on(10).await;
    assert!(steady.stop().await < HARDLY);
}

#[tokio::test]
async fn a_publisher_that_never_reads_its_answers_is_closed() {
    let short = MqttSection {
        write_timeout: Duration::from_millis(500),
        messages_per_second: 1_000_000,
        bytes_per_second: ByteSize::mib(1_024),
        ..section()
    };
    let opened = open_with(short, Vec::new());
    let mut steady = Steady::start(opened.address()).await;
    let metrics = opened.switchboard.metrics();
    for (version, closed) in BOTH.into_iter().zip(1..) {
        let mut deaf = Client::open_deaf(opened.address(), version).await;
        deaf.expect_connack(&Connect::new(version, "gate-1"), 0)
            .await;
        // Each question has an answer that nobody takes.
        deaf.subscribe(&[(&own("clock"), 0)]).await;
        let question = r#"{"kind":"request","id":7,"uptime":"1234"}"#;
        let flood = publish(version, &own("clock"), question, None).repeat(500);
        let flooding = async { while deaf.stream.write_all(&flood).await.is_ok() {} };
        tokio::select! {
            () = flooding => {}
            () = until(|| metrics.timeouts.get() == closed) => {}
        }
        until(|| metrics.timeouts.get() == closed).await;
    }
    steady.works_on(50).await;
    assert!(steady.stop().await < HARDLY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_hundreds_that_connect_with_one_client_id_exactly_one_stays() {
    const RACING: usize = 300;
    let opened = open();
    let mut steady = Steady::start(opened.address()).await;
    let (ended, mut ends) = mpsc::channel(RACING);
    let mut racing = JoinSet::new();
    let (done, stay) = tokio::sync::watch::channel(());
    for number in 0..RACING {
        let (address, ended, mut stay) = (opened.address(), ended.clone(), stay.clone());
        racing.spawn(async move {
            let connect = Connect::new(BOTH[number % 2], "gate-1");
            let mut client = Client::open(address, connect.version).await;
            client.send(&connect.bytes()).await;
            let end = async { while client.try_packet().await.is_some() {} };
            tokio::select! {
                () = end => ended.send(()).await.unwrap(),
                _ = stay.changed() => client.expect_nothing_but_pong().await,
            }
        });
    }
    for _ in 1..RACING {
        soon(ends.recv()).await.unwrap();
    }
    steady.works_on(50).await;
    assert!(ends.try_recv().is_err(), "the last one stays");
    assert_eq!(opened.switchboard.connections(), 2);
    done.send(()).unwrap();
    while let Some(raced) = soon(racing.join_next()).await {
        raced.unwrap();
    }
    assert!(steady.stop().await < HARDLY);
    until(|| opened.switchboard.connections() == 0).await;
}

#[tokio::test]
async fn a_reader_that_floods_with_requests_is_slowed_down() {
    let opened = open();
    let mut steady = Steady::start(opened.address()).await;
    for version in [V311, V5] {
        let mut flooding =
            Client::connect(opened.address(), &Connect::new(version, "reader")).await;
        let properties: &[u8] = if version == V5 { &[0] } else { &[] };
        let filter = [text("library/v1/devices/#"), vec![0]].concat();
        let subscribe = packet(0x82, &[&[0, 9], properties, &filter].concat());
        let flood = [subscribe, vec![0xC0, 0]].concat().repeat(2_000);
        let before = opened.switchboard.metrics().slowed.get();
        // It reads nothing of what it gets for it.
        let _ = timeout(Duration::from_secs(1), flooding.stream.write_all(&flood)).await;
        until(|| opened.switchboard.metrics().slowed.get() > before).await;
        steady.works_on(50).await;
    }
    assert!(steady.stop().await < HARDLY);
}

#[tokio::test]
async fn readers_that_take_nothing_are_dropped_while_a_fan_out_goes_on() {
    let opened = open_with(
        MqttSection {
            outgoing_max: 64,
            ..section()
        },
        Vec::new(),
    );
    let mut steady = Steady::start(opened.address()).await;
    let mut deaf = Vec::new();
    for number in 0..20 {
        let connect = Connect {
            client_id: format!("deaf-{number}"),
            ..Connect::new(V5, if number % 2 == 0 { "reader" } else { "narrow" })
        };
        let (mut client, connack) = Client::try_connect(opened.address(), &connect).await;
        if connack.body[1] == 0 {
            client
                .subscribe(&[("library/v1/devices/+/events", 1)])
                .await;
            deaf.push(client);
        }
    }
    let refused = opened.switchboard.metrics();
    let refused = refused.refused(ConnectRefusal::SessionsMax);
    assert_eq!(refused, 12, "four sessions for each of the two");
    let topic = own("events").parse().unwrap();
    until(|| {
        opened.switchboard.fan_out(&topic, vec![b'x'; 1_000].into());
        opened.switchboard.connections() == 1
    })
    .await;
    steady.works_on(50).await;
    assert!(steady.stop().await < HARDLY);
}
