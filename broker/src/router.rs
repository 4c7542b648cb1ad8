//! rumqttd's router, wrapped: it serves the other subscribers and sees only clean input.
//!
//! One publisher, the door itself, and one link for each reader that subscribed. Every link
//! subscribes to the one filter [`EVERYTHING`] and the door picks for each reader what its
//! subscriptions match: the router keeps a log for every filter it ever saw and never lets one
//! go, and it panics on topics that are not ASCII. Its thread may still end; then a new one is
//! built and the readers' links are opened again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use rumqttd::local::{LinkBuilder, LinkRx, LinkTx};
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Packet, PingReq, Publish};
use rumqttd::{Notification, Router, RouterConfig};
use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::metrics::DoorMetrics;

/// The only filter the router ever holds.
const EVERYTHING: &str = "library/v1/devices/#";

/// The publisher's name; readers' links are named `reader-<number>`, so nobody can take it.
const PUBLISHER: &str = "door";

/// Messages handed to the router at once.
const BATCH_MAX: usize = 128;

/// One segment of the router's log: the log holds 16 of them for readers that lag.
const SEGMENT_BYTES: usize = 1024 * 1024;
const SEGMENTS: usize = 16;

/// How long the router may take for a batch before it counts as dead.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Between the death of a router and the next, so that a fault cannot become a busy loop.
const REBUILD_PAUSE: Duration = Duration::from_millis(100);

/// A message for the other subscribers.
#[derive(Debug, Clone)]
pub(crate) struct FannedOut {
    /// A topic name of ours: ASCII.
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
}

/// Opens links to the router that lives now. rumqttd's sender cannot be named, hence a closure.
type Connector = Arc<dyn Fn(&str) -> Result<(LinkTx, LinkRx), RouterGone> + Send + Sync>;

/// The way to the router, whichever lives now.
#[derive(Clone)]
pub(crate) struct RouterHandle {
    queue: mpsc::Sender<FannedOut>,
    connector: watch::Receiver<Option<Connector>>,
    /// Readers' links that are open: without any, nothing is handed to the router.
    links: Arc<AtomicUsize>,
    /// Numbers the links' names.
    opened: Arc<AtomicUsize>,
    metrics: Arc<DoorMetrics>,
}

/// What keeps a router alive; run by the door.
pub(crate) struct RouterKeeper {
    queue: mpsc::Receiver<FannedOut>,
    connector: watch::Sender<Option<Connector>>,
    metrics: Arc<DoorMetrics>,
    links_max: usize,
}

/// Why a link could not be used any longer.
#[derive(Debug, thiserror::Error)]
#[error("the router is gone")]
pub(crate) struct RouterGone;

/// Makes both ends; `queue_max` messages wait for the router.
pub(crate) fn router(
    queue_max: usize,
    links_max: usize,
    metrics: Arc<DoorMetrics>,
) -> (RouterHandle, RouterKeeper) {
    let (queue, waiting) = mpsc::channel(queue_max);
    let (announce, connector) = watch::channel(None);
    let handle = RouterHandle {
        queue,
        connector,
        links: Arc::default(),
        opened: Arc::default(),
        metrics: Arc::clone(&metrics),
    };
    let keeper = RouterKeeper {
        queue: waiting,
        connector: announce,
        metrics,
        links_max,
    };
    (handle, keeper)
}

impl RouterHandle {
    /// Hands a message to the readers; drops and counts it when the queue is full.
    pub(crate) fn fan_out(&self, message: FannedOut) {
        if !self.has_readers() {
            return;
        }
        if self.queue.try_send(message).is_err() {
            self.metrics.fan_out_dropped.increase();
        }
    }

    /// Whether a link is open, or is being opened.
    pub(crate) fn has_readers(&self) -> bool {
        // Acquire pairs with the Release in `open`: a reader that subscribed gets what follows.
        self.links.load(Ordering::Acquire) > 0
    }

    /// Opens a link that gets everything fanned out from now on.
    ///
    /// # Errors
    /// When no router comes to life in time.
    pub(crate) async fn open(&self) -> Result<ReaderLink, RouterGone> {
        // Relaxed: only the number matters.
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let mut connector = self.connector.clone();
        let opening = async {
            loop {
                let current = connector
                    .wait_for(Option::is_some)
                    .await
                    .map_err(|_| RouterGone)?
                    .clone();
                let connect = current.ok_or(RouterGone)?;
                let name = format!("reader-{number}");
                let opened = spawn_blocking(move || {
                    let (mut tx, rx) = connect(&name)?;
                    tx.subscribe(EVERYTHING).map_err(|_| RouterGone)?;
                    Ok::<_, RouterGone>((tx, rx))
                });
                if let Ok(Ok((tx, rx))) = opened.await {
                    return Ok((tx, rx));
                }
                connector.changed().await.map_err(|_| RouterGone)?;
            }
        };
        // Counted before the link exists, so that nothing published after `open` is missed.
        self.links.fetch_add(1, Ordering::Release);
        let counted = LinkCount(Arc::clone(&self.links));
        let (tx, rx) = timeout(ANSWER_MAX, opening)
            .await
            .map_err(|_| RouterGone)??;
        Ok(ReaderLink {
            tx,
            rx,
            _counted: counted,
        })
    }
}

