//! Rounds of faults at seeded moments, with people walking through the gate meanwhile.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::time::{MissedTickBehavior, interval};

use crate::counter::Counter;

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
        let steps = longest.as_millis() / STEP.as_millis();
        let steps = self
            .dice
            .random_range(1..=u64::try_from(steps).unwrap_or(1).max(1));
        let mut ticks = interval(STEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..steps {
            ticks.tick().await;
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
