//! The keep alive of one client [MQTT-3.1.2-22]: its clock runs only while the door reads.

use std::time::Duration;

use tokio::time::Instant;

/// When the client counts as gone.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    /// One and a half times what was granted.
    grace: Duration,
    /// `None` while stopped: the door does not read, so the silence is its own.
    deadline: Option<Instant>,
}

impl KeepAlive {
    pub(crate) fn new(granted: Duration, now: Instant) -> Self {
        let grace = granted + granted / 2;
        let deadline = Some(now + grace);
        Self { grace, deadline }
    }

    /// A whole packet came.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.deadline = Some(now + self.grace);
    }

    /// The door does not read on.
    pub(crate) fn stop(&mut self) {
        self.deadline = None;
    }

    /// The door reads: a stopped clock starts anew.
    pub(crate) fn run(&mut self, now: Instant) {
        self.deadline.get_or_insert(now + self.grace);
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_while_the_door_does_not_read_is_not_counted() {
        let start = Instant::now();
        let mut clock = KeepAlive::new(SECOND * 10, start);
        assert_eq!(clock.deadline(), Some(start + SECOND * 15));
        clock.run(start + SECOND);
        assert_eq!(
            clock.deadline(),
            Some(start + SECOND * 15),
            "running on is no packet"
        );
        clock.stop();
        assert_eq!(clock.deadline(), None);
        clock.run(start + SECOND * 100);
        assert_eq!(clock.deadline(), Some(start + SECOND * 115));
        clock.heard(start + SECOND * 101);
        assert_eq!(clock.deadline(), Some(start + SECOND * 116));
    }
}
