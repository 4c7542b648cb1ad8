//! A plain device without an agent: MQTT 3.1.1 by the letter, which publishes visits and
//! remembers which were acknowledged. It writes its own bytes, so that nothing of ours or of a
//! client library stands between the PUBACK and what is believed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::site::Issued;

/// A visit of one person, as a CloudEvent of a plain device.
#[must_use]
pub fn visit(device: &str, id: &str, at: Timestamp, entered: u64) -> Value {
    let from = at
        .saturating_add(SignedDuration::from_secs(-60))
        .unwrap_or(at);
    json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("/devices/{device}"),
        "type": "library.visit.counted.v1",
        "time": at.to_string(),
        "data": {"from": from.to_string(), "to": at.to_string(), "in": entered, "out": 0},
    })
}

/// A connected plain device.
#[derive(Debug)]
pub struct Publisher {
    stream: TcpStream,
    device: String,
    /// Packet identifiers without an answer, and the event each carried.
    under_way: BTreeMap<u16, String>,
    next_packet_id: u16,
}

impl Publisher {
    /// Connects with a clean session and keep alive of 60 s.
    ///
    /// # Errors
    /// Where there is no connection, or the CONNACK is no 0.
    pub async fn connect(door: SocketAddr, issued: &Issued) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(door)
            .await
            .context("dialling the door")?;
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0b1100_0010, 0, 60];
        for text in [&issued.device, &issued.device, &issued.password] {
            push_text(&mut body, text);
        }
        stream
            .write_all(&packet(0x10, &body))
            .await
            .context("CONNECT")?;
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await.context("CONNACK")?;
        ensure!(connack == [0x20, 2, 0, 0], "CONNACK {connack:?}");
        let device = issued.device.clone();
        Ok(Self {
            stream,
            device,
            under_way: BTreeMap::new(),
            next_packet_id: 1,
        })
    }

    /// Publishes an event with QoS 1, without waiting for its PUBACK.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn publish(&mut self, id: &str, event: &Value) -> anyhow::Result<()> {
        let mut body = Vec::new();
        push_text(
            &mut body,
            &format!("library/v1/devices/{}/events", self.device),
        );
        body.extend(self.next_packet_id.to_be_bytes());
        body.extend(event.to_string().bytes());
        self.under_way.insert(self.next_packet_id, id.to_owned());
        self.next_packet_id = self.next_packet_id % u16::MAX + 1;
        self.stream
            .write_all(&packet(0x32, &body))
            .await
            .context("PUBLISH")
    }

    /// How many publishes have no answer yet.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Waits for one PUBACK and says which event it was for.
    ///
    /// # Errors
    /// Where the connection ends, or something else comes.
    pub async fn acknowledged(&mut self) -> anyhow::Result<String> {
        let mut puback = [0; 4];
        self.stream
            .read_exact(&mut puback)
            .await
            .context("PUBACK")?;
        ensure!(
            puback[..2] == [0x40, 2],
            "expected a PUBACK, got {puback:?}"
        );
        let packet_id = u16::from_be_bytes([puback[2], puback[3]]);
        self.under_way
            .remove(&packet_id)
            .context("a PUBACK for nothing")
    }
}

/// A fixed header with its Remaining Length, and the body.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut rest = body.len();
    loop {
        let low = u8::try_from(rest % 128).expect("below 128");
        rest /= 128;
        bytes.push(if rest > 0 { low | 0x80 } else { low });
        if rest == 0 {
            break;
        }
    }
    bytes.extend_from_slice(body);
    bytes
}

fn push_text(body: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("names here are short");
    body.extend(length.to_be_bytes());
    body.extend(text.bytes());
}
