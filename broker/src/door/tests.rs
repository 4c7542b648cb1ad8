//! The door without sockets: peers are pipes in memory.

mod hostile;
mod router;

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lujiang_wire::{DeviceId, Receipts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::entrance::{Caller, serve};
use super::*;
use crate::connection::Connection;
use crate::house::{
    Admission, Arrival, ClientLimits, Credentials, Keeping, Kept, Pass, Principal, Refusal, Word,
};

/// No wait is longer; whoever hits it fails.
const DEADLINE: Duration = Duration::from_secs(60);

/// Bytes a pipe holds.
const PIPE: usize = 64 * 1024;

/// Lets everybody in by name, and keeps everything at once.
struct Yes(ClientLimits);

impl House for Yes {
    fn admit(&self, credentials: Credentials) -> BoxFuture<'_, Result<Admission, Refusal>> {
        let name = credentials.user_name.unwrap_or_default();
        let principal = if name == "reader" {
            let filters = vec!["library/v1/devices/#".parse().unwrap()];
            Ok(Principal::Reader { name, filters })
        } else {
            name.parse().map(Principal::Device)
        };
        let limits = self.0.clone();
        let admitted = principal.map_err(|_| Refusal::BadCredentials);
        let admitted = admitted.map(|principal| Admission {
            principal,
            limits,
            pass: Pass::new(""),
        });
        async { admitted }.boxed()
    }

    fn stands(&self, _admission: &Admission) -> bool {
        true
    }

    fn keep(&self, _arrival: Arrival) -> BoxFuture<'_, Keeping> {
        let (settle, keeping) = oneshot::channel();
        settle.send(Kept::Committed).unwrap();
        std::future::ready(keeping).boxed()
    }

    fn has_room(&self) -> bool {
        true
    }

    fn receipts(&self, _device: &DeviceId) -> BoxFuture<'_, Option<Receipts>> {
        async { None }.boxed()
    }

    fn heard(&self, _word: Word) {}

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

/// A door open to pipes, and its router.
struct Opened {
    context: Arc<Context>,
    keeping: JoinHandle<()>,
    router: CancellationToken,
}

impl Opened {
    fn new() -> Self {
        let section = MqttSection {
            messages_per_second: 1_000_000,
            failed_logins_max: u32::MAX,
            ..MqttSection::default()
        };
        let switchboard = Switchboard::new(&section);
        let house = Arc::new(Yes(ClientLimits::of(&section)));
        let router = CancellationToken::new();
        let keeper = switchboard.take_keeper().unwrap();
        let keeping = tokio::spawn(keeper.run(router.clone()));
        let stop = CancellationToken::new();
        Self {
            context: Arc::new(Context::new(section, house, switchboard, stop)),
            keeping,
            router,
        }
    }

    /// A pipe to the door, and the task that serves it.
    fn peer(&self) -> (Peer, JoinHandle<()>) {
        let (near, far) = tokio::io::duplex(PIPE);
        let caller = Caller {
            peer: "192.0.2.1:1883".parse().unwrap(),
            certificate: None,
        };
        let serving = tokio::spawn(serve(Arc::clone(&self.context), far, caller));
        (Peer(near), serving)
    }

    async fn close(self) {
        self.router.cancel();
        self.keeping.await.unwrap();
    }
}

/// A client of bare bytes.
struct Peer(DuplexStream);

impl Peer {
    async fn send(&mut self, bytes: &[u8]) {
        within(self.0.write_all(bytes)).await.unwrap();
    }

    async fn expect(&mut self, bytes: &[u8]) {
        let mut found = vec![0; bytes.len()];
        within(self.0.read_exact(&mut found)).await.unwrap();
        assert_eq!(found, bytes);
    }

    /// Everything until the door closes.
    async fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        within(self.0.read_to_end(&mut rest)).await.unwrap();
        rest
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    let waited = timeout(DEADLINE, future).await;
    waited.expect("it comes within the deadline")
}

/// A packet of less than 16 KiB.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap();
    let (low, high) = ((length & 0x7F) as u8, (length >> 7) as u8);
    let head = if high == 0 {
        vec![first, low]
    } else {
        vec![first, low | 0x80, high]
    };
    [head, body.to_vec()].concat()
}

fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

/// A 3.1.1 CONNECT with a password.
fn connect_v311(user: &str) -> Vec<u8> {
    let head = b"\0\x04MQTT\x04\xC2\0\x3C".to_vec();
    packet(0x10, &[head, text(user), text(user), text("p")].concat())
}

/// A 3.1.1 PUBLISH of QoS 1.
fn publish_v311(topic: &str, id: u16, payload: &[u8]) -> Vec<u8> {
    let body = [&text(topic), &id.to_be_bytes()[..], payload].concat();
    packet(0x32, &body)
}

#[tokio::test]
async fn what_an_idle_connection_keeps_is_small() {
    let opened = Opened::new();
    let (_near, far) = tokio::io::duplex(PIPE);
    let caller = Caller {
        peer: "192.0.2.1:1883".parse().unwrap(),
        certificate: None,
    };
    let serving = size_of_val(&serve(Arc::clone(&opened.context), far, caller));
    let kept = serving + size_of::<Connection<TcpStream>>();
    assert!(kept < 4 * 1024, "{kept} bytes");
    opened.close().await;
}
