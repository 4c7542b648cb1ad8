use axum::body::Body;
use axum::routing::get;
use lujiang_config::HttpSection;
use rcgen::generate_simple_self_signed;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::*;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

/// Until something is closed that is to be closed soon.
const SHORT: Duration = Duration::from_millis(200);

/// How long a handshake may take: one that goes on is not to end while others come.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// Longest wait for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_own_connection_the_first_and_the_next() {
    let house = House::open(|section| section.header_timeout = SHORT).await;
    let mut silent = house.connect().await;
    let mut slow = house.connect().await;
    slow.write_all(&REQUEST[..10]).await.unwrap();
    let mut idle = house.connect().await;
    assert!(answer(&mut idle).await.starts_with("HTTP/1.1 200"));
    for connection in [&mut silent, &mut slow, &mut idle] {
        end(connection).await;
    }
    let mut other = house.connect().await;
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
    house.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_and_its_place_is_given_again() {
    let house = House::open(|section| section.connections_max = 2).await;
    let (mut first, mut second) = (house.connect().await, house.connect().await);
    answer(&mut first).await;
    answer(&mut second).await;
    let mut third = house.connect().await;
    end(&mut third).await;
    assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"));
    drop(first);
    let comes_in = async {
        loop {
            let mut again = house.connect().await;
            let _ = again.write_all(REQUEST).await;
            if again.read_u8().await.is_ok() {
                break;
            }
        }
    };
    timeout(DEADLINE, comes_in).await.unwrap();
    house.stop().await;
}

#[tokio::test]
async fn a_stop_ends_connections_without_a_request() {
    let house = House::open(|_| {}).await;
    let mut idle = house.connect().await;
    answer(&mut idle).await;
    let mut silent = house.connect().await;
    house.stop().await;
    end(&mut idle).await;
    end(&mut silent).await;
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_closed_and_others_are_served() {
    let house = House::open(|section| section.write_timeout = SHORT).await;
    let mut slow = house.connect().await;
    let endless = REQUEST.to_vec();
    let endless = String::from_utf8(endless)
        .unwrap()
        .replace("/ ", "/endless ");
    slow.write_all(endless.as_bytes()).await.unwrap();
    let mut other = house.connect().await;
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
    house.closed(Scheme::Plain, Closed::WriteTimeout, 1).await;
    end(&mut slow).await;
    // One that waits between two requests takes its time, and is no slow one.
    assert!(answer(&mut other).await.starts_with("HTTP/1.1 200"));
    house.stop().await;
}

#[tokio::test]
async fn a_handshake_that_fails_or_never_ends_costs_its_own_connection_and_is_counted() {
    let house = House::open_secure(|_| {}).await;
    let mut silent = house.connect().await;
    let mut plain = house.connect().await;
    plain.write_all(REQUEST).await.unwrap();
    end(&mut plain).await;
    house.closed(Scheme::Tls, Closed::Tls, 1).await;
    end(&mut silent).await;
    house.closed(Scheme::Tls, Closed::HandshakeTimeout, 1).await;
    assert_eq!(house.metrics.http_accepted("https").get(), 2);
    house.stop().await;
}

#[tokio::test]
async fn one_address_too_many_times_is_closed_before_the_handshake() {
    let house = House::open_secure(|section| {
        section.address_connections_max = 2;
        section.attempts_per_minute_max = 4;
    })
    .await;
    let _held = (house.connect().await, house.connect().await);
    end(&mut house.connect().await).await;
    let reason = Closed::AddressConnectionsMax;
    house.closed(Scheme::Tls, reason, 1).await;
    house.closed(Scheme::Tls, Closed::HandshakeTimeout, 2).await;
    // The places are free again; this is the fourth call, and the last of this minute.
    let _fourth = house.connect().await;
    house.closed(Scheme::Tls, Closed::HandshakeTimeout, 3).await;
    end(&mut house.connect().await).await;
    house.closed(Scheme::Tls, Closed::AttemptsMax, 1).await;
    house.closed(Scheme::Tls, reason, 1).await;
    house.stop().await;
}

struct House {
    address: SocketAddr,
    metrics: Metrics,
    stopping: CancellationToken,
    serving: JoinHandle<()>,
}

impl House {
    /// Speaking plainly.
    async fn open(change: impl FnOnce(&mut HttpSection)) -> Self {
        let section = changed(change);
        Self::serve(section.clone(), None, Callers::of_this_machine(&section)).await
    }

    /// Speaking TLS, to the street.
    async fn open_secure(change: impl FnOnce(&mut HttpSection)) -> Self {
        let made = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
        let section = changed(change);
        let callers = Callers::of_the_street(&section);
        Self::serve(section, Some((acceptor, HANDSHAKE)), callers).await
    }

    async fn serve(
        section: HttpSection,
        tls: Option<(TlsAcceptor, Duration)>,
        callers: Callers,
    ) -> Self {
        let (socket, address) = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let metrics = Metrics::default();
        let listener = Listener {
            socket,
            tls,
            callers,
            deadlines: Deadlines {
                header: section.header_timeout,
                write: section.write_timeout,
            },
            metrics: metrics.clone(),
        };
        let stopping = CancellationToken::new();
        let endless = || async {
            let chunk = Ok::<_, std::convert::Infallible>(Bytes::from_static(&[0; 64 * 1_024]));
            Body::from_stream(futures_util::stream::repeat(chunk))
        };
        let app = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/endless", get(endless));
        let serving = tokio::spawn(listener.serve(app, stopping.clone()));
        Self {
            address,
            metrics,
            stopping,
            serving,
        }
    }

    /// Waits until a listener of this scheme closed so many connections for this reason.
    async fn closed(&self, scheme: Scheme, reason: Closed, count: u64) {
        let counter = self.metrics.http_closed(scheme.as_str(), reason.as_str());
        let counted = async {
            while counter.get() < count {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, counted).await.unwrap();
        assert_eq!(counter.get(), count, "{reason:?}");
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) {
        self.stopping.cancel();
        timeout(DEADLINE, self.serving).await.unwrap().unwrap();
    }
}

fn changed(change: impl FnOnce(&mut HttpSection)) -> HttpSection {
    let mut section = HttpSection {
        header_timeout: DEADLINE * 10,
        ..HttpSection::default()
    };
    change(&mut section);
    section
}

async fn answer(connection: &mut TcpStream) -> String {
    connection.write_all(REQUEST).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"here") {
        let read = timeout(DEADLINE, connection.read_u8()).await.unwrap();
        head.push(read.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// Waits until the other side has ended it, whatever it says before.
async fn end(connection: &mut TcpStream) {
    let mut rest = Vec::new();
    let ended = timeout(DEADLINE, connection.read_to_end(&mut rest)).await;
    // A reset is an end as well.
    let _ = ended.expect("it is still open");
}
