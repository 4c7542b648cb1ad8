//! When downloads may run and how fast, by the clock on the wall of the site. A core: the time is
//! an argument.
//!
//! Hours are what the clock on the wall shows: where it is set back, an hour that comes twice is
//! within or without both times; where it is set forward, what is left out does not come at all.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use lujiang_config::{DownloadsSection, WeeklyHours};

/// So far is looked ahead: each change of a week is within it.
const AHEAD_DAYS: i64 = 8;

/// So many changes an estimate follows: at a few a day, that is months.
const CHANGES_MAX: usize = 1_000;

/// The hours of a site.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours {
    zone: TimeZone,
    quiet: Vec<WeeklyHours>,
    open: Vec<WeeklyHours>,
    /// Bytes a second, at most.
    most: Option<u64>,
    /// The same while it is open.
    most_open: Option<u64>,
}

/// What is allowed for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// Nothing.
    Nothing,
    /// So many bytes a second.
    Limited(u64),
    /// As fast as the line.
    Everything,
}

impl Hours {
    /// Always, and as fast as the line.
    #[must_use]
    pub fn always() -> Self {
        Self::new(TimeZone::UTC, &DownloadsSection::default())
    }

    /// As configured, for a site in this zone.
    #[must_use]
    pub fn new(zone: TimeZone, section: &DownloadsSection) -> Self {
        // A kbit/s is 125 bytes a second.
        let bytes = |kbit: u32| (kbit > 0).then_some(u64::from(kbit) * 125);
        Self {
            zone,
            quiet: section.quiet_hours.clone(),
            open: section.opening_hours.clone(),
            most: bytes(section.bandwidth),
            most_open: bytes(section.bandwidth_open),
        }
    }

    /// What is allowed now.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Allowance {
        let wall = self.zone.to_datetime(now);
        let within = |hours: &[WeeklyHours]| {
            let mut hours = hours.iter();
            hours.any(|it| it.contain(wall.weekday(), wall.time()))
        };
        if within(&self.quiet) {
            return Allowance::Nothing;
        }
        let open = self.most_open.filter(|_| within(&self.open));
        match (self.most, open) {
            (Some(most), Some(open)) => Allowance::Limited(most.min(open)),
            (Some(most), None) | (None, Some(most)) => Allowance::Limited(most),
            (None, None) => Allowance::Everything,
        }
    }

    /// When that changes; days ahead, where it does not.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Timestamp {
        let allowed = self.at(now);
        let far = now.checked_add(SignedDuration::from_hours(24 * AHEAD_DAYS));
        let far = far.unwrap_or(Timestamp::MAX);
        let mut moments = self.moments(now);
        moments.retain(|moment| *moment > now && *moment < far);
        moments.sort_unstable();
        let changes = moments.into_iter().find(|it| self.at(*it) != allowed);
        changes.unwrap_or(far)
    }

    /// When so many bytes are here, at this rate of the line; none where nobody can say.
    #[must_use]
    pub fn arrival(&self, now: Timestamp, bytes: u64, rate: u64) -> Option<Timestamp> {
        let mut left = bytes as f64;
        let mut from = now;
        for _ in 0..CHANGES_MAX {
            let until = self.until(from);
            let speed = match self.at(from) {
                Allowance::Nothing => 0.0,
                Allowance::Limited(most) => most.min(rate) as f64,
                Allowance::Everything => rate as f64,
            };
            let takes = left / speed;
            if takes <= until.duration_since(from).as_secs_f64() {
                return from
                    .checked_add(Duration::try_from_secs_f64(takes).ok()?)
                    .ok();
            }
            left -= speed * until.duration_since(from).as_secs_f64();
            if until <= from {
                return None;
            }
            from = until;
        }
        None
    }

    /// The moments of the days ahead at which something may change: where hours begin and end, each
    /// time the clock on the wall shows it, and where that clock is set.
    fn moments(&self, now: Timestamp) -> Vec<Timestamp> {
        let first = self.zone.to_datetime(now).date();
        let edges = self.quiet.iter().chain(&self.open);
        let edges: Vec<Time> = edges.flat_map(WeeklyHours::edges).collect();
        let days = (0..=AHEAD_DAYS).filter_map(|days| first.checked_add(days.days()).ok());
        let times = days.flat_map(|day| {
            // A day begins: hours of single days do.
            let all = edges.iter().copied().chain([Time::midnight()]);
            all.map(move |time| DateTime::from_parts(day, time))
        });
        let mut moments: Vec<Timestamp> = times
            .flat_map(|wall| {
                let of = self.zone.to_ambiguous_timestamp(wall);
                [of.earlier().ok(), of.later().ok()]
            })
            .flatten()
            .collect();
        let set = self.zone.following(now).take(3);
        moments.extend(set.map(|transition| transition.timestamp()));
        moments
    }
}

#[cfg(test)]
mod tests;
