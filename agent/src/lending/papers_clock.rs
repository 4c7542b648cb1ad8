//! When papers are asked for: at the start, when the link comes up, when the gateway says that
//! there are others, and every so often; after a failure, with pauses. It knows no clock and no
//! random numbers: both are told.

use std::time::Duration;

use lujiang_wire::Label;

use super::sync_meter::Line;

/// The core.
#[derive(Debug)]
pub(super) struct PapersClock {
    interval: Duration,
    next: Duration,
    line: Line,
    /// What the gateway last said there is.
    wanted: Option<Label>,
}

impl PapersClock {
    /// At the start, they are asked for at once.
    pub(super) fn new(interval: Duration) -> Self {
        Self {
            interval,
            next: Duration::ZERO,
            line: Line::Down,
            wanted: None,
        }
    }

    /// When they are asked for next.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// How the link is.
    pub(super) fn handle_line(&mut self, now: Duration, line: Line) {
        if line == Line::Up && self.line == Line::Down {
            self.next = self.next.min(now);
        }
        self.line = line;
    }

    /// The gateway says which revision there is for us; we hold that one.
    pub(super) fn handle_wanted(
        &mut self,
        now: Duration,
        wanted: Option<Label>,
        held: Option<&Label>,
    ) {
        // What it said before is asked for already, in its own time.
        let is_news = wanted.is_some() && wanted != self.wanted;
        if is_news && wanted.as_ref() != held {
            self.next = self.next.min(now);
        }
        self.wanted = wanted;
    }

    /// They came, of this revision; the pause is for where that is not what the gateway spoke of.
    pub(super) fn handle_fetched(&mut self, now: Duration, held: &Label, pause: Duration) -> Came {
        if self.wanted.as_ref().is_some_and(|wanted| wanted != held) {
            self.next = now + pause.min(self.interval);
            return Came::Others;
        }
        self.next = now + self.interval;
        Came::Wanted
    }

    /// They did not come.
    pub(super) fn handle_failed(&mut self, now: Duration, pause: Duration) {
        self.next = now + pause;
    }
}

/// Which papers came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Those the gateway spoke of, or it spoke of none.
    Wanted,
    /// Others: one of the two is late.
    Others,
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(900);
    const PAUSE: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn revision(text: &str) -> Label {
        text.parse().unwrap()
    }

    #[test]
    fn they_are_asked_for_at_the_start_and_every_so_often() {
        let mut clock = PapersClock::new(INTERVAL);
        assert_eq!(clock.next(), at(0));
        let came = clock.handle_fetched(at(1), &revision("a"), PAUSE);
        assert_eq!((came, clock.next()), (Came::Wanted, at(901)));
        clock.handle_failed(at(901), PAUSE);
        assert_eq!(clock.next(), at(906));
    }

    #[test]
    fn a_link_that_comes_up_asks_at_once_and_one_that_stays_up_does_not() {
        let mut clock = PapersClock::new(INTERVAL);
        clock.handle_failed(at(0), at(600));
        clock.handle_line(at(10), Line::Up);
        assert_eq!(clock.next(), at(10));
        clock.handle_fetched(at(11), &revision("a"), PAUSE);
        clock.handle_line(at(20), Line::Up);
        assert_eq!(clock.next(), at(911));
        clock.handle_line(at(30), Line::Down);
        clock.handle_line(at(40), Line::Up);
        assert_eq!(clock.next(), at(40));
    }

    #[test]
    fn another_revision_asks_at_once_and_a_word_that_is_not_true_yet_is_no_endless_loop() {
        let mut clock = PapersClock::new(INTERVAL);
        let (a, b) = (revision("a"), revision("b"));
        clock.handle_fetched(at(1), &a, PAUSE);
        clock.handle_wanted(at(2), Some(a.clone()), Some(&a));
        assert_eq!(clock.next(), at(901));
        clock.handle_wanted(at(3), Some(b.clone()), Some(&a));
        assert_eq!(clock.next(), at(3));
        assert_eq!(clock.handle_fetched(at(4), &a, PAUSE), Came::Others);
        assert_eq!(clock.next(), at(9));
        clock.handle_wanted(at(5), Some(b.clone()), Some(&a));
        assert_eq!(clock.next(), at(9), "it said so before");
        assert_eq!(clock.handle_fetched(at(9), &b, PAUSE), Came::Wanted);
        clock.handle_wanted(at(10), None, Some(&b));
        assert_eq!(clock.next(), at(909));
    }
}