/// One open link; counted while it lives.
struct LinkCount(Arc<AtomicUsize>);

impl Drop for LinkCount {
    fn drop(&mut self) {
        // Release: see `has_readers`.
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// A reader's link to the router.
pub(crate) struct ReaderLink {
    tx: LinkTx,
    rx: LinkRx,
    _counted: LinkCount,
}

impl ReaderLink {
    /// The next message.
    ///
    /// # Cancel safety
    /// Nothing is lost: the link moves messages without waiting in between.
    ///
    /// # Errors
    /// When the router is gone; a new link is needed.
    pub(crate) async fn next(&mut self) -> Result<FannedOut, RouterGone> {
        loop {
            match self.rx.next().await.map_err(|_| RouterGone)? {
                Some(Notification::Forward(forward)) => {
                    // The topic came from `fan_out` and is ASCII.
                    if let Ok(topic) = String::from_utf8(forward.publish.topic.to_vec()) {
                        let payload = forward.publish.payload;
                        return Ok(FannedOut { topic, payload });
                    }
                }
                // The router waits until the link says it has taken everything.
                Some(Notification::Unschedule) => self.rx.ready().map_err(|_| RouterGone)?,
                Some(Notification::Disconnect(..)) => return Err(RouterGone),
                Some(_) | None => {}
            }
        }
    }
}

impl Drop for ReaderLink {
    fn drop(&mut self) {
        disconnect(&mut self.tx);
    }
}

/// Says goodbye: a link has no Drop of its own and its slot would stay taken. Nothing may be sent
/// on the link afterwards, or the router panics.
fn disconnect(link: &mut LinkTx) {
    let disconnect = Disconnect {
        reason_code: DisconnectReasonCode::NormalDisconnection,
    };
    // The future never waits; a router that is gone needs no goodbye.
    let _ = link
        .send(Packet::Disconnect(disconnect, None))
        .now_or_never();
}

impl RouterKeeper {
    /// Keeps a router running and feeds it until cancelled.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            let connect = self.build();
            let connecting = {
                let connect = Arc::clone(&connect);
                spawn_blocking(move || connect(PUBLISHER))
            };
            if let Ok(Ok((tx, rx))) = connecting.await {
                self.connector.send_replace(Some(connect));
                tokio::select! {
                    () = cancel.cancelled() => return,
                    RouterGone = feed(&mut self.queue, Publisher { tx, rx }) => {}
                }
            }
            self.connector.send_replace(None);
            self.metrics.router_restarts.increase();
            tracing::warn!("the router of the other subscribers ended and is rebuilt");
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(REBUILD_PAUSE) => {}
            }
        }
    }

    fn build(&self) -> Connector {
        let config = RouterConfig {
            // One for the publisher, and room for links whose goodbye is still on its way.
            max_connections: self.links_max * 2 + 1,
            max_outgoing_packet_count: 100,
            max_segment_size: SEGMENT_BYTES,
            max_segment_count: SEGMENTS,
            ..RouterConfig::default()
        };
        // The thread has no way to be stopped; it sleeps once nobody sends to it.
        let sender = Router::new(0, config).spawn();
        Arc::new(move |name| {
            let link = LinkBuilder::new(name, sender.clone()).build();
            link.map(|(tx, rx, _)| (tx, rx)).map_err(|_| RouterGone)
        })
    }
}

struct Publisher {
    tx: LinkTx,
    rx: LinkRx,
}

impl Drop for Publisher {
    fn drop(&mut self) {
        disconnect(&mut self.tx);
    }
}

/// Feeds the router batch by batch. Each batch ends with a PINGREQ, whose answer says that the
/// router took it: so no more than one batch waits inside, and a dead router is noticed.
async fn feed(queue: &mut mpsc::Receiver<FannedOut>, mut publisher: Publisher) -> RouterGone {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        // Both are cancel-safe: what is not returned stays in its queue.
        let count = tokio::select! {
            count = queue.recv_many(&mut batch, BATCH_MAX) => count,
            // Nothing comes unasked: this ends when the router does, also if nobody publishes.
            answer = publisher.rx.next() => match answer {
                Ok(_) => continue,
                Err(_) => return RouterGone,
            }
        };
        let taken = timeout(ANSWER_MAX, hand_over(&mut batch, &mut publisher)).await;
        if count == 0 || !matches!(taken, Ok(Ok(()))) {
            return RouterGone;
        }
    }
}

