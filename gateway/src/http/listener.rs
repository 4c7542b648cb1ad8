//! A listener: accepts, shakes hands where it speaks TLS, and serves each connection by itself.
//!
//! Plain and HTTPS are the same but for the handshake. Each listener has its own places, so that
//! whoever fills the street's cannot keep the machine's own commands out. A connection without a
//! request is closed after the header timeout, a handshake that does not end after its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::peer::{Peer, Scheme};

/// Pause after a failed accept: the usual cause, no free file descriptor, does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Most header fields of a request; more are no browser.
const HEADERS_MAX: usize = 64;

/// Most bytes read ahead of one connection, the head of a request included.
const BUFFER_MAX: usize = 32 * 1_024;

/// The certificate (DER) whose key the other end has proved to hold; its chain is verified,
/// whose it is and whether it was revoked is not.
#[derive(Debug, Clone)]
pub(super) struct PeerCertificate(pub(super) Bytes);

/// A listener that has its address and accepts nobody yet.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    /// How it shakes hands, and how long that may take; none speaks plainly.
    pub(super) tls: Option<(TlsAcceptor, Duration)>,
    pub(super) connections_max: usize,
    pub(super) header_timeout: Duration,
}

impl Listener {
    /// Serves until stopping; ends when every connection has ended.
    pub(super) async fn serve(self, app: Router, stopping: CancellationToken) {
        let places = Arc::new(Semaphore::new(
            self.connections_max.min(Semaphore::MAX_PERMITS),
        ));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    told(&ended);
                    continue;
                }
                accepted = self.socket.accept() => accepted,
            };
            match accepted {
                Ok((stream, address)) => {
                    let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                        tracing::debug!(%address, "connection refused: http.connections_max");
                        continue;
                    };
                    let serving = Serving {
                        app: app.clone(),
                        address,
                        header_timeout: self.header_timeout,
                        stopping: stopping.clone(),
                        _place: place,
                    };
                    connections.spawn(serving.shake(stream, self.tls.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.socket);
        while let Some(ended) = connections.join_next().await {
            told(&ended);
        }
    }
}

/// One connection.
struct Serving {
    app: Router,
    address: SocketAddr,
    header_timeout: Duration,
    stopping: CancellationToken,
    /// Held while the connection lasts.
    _place: OwnedSemaphorePermit,
}

impl Serving {
    async fn shake(self, stream: TcpStream, tls: Option<(TlsAcceptor, Duration)>) {
        // Answers are small; a socket that refuses is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let Some((acceptor, deadline)) = tls else {
            return self.serve(stream, Scheme::Plain, None).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(deadline, acceptor.accept(stream)) => shaken,
            () = self.stopping.cancelled() => return,
        };
        match shaken {
            Ok(Ok(stream)) => {
                let chain = stream.get_ref().1.peer_certificates();
                let leaf = chain.and_then(<[_]>::first);
                let leaf = leaf.map(|leaf| PeerCertificate(Bytes::copy_from_slice(leaf)));
                self.serve(stream, Scheme::Tls, leaf).await;
            }
            Ok(Err(error)) => {
                tracing::debug!(address = %self.address, %error, "TLS handshake failed");
            }
            Err(_) => tracing::debug!(address = %self.address, "TLS handshake took too long"),
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        self,
        stream: S,
        scheme: Scheme,
        certificate: Option<PeerCertificate>,
    ) {
        let peer = Peer {
            address: self.address.ip().to_canonical(),
            scheme,
        };
        let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
            let extensions = request.extensions_mut();
            extensions.insert(peer);
            certificate.clone().map(|it| extensions.insert(it));
            self.app.clone().oneshot(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_headers(HEADERS_MAX)
            .max_buf_size(BUFFER_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(address = %self.address, %error, "connection ended");
        }
    }
}

/// A panic of one connection ends that connection.
fn told(ended: &Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an HTTP connection panicked");
    }
}

/// Takes an address.
pub(super) async fn bind(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpListener::bind(address).await?;
    let bound = socket.local_addr()?;
    Ok((socket, bound))
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::task::JoinHandle;

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n";

    /// Longest wait for what must come.
    const DEADLINE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_its_own_connection_the_first_and_the_next() {
        let house = House::open(16, Duration::from_millis(200)).await;
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
        let house = House::open(2, DEADLINE).await;
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
        let house = House::open(16, DEADLINE * 10).await;
        let mut idle = house.connect().await;
        answer(&mut idle).await;
        let mut silent = house.connect().await;
        house.stop().await;
        end(&mut idle).await;
        end(&mut silent).await;
    }

    struct House {
        address: SocketAddr,
        stopping: CancellationToken,
        serving: JoinHandle<()>,
    }

    impl House {
        async fn open(connections_max: usize, header_timeout: Duration) -> Self {
            let (socket, address) = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
            let listener = Listener {
                socket,
                tls: None,
                connections_max,
                header_timeout,
            };
            let stopping = CancellationToken::new();
            let app = Router::new().route("/", get(|| async { "here" }));
            let serving = tokio::spawn(listener.serve(app, stopping.clone()));
            Self {
                address,
                stopping,
                serving,
            }
        }

        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }

        async fn stop(self) {
            self.stopping.cancel();
            timeout(DEADLINE, self.serving).await.unwrap().unwrap();
        }
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
}
