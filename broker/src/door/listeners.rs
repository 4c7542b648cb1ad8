//! The two listeners of the door, plain and behind TLS, and what is done for a connection before
//! its first byte of MQTT: its address is looked at, and TLS is spoken in its own task.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::entrance::{Caller, serve};
use super::{Context, DoorError};
use crate::metrics::ConnectRefusal;
use crate::tls::DoorTls;

/// Connections the kernel holds for us between two accepts.
const BACKLOG: u32 = 1_024;

/// Sockets beyond `connections_max` that are still told why they cannot come in.
const REFUSALS_AT_ONCE: usize = 64;

/// Pause after a failed accept: the usual cause, no free file descriptor, does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where connections come in.
pub(super) struct Listeners {
    plain: Listener,
    tls: Option<(Listener, Handshake)>,
}

struct Listener {
    socket: TcpListener,
    bound: SocketAddr,
}

/// How TLS is spoken with one connection.
#[derive(Clone)]
struct Handshake {
    acceptor: TlsAcceptor,
    deadline: Duration,
}

impl Listeners {
    pub(super) fn bind(plain: SocketAddr, tls: Option<DoorTls>) -> Result<Self, DoorError> {
        let plain = Listener::bind(plain)?;
        let tls = match tls {
            None => None,
            Some(tls) => {
                let handshake = Handshake {
                    acceptor: TlsAcceptor::from(tls.config),
                    deadline: tls.handshake_timeout,
                };
                Some((Listener::bind(tls.listen)?, handshake))
            }
        };
        Ok(Self { plain, tls })
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.plain.bound
    }

    pub(super) fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls.as_ref().map(|(listener, _)| listener.bound)
    }

    /// Accepts until told to stop, then waits for every connection to end.
    pub(super) async fn accept(self, context: Arc<Context>, kill: CancellationToken) {
        let mut connections = JoinSet::new();
        let connections_max = context.section.connections_max;
        let sockets_max = connections_max.saturating_add(REFUSALS_AT_ONCE);
        loop {
            let accepted = tokio::select! {
                () = context.stop.cancelled() => break,
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    count_panic(&context, ended);
                    continue;
                }
                accepted = self.next() => accepted,
            };
            match accepted {
                Ok((stream, peer, handshake)) => {
                    context.metrics.accepted.increase();
                    if let Err(refusal) = may_stay(&context, peer, connections.len() < sockets_max)
                    {
                        // Closed without a word: a flood is not worth an answer, nor TLS.
                        context.metrics.refuse(refusal);
                        continue;
                    }
                    connections.spawn(serve_socket(Arc::clone(&context), stream, peer, handshake));
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self);
        let leaving = async {
            while let Some(ended) = connections.join_next().await {
                count_panic(&context, ended);
            }
        };
        tokio::select! {
            () = leaving => {}
            () = kill.cancelled() => connections.shutdown().await,
        }
    }

    /// The next connection on either; with a handshake where it came in behind TLS.
    ///
    /// # Cancel safety
    /// None is lost, as with `accept`.
    async fn next(&self) -> io::Result<(TcpStream, SocketAddr, Option<Handshake>)> {
        let behind_tls = async {
            match &self.tls {
                Some((listener, handshake)) => {
                    let (stream, peer) = listener.socket.accept().await?;
                    Ok((stream, peer, Some(handshake.clone())))
                }
                None => pending().await,
            }
        };
        tokio::select! {
            plain = self.plain.socket.accept() => plain.map(|(stream, peer)| (stream, peer, None)),
            accepted = behind_tls => accepted,
        }
    }
}

impl Listener {
    fn bind(address: SocketAddr) -> Result<Self, DoorError> {
        let bind = || {
            let socket = match address {
                SocketAddr::V4(_) => TcpSocket::new_v4()?,
                SocketAddr::V6(_) => TcpSocket::new_v6()?,
            };
            // A restart must not wait for the old connections' TIME_WAIT.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let bound = socket.local_addr()?;
            Ok(Self { socket, bound })
        };
        bind().map_err(|source| DoorError::Listen { address, source })
    }
}

fn may_stay(context: &Context, peer: SocketAddr, has_place: bool) -> Result<(), ConnectRefusal> {
    if !has_place {
        return Err(ConnectRefusal::ConnectionsMax);
    }
    let called = context.addresses.call(peer.ip(), Instant::now());
    called.map_err(|_held| ConnectRefusal::AttemptsMax)
}

/// A panic was reported where it happened, and its connection's place is free; here it is counted.
fn count_panic(context: &Context, ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        context.metrics.connection_panics.increase();
    }
}

/// Serves one socket. What each stage needs is in a box of its own, so that thousands of idle
/// connections keep nothing of their handshake.
async fn serve_socket(
    context: Arc<Context>,
    stream: TcpStream,
    peer: SocketAddr,
    handshake: Option<Handshake>,
) {
    // Acknowledgements are small and waited for. A socket that refuses is about to fail anyway.
    let _ = stream.set_nodelay(true);
    let certificate = None;
    let serving = match handshake {
        None => serve(context, stream, Caller { peer, certificate }).boxed(),
        Some(handshake) => match shake(&context, stream, peer, handshake).boxed().await {
            Ok((stream, caller)) => serve(context, stream, caller).boxed(),
            Err(refusal) => return context.metrics.refuse(refusal),
        },
    };
    let span = tracing::info_span!("connection", %peer);
    serving.instrument(span).await;
}

/// Speaks TLS until the handshake is over.
async fn shake(
    context: &Context,
    stream: TcpStream,
    peer: SocketAddr,
    Handshake { acceptor, deadline }: Handshake,
) -> Result<(TlsStream<TcpStream>, Caller), ConnectRefusal> {
    let shaken = tokio::select! {
        shaken = timeout(deadline, acceptor.accept(stream)) => shaken,
        () = context.stop.cancelled() => return Err(ConnectRefusal::Unavailable),
    };
    let stream = shaken
        .map_err(|_| ConnectRefusal::Timeout)?
        .map_err(|error| {
            tracing::debug!(%peer, %error, "TLS handshake failed");
            ConnectRefusal::Tls
        })?;
    let certificates = stream.get_ref().1.peer_certificates();
    let leaf = certificates.and_then(<[_]>::first);
    let certificate = leaf.map(|leaf| Bytes::copy_from_slice(leaf));
    Ok((stream, Caller { peer, certificate }))
}
