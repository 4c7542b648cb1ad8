//! Loans: hours and sessions added up into the units of a range, by site and kind of device.
//!
//! What happened at a time that is not known is in the total of the range its day of receipt lies
//! in, and in no unit.

use std::collections::{BTreeMap, BTreeSet};

use lujiang_wire::{DeviceId, Stream};

use crate::places::{DeviceKind, Places, SiteId};
use crate::views::Written;
use crate::views::calendar::{Calendar, instant};
use crate::views::key::Key;
use crate::views::lent::{Borrower, LoanCounts, LoanSheet};
use crate::views::pages::{Damage, Pages, read_all, read_range};
use crate::views::record::Tally;
use crate::views::report::{Bucket, Gap, LoanBucket, LoanFigures, LoanQuery, LoanReport, LoanRow};
use crate::views::stays::{Stay, stay_at, stays};
use crate::views::streams::gaps_of;
use crate::views::units::{NoReport, edges};

/// Answers for loans.
pub(crate) fn loan_report(
    pages: &dyn Pages,
    calendar: &Calendar,
    places: &Places,
    query: &LoanQuery,
    written: Written<'_>,
) -> Result<LoanReport, NoReport> {
    let edges = edges(calendar, query.bucket, query.from, query.to)?;
    let stays = stays(places);
    let mut sums = Sums::new(&edges, query);
    let mut gaps = Vec::new();
    for device in devices(pages, &stays, query)? {
        let stays = stays.get(&device).map_or(&[][..], Vec::as_slice);
        if !sums.concerns(stays) {
            continue;
        }
        sums.add_days(pages, calendar, &device, stays)?;
        sums.add_borrowers(pages, calendar, &device, stays)?;
        gaps.extend(gaps_of(pages, &device, Stream::Loan, written)?);
    }
    Ok(sums.report(gaps))
}

/// The devices the ledger or the registry knows, that were asked for.
fn devices(
    pages: &dyn Pages,
    stays: &BTreeMap<DeviceId, Vec<Stay>>,
    query: &LoanQuery,
) -> Result<BTreeSet<DeviceId>, Damage> {
    let tallies: Vec<(Key, Tally)> = read_all(pages, &Key::tallies())?;
    let of_ledger = tallies.into_iter().filter_map(|(key, _)| match key {
        Key::Tally(device) => Some(device),
        _ => None,
    });
    let known = of_ledger.chain(stays.keys().cloned());
    let is_asked = |device: &DeviceId| query.device.as_ref().is_none_or(|asked| asked == device);
    Ok(known.filter(is_asked).collect())
}

/// Where a row belongs: its unit (none: undated), site and kind.
type Cell = (Option<usize>, Option<SiteId>, Option<DeviceKind>);

/// What is added up, cell by cell.
struct Sums<'a> {
    edges: &'a [i64],
    query: &'a LoanQuery,
    cells: BTreeMap<Cell, Sum>,
}

/// Signed, so that what was undone elsewhere is taken away; cut at the end.
#[derive(Clone, Copy, Default)]
struct Sum {
    counts: LoanCounts,
    borrowers: u64,
}

impl<'a> Sums<'a> {
    fn new(edges: &'a [i64], query: &'a LoanQuery) -> Self {
        Self {
            edges,
            query,
            cells: BTreeMap::new(),
        }
    }

    /// Whether a device with these stays was ever within what is asked for.
    fn concerns(&self, stays: &[Stay]) -> bool {
        let is_any = self.query.site.is_none() && self.query.kind.is_none();
        is_any || stays.iter().any(|stay| self.is_asked(Some(stay)))
    }

    fn is_asked(&self, stay: Option<&Stay>) -> bool {
        let site = stay.and_then(|stay| stay.site.as_ref());
        let kind = stay.map(|stay| stay.kind);
        self.query
            .site
            .as_ref()
            .is_none_or(|asked| site == Some(asked))
            && self.query.kind.is_none_or(|asked| kind == Some(asked))
    }

