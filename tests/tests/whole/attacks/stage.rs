//! Where the attacks are played: stock rumqttd, and a gateway with a bystander.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lujiang_tests::packet::{self, CONNACK, Connect, Version};
use lujiang_tests::process::{Process, binary};
use lujiang_tests::publisher::{Publisher, visit};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::wait::until;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a broker that works may take for one answer on a busy machine.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// How long a broker is given to show that it is felled, for each of [`TRIES`].
const NO_ANSWER: Duration = Duration::from_secs(1);

/// So many fresh clients in a row are turned away by a felled broker.
const TRIES: usize = 3;

/// Connections stock rumqttd takes: few, so that they can be used up.
pub(crate) const STOCK_CONNECTIONS: usize = 12;

/// What an attack is thrown at.
pub(crate) struct Target {
    v311: SocketAddr,
    v5: SocketAddr,
    logins: Vec<Issued>,
}

impl Target {
    /// The CONNECT of one of the cast: `attacker`, `accomplice`, `onlooker` (a reader).
    pub(crate) fn connect(&self, version: Version, who: &str) -> Connect {
        let login = self.logins.iter().find(|login| login.device == who);
        Connect::new(version, who, login.map_or("any", |login| &login.password))
    }

    /// A connection that has said nothing yet.
    pub(crate) async fn dial(&self, version: Version) -> anyhow::Result<TcpStream> {
        timeout(ANSWER, TcpStream::connect(self.address(version)))
            .await
            .context("dialling")?
            .context("dialling")
    }

    /// Connects and is let in.
    pub(crate) async fn enter(&self, connect: &Connect) -> anyhow::Result<TcpStream> {
        let stream = self.dial(connect.version).await?;
        Self::introduce(stream, connect).await
    }

    /// As [`Target::enter`], with the smallest window TCP has, so that little is taken unread.
    pub(crate) async fn enter_slowly(&self, connect: &Connect) -> anyhow::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(4_096)?;
        let stream = socket.connect(self.address(connect.version)).await?;
        Self::introduce(stream, connect).await
    }

    fn address(&self, version: Version) -> SocketAddr {
        match version {
            Version::V311 => self.v311,
            Version::V5 => self.v5,
        }
    }

    async fn introduce(mut stream: TcpStream, connect: &Connect) -> anyhow::Result<TcpStream> {
        stream.write_all(&connect.bytes()).await?;
        let (first, body) = answer(&mut stream).await?;
        ensure!(
            first == CONNACK && body.get(1) == Some(&0),
            "CONNACK {first:#x} {body:?}"
        );
        Ok(stream)
    }

    /// As [`Target::enter`], by the name that is also the Client Identifier.
    pub(crate) async fn enter_as(&self, version: Version, who: &str) -> anyhow::Result<TcpStream> {
        self.enter(&self.connect(version, who)).await
    }
}

/// The next packet, within a good broker's time.
pub(crate) async fn answer(stream: &mut TcpStream) -> anyhow::Result<(u8, Vec<u8>)> {
    Ok(timeout(ANSWER, packet::read(stream))
        .await
        .context("no answer in time")??)
}

/// Reads on until a packet of this first byte (its low four bits aside) comes.
pub(crate) async fn answer_of(stream: &mut TcpStream, first: u8) -> anyhow::Result<Vec<u8>> {
    loop {
        let (seen, body) = answer(stream).await?;
        if seen & 0xF0 == first & 0xF0 {
            return Ok(body);
        }
    }
}

/// rumqttd 0.20 in a process of its own.
pub(crate) struct Stock {
    pub(crate) target: Target,
    process: Process,
    /// Fresh clients so far: each has a name of its own.
    fresh: usize,
    folder: TempDir,
}

impl Stock {
    /// Stock rumqttd that lets clients in.
    pub(crate) async fn start() -> Self {
        Self::with_log(64 * 1024 * 1024).await
    }

