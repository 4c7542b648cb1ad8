//! A client of bare bytes: nothing between the test and the wire.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::house::PASSWORD;
use super::soon;

/// The two versions, by their Protocol Version byte.
pub(crate) const V311: u8 = 4;
pub(crate) const V5: u8 = 5;
pub(crate) const BOTH: [u8; 2] = [V311, V5];

/// A CONNECT, in parts that a test may change.
#[derive(Debug, Clone)]
pub(crate) struct Connect {
    pub(crate) version: u8,
    pub(crate) client_id: String,
    pub(crate) user: String,
    /// Empty: none.
    pub(crate) password: String,
    pub(crate) keep_alive: u16,
    pub(crate) clean: bool,
    pub(crate) will: Option<(String, String)>,
    pub(crate) properties: Vec<u8>,
}

impl Connect {
    pub(crate) fn new(version: u8, user: &str) -> Self {
        Self {
            version,
            client_id: format!("client-of-{user}"),
            user: user.to_owned(),
            password: PASSWORD.to_owned(),
            keep_alive: 60,
            clean: true,
            will: None,
            properties: Vec::new(),
        }
    }

    pub(crate) fn with_will(mut self, topic: &str, payload: &str) -> Self {
        self.will = Some((topic.to_owned(), payload.to_owned()));
        self
    }

    pub(crate) fn without_password(mut self) -> Self {
        self.password.clear();
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let will = if self.will.is_some() { 0b0010_1100 } else { 0 };
        let password = u8::from(!self.password.is_empty()) << 6;
        let flags = 0b1000_0000 | password | will | u8::from(self.clean) << 1;
        let mut body = text("MQTT");
        body.extend([self.version, flags]);
        body.extend(self.keep_alive.to_be_bytes());
        if self.version == V5 {
            body.push(u8::try_from(self.properties.len()).unwrap());
            body.extend(&self.properties);
        }
        body.extend(text(&self.client_id));
        if let Some((topic, payload)) = &self.will {
            if self.version == V5 {
                body.push(0);
            }
            body.extend(text(topic));
            body.extend(text(payload));
        }
        body.extend(text(&self.user));
        if !self.password.is_empty() {
            body.extend(text(&self.password));
        }
        packet(0x10, &body)
    }
}

/// A received packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) first: u8,
    pub(crate) body: Vec<u8>,
}

/// A received PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: String,
    pub(crate) id: Option<u16>,
    pub(crate) retain: bool,
}

pub(crate) struct Client<S = TcpStream> {
    pub(crate) stream: S,
    version: u8,
}

impl Client {
    /// A socket that has said nothing yet.
    pub(crate) async fn open(address: SocketAddr, version: u8) -> Self {
        let stream = soon(TcpStream::connect(address)).await.unwrap();
        Self { stream, version }
    }