    fn add_days(
        &mut self,
        pages: &dyn Pages,
        calendar: &Calendar,
        device: &DeviceId,
        stays: &[Stay],
    ) -> Result<(), Damage> {
        let [from, until] = self
            .days(calendar)
            .map(|second| Key::Loans(device.clone(), second).encode());
        for (key, sheet) in read_range::<LoanSheet>(pages, &from, &until)? {
            let Key::Loans(_, day) = key else { continue };
            for (start, counts) in &sheet.hours {
                if let Some(sum) = self.cell(Some(*start), *start, stays) {
                    sum.counts.add(*counts);
                }
            }
            if sheet.undated != LoanCounts::default()
                && let Some(sum) = self.cell(None, day, stays)
            {
                sum.counts.add(sheet.undated);
            }
        }
        Ok(())
    }

    fn add_borrowers(
        &mut self,
        pages: &dyn Pages,
        calendar: &Calendar,
        device: &DeviceId,
        stays: &[Stay],
    ) -> Result<(), Damage> {
        let [from, until] = self
            .days(calendar)
            .map(|second| Key::borrowers(device, second));
        for (key, borrower) in read_range::<Borrower>(pages, &from, &until)? {
            let (Key::Borrower(_, day, _), Some(start)) = (key, borrower.borrowed()) else {
                continue;
            };
            if let Some(sum) = self.cell(start, start.unwrap_or(day), stays) {
                sum.borrowers += 1;
            }
        }
        Ok(())
    }

    /// From the beginning of the day the range begins in up to its end.
    fn days(&self, calendar: &Calendar) -> [i64; 2] {
        let first = calendar.start(Bucket::Day, self.edges[0]);
        [first, self.edges[self.edges.len() - 1]]
    }

    /// The cell of what began at `start` (none: undated) and is placed by `second`; none where it
    /// was not asked for.
    fn cell(&mut self, start: Option<i64>, second: i64, stays: &[Stay]) -> Option<&mut Sum> {
        let after = self.edges.partition_point(|edge| *edge <= second);
        if after == 0 || after == self.edges.len() {
            return None;
        }
        let stay = stay_at(stays, second);
        if !self.is_asked(stay) {
            return None;
        }
        let site = stay.and_then(|stay| stay.site.clone());
        let cell = (start.map(|_| after - 1), site, stay.map(|stay| stay.kind));
        Some(self.cells.entry(cell).or_default())
    }

    fn report(self, gaps: Vec<Gap>) -> LoanReport {
        let mut units = vec![Sum::default(); self.edges.len() - 1];
        let (mut total, mut undated) = (Sum::default(), Sum::default());
        let mut rows = Vec::new();
        for ((unit, site, kind), sum) in self.cells {
            total.add(sum);
            match unit {
                Some(unit) => units[unit].add(sum),
                None => undated.add(sum),
            }
            let start = unit.map(|unit| instant(self.edges[unit]));
            let figures = sum.figures();
            if figures != LoanFigures::default() {
                rows.push(LoanRow {
                    start,
                    site,
                    kind,
                    figures,
                });
            }
        }
        let bucket = |(start, sum): (&i64, &Sum)| LoanBucket {
            start: instant(*start),
            figures: sum.figures(),
        };
        LoanReport {
            buckets: self.edges.iter().zip(&units).map(bucket).collect(),
            rows,
            total: total.figures(),
            undated: undated.figures(),
            gaps,
        }
    }
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.counts.add(other.counts);
        self.borrowers = self.borrowers.saturating_add(other.borrowers);
    }

    fn figures(&self) -> LoanFigures {
        LoanFigures {
            borrowers: self.borrowers,
            ..figures(self.counts)
        }
    }
}

/// Counts as people see them: never less than none.
pub(crate) fn figures(counts: LoanCounts) -> LoanFigures {
    let not_negative = |count: i64| u64::try_from(count).unwrap_or(0);
    LoanFigures {
        checkouts: not_negative(counts.checkouts),
        in_blocks: not_negative(counts.in_blocks),
        borrowers: 0,
        renewals: not_negative(counts.renewals),
        checkins: not_negative(counts.checkins),
        cards: not_negative(counts.cards),
    }
}