    /// As [`Stock::start`], with so many bytes for the messages of one filter.
    pub(crate) async fn with_log(log_bytes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [v311, v5] = free_ports();
        let arguments = [
            v311.port().to_string(),
            v5.port().to_string(),
            STOCK_CONNECTIONS.to_string(),
            log_bytes.to_string(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let program = binary("examples/stock-rumqttd");
        let mut process = Process::start(&program, &arguments, &folder.path().join("log")).unwrap();
        let logins = Vec::new();
        let target = Target { v311, v5, logins };
        let mut tries = 0;
        until("stock rumqttd to let clients in", PATIENCE, async || {
            process.check_running()?;
            for version in Version::BOTH {
                // Coming back too soon under the same name fells it already.
                tries += 1;
                target.enter_as(version, &format!("first-{tries}")).await?;
            }
            Ok(())
        })
        .await
        .unwrap();
        Self {
            target,
            process,
            fresh: 0,
            folder,
        }
    }

    /// What it wrote so far.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Whether no fresh client is let in any longer.
    pub(crate) async fn is_felled(&mut self, version: Version) -> bool {
        for _ in 0..TRIES {
            self.fresh += 1;
            let connect = self
                .target
                .connect(version, &format!("fresh-{}", self.fresh));
            if let Ok(Ok(_)) = timeout(NO_ANSWER, self.target.enter(&connect)).await {
                return false;
            }
        }
        true
    }

    /// Ends the positive control, which must have fallen.
    pub(crate) async fn has_fallen(mut self, version: Version) {
        let felled = until("stock rumqttd to fall", PATIENCE, async || {
            ensure!(self.is_felled(version).await, "it lets clients in");
            Ok(())
        });
        felled.await.unwrap();
        self.end().await;
    }

    /// Ends it.
    pub(crate) async fn end(&mut self) {
        self.process.kill().await.unwrap();
    }
}

/// A gateway, those who attack it, and a device that goes on publishing facts.
pub(crate) struct House {
    pub(crate) target: Target,
    pub(crate) library: Library,
    bystander: JoinHandle<anyhow::Result<BTreeSet<String>>>,
    over: CancellationToken,
    _folder: TempDir,
}

impl House {
    /// A gateway whose bystander is publishing.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut library = Library::in_folder(folder.path(), &data).unwrap();
        let door = library.start().await.unwrap().mqtt;
        let mut logins = Vec::new();
        for device in ["attacker", "accomplice"] {
            logins.push(library.add_device(device, "gate", "main").await.unwrap());
        }
        let reader = library.add_reader("onlooker", "library/v1/devices/#").await;
        logins.push(reader.unwrap());
        let issued = library.add_device("bystander", "gate", "main").await;
        let (issued, over) = (issued.unwrap(), CancellationToken::new());
        let mut publisher = Publisher::connect(door, &issued, Version::V5)
            .await
            .unwrap();
        let until_over = over.clone();
        let bystander = tokio::spawn(async move {
            let mut acknowledged = BTreeSet::new();
            while !until_over.is_cancelled() {
                let id = format!("fact-{}", acknowledged.len());
                let event = visit("bystander", &id, jiff::Timestamp::now(), 1);
                timeout(PATIENCE, publisher.deliver(&id, &event))
                    .await
                    .with_context(|| format!("no PUBACK for {id}"))??;
                acknowledged.insert(id);
            }
            Ok(acknowledged)
        });
        let target = Target {
            v311: door,
            v5: door,
            logins,
        };
        Self {
            target,
            library,
            bystander,
            over,
            _folder: folder,
        }
    }

    /// The door lets clients in, the bystander's facts are all acknowledged and in the ledger,
    /// nothing panicked, and the gateway ends cleanly.
    pub(crate) async fn ends_unharmed(mut self) {
        for version in Version::BOTH {
            for who in ["accomplice", "onlooker"] {
                let entered = self.target.enter_as(version, who).await;
                entered.unwrap_or_else(|error| panic!("{who}, {version:?}: {error:#}"));
            }
        }
        self.over.cancel();
        let acknowledged = self.bystander.await.unwrap().unwrap();
        assert!(!acknowledged.is_empty());
        let entries = self.library.entries().await.unwrap();
        let kept: BTreeSet<String> = entries
            .iter()
            .filter(|entry| entry["event"]["source"] == "/devices/bystander")
            .filter_map(|entry| entry["event"]["id"].as_str().map(str::to_owned))
            .collect();
        assert_eq!(kept, acknowledged);
        self.library.stop().await.unwrap();
        let log = self.library.log();
        assert!(!log.contains("panicked"), "{log}");
    }
}

fn free_ports() -> [SocketAddr; 2] {
    let free = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    free.each_ref()
        .map(|listener| listener.local_addr().unwrap())
}
