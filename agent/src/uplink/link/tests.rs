//! Claims about whom the link shows itself as, against a door of our own on this machine.

use std::collections::BTreeMap;
use std::sync::Mutex;

use lujiang_config::OutboxSection;
use lujiang_wire::DeviceId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::identity::DeviceKey;
use crate::measured_time::tests::SetClock;
use crate::outbox::OutboxOptions;
use crate::test_authority::{Authority, YEAR};
use crate::test_gateway::acceptor;
use crate::tls::Trust;

/// Longer than any machine takes for a few connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// CONNACK (MQTT 5) without properties: welcome.
const WELCOME: [u8; 5] = [0x20, 0x03, 0x00, 0x00, 0x00];

/// CONNACK (MQTT 5) without properties: 0x87, not authorised.
const NOT_AUTHORISED: [u8; 5] = [0x20, 0x03, 0x00, 0x87, 0x00];

fn device() -> DeviceId {
    "gate-1".parse().unwrap()
}

fn identity(authority: &Authority) -> Identity {
    let key = DeviceKey::generate().unwrap();
    let csr = key.signing_request(&device()).unwrap();
    let url = "https://localhost".parse().unwrap();
    Identity::assemble(&device(), url, &key, authority.issue(&csr, &device(), YEAR)).unwrap()
}

/// The certificates shown at a door, one a connection.
type Shown = Arc<Mutex<Vec<Vec<u8>>>>;

/// A door that lets in this certificate and no other; its port, and what was shown there.
async fn door(authority: &Authority, known: Vec<u8>) -> (u16, Shown, JoinHandle<()>) {
    let (chain, key) = authority.gateway("localhost", YEAR);
    let acceptor = acceptor(chain, key, authority);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shown = Shown::default();
    let seen = shown.clone();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
            let answer = if certificate == known {
                WELCOME
            } else {
                NOT_AUTHORISED
            };
            seen.lock().unwrap().push(certificate);
            stream.read_u8().await.unwrap();
            stream.write_all(&answer).await.unwrap();
            stream.flush().await.unwrap();
            // Until the client has enough of it.
            while stream.read_u8().await.is_ok() {}
        }
    });
    (port, shown, task)
}

/// An uplink in this folder towards this port, and the board it writes on.
fn uplink(folder: &std::path::Path, port: u16) -> (Uplink, Arc<Board>) {
    let clock = SetClock::at("2026-06-01T00:00:00Z", Duration::ZERO);
    let board = Arc::new(Board::new(clock.wall(), false));
    let mut agent = AgentSection::of_device(device());
    agent.data = folder.to_owned();
    let mut section = UplinkSection::in_folder(folder);
    section.host = "localhost".to_owned();
    section.port = port;
    section.backoff_min = Duration::from_millis(10);
    section.backoff_max = Duration::from_millis(20);
    let outbox = Outbox::open(
        &folder.join("outbox.db"),
        &device(),
        &OutboxSection::default(),
        OutboxOptions::default(),
    )
    .unwrap();
    let uplink = Uplink {
        trust: Trust::default(),
        agent,
        section,
        outbox,
        time: MeasuredTime::new(clock.clone()),
        clock,
        board: board.clone(),
        renewals: watch::Sender::new(0),
        desired: watch::Sender::default(),
        reported: watch::Sender::default().subscribe(),
        satchel: None,
    };
    (uplink, board)
}

/// Runs the uplink until it is let in.
async fn let_in(uplink: Uplink, board: &Board) {
    let epoch = uplink.outbox.epoch().clone();
    let stop = CancellationToken::new();
    let task = tokio::spawn(uplink.run(stop.clone()));
    let mut changes = board.changes();
    let let_in = async {
        let link = || {
            let now = jiff::Timestamp::UNIX_EPOCH;
            board.account(&device(), now, &epoch, BTreeMap::new()).link
        };
        while link() != Link::Measuring {
            changes.changed().await.unwrap();
        }
    };
    timeout(PATIENCE, let_in).await.unwrap();
    stop.cancel();
    task.abort();
}

#[tokio::test]
async fn a_door_that_knows_only_the_certificate_before_the_last_is_shown_it_and_it_is_kept() {
    let outer = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (old, new) = (identity(&authority), identity(&authority));
    let known = old.certified_key().cert[0].to_vec();
    let (port, shown, task) = door(&authority, known.clone()).await;
    let (uplink, board) = uplink(outer.path(), port);
    let folder = IdentityFolder::new(&uplink.section.identity, &device());
    folder.replace(&old).unwrap();
    folder.succeed(&old, &new).unwrap();
    let_in(uplink, &board).await;
    let refused = new.certified_key().cert[0].to_vec();
    assert_eq!(
        *shown.lock().unwrap(),
        [refused, known],
        "the last one first"
    );
    assert!(folder.load().unwrap().is_same(&old));
    task.abort();
}

#[tokio::test]
async fn a_door_that_knows_the_last_certificate_never_sees_the_one_before() {
    let outer = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let (old, new) = (identity(&authority), identity(&authority));
    let known = new.certified_key().cert[0].to_vec();
    let (port, shown, task) = door(&authority, known.clone()).await;
    let (uplink, board) = uplink(outer.path(), port);
    let folder = IdentityFolder::new(&uplink.section.identity, &device());
    folder.succeed(&old, &new).unwrap();
    let_in(uplink, &board).await;
    assert_eq!(*shown.lock().unwrap(), [known]);
    assert!(folder.load().unwrap().is_same(&new));
    task.abort();
}
