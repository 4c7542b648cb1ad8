//! A line of so many bits a second with several ways over it, which is cut on demand: every
//! connection is reset in one instant, and whoever dials again is let in at once.
//!
//! It counts what it hands to the near end. Behind TLS these are more bytes than the near end reads
//! of bodies: records, handshakes and heads are among them, and what a killed reader left unread.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Bytes that are carried at once.
const PIECE_BYTES: usize = 8 * 1024;

/// What is under way in the near socket at most, nearly: a cut loses it.
const BUFFER_BYTES: u32 = 32 * 1024;

/// A machine that is busy may be late by so much, and makes up for it; a line does not for more.
const LATE_MAX: Duration = Duration::from_millis(50);

/// The line. It ends, with all its ways, when this is dropped.
#[derive(Debug)]
pub struct PacedLine {
    shared: Arc<Shared>,
    end: CancellationToken,
    _end: DropGuard,
}

/// One way over a line.
#[derive(Debug, Clone)]
pub struct Way {
    address: SocketAddr,
    delivered: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Shared {
    bytes_per_second: u64,
    /// When the line is free again.
    free: Mutex<Instant>,
    cuts: watch::Sender<u64>,
}

impl PacedLine {
    /// A line that carries so much towards the near ends, together.
    #[must_use]
    pub fn of(bytes_per_second: u64) -> Self {
        let end = CancellationToken::new();
        Self {
            shared: Arc::new(Shared {
                bytes_per_second,
                free: Mutex::new(Instant::now()),
                cuts: watch::Sender::new(0),
            }),
            _end: end.clone().drop_guard(),
            end,
        }
    }

    /// A way to this address.
    ///
    /// # Errors
    /// Where no port can be had.
    pub fn way_to(&self, target: SocketAddr) -> anyhow::Result<Way> {
        let socket = TcpSocket::new_v4().context("a socket")?;
        // Connections that are accepted inherit it.
        socket
            .set_send_buffer_size(BUFFER_BYTES)
            .context("a short buffer")?;
        socket
            .bind((Ipv4Addr::LOCALHOST, 0).into())
            .context("a free port")?;
        let listener = socket.listen(64).context("listening")?;
        let way = Way {
            address: listener.local_addr().context("an address")?,
            delivered: Arc::default(),
        };
        let (shared, delivered) = (self.shared.clone(), way.delivered.clone());
        let end = self.end.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = accept(listener, target, shared, delivered, end.clone()) => {}
                () = end.cancelled() => {}
            }
        });
        Ok(way)
    }

    /// Resets every connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How often it was cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        *self.shared.cuts.borrow()
    }
}

impl Way {
    /// Where to dial.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes handed to the near ends so far.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        // A count that no other memory hangs on.
        self.delivered.load(Ordering::Relaxed)
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    shared: Arc<Shared>,
    delivered: Arc<AtomicU64>,
    end: CancellationToken,
) {
    loop {
        let Ok((near, _)) = listener.accept().await else {
            continue;
        };
        let mut cuts = shared.cuts.subscribe();
        let (shared, delivered) = (shared.clone(), delivered.clone());
        let end = end.clone();
        tokio::spawn(async move {
            let Ok(far) = TcpStream::connect(target).await else {
                return;
            };
            // A packet of its own for each write: nothing waits for an acknowledgement.
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            // What is closed while this stands is reset.
            let _ = (near.set_zero_linger(), far.set_zero_linger());
            let (near_in, near_out) = near.into_split();
            let (far_in, far_out) = far.into_split();
            tokio::select! {
                () = up(near_in, far_out) => {}
                () = down(far_in, near_out, &shared, &delivered) => {}
                _ = cuts.changed() => {}
                () = end.cancelled() => {}
            }
        });
    }
}

async fn up(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    // However it ends, the connection is over.
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

async fn down(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, count: &AtomicU64) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let Ok(length) = from.read(&mut buffer).await else {
            return;
        };
        if length == 0 {
            return;
        }
        sleep_until(shared.carried(length).await).await;
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
        count.fetch_add(length as u64, Ordering::Relaxed);
    }
}

impl Shared {
    /// When a piece of this length is over the line.
    async fn carried(&self, bytes: usize) -> Instant {
        let takes = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second as f64);
        let now = Instant::now();
        let mut free = self.free.lock().await;
        *free = (*free).max(now.checked_sub(LATE_MAX).unwrap_or(now)) + takes;
        *free
    }
}