async fn hand_over(
    batch: &mut Vec<FannedOut>,
    publisher: &mut Publisher,
) -> Result<(), RouterGone> {
    let packets = batch.drain(..).map(|message| {
        let topic = Bytes::from(message.topic);
        Packet::Publish(Publish::new(topic, message.payload, false), None)
    });
    publisher.tx.buffer().extend(packets);
    let ping = Packet::PingReq(PingReq);
    publisher.tx.send(ping).await.map_err(|_| RouterGone)?;
    pong(&mut publisher.rx).await
}

async fn pong(rx: &mut LinkRx) -> Result<(), RouterGone> {
    loop {
        // The publisher has no subscription: what it is sent are answers only.
        if let Some(Notification::DeviceAck(_)) = rx.next().await.map_err(|_| RouterGone)? {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str) -> FannedOut {
        FannedOut {
            topic: topic.to_owned(),
            payload: Bytes::from_static(b"x"),
        }
    }

    #[tokio::test]
    async fn a_dead_router_is_rebuilt_and_a_new_link_gets_messages() {
        let metrics = Arc::new(DoorMetrics::default());
        let (handle, keeper) = router(16, 4, Arc::clone(&metrics));
        let cancel = CancellationToken::new();
        let keeping = tokio::spawn(keeper.run(cancel.clone()));
        let topic = "library/v1/devices/gate-1/events";
        let mut link = handle.open().await.unwrap();
        handle.fan_out(message(topic));
        assert_eq!(link.next().await.unwrap().topic, topic);

        // What the door never lets through: a topic that is not ASCII ends the router's thread.
        handle.fan_out(message("école"));
        assert!(link.next().await.is_err(), "the link notices");
        drop(link);
        let mut link = handle.open().await.unwrap();
        handle.fan_out(message(topic));
        assert_eq!(link.next().await.unwrap().topic, topic);
        assert_eq!(metrics.router_restarts.get(), 1);
        cancel.cancel();
        keeping.await.unwrap();
    }

    #[tokio::test]
    async fn a_router_that_dies_while_nobody_publishes_is_noticed() {
        let metrics = Arc::new(DoorMetrics::default());
        let (handle, keeper) = router(16, 4, Arc::clone(&metrics));
        let cancel = CancellationToken::new();
        let keeping = tokio::spawn(keeper.run(cancel.clone()));
        let mut link = handle.open().await.unwrap();
        link.tx.publish("école", "x").unwrap();
        assert!(link.next().await.is_err());
        drop(link);
        handle.open().await.unwrap();
        assert_eq!(metrics.router_restarts.get(), 1);
        cancel.cancel();
        keeping.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn links_that_come_and_go_under_flood_do_not_hurt_the_router() {
        let metrics = Arc::new(DoorMetrics::default());
        let (handle, keeper) = router(4_096, 16, Arc::clone(&metrics));
        let cancel = CancellationToken::new();
        let keeping = tokio::spawn(keeper.run(cancel.clone()));
        let flooding = {
            let (handle, cancel) = (handle.clone(), cancel.clone());
            tokio::spawn(async move {
                while !cancel.is_cancelled() {
                    for number in 0..64 {
                        handle
                            .fan_out(message(&format!("library/v1/devices/gate-{number}/events")));
                    }
                    tokio::task::yield_now().await;
                }
            })
        };
        let readers = (0..8).map(|reader| {
            let handle = handle.clone();
            tokio::spawn(async move {
                for round in 0..40 {
                    let mut link = handle.open().await.unwrap();
                    // Some leave in the middle of a batch, some before their first message.
                    for _ in 0..(reader * round) % 300 {
                        link.next().await.unwrap();
                    }
                }
            })
        });
        for reader in readers.collect::<Vec<_>>() {
            reader.await.unwrap();
        }
        assert_eq!(metrics.router_restarts.get(), 0);
        assert_eq!(handle.links.load(Ordering::Relaxed), 0);
        cancel.cancel();
        flooding.await.unwrap();
        keeping.await.unwrap();
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_counts_and_never_waits() {
        let metrics = Arc::new(DoorMetrics::default());
        let (handle, _keeper) = router(2, 4, Arc::clone(&metrics));
        handle.fan_out(message("library/v1/devices/gate-1/events"));
        assert_eq!(handle.queue.capacity(), 2, "nobody reads: not even queued");
        handle.links.store(1, Ordering::Relaxed);
        for _ in 0..5 {
            handle.fan_out(message("library/v1/devices/gate-1/events"));
        }
        assert_eq!(metrics.fan_out_dropped.get(), 3);
    }
}
