//! The carrier's side of a connection: who dials shows the certificate of a device on the route,
//! or is not heard. Each connection has a place; who finds none comes again.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use lujiang_wire::DeviceId;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::tls::device_of;

/// Pause after a failed accept: the usual cause, no free file descriptor, does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A connection to a device, and the place it holds.
pub(super) type Line = Placed<TlsStream<Pin<Box<TimeoutStream<TcpStream>>>>>;

/// A device that shook hands: its line, and who it is.
type Shaken = (Line, Caller);

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) device: DeviceId,
    pub(super) address: SocketAddr,
}

/// Devices that shook hands, as axum takes them.
pub(super) struct Door {
    shaken: mpsc::Receiver<Shaken>,
    address: SocketAddr,
}

/// How hands are shaken, and with how many.
pub(super) struct Handshakes {
    pub(super) listener: TcpListener,
    /// As it is renewed.
    pub(super) acceptor: watch::Receiver<TlsAcceptor>,
    pub(super) places: usize,
    pub(super) patience: Duration,
}

impl Handshakes {
    /// Shakes hands until cancelled; the door is for who serves.
    pub(super) fn begin(
        self,
        stop: CancellationToken,
    ) -> io::Result<(Door, impl Future<Output = ()> + Send)> {
        let (sender, shaken) = mpsc::channel(1);
        let address = self.listener.local_addr()?;
        Ok((Door { shaken, address }, self.run(sender, stop)))
    }

    async fn run(self, shaken: mpsc::Sender<Shaken>, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(self.places));
        let mut shaking = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = shaking.join_next(), if !shaking.is_empty() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::debug!(%address, "no place for another connection");
                continue;
            };
            let (acceptor, shaken) = (self.acceptor.borrow().clone(), shaken.clone());
            let patience = self.patience;
            shaking.spawn(async move {
                if let Some(device) = shake(stream, address, acceptor, patience, place).await {
                    // The server has ended: so do we.
                    let _ = shaken.send(device).await;
                }
            });
        }
    }
}

async fn shake(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: TlsAcceptor,
    patience: Duration,
    place: OwnedSemaphorePermit,
) -> Option<Shaken> {
    let mut stream = Box::pin(TimeoutStream::new(stream));
    stream.as_mut().set_read_timeout_pinned(Some(patience));
    stream.as_mut().set_write_timeout_pinned(Some(patience));
    let shaken = timeout(patience, acceptor.accept(stream)).await;
    let line = match shaken {
        Ok(Ok(line)) => line,
        Ok(Err(error)) => {
            tracing::info!(%address, %error, "whoever dialled is not served");
            return None;
        }
        Err(_) => return None,
    };
    let chain = line.get_ref().1.peer_certificates();
    let device = chain.and_then(<[_]>::first).and_then(device_of)?;
    let line = Placed {
        inner: line,
        _place: place,
    };
    Some((line, Caller { device, address }))
}

impl Listener for Door {
    type Io = Line;
    type Addr = Caller;

    async fn accept(&mut self) -> (Line, Caller) {
        match self.shaken.recv().await {
            Some(shaken) => shaken,
            // Nobody shakes hands any more; the server is being stopped.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Caller> {
        let nobody = "carrier".parse().map_err(io::Error::other)?;
        Ok(Caller {
            device: nobody,
            address: self.address,
        })
    }
}

impl Connected<IncomingStream<'_, Door>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A stream that holds a place until it ends.
#[derive(Debug)]
pub(super) struct Placed<S> {
    inner: S,
    _place: OwnedSemaphorePermit,
}

impl<S: tokio::io::AsyncRead + Unpin> tokio::io::AsyncRead for Placed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: tokio::io::AsyncWrite + Unpin> tokio::io::AsyncWrite for Placed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
