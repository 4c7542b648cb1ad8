//! Waiting for the thing itself, with a deadline.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// Looks again and again until `look` finds something.
///
/// # Errors
/// What was waited for and what was seen last, once `deadline` has passed.
pub async fn until<T, F, L>(what: &str, deadline: Duration, mut look: L) -> anyhow::Result<T>
where
    F: Future<Output = anyhow::Result<T>>,
    L: FnMut() -> F,
{
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
