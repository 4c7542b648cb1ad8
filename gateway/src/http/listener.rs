//! A listener: accepts, shakes hands where it speaks TLS, and serves each connection by itself.
//!
//! Plain and HTTPS are the same but for the handshake and for what one address may hold. Each
//! listener has its own places, so that whoever fills the street's cannot keep the machine's own
//! commands out. A connection without a request is closed after the header timeout, a handshake
//! that does not end after its own, and who takes nothing of what is written after a third.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::callers::{Callers, Place};
use super::closed::Closed;
use super::peer::{Peer, Scheme};
use crate::metrics::Metrics;

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
    pub(super) callers: Callers,
    pub(super) deadlines: Deadlines,
    pub(super) metrics: Metrics,
}

/// How long a peer is waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    /// For the head of a request.
    pub(super) header: Duration,
    /// Until it takes something of what is written.
    pub(super) write: Duration,
}

impl Listener {
    /// Serves until stopping; ends when every connection has ended.
    pub(super) async fn serve(self, app: Router, stopping: CancellationToken) {
        let scheme = if self.tls.is_some() {
            Scheme::Tls
        } else {
            Scheme::Plain
        };
        let counted = Counted {
            scheme,
            metrics: self.metrics,
        };
        counted.begin();
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
                    counted.accepted();
                    let place = match self.callers.enter(address.ip(), Instant::now()) {
                        Ok(place) => place,
                        Err(closed) => {
                            counted.closed(address, closed);
                            continue;
                        }
                    };
                    let serving = Serving {
                        app: app.clone(),
                        address,
                        deadlines: self.deadlines,
                        stopping: stopping.clone(),
                        counted: counted.clone(),
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

/// Where a listener counts.
#[derive(Clone)]
struct Counted {
    scheme: Scheme,
    metrics: Metrics,
}

impl Counted {
    /// Shows every reason, none of them yet.
    fn begin(&self) {
        for reason in Closed::ALL {
            self.metrics
                .http_closed(self.scheme.as_str(), reason.as_str());
        }
    }

    fn accepted(&self) {
        self.metrics.http_accepted(self.scheme.as_str()).inc();
    }

    fn closed(&self, address: SocketAddr, reason: Closed) {
        let reason = reason.as_str();
        self.metrics.http_closed(self.scheme.as_str(), reason).inc();
        tracing::debug!(%address, reason, "connection closed");
    }
}

/// One connection.
struct Serving {
    app: Router,
    address: SocketAddr,
    deadlines: Deadlines,
    stopping: CancellationToken,
    counted: Counted,
    /// Held while the connection lasts.
    _place: Place,
}

impl Serving {
    async fn shake(self, stream: TcpStream, tls: Option<(TlsAcceptor, Duration)>) {
        // Answers are small; a socket that refuses is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let mut stream = Box::pin(TimeoutStream::new(stream));
        let write_timeout = Some(self.deadlines.write);
        stream.as_mut().set_write_timeout_pinned(write_timeout);
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
                self.counted.closed(self.address, Closed::Tls);
            }
            Err(_) => self.counted.closed(self.address, Closed::HandshakeTimeout),
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
            .header_read_timeout(self.deadlines.header)
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
            if let Some(reason) = Closed::in_error(&error) {
                self.counted.closed(self.address, reason);
            }
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
mod tests;