    /// The same, from an address of this machine.
    pub(crate) async fn open_from(from: IpAddr, address: SocketAddr, version: u8) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        let stream = soon(socket.connect(address)).await.unwrap();
        Self { stream, version }
    }

    /// One that has hardly any room for what it does not read.
    pub(crate) async fn open_deaf(address: SocketAddr, version: u8) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1_024).unwrap();
        let stream = soon(socket.connect(address)).await.unwrap();
        Self { stream, version }
    }

    /// Connects and is let in.
    pub(crate) async fn connect(address: SocketAddr, connect: &Connect) -> Self {
        let (client, connack) = Self::try_connect(address, connect).await;
        assert_eq!((connack.first, &connack.body[..2]), (0x20, &[0, 0][..]));
        client
    }

    pub(crate) async fn try_connect(address: SocketAddr, connect: &Connect) -> (Self, Packet) {
        let mut client = Self::open(address, connect.version).await;
        client.send(&connect.bytes()).await;
        let connack = client.packet().await;
        (client, connack)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Speaks over something that is open already.
    pub(crate) fn over(stream: S, version: u8) -> Self {
        Self { stream, version }
    }

    /// Sends a CONNECT and is answered with this code.
    pub(crate) async fn expect_connack(&mut self, connect: &Connect, code: u8) {
        self.send(&connect.bytes()).await;
        let connack = self.packet().await;
        assert_eq!((connack.first, connack.body[1]), (0x20, code));
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn publish(&mut self, topic: &str, payload: &str, id: Option<u16>) {
        self.send(&publish(self.version, topic, payload, id)).await;
    }

    /// Subscribes and returns the codes of the SUBACK.
    pub(crate) async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        let mut body = vec![0, 9];
        body.extend((self.version == V5).then_some(0));
        for (filter, qos) in filters {
            body.extend(text(filter));
            body.push(*qos);
        }
        self.send(&packet(0x82, &body)).await;
        let suback = self.packet().await;
        assert_eq!(suback.first, 0x90, "{suback:?}");
        let codes_at = if self.version == V5 { 3 } else { 2 };
        suback.body[codes_at..].to_vec()
    }

    /// The next packet.
    pub(crate) async fn packet(&mut self) -> Packet {
        let packet = soon(self.try_packet()).await;
        packet.expect("a packet before the connection ends")
    }

    /// The next packet, or the end.
    pub(crate) async fn try_packet(&mut self) -> Option<Packet> {
        let first = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some(Packet { first, body })
    }

    /// The next packet is a PUBLISH; it is acknowledged.
    pub(crate) async fn message(&mut self) -> Message {
        let Packet { first, body } = self.packet().await;
        assert_eq!(first >> 4, 3, "a PUBLISH, not {first:#04x} {body:02x?}");
        let topic_len = usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = String::from_utf8(body[2..2 + topic_len].to_vec()).unwrap();
        let mut at = 2 + topic_len;
        let id = (first & 0b0110 != 0).then(|| {
            at += 2;
            u16::from_be_bytes([body[at - 2], body[at - 1]])
        });
        at += usize::from(self.version == V5);
        let payload = String::from_utf8(body[at..].to_vec()).unwrap();
        if let Some(id) = id {
            let [high, low] = id.to_be_bytes();
            self.send(&[0x40, 2, high, low]).await;
        }
        let retain = first & 1 == 1;
        Message {
            topic,
            payload,
            id,
            retain,
        }
    }

    /// The next packet is this PUBACK.
    pub(crate) async fn expect_puback(&mut self, id: u16, code: u8) {
        let [high, low] = id.to_be_bytes();
        let mut body = vec![high, low];
        body.extend((code != 0 && self.version == V5).then_some(code));
        assert_eq!(self.packet().await, Packet { first: 0x40, body });
    }

    /// MQTT 5 is told the code, 3.1.1 is closed.
    pub(crate) async fn expect_end(&mut self, code: u8) {
        if self.version == V5 {
            let body = vec![code, 0];
            assert_eq!(self.packet().await, Packet { first: 0xE0, body });
        }
        self.expect_closed().await;
    }

    pub(crate) async fn expect_closed(&mut self) {
        assert_eq!(soon(self.try_packet()).await, None, "the connection ends");
    }

    /// A PINGREQ is answered next: nothing else was sent before.
    pub(crate) async fn expect_nothing_but_pong(&mut self) {
        self.send(&[0xC0, 0]).await;
        let body = Vec::new();
        assert_eq!(self.packet().await, Packet { first: 0xD0, body });
    }
}

pub(crate) fn publish(version: u8, topic: &str, payload: &str, id: Option<u16>) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(id.into_iter().flat_map(u16::to_be_bytes));
    body.extend((version == V5).then_some(0));
    body.extend(payload.as_bytes());
    packet(if id.is_some() { 0x32 } else { 0x30 }, &body)
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    let mut length = body.len();
    loop {
        let byte = (length & 0x7F) as u8;
        length >>= 7;
        if length == 0 {
            bytes.push(byte);
            break;
        }
        bytes.push(byte | 0x80);
    }
    bytes.extend(body);
    bytes
}
