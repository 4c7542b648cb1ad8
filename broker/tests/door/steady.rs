//! A client that does its work while others misbehave, and says how it went.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::client::{Client, Connect, V5};
use super::soon;

/// A device that publishes a fact, waits for its PUBACK, and publishes the next.
pub(crate) struct Steady {
    acknowledged: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    working: JoinHandle<Duration>,
}

impl Steady {
    pub(crate) async fn start(address: SocketAddr) -> Self {
        let mut client = Client::connect(address, &Connect::new(V5, "steady")).await;
        let (count, acknowledged) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let working = tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !*stopped.borrow() {
                let from = Instant::now();
                client
                    .publish("library/v1/devices/steady/events", "[]", Some(1))
                    .await;
                client.expect_puback(1, 0).await;
                longest = longest.max(from.elapsed());
                count.send_modify(|count| *count += 1);
            }
            longest
        });
        Self {
            acknowledged,
            stop,
            working,
        }
    }

    /// Waits until this many more facts were acknowledged.
    pub(crate) async fn works_on(&mut self, more: u64) {
        let until = *self.acknowledged.borrow() + more;
        soon(self.acknowledged.wait_for(|count| *count >= until))
            .await
            .unwrap();
    }

    /// The longest wait for an acknowledgement.
    pub(crate) async fn stop(self) -> Duration {
        self.stop.send_replace(true);
        soon(self.working).await.unwrap()
    }
}
