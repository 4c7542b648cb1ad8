//! The router ends while facts flow: no fact depended on it.

use super::*;
use crate::router::FannedOut;

const EVENTS: &str = "library/v1/devices/gate-1/events";

#[tokio::test]
async fn facts_flow_on_while_the_router_dies_and_readers_come_back_by_themselves() {
    let opened = Opened::new();
    let switchboard = Arc::clone(&opened.context.switchboard);
    let (mut device, _serving) = opened.peer();
    device.send(&connect_v311("gate-1")).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    let (mut reader, _reading) = opened.peer();
    reader.send(&connect_v311("reader")).await;
    reader.expect(&[0x20, 2, 0, 0]).await;
    let events = [&[0, 1], &text("library/v1/devices/+/events")[..], &[0]].concat();
    reader.send(&packet(0x82, &events)).await;
    reader.expect(&[0x90, 3, 0, 1, 0]).await;

    let message = packet(0x30, &[&text(EVENTS)[..], b"again"].concat());
    for death in 1..=3_u16 {
        // What the door never lets through: a topic that is not ASCII ends the router's thread.
        switchboard.router().fan_out(FannedOut {
            topic: "école".to_owned(),
            payload: bytes::Bytes::new(),
        });
        let mut id = 0;
        while switchboard.router_restarts() < u64::from(death) {
            id = id % 1_000 + 1;
            device.send(&publish_v311(EVENTS, id, b"[]")).await;
            let [high, low] = id.to_be_bytes();
            device.expect(&[0x40, 2, high, low]).await;
        }
        assert!(id > 0, "facts flowed meanwhile");
        // The reader is still connected and gets what is fanned out once its link is back; what
        // is fanned out before that is lost to it, so it is said again and again.
        let saying = async {
            loop {
                switchboard.fan_out(&EVENTS.parse().unwrap(), "again".into());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            () = reader.expect(&message) => {}
            () = saying => {}
        }
    }
    assert_eq!(opened.context.metrics.connection_panics.get(), 0);
    opened.close().await;
}
