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

/// Which protocol a publisher speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// MQTT 3.1.1
    V311,
    /// MQTT 5.0
    V5,
}

/// What the door said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// PUBACK for the event of this id, with its reason code (0 in 3.1.1).
    Acknowledged {
        /// The event's id.
        id: String,
        /// The reason code.
        reason: u8,
    },
    /// DISCONNECT with this reason code (MQTT 5 only).
    Disconnected {
        /// The reason code.
        reason: u8,
    },
}

/// A connected plain device.
#[derive(Debug)]
pub struct Publisher {
    stream: TcpStream,
    device: String,
    version: Version,
    /// Packet identifiers without an answer, and the event each carried.
    under_way: BTreeMap<u16, String>,
    next_packet_id: u16,
}

impl Publisher {
    /// Connects with a clean session and keep alive of 60 s.
    ///
    /// # Errors
    /// Where there is no connection, or the CONNACK is no 0.
    pub async fn connect(
        door: SocketAddr,
        issued: &Issued,
        version: Version,
    ) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(door)
            .await
            .context("dialling the door")?;
        let level = if version == Version::V5 { 5 } else { 4 };
        let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', level, 0b1100_0010, 0, 60];
        if version == Version::V5 {
            body.push(0);
        }
        for text in [&issued.device, &issued.device, &issued.password] {
            push_text(&mut body, text);
        }
        let device = issued.device.clone();
        let under_way = BTreeMap::new();
        let mut publisher = Self {
            stream,
            device,
            version,
            under_way,
            next_packet_id: 1,
        };
        publisher
            .stream
            .write_all(&packet(0x10, &body))
            .await
            .context("CONNECT")?;
        let (first, body) = publisher.read_packet().await.context("CONNACK")?;
        ensure!(
            first == 0x20 && body.get(1) == Some(&0),
            "CONNACK {first:#x} {body:?}"
        );
        Ok(publisher)
    }

    /// Publishes an event with QoS 1 on the device's own topic, without waiting for its PUBACK.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn publish(&mut self, id: &str, event: &Value) -> anyhow::Result<()> {
        let topic = format!("library/v1/devices/{}/events", self.device);
        self.publish_bytes(&topic, id, event.to_string().as_bytes())
            .await
    }

    /// Publishes any bytes anywhere with QoS 1; `id` names the publish in the answer.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn publish_bytes(
        &mut self,
        topic: &str,
        id: &str,
        payload: &[u8],
    ) -> anyhow::Result<()> {
        let mut body = Vec::new();
        push_text(&mut body, topic);
        body.extend(self.next_packet_id.to_be_bytes());
        if self.version == Version::V5 {
            body.push(0);
        }
        body.extend_from_slice(payload);
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

    /// Waits for the next answer.
    ///
    /// # Errors
    /// Where the connection ends, or something else comes.
    pub async fn answer(&mut self) -> anyhow::Result<Answer> {
        let (first, body) = self.read_packet().await?;
        match (first, body.as_slice()) {
            (0x40, [high, low, rest @ ..]) => {
                let packet_id = u16::from_be_bytes([*high, *low]);
                let id = self
                    .under_way
                    .remove(&packet_id)
                    .context("a PUBACK for nothing")?;
                Ok(Answer::Acknowledged {
                    id,
                    reason: rest.first().copied().unwrap_or(0),
                })
            }
            (0xE0, rest) => Ok(Answer::Disconnected {
                reason: rest.first().copied().unwrap_or(0),
            }),
            _ => anyhow::bail!("unexpected packet {first:#x} {body:?}"),
        }
    }

    /// The next answer, where one has already arrived.
    ///
    /// # Errors
    /// As [`Publisher::answer`].
    pub async fn answer_at_hand(&mut self) -> anyhow::Result<Option<Answer>> {
        use futures_util::FutureExt as _;
        let mut first = [0];
        // Looks whether a byte is there, takes nothing, and does not wait.
        match self.stream.peek(&mut first).now_or_never() {
            None | Some(Ok(0)) => Ok(None),
            Some(Ok(_)) => self.answer().await.map(Some),
            Some(Err(error)) => Err(error).context("looking for an answer"),
        }
    }

    /// Publishes one event and waits for its PUBACK of success.
    ///
    /// # Errors
    /// Where anything else is answered.
    pub async fn deliver(&mut self, id: &str, event: &Value) -> anyhow::Result<()> {
        self.publish(id, event).await?;
        let answer = self.answer().await?;
        let expected = Answer::Acknowledged {
            id: id.to_owned(),
            reason: 0,
        };
        ensure!(answer == expected, "{answer:?}");
        Ok(())
    }

    async fn read_packet(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.context("reading a packet")?;
        let mut length = 0_usize;
        for shift in [0, 7, 14, 21] {
            let byte = self.stream.read_u8().await.context("reading a length")?;
            length |= usize::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream
            .read_exact(&mut body)
            .await
            .context("reading a body")?;
        Ok((first, body))
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
