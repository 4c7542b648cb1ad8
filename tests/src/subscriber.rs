//! Who listens: a client that subscribes to one filter by the letter, and remembers everything it
//! was sent, byte for byte.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::packet::{self, CONNACK, Connect, SUBACK, Version};
use crate::site::Issued;

/// A connected subscriber.
#[derive(Debug)]
pub struct Subscriber {
    stream: TcpStream,
    heard: Vec<Vec<u8>>,
}

impl Subscriber {
    /// Connects, and subscribes with QoS 1.
    ///
    /// # Errors
    /// Where there is no connection, or one of the two is refused.
    pub async fn connect(
        door: SocketAddr,
        issued: &Issued,
        version: Version,
        filter: &str,
    ) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(door)
            .await
            .context("dialling the door")?;
        let mut connect = Connect::new(version, &issued.device, &issued.password);
        connect.client_id = format!("{}-listens", issued.device);
        stream.write_all(&connect.bytes()).await?;
        let (first, body) = packet::read(&mut stream).await.context("CONNACK")?;
        ensure!(
            first == CONNACK && body.get(1) == Some(&0),
            "CONNACK {first:#x} {body:?}"
        );
        stream
            .write_all(&packet::subscribe(version, filter, 1))
            .await?;
        let mut subscriber = Self {
            stream,
            heard: Vec::new(),
        };
        loop {
            let (first, body) = subscriber.packet().await?;
            if first == SUBACK {
                let code = body.last().copied().unwrap_or(u8::MAX);
                ensure!(code <= 2, "SUBACK {code:#x}");
                return Ok(subscriber);
            }
        }
    }

    /// Waits until a message says both of these; gives back its text from the first on.
    ///
    /// # Errors
    /// Where the connection ends, or nothing of it comes in time.
    pub async fn says(
        &mut self,
        first: &str,
        second: &str,
        deadline: Duration,
    ) -> anyhow::Result<String> {
        let end = Instant::now() + deadline;
        loop {
            let found = self.heard.iter().find_map(|message| {
                let text = String::from_utf8_lossy(message);
                let from = text.find(&format!("{{\"{first}\""))?;
                text[from..]
                    .contains(second)
                    .then(|| text[from..].to_owned())
            });
            if let Some(found) = found {
                return Ok(found);
            }
            let next = timeout_at(end, self.packet()).await;
            next.with_context(|| format!("{first} {second} was not said within {deadline:?}"))??;
        }
    }

    /// Everything heard so far, and whatever comes until it is quiet for this long.
    pub async fn everything(&mut self, quiet: Duration) -> Vec<u8> {
        while let Ok(Ok(_)) = tokio::time::timeout(quiet, self.packet()).await {}
        self.heard.concat()
    }

    /// Reads a packet, and acknowledges what wants to be.
    async fn packet(&mut self) -> anyhow::Result<(u8, Vec<u8>)> {
        let (first, body) = packet::read(&mut self.stream).await.context("a packet")?;
        if first & 0xf0 == 0x30 {
            self.heard.push(body.clone());
            let topic = body.get(..2).context("a topic")?;
            let id = 2 + usize::from(u16::from_be_bytes([topic[0], topic[1]]));
            if let (true, Some(id)) = (first & 0b110 != 0, body.get(id..id + 2)) {
                let id = u16::from_be_bytes([id[0], id[1]]);
                self.stream.write_all(&packet::puback(id)).await?;
            }
        }
        Ok((first, body))
    }
}
