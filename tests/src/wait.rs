//! Waiting for the thing itself, with a deadline.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks again and again until `look` finds something.
///
/// # Errors
/// What was waited for and what was seen last, once `deadline` has passed.
pub async fn until<T>(
    what: &str,
    deadline: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        match look().await {
            Ok(found) => return Ok(found),
            Err(seen) if Instant::now() >= end => {
                anyhow::bail!("waited {deadline:?} for {what}; last seen: {seen:#}")
            }
            Err(_) => {}
        }
    }
}

/// Waits for the next write to a file, to the millisecond; ends without one after `deadline`.
pub async fn is_written(file: &Path, deadline: Duration) {
    let written = || {
        std::fs::metadata(file)
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    let before = written();
    let end = Instant::now() + deadline;
    while written() == before && Instant::now() < end {
        tokio::task::yield_now().await;
    }
}
