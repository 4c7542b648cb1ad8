//! How far a long command is, told to standard error.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is printed where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// How far it is: a bar with an estimate on a terminal, now and then a line elsewhere.
#[derive(Clone)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    begun: Instant,
    told: Instant,
    total: u64,
    counted: Counted,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Entries,
    Bytes,
}

impl Progress {
    /// Of entries of the ledger.
    pub(super) fn new() -> Self {
        Self::counting(Counted::Entries)
    }

    /// Of bytes.
    pub(super) fn of_bytes() -> Self {
        Self::counting(Counted::Bytes)
    }

    fn counting(counted: Counted) -> Self {
        let style = ProgressStyle::with_template(match counted {
            Counted::Entries => {
                "{bar:40} {human_pos} of {human_len} entries, {per_sec}, {eta} left"
            }
            Counted::Bytes => "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left",
        });
        let style = style.expect("the template is well-formed: a test says so");
        let on_terminal = std::io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            bar: on_terminal.then(|| ProgressBar::new(0).with_style(style)),
            begun: now,
            told: now,
            total: 0,
            counted,
        }
    }

    pub(super) fn reached(&mut self, done: u64, total: u64) {
        self.total = total;
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            return;
        }
        if self.told.elapsed() >= LINE_EVERY {
            self.told = Instant::now();
            let left = estimate(self.begun.elapsed(), done, total);
            // Progress is a courtesy: a closed standard error does not end the rebuild.
            let what = match self.counted {
                Counted::Entries => "entries",
                Counted::Bytes => "bytes",
            };
            let left = left.as_secs();
            let _ = writeln!(
                std::io::stderr(),
                "{done} of {total} {what}, about {left} s left"
            );
        }
    }

    /// How many entries there are, as last told.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// The time left at the speed so far.
fn estimate(elapsed: Duration, done: u64, total: u64) -> Duration {
    let left = u128::from(total.saturating_sub(done));
    let millis = (elapsed.as_millis() * left).checked_div(u128::from(done));
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    Duration::from_millis(millis.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_from_the_speed_so_far() {
        let ten = Duration::from_secs(10);
        assert_eq!(estimate(ten, 100, 300), Duration::from_secs(20));
        assert_eq!(estimate(ten, 0, 300), Duration::ZERO);
        assert_eq!(estimate(ten, 300, 300), Duration::ZERO);
        Progress::new().reached(1, 2);
        Progress::of_bytes().reached(1, 2);
    }
}
