//! A plain device without an agent: MQTT 3.1.1 by the letter, which publishes visits and
//! remembers which were acknowledged. It writes its own bytes, so that nothing of ours or of a
//! client library stands between the PUBACK and what is believed.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

pub use crate::packet::Version;
use crate::packet::{self, CONNACK, Connect, DISCONNECT, PUBACK, Qos};
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
        let connect = Connect::new(version, &issued.device, &issued.password);
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
            .write_all(&connect.bytes())
            .await
            .context("CONNECT")?;
        let (first, body) = packet::read(&mut publisher.stream)
            .await
            .context("CONNACK")?;
        ensure!(
            first == CONNACK && body.get(1) == Some(&0),
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
        let qos = Qos::One(self.next_packet_id);
        let bytes = packet::publish(self.version, topic, payload, qos);
        self.under_way.insert(self.next_packet_id, id.to_owned());
        self.next_packet_id = self.next_packet_id % u16::MAX + 1;
        self.stream.write_all(&bytes).await.context("PUBLISH")
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
        let (first, body) = packet::read(&mut self.stream)
            .await
            .context("reading a packet")?;
        match (first, body.as_slice()) {
            (PUBACK, [high, low, rest @ ..]) => {
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
            (DISCONNECT, rest) => Ok(Answer::Disconnected {
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
}
