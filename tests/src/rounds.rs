//! Rounds of faults at seeded moments, with people walking through the gate meanwhile.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::counter::Counter;

/// What a gateway's configuration says where a [`Walk`] is counted: sixty people a second are more
/// than a real door's bound believes.
pub const BELIEVED: &str = "[intake]\nvisits_per_minute_max = 60000\n";

/// One step of the walk.
const STEP: Duration = Duration::from_millis(5);

/// People who walk through a gate without a pause, and the dice that say when a fault strikes.
#[derive(Debug)]
pub struct Walk {
    dice: StdRng,
    /// Persons in so far: what the total must be.
    pub entered: u64,
}

impl Walk {
    /// The same seed gives the same walk; it is printed so that a failure can be repeated.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        tracing::info!(seed, "walk");
        Self {
            dice: StdRng::seed_from_u64(seed),
            entered: 0,
        }
    }

    /// Lets people pass until a random moment at most `longest` away.
    pub async fn until_some_moment(&mut self, counter: &Counter, longest: Duration) {
        let longest = u64::try_from(longest.as_millis())
            .unwrap_or(u64::MAX)
            .max(1);
        let moment = self.dice.random_range(1..=longest);
        self.for_time(counter, Duration::from_millis(moment)).await;
    }

    /// Lets people pass for this long.
    pub async fn for_time(&mut self, counter: &Counter, time: Duration) {
        let end = Instant::now() + time;
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while Instant::now() < end {
            steps.tick().await;
            let entered = u64::from(self.dice.random_bool(0.3));
            let left = u64::from(self.dice.random_bool(0.3));
            counter.pass(entered, left);
            self.entered += entered;
        }
    }

    /// Throws a die of so many sides, from 0.
    pub fn die(&mut self, sides: u32) -> u32 {
        self.dice.random_range(0..sides)
    }
}

/// The seed of this run: `LUJIANG_SEED`, or the one given.
#[must_use]
pub fn seed(usual: u64) -> u64 {
    std::env::var("LUJIANG_SEED")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}
