//! Foreign clients: rumqttc, and mosquitto's where it is installed.

use std::io::ErrorKind;
use std::process::Output;

use bytes::Bytes;
use lujiang_wire::Channel;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, PublishOptions, PublishResult, QoS};
use tokio::process::Command;

use super::house::PASSWORD;
use super::{Opened, open, own, requests_refused, soon};

#[tokio::test]
async fn rumqttc_publishes_and_receives() {
    let opened = open();
    let address = opened.address();
    let host = (address.ip().to_string(), address.port());
    let mut options = MqttOptions::new("agent", host);
    options.set_credentials("gate-1", PASSWORD);
    options.set_clean_start(true);
    let (client, mut events) = AsyncClient::builder(options).capacity(16).build();
    let (seen, mut received) = tokio::sync::mpsc::channel(16);
    let polling = tokio::spawn(async move {
        while let Ok(event) = events.poll().await {
            match event {
                Event::Incoming(Incoming::SubAck(_)) => seen.send(None).await.unwrap(),
                Event::Incoming(Incoming::Publish(publish)) => {
                    seen.send(Some(publish.payload.clone())).await.unwrap();
                }
                _ => {}
            }
        }
    });
    client
        .subscribe(own("receipts"), QoS::AtLeastOnce)
        .await
        .unwrap();
    assert_eq!(soon(received.recv()).await, Some(None));
    let options = || PublishOptions::new(QoS::AtLeastOnce);
    for payload in ["[1]", "[2]"] {
        let notice = client
            .publish_tracked(own("events"), payload, options())
            .await
            .unwrap();
        let result = soon(notice.wait_async()).await.unwrap();
        assert!(matches!(result, PublishResult::Qos1(_)), "{result:?}");
    }
    assert_eq!(opened.house.payloads(), ["[1]", "[2]"]);
    let receipts = Bytes::from_static(b"{}");
    let device = "gate-1".parse().unwrap();
    opened
        .switchboard
        .deliver(&device, Channel::Receipts, receipts.clone());
    assert_eq!(soon(received.recv()).await, Some(Some(receipts)));
    client.disconnect().await.unwrap();
    soon(polling).await.unwrap();
}

#[tokio::test]
async fn mosquitto_publishes_in_both_versions() {
    let opened = open();
    for version in ["311", "5"] {
        for qos in ["0", "1"] {
            let before = opened.house.payloads().len();
            let topic = own("events");
            let arguments = ["-V", version, "-q", qos, "-t", &topic, "-m", "[1]"];
            let Some(output) = mosquitto_pub(&opened, &arguments).await else {
                return;
            };
            assert!(output.status.success(), "{output:?}");
            opened.house.arrived(before + 1).await;
        }
        let foreign = "library/v1/devices/gate-2/events";
        let arguments = ["-V", version, "-q", "1", "-t", foreign, "-m", "[1]"];
        mosquitto_pub(&opened, &arguments).await.unwrap();
        let hanzi = ["-V", version, "-q", "1", "-t", "门/事件", "-m", "[1]"];
        mosquitto_pub(&opened, &hanzi).await.unwrap();
    }
    assert_eq!(opened.house.payloads().len(), 4);
    assert_eq!(requests_refused(&opened, "not_authorized"), 4);
}

#[tokio::test]
async fn mosquitto_gets_what_is_retained_in_both_versions() {
    let opened = open();
    let device = "gate-1".parse().unwrap();
    let desired = Bytes::from_static(b"{\"volume\":3}");
    opened
        .switchboard
        .deliver(&device, Channel::Desired, desired);
    for version in ["311", "5"] {
        for user in ["reader", "gate-1"] {
            let topic = own("#");
            let mut command = mosquitto("mosquitto_sub", &opened, user);
            command.args(["-V", version, "-q", "1", "-C", "1", "-t", &topic]);
            let output = match soon(command.output()).await {
                Ok(output) => output,
                Err(error) if error.kind() == ErrorKind::NotFound => return,
                Err(error) => panic!("{error}"),
            };
            assert!(output.status.success(), "{output:?}");
            assert_eq!(output.stdout, b"{\"volume\":3}\n");
        }
    }
}

/// `None` where mosquitto is not installed.
async fn mosquitto_pub(opened: &Opened, arguments: &[&str]) -> Option<Output> {
    let mut command = mosquitto("mosquitto_pub", opened, "gate-1");
    match soon(command.args(arguments).output()).await {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{error}"),
    }
}

fn mosquitto(program: &str, opened: &Opened, user: &str) -> Command {
    let port = opened.address().port().to_string();
    let mut command = Command::new(program);
    command.args(["-h", "127.0.0.1", "-p", &port, "-u", user, "-P", PASSWORD]);
    command
}
