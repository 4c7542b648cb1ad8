//! How many bytes are under way at once. A line of 64 kbit/s takes half a minute for what a good
//! one carries in no time, and whoever waits that long for a PUBACK believes the connection dead:
//! so little is sent at first, more while the answers come soon, and less when they come late.

use std::time::Duration;

/// Bytes under way at the least, and at the beginning: two seconds of 64 kbit/s.
const LEAST: usize = 16 * 1024;

/// An answer within this time says that the line can take more.
const SOON: Duration = Duration::from_secs(2);

/// An answer later than this says that the line is overfull: well within the time a PUBACK and the
/// keep alive are waited for.
const LATE: Duration = Duration::from_secs(5);

/// The window of one connection.
#[derive(Debug)]
pub(super) struct Window {
    size: usize,
    size_max: usize,
    under_way: usize,
    /// Bytes of answers that are still to payloads from before the last narrowing, and say nothing
    /// new.
    stale: usize,
}

impl Window {
    /// A window that never grows beyond `size_max`.
    pub(super) fn new(size_max: usize) -> Self {
        Self {
            size: LEAST.min(size_max),
            size_max,
            under_way: 0,
            stale: 0,
        }
    }

    /// Whether another payload may be put under way.
    pub(super) fn is_open(&self) -> bool {
        self.under_way + self.payload() <= self.size || self.under_way == 0
    }

    /// Bytes of a payload: half of the window, so that the line is never idle.
    pub(super) fn payload(&self) -> usize {
        self.size / 2
    }

    /// A payload was put under way.
    pub(super) fn handle_handed(&mut self, bytes: usize) {
        self.under_way += bytes;
    }

    /// A payload was answered after this time.
    pub(super) fn handle_answered(&mut self, bytes: usize, took: Duration) {
        self.under_way = self.under_way.saturating_sub(bytes);
        if self.stale > 0 {
            self.stale = self.stale.saturating_sub(bytes);
        } else if took <= SOON {
            self.size = (self.size + bytes).min(self.size_max);
        } else if took > LATE {
            self.size = (self.size / 2).max(LEAST.min(self.size_max));
            self.stale = self.under_way;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MAX: usize = 2_000_000;

    /// Sends so many bytes over a line of this rate and delay, as a session does; how long it
    /// took, and the longest wait for an answer.
    fn carry(mut bytes: usize, rate: usize, delay: Duration) -> (Duration, Duration) {
        let mut window = Window::new(MAX);
        let mut under_way: VecDeque<(usize, Duration, Duration)> = VecDeque::new();
        let (mut now, mut line_free, mut longest) =
            (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        while bytes > 0 || !under_way.is_empty() {
            while bytes > 0 && window.is_open() {
                let payload = window.payload().min(bytes);
                bytes -= payload;
                window.handle_handed(payload);
                let micros = payload * 1_000_000 / rate;
                line_free = line_free.max(now) + Duration::from_micros(micros as u64);
                under_way.push_back((payload, now, line_free + delay));
            }
            let (payload, handed, answered) = under_way.pop_front().unwrap();
            now = answered;
            longest = longest.max(answered - handed);
            window.handle_answered(payload, answered - handed);
        }
        (now, longest)
    }

    #[test]
    fn whatever_the_line_it_is_used_and_no_answer_is_awaited_for_long() {
        let ms = Duration::from_millis;
        for (rate, delay) in [
            (2_000, ms(100)),
            (8_000, ms(300)),
            (8_000, ms(2_000)),
            (125_000, ms(50)),
            (12_500_000, ms(5)),
        ] {
            let bytes = (rate * 120).min(20_000_000);
            let (took, longest) = carry(bytes, rate, delay);
            let least = Duration::from_secs_f64(bytes as f64 / rate as f64);
            assert!(took < least * 2, "{rate}: {took:?} for {least:?}");
            assert!(longest < Duration::from_secs(12), "{rate}: {longest:?}");
        }
    }

    #[test]
    fn a_line_that_gets_worse_narrows_the_window_once_for_all_that_was_under_way() {
        let mut window = Window::new(MAX);
        for _ in 0..10 {
            let payload = window.payload();
            window.handle_handed(payload);
            window.handle_handed(payload);
            window.handle_answered(payload, Duration::from_millis(10));
            window.handle_answered(payload, Duration::from_millis(10));
        }
        let wide = window.payload();
        assert!(wide > 400_000, "{wide}");
        window.handle_handed(wide);
        window.handle_handed(wide);
        assert!(!window.is_open());
        window.handle_answered(wide, Duration::from_secs(9));
        window.handle_answered(wide, Duration::from_secs(18));
        assert_eq!(window.payload(), wide / 2);
        window.handle_handed(wide / 2);
        window.handle_answered(wide / 2, Duration::from_secs(9));
        assert_eq!(window.payload(), wide / 4);
        assert!(window.is_open(), "something may always be sent");
    }
}
