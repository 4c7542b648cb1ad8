//! A network that breaks: a TCP relay in front of the door, cut in three ways, or thin.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Fair,
    /// Silence; connections that lived through it are dead afterwards (NAT or route lost).
    Hole,
    /// Silence; the same connections go on afterwards.
    Freeze,
    /// Connections are reset, new ones at once too.
    Reset,
    /// A radio link at the edge of its range.
    Thin(Thin),
}

/// A slow line that loses segments, as those see it who speak TCP over it: a lost segment comes
/// late by the time after which it is sent again, and holds up all that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thin {
    /// What it carries in each direction.
    pub bytes_per_second: u32,
    /// Of a hundred segments, so many are lost.
    pub lost_percent: u32,
    /// Decides which.
    pub seed: u64,
}

impl Thin {
    /// How long one segment takes, with all the times it is lost.
    fn takes(self, bytes: usize, luck: &mut StdRng) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let once = Duration::from_secs_f64(f64::from(bytes) / f64::from(self.bytes_per_second));
        let (mut takes, mut pause) = (once, RETRANSMISSION);
        while luck.random_range(0..100) < self.lost_percent {
            takes += pause + once;
            pause *= 2;
        }
        takes
    }
}

/// Bytes of a segment on an ordinary line.
const SEGMENT: usize = 1_460;

/// After which time Linux sends a lost segment again at the soonest; it doubles.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// A relay to one address.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    target: watch::Sender<SocketAddr>,
    end: CancellationToken,
    tasks: TaskTracker,
}

impl Link {
    /// Listens on a free loopback port and relays to `target`.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn to(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("a free port")?;
        let address = listener
            .local_addr()
            .context("a bound listener has an address")?;
        let (weather, sky) = watch::channel(Weather::Fair);
        let (target, where_to) = watch::channel(target);
        let end = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, sky, where_to, end.clone(), tasks.clone()));
        Ok(Self {
            address,
            weather,
            target,
            end,
            tasks,
        })
    }

    /// Where to dial.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather for all connections, old and new.
    pub fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// New connections go there: the gateway came back on another port.
    pub fn retarget(&self, target: SocketAddr) {
        self.target.send_replace(target);
    }

    /// Ends all connections and the listener.
    pub async fn close(self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

async fn accept(
    listener: TcpListener,
    sky: watch::Receiver<Weather>,
    target: watch::Receiver<SocketAddr>,
    end: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = end.cancelled() => return,
        };
        let Ok((near, _)) = accepted else { continue };
        if *sky.borrow() == Weather::Reset {
            reset(&near);
            continue;
        }
        let relay = relay(near, sky.clone(), target.clone());
        let end = end.clone();
        tasks.spawn(async move {
            tokio::select! { () = relay => {}, () = end.cancelled() => {} }
        });
    }
}

/// Carries one connection through whatever weather comes.
async fn relay(
    near: TcpStream,
    mut sky: watch::Receiver<Weather>,
    target: watch::Receiver<SocketAddr>,
) {
    let born = *sky.borrow_and_update();
    let carries = matches!(born, Weather::Fair | Weather::Thin(_));
    if !carries && fair_again(&mut sky).await.is_none() {
        return;
    }
    if born == Weather::Hole {
        return;
    }
    let address = *target.borrow();
    let Ok(far) = TcpStream::connect(address).await else {
        return;
    };
    let (near_in, near_out) = near.into_split();
    let (far_in, far_out) = far.into_split();
    let up = pump(near_in, far_out, sky.clone());
    let down = pump(far_in, near_out, sky);
    // When one direction ends, the connection is over.
    tokio::select! { () = up => {}, () = down => {} }
}

/// Copies one direction; obeys the weather between reads.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut sky: watch::Receiver<Weather>) {
    let mut buffer = vec![0; 16 * 1024];
    let mut luck: Option<StdRng> = None;
    loop {
        let weather = *sky.borrow_and_update();
        let mut most = buffer.len();
        match weather {
            Weather::Fair => {}
            Weather::Thin(_) => most = SEGMENT,
            Weather::Freeze => {
                if fair_again(&mut sky).await.is_none() {
                    return;
                }
                continue;
            }
            Weather::Hole => {
                // Nothing arrives, nothing leaves; once the hole closes, nobody knows this connection.
                let _ = fair_again(&mut sky).await;
                reset(to.as_ref());
                return;
            }
            Weather::Reset => {
                reset(to.as_ref());
                return;
            }
        }
        let read = tokio::select! {
            read = from.read(&mut buffer[..most]) => read,
            changed = sky.changed() => {
                if changed.is_err() { return }
                continue;
            }
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                if let Weather::Thin(thin) = weather {
                    let luck = luck.get_or_insert_with(|| StdRng::seed_from_u64(thin.seed));
                    tokio::time::sleep(thin.takes(length, luck)).await;
                }
                if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Waits until the weather lets something pass; none when the link is closed.
async fn fair_again(sky: &mut watch::Receiver<Weather>) -> Option<()> {
    sky.wait_for(|weather| matches!(weather, Weather::Fair | Weather::Thin(_)))
        .await
        .ok()
        .map(drop)
}

/// Makes closing this socket send RST.
fn reset(stream: &TcpStream) {
    // A socket that cannot linger is closed the ordinary way, which also ends it.
    let _ = stream.set_zero_linger();
}
