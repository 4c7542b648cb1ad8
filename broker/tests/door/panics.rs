//! A panic in the task of a connection: it ends that connection, frees its place, and is counted.

use super::client::{Client, Connect, V5};
use super::house::PanicIn;
use super::{Opened, open, own, soon};

/// Waits until the door counted so many panics.
async fn counted(opened: &Opened, panics: u64) {
    let metrics = opened.switchboard.metrics();
    soon(async {
        while metrics.connection_panics.get() < panics {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(metrics.connection_panics.get(), panics);
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_leaves_no_ghost_and_is_counted() {
    let opened = open();
    let address = opened.address();
    let mut other = Client::connect(address, &Connect::new(V5, "gate-2")).await;
    let places = [
        PanicIn::Admit,
        PanicIn::Keep,
        PanicIn::Receipts,
        PanicIn::Connected,
        PanicIn::Status,
        PanicIn::EveryWord,
    ];
    for (panics, place) in (1..).zip(places) {
        *opened.house.panic_in.lock().unwrap() = Some(place);
        let mut client = Client::open(address, V5).await;
        client.send(&Connect::new(V5, "gate-1").bytes()).await;
        if matches!(place, PanicIn::Keep | PanicIn::Receipts) {
            assert_eq!(client.packet().await.body[1], 0);
            let mut bytes = vec![0x82, 0, 0, 9, 0];
            bytes.extend(super::client::text(&own("receipts")));
            bytes.push(1);
            bytes[1] = u8::try_from(bytes.len() - 2).unwrap();
            client.send(&bytes).await;
            client.publish(&own("events"), "[]", Some(1)).await;
            while soon(client.try_packet()).await.is_some() {}
        } else {
            client.expect_closed().await;
        }
        counted(&opened, panics).await;
        assert_eq!(opened.switchboard.connections(), 1, "{place:?}: no ghost");
        *opened.house.panic_in.lock().unwrap() = None;
        // The same Client Identifier: were its place still held, this would wait for ever.
        let mut again = Client::connect(address, &Connect::new(V5, "gate-1")).await;
        again.publish(&own("events"), "[]", Some(1)).await;
        again.expect_puback(1, 0).await;
        again.send(&[0xE0, 0]).await;
        again.expect_closed().await;
        other.expect_nothing_but_pong().await;
    }
}

#[tokio::test]
async fn the_will_of_a_connection_that_panicked_is_published() {
    let opened = open();
    let mut reader = Client::connect(opened.address(), &Connect::new(V5, "reader")).await;
    reader
        .subscribe(&[("library/v1/devices/+/status", 1)])
        .await;
    let gone = r#"{"state":"offline","since":"2026-11-22T08:00:00Z","agent":"1.2.3"}"#;
    let connect = Connect::new(V5, "gate-1").with_will(&own("status"), gone);
    let mut client = Client::connect(opened.address(), &connect).await;
    *opened.house.panic_in.lock().unwrap() = Some(PanicIn::Keep);
    client.publish(&own("events"), "[]", Some(1)).await;
    client.expect_closed().await;
    assert_eq!(reader.message().await.payload, gone);
    counted(&opened, 1).await;
}
