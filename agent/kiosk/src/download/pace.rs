//! How fast it may go: so many bytes a second, and not at all while facts are waiting for the same
//! line.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep_until};

/// The pace; clones share it.
#[derive(Debug, Clone)]
pub struct Pace {
    per_second: Option<u64>,
    /// When the next byte may be taken.
    next: Arc<Mutex<Option<Instant>>>,
    yielding: watch::Receiver<Yielding>,
}

/// Whether the line is somebody else's now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Yielding {
    /// It is ours.
    #[default]
    Free,
    /// Facts are waiting: they go first.
    ToFacts,
}

/// So much may be made up of time in which nothing came.
const BURST: Duration = Duration::from_millis(200);

/// So long facts may hold it up at once; then a little goes, so that a line on which there is
/// always a fact waiting brings its books, too.
const YIELD_MAX: Duration = Duration::from_secs(30);

impl Pace {
    /// At most so many bytes a second; none: as fast as the line.
    #[must_use]
    pub fn new(per_second: Option<u64>, yielding: watch::Receiver<Yielding>) -> Self {
        Self {
            per_second,
            next: Arc::default(),
            yielding,
        }
    }

    /// Waits as long as so many bytes that have come take, and while others go first.
    pub(super) async fn take(&self, bytes: usize) {
        let mut yielding = self.yielding.clone();
        // Who is gone holds nothing up.
        let free = yielding.wait_for(|it| *it == Yielding::Free);
        let _ = tokio::time::timeout(YIELD_MAX, free).await;
        let Some(per_second) = self.per_second else {
            return;
        };
        let until = {
            let mut next = self.next.lock().await;
            let now = Instant::now();
            let from = next.map_or(now, |next| next.max(now - BURST));
            let takes = Duration::from_secs_f64(bytes as f64 / per_second.max(1) as f64);
            let until = from + takes;
            *next = Some(until);
            until
        };
        sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_comes_in_a_second_than_may() {
        let (_facts, yielding) = watch::channel(Yielding::Free);
        let pace = Pace::new(Some(100_000), yielding);
        let begun = Instant::now();
        for _ in 0..50 {
            pace.take(10_000).await;
        }
        let took = begun.elapsed();
        assert!(
            took >= Duration::from_millis(4_800) && took <= Duration::from_millis(5_200),
            "{took:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn facts_go_first_and_not_for_ever() {
        let (facts, yielding) = watch::channel(Yielding::ToFacts);
        let pace = Pace::new(None, yielding);
        let begun = Instant::now();
        pace.take(1).await;
        assert_eq!(begun.elapsed(), YIELD_MAX);
        let waiting = tokio::spawn(async move { pace.take(1).await });
        tokio::task::yield_now().await;
        facts.send_replace(Yielding::Free);
        waiting.await.unwrap();
        assert_eq!(begun.elapsed(), YIELD_MAX);
    }
}
