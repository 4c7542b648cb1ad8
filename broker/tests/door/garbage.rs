//! Bytes that are no MQTT: they end one connection and never the door.

use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use super::client::{Client, Connect, V5, V311, publish};
use super::{Opened, open, own};

#[test]
fn garbage_never_closes_the_door() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let opened = runtime.block_on(async { open() });
    let config = ProptestConfig::with_cases(300);
    proptest!(config, |(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        version in prop_oneof![Just(V311), Just(V5)],
        welcome in any::<bool>(),
        mutated in any::<bool>(),
    )| {
        runtime.block_on(throw(&opened, &bytes, version, welcome, mutated));
    });
    runtime.block_on(async {
        for version in [V311, V5] {
            let connect = Connect::new(version, "gate-2");
            let mut client = Client::connect(opened.address(), &connect).await;
            client
                .publish("library/v1/devices/gate-2/events", "[]", Some(1))
                .await;
            client.expect_puback(1, 0).await;
        }
    });
}

async fn throw(opened: &Opened, bytes: &[u8], version: u8, welcome: bool, mutated: bool) {
    let connect = Connect::new(version, "gate-1");
    let mut client = if welcome {
        Client::connect(opened.address(), &connect).await
    } else {
        Client::open(opened.address(), version).await
    };
    let whole = if welcome {
        publish(version, &own("events"), "[1,2,3]", Some(1))
    } else {
        connect.bytes()
    };
    let thrown = if mutated {
        mutate(whole, bytes)
    } else {
        bytes.to_vec()
    };
    // The door may close while we still throw.
    let _ = client.stream.write_all(&thrown).await;
    let _ = client.stream.shutdown().await;
    while super::soon(client.try_packet()).await.is_some() {}
}

/// Flips a few bytes of a good packet, where and how the garbage says.
fn mutate(mut packet: Vec<u8>, by: &[u8]) -> Vec<u8> {
    for change in by.chunks_exact(2).take(3) {
        let at = usize::from(change[0]) % packet.len();
        packet[at] = change[1];
    }
    packet
}
