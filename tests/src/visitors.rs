//! Who walks through the doors: 530,000 visits a year, spread over sites, days and hours.

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand_distr::{Distribution as _, Poisson};

/// Visits in the library's annual report of 2016.
pub const VISITS_A_YEAR: f64 = 530_000.0;

/// How the visits of a day spread over its hours from 8:00 to 20:00: a morning peak, a dip at
/// noon, an afternoon peak. The shape is ours; only its sum, 1, matters to the yearly total.
const HOURS: [f64; 12] = [
    0.045, 0.10, 0.125, 0.115, 0.065, 0.085, 0.11, 0.12, 0.10, 0.065, 0.04, 0.03,
];

/// Opens at 8 and closes at 20, as its hours above do.
pub const OPENS: i8 = 8;

/// Draws arrivals for one gate, the same for the same seed.
#[derive(Debug)]
pub struct Visitors {
    /// Visits a day, weekday average.
    a_day: f64,
    zone: TimeZone,
    dice: StdRng,
    /// Persons inside, who will leave.
    inside: u64,
}

/// Who passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// Persons in.
    pub entered: u64,
    /// Persons out.
    pub left: u64,
}

impl Visitors {
    /// Visitors of a gate that sees this share of all visits.
    #[must_use]
    pub fn of_gate(share: f64, zone: TimeZone, seed: u64) -> Self {
        let dice = StdRng::seed_from_u64(seed);
        Self {
            a_day: VISITS_A_YEAR / 365.0 * share,
            zone,
            dice,
            inside: 0,
        }
    }

    /// Who passes in `[from, to)`, some minutes at most.
    pub fn between(&mut self, from: Timestamp, to: Timestamp) -> Passed {
        let seconds = to.duration_since(from).as_secs_f64().max(0.0);
        let expected = self.a_second(from) * seconds;
        let entered = self.draw(expected);
        self.inside += entered;
        // Half an hour inside on average; after closing everybody leaves within minutes.
        let stay = if self.a_second(from) > 0.0 {
            1_800.0
        } else {
            240.0
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a library holds fewer than 2^52 people"
        )]
        let leaving = self.inside as f64 * (1.0 - (-seconds / stay).exp());
        let left = self.draw(leaving).min(self.inside);
        self.inside -= left;
        Passed { entered, left }
    }

    /// Arrivals a second at this moment.
    fn a_second(&self, at: Timestamp) -> f64 {
        let local = at.to_zoned(self.zone.clone());
        let hour = usize::try_from(local.hour() - OPENS)
            .ok()
            .and_then(|hour| HOURS.get(hour));
        let day = match local.weekday() {
            Weekday::Saturday | Weekday::Sunday => 1.35,
            _ => 0.86,
        };
        hour.map_or(0.0, |share| self.a_day * day * share / 3_600.0)
    }

    fn draw(&mut self, expected: f64) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small, not negative"
        )]
        Poisson::new(expected).map_or(0, |poisson| poisson.sample(&mut self.dice) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_year_of_arrivals_makes_the_visits_of_the_report() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let mut visitors = Visitors::of_gate(1.0, zone, 2016);
        let first: Timestamp = "2016-01-01T00:00:00+08:00".parse().unwrap();
        let mut entered = 0;
        let mut left = 0;
        for quarter in 0..365 * 96_i64 {
            let from = Timestamp::from_second(first.as_second() + quarter * 900).unwrap();
            let to = Timestamp::from_second(first.as_second() + (quarter + 1) * 900).unwrap();
            let passed = visitors.between(from, to);
            entered += passed.entered;
            left += passed.left;
        }
        assert!((525_000..535_000).contains(&entered), "{entered} visits");
        assert!(
            entered >= left && entered - left < 50,
            "{entered} in, {left} out"
        );
    }

    #[test]
    fn nobody_comes_at_night() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let mut visitors = Visitors::of_gate(1.0, zone, 1);
        let from: Timestamp = "2016-06-01T02:00:00+08:00".parse().unwrap();
        let to: Timestamp = "2016-06-01T03:00:00+08:00".parse().unwrap();
        assert_eq!(visitors.between(from, to), Passed::default());
    }
}
