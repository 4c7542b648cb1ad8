//! How fast it may go: what the hours allow, and while facts are waiting for the same line, in turns
//! with them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::rate::Rate;
use super::turns::Turns;
use crate::{Allowance, Hours};

/// The pace; clones share it.
#[derive(Clone)]
pub struct Pace {
    hours: Arc<Hours>,
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    rate: Arc<Mutex<Rate>>,
    turns: Arc<Mutex<Turns>>,
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

/// Whether a body that is being read is read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadOn {
    /// It is.
    Yes,
    /// Nothing is allowed for a while: the line is closed, and opened again when something is.
    No,
}

/// The clock on the wall is looked at this often: it may be set.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl Pace {
    /// As the hours allow by this clock.
    #[must_use]
    pub fn new(
        hours: Hours,
        wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        yielding: watch::Receiver<Yielding>,
    ) -> Self {
        Self {
            hours: Arc::new(hours),
            wall,
            rate: Arc::default(),
            turns: Arc::default(),
            yielding,
        }
    }

    /// As fast as the line, always.
    #[must_use]
    pub fn free(yielding: watch::Receiver<Yielding>) -> Self {
        Self::new(Hours::always(), Arc::new(Timestamp::now), yielding)
    }

    /// When so many bytes are here, at this rate of the line.
    #[must_use]
    pub fn arrival(&self, bytes: u64, rate: u64) -> Option<Timestamp> {
        self.hours.arrival((self.wall)(), bytes, rate)
    }

    /// Waits until something may be asked for.
    pub(super) async fn ready(&self) {
        while self.hours.at((self.wall)()) == Allowance::Nothing {
            let now = (self.wall)();
            let left = self.hours.until(now).duration_since(now);
            let left = Duration::try_from(left).unwrap_or(Duration::ZERO);
            sleep(left.clamp(Duration::from_millis(1), LOOK_EVERY)).await;
        }
        self.facts_first().await;
    }

    /// Waits as long as so many bytes that have come take, and while others go first.
    pub(super) async fn take(&self, bytes: usize) -> ReadOn {
        self.facts_first().await;
        match self.hours.at((self.wall)()) {
            Allowance::Nothing => ReadOn::No,
            Allowance::Everything => ReadOn::Yes,
            Allowance::Limited(per_second) => {
                let until = {
                    let mut rate = self.rate.lock().expect("nobody panics while holding it");
                    rate.take(Instant::now(), bytes as u64, per_second)
                };
                sleep_until(until).await;
                ReadOn::Yes
            }
        }
    }

    async fn facts_first(&self) {
        let mut yielding = self.yielding.clone();
        loop {
            let waiting = *yielding.borrow_and_update();
            let Some(until) = self.held_until(waiting) else {
                return;
            };
            let free = yielding.wait_for(|it| *it == Yielding::Free);
            // Who is gone holds nothing up.
            if let Ok(Err(_)) = timeout_at(until, free).await {
                return;
            }
        }
    }

    fn held_until(&self, yielding: Yielding) -> Option<Instant> {
        let mut turns = self.turns.lock().expect("nobody panics while holding it");
        match yielding {
            Yielding::Free => {
                turns.release(Instant::now());
                None
            }
            Yielding::ToFacts => turns.hold(Instant::now()),
        }
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Pace");
        shown.field("hours", &self.hours).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use lujiang_config::DownloadsSection;

    use super::*;
    use crate::download::turns::{HOLD_MAX, SHARE};

    fn wall(begun: Instant) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
        let noon: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        Arc::new(move || noon + begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_hours_end_what_is_read_and_are_waited_for() {
        let begun = Instant::now();
        let section = DownloadsSection {
            quiet_hours: vec!["12:00-13:00".parse().unwrap()],
            ..DownloadsSection::default()
        };
        let hours = Hours::new(jiff::tz::TimeZone::UTC, &section);
        let (_, yielding) = watch::channel(Yielding::Free);
        let pace = Pace::new(hours, wall(begun), yielding);
        assert_eq!(pace.take(1).await, ReadOn::No);
        pace.ready().await;
        assert_eq!(begun.elapsed().as_secs(), 3_600);
        assert_eq!(pace.take(1).await, ReadOn::Yes);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_bytes_are_taken_than_the_hour_allows() {
        let begun = Instant::now();
        // Kilobits: 1 MB a second, and while the room is open 100 kB.
        let section = DownloadsSection {
            bandwidth: 8_000,
            bandwidth_open: 800,
            opening_hours: vec!["12:01-13:00".parse().unwrap()],
            ..DownloadsSection::default()
        };
        let hours = Hours::new(jiff::tz::TimeZone::UTC, &section);
        let (_, yielding) = watch::channel(Yielding::Free);
        let pace = Pace::new(hours, wall(begun), yielding);
        let took = async |bytes: usize| {
            let before = Instant::now();
            for _ in 0..bytes / 50_000 {
                assert_eq!(pace.take(50_000).await, ReadOn::Yes);
            }
            before.elapsed().as_secs_f64()
        };
        let closed = took(30_000_000).await;
        assert!((29.5..30.5).contains(&closed), "30 MB in {closed} s");
        tokio::time::advance(Duration::from_secs(60)).await;
        let open = took(3_000_000).await;
        assert!((29.5..30.5).contains(&open), "3 MB in {open} s");
    }

    #[tokio::test(start_paused = true)]
    async fn facts_go_first_and_not_for_ever() {
        let (facts, yielding) = watch::channel(Yielding::ToFacts);
        let pace = Pace::free(yielding);
        let begun = Instant::now();
        pace.take(1).await;
        assert_eq!(begun.elapsed(), HOLD_MAX);
        for _ in 0..1_000 {
            pace.take(1).await;
        }
        assert_eq!(begun.elapsed(), HOLD_MAX, "their share is theirs");
        tokio::time::advance(SHARE).await;
        let waiting = tokio::spawn(async move { pace.take(1).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "the facts' turn again");
        facts.send_replace(Yielding::Free);
        waiting.await.unwrap();
        assert_eq!(begun.elapsed(), HOLD_MAX + SHARE);
    }
}
