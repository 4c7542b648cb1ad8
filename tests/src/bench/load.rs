//! The load: many plain MQTT 3.1.1 clients in one process, told what to do by one line of JSON on
//! standard input. It answers with one line when all are connected and one when the work is done.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::client::{Client, Dialer};
use super::cpu;
use crate::papers::Papers;

/// CONNECTs under way at once: about what a street of devices sends after a power cut, and less
/// than a listener's backlog.
const CONNECTING_AT_ONCE: usize = 256;

/// The longest wait for everybody to be connected.
const CONNECTING: Duration = Duration::from_secs(300);

/// What the load does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Where.
    pub door: SocketAddr,
    /// The roots to trust (PEM); plain without.
    pub roots: Option<PathBuf>,
    /// Who.
    pub clients: Vec<Who>,
    /// What.
    pub work: Work,
}

/// One client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Who {
    /// Whose topics; also the user name.
    pub device: String,
    /// The Client Identifier.
    pub client_id: String,
    /// Ignored by a broker that lets anybody in; not sent by who has papers.
    pub password: String,
    /// By what it is known, where the door is behind TLS.
    pub papers: Option<Papers>,
}

/// What the clients do once all are connected.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Work {
    /// Each keeps so many facts under way.
    Saturate {
        /// Publishes without a PUBACK, of each client.
        in_flight: u16,
        /// Begins every event's id, so that no two rounds send the same.
        round: String,
        /// Not measured.
        warm_up: Duration,
        /// Measured.
        length: Duration,
    },
    /// All together send so many facts a second, whether they are answered or not.
    Paced {
        /// Of all clients together.
        per_second: u32,
        /// As above.
        round: String,
        /// As above.
        warm_up: Duration,
        /// As above.
        length: Duration,
    },
    /// Nothing, until standard input ends.
    Hold,
    /// All connections are cut at once; everybody comes back and sends a fact.
    Storm {
        /// As above.
        round: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// From the first dial to the last CONNACK.
    pub connecting: Duration,
    /// PUBACKs in the measured time.
    pub acknowledged: u64,
    /// PUBACKs from the beginning: so many facts must be in the ledger.
    pub acknowledged_ever: u64,
    /// The measured time.
    pub length: Duration,
    /// From the moment a fact was due to its PUBACK.
    pub p50: Duration,
    /// See `p50`.
    pub p99: Duration,
    /// See `p50`.
    pub max: Duration,
    /// Processor time of the load itself, from its beginning.
    pub cpu: Duration,
}

impl Outcome {
    /// PUBACKs a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.acknowledged as f64 / self.length.as_secs_f64()
    }

    /// What one fact had of a time that all of them took, in microseconds.
    #[must_use]
    pub fn share(&self, of: Duration) -> f64 {
        of.as_secs_f64() * 1_000_000.0 / self.acknowledged_ever.max(1) as f64
    }
}

/// What one client saw.
#[derive(Debug, Default)]
pub struct Tally {
    /// As in [`Outcome`].
    pub acknowledged_ever: u64,
    /// Of each PUBACK in the measured time, in microseconds.
    pub delays: Vec<u32>,
}

/// Does what standard input says.
///
/// # Errors
/// Where a client cannot do its work.
pub async fn run() -> anyhow::Result<()> {
    let line = next_line().await.context("reading the task")?;
    let task: Task = serde_json::from_str(&line).context("understanding the task")?;
    let dialer = Arc::new(Dialer::new(task.door, task.roots.as_deref())?);
    let from = Instant::now();
    let clients = connect_all(&dialer, &task.clients).await?;
    let mut outcome = Outcome {
        connecting: from.elapsed(),
        ..Outcome::default()
    };
    say(&outcome)?;
    match task.work {
        Work::Hold => {
            next_line().await.context("waiting")?;
        }
        Work::Storm { round } => {
            drop(clients);
            let from = Instant::now();
            let clients = connect_all(&dialer, &task.clients).await?;
            outcome.connecting = from.elapsed();
            let tallies = each(clients, move |client, _| client.one_fact(round.clone())).await?;
            outcome.length = from.elapsed();
            outcome.take(tallies);
        }
        Work::Saturate {
            in_flight,
            round,
            warm_up,
            length,
        } => {
            let tallies = each(clients, move |client, from| {
                client.saturate(in_flight, round.clone(), from + warm_up, length)
            });
            outcome.take(tallies.await?);
            outcome.length = length;
        }
        Work::Paced {
            per_second,
            round,
            warm_up,
            length,
        } => {
            let pause = Duration::from_secs(1) * u32::try_from(clients.len())? / per_second;
            let tallies = each(clients, move |client, from| {
                client.paced(pause, round.clone(), from + warm_up, length)
            });
            outcome.take(tallies.await?);
            outcome.length = length;
        }
    }
    outcome.cpu = cpu::used("self")?;
    say(&outcome)
}

impl Outcome {
    fn take(&mut self, tallies: Vec<Tally>) {
        let mut delays = Vec::new();
        for tally in tallies {
            self.acknowledged_ever += tally.acknowledged_ever;
            delays.extend(tally.delays);
        }
        delays.sort_unstable();
        self.acknowledged = delays.len() as u64;
        let at = |share: f64| {
            let place = (delays.len() as f64 * share) as usize;
            let delay = delays.get(place.min(delays.len().saturating_sub(1)));
            Duration::from_micros(delay.copied().unwrap_or_default().into())
        };
        (self.p50, self.p99, self.max) = (at(0.5), at(0.99), at(1.0));
    }
}

async fn connect_all(dialer: &Arc<Dialer>, clients: &[Who]) -> anyhow::Result<Vec<Client>> {
    let places = Arc::new(Semaphore::new(CONNECTING_AT_ONCE));
    let mut tasks = JoinSet::new();
    for who in clients.iter().cloned() {
        let (dialer, places) = (Arc::clone(dialer), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire_owned().await?;
            dialer.connect(who).await
        });
    }
    let connected = timeout(CONNECTING, async {
        let mut connected = Vec::new();
        while let Some(client) = tasks.join_next().await {
            connected.push(client??);
        }
        anyhow::Ok(connected)
    });
    connected.await.context("not all were let in in time")?
}

/// Lets every client work from the same moment on, and gathers what each saw.
async fn each<F, Fut>(clients: Vec<Client>, work: F) -> anyhow::Result<Vec<Tally>>
where
    F: Fn(Client, Instant) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = anyhow::Result<Tally>> + Send,
{
    let (begin, began) = watch::channel(None);
    let mut tasks = JoinSet::new();
    for client in clients {
        let (work, mut began) = (work.clone(), began.clone());
        tasks.spawn(async move {
            let from = *began.wait_for(Option::is_some).await?;
            work(client, from.context("a beginning")?).await
        });
    }
    begin.send_replace(Some(Instant::now()));
    let mut tallies = Vec::new();
    while let Some(tally) = tasks.join_next().await {
        tallies.push(tally??);
    }
    Ok(tallies)
}

async fn next_line() -> anyhow::Result<String> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(read.await??)
}

fn say(outcome: &Outcome) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, outcome)?;
    writeln!(out)?;
    out.flush().context("writing to standard output")
}
