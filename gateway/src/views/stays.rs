//! Where a device stood and when a site was open, as seconds: what coverage is expected of a gate.

use std::collections::BTreeMap;

use lujiang_wire::DeviceId;

use crate::places::{DeviceKind, Opening, Places, SiteId};
use crate::views::calendar::{Calendar, second_of};
use crate::views::spans::Spans;

/// A device at a site, `[from, until)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stay {
    /// First second; the first stay begins with time itself.
    pub(crate) from: i64,
    /// First second no longer.
    pub(crate) until: i64,
    /// Since when it was meant to stand there.
    valid_from: i64,
    /// What it was for.
    pub(crate) kind: DeviceKind,
    /// Where; none while it is put away.
    pub(crate) site: Option<SiteId>,
}

/// All stays of each device, oldest first.
pub(crate) fn stays(places: &Places) -> BTreeMap<DeviceId, Vec<Stay>> {
    let mut all: BTreeMap<DeviceId, Vec<Stay>> = BTreeMap::new();
    for placement in &places.placements {
        let valid_from = second_of(placement.valid_from);
        let stays = all.entry(placement.device.clone()).or_default();
        if let Some(last) = stays.last_mut() {
            last.until = valid_from;
        }
        stays.push(Stay {
            from: if stays.is_empty() {
                i64::MIN
            } else {
                valid_from
            },
            until: i64::MAX,
            valid_from,
            kind: placement.kind,
            site: placement.site.clone(),
        });
    }
    all
}

/// Where a device stood at a moment.
pub(crate) fn site_at(stays: &[Stay], second: i64) -> Option<&SiteId> {
    stay_at(stays, second)?.site.as_ref()
}

/// Where a device stood at a moment, and what it was for there.
pub(crate) fn stay_at(stays: &[Stay], second: i64) -> Option<&Stay> {
    let after = stays.partition_point(|stay| stay.from <= second);
    stays[..after].last()
}

/// The seconds within `[from, until)` in which a gate should have watched.
pub(crate) struct Expectation<'a> {
    places: &'a Places,
    calendar: &'a Calendar,
    from: i64,
    until: i64,
    open: BTreeMap<SiteId, Spans<i64>>,
}

impl<'a> Expectation<'a> {
    /// What is expected in this range.
    pub(crate) fn new(
        places: &'a Places,
        calendar: &'a Calendar,
        (from, until): (i64, i64),
    ) -> Self {
        Self {
            places,
            calendar,
            from,
            until,
            open: BTreeMap::new(),
        }
    }

    /// Expected of the device with these stays at `site` (or anywhere), from its placement on or
    /// from the first second it covered.
    pub(crate) fn of(
        &mut self,
        stays: &[Stay],
        site: Option<&SiteId>,
        first_covered: Option<i64>,
    ) -> Spans<i64> {
        let mut expected = Spans::default();
        for stay in stays {
            let Some(stood_at) = &stay.site else { continue };
            if stay.kind != DeviceKind::Gate || site.is_some_and(|site| site != stood_at) {
                continue;
            }
            let from = if stay.from == i64::MIN {
                first_covered.map_or(stay.valid_from, |first| first.min(stay.valid_from))
            } else {
                stay.from
            };
            let stood = Spans::of(from, stay.until);
            for (from, until) in self.open(stood_at).intersection(&stood).iter() {
                expected.insert(from, until);
            }
        }
        expected
    }

    fn open(&mut self, site: &SiteId) -> &Spans<i64> {
        if !self.open.contains_key(site) {
            let opening = self.places.sites.iter().find(|known| known.id == *site);
            let rows = opening.map_or(&[][..], |site| &site.opening);
            let spans = open_spans(rows, self.calendar, self.from, self.until);
            self.open.insert(site.clone(), spans);
        }
        &self.open[site]
    }
}

/// When a site with these rows was open within `[from, until)`.
fn open_spans(rows: &[Opening], calendar: &Calendar, from: i64, until: i64) -> Spans<i64> {
    let begins = |row: &Opening| second_of(row.valid_from);
    let mut open = Spans::default();
    let first = rows.first().map_or(i64::MAX, begins);
    open.insert(from, until.min(first));
    for (index, row) in rows.iter().enumerate() {
        let next = rows.get(index + 1).map_or(i64::MAX, begins);
        let (from, until) = (from.max(begins(row)), until.min(next));
        if from >= until {
            continue;
        }
        let mut date = calendar.date(from);
        let last = calendar.date(until - 1);
        while date <= last {
            if let Some((opens, closes)) = open_hours(row, calendar, date) {
                open.insert(opens.max(from), closes.min(until));
            }
            let Ok(tomorrow) = date.tomorrow() else { break };
            date = tomorrow;
        }
    }
    open
}

fn open_hours(row: &Opening, calendar: &Calendar, date: jiff::civil::Date) -> Option<(i64, i64)> {
    let weekday = usize::try_from(date.weekday().to_monday_zero_offset()).ok()?;
    let hours = row.week.get(weekday).copied()??;
    let closes = if hours.until == jiff::civil::Time::midnight() {
        calendar.start_of(date.tomorrow().ok()?)?
    } else {
        calendar.moment(date, hours.until)?
    };
    Some((calendar.moment(date, hours.from)?, closes))
}
