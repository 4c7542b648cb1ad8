//! What may be done off-line: the rules of a library, without a clock, a disk or a network. They
//! are told what is remembered, what the papers say and which day it is, and say how an item is
//! lent, or why it is not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lujiang_config::{LendingSection, Offline, Renewals};
use lujiang_wire::Label;

use super::calendar::{Calendar, Terms};
use super::local_key::ReaderMark;
use super::memory::{LentHere, Memory};
use super::papers::Papers;
use super::refused::Limit;
use super::{Barcode, ReaderCard, Refused};

/// The rules, from the configuration.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    offline: Offline,
    renewals: Renewals,
    calendar: Calendar,
    reader_items_max: u32,
    reader_day_max: u32,
    block_items_max: u32,
}

/// Who borrows, when, and in which block loan.
#[derive(Debug, Clone, Copy)]
pub(super) struct Borrower<'a> {
    pub(super) mark: &'a ReaderMark,
    pub(super) today: Date,
    pub(super) block: Option<&'a Label>,
    /// Whose load the items of this device are: lent to its own card, they are lent on from there.
    pub(super) carrier: Option<&'a ReaderMark>,
}

impl Borrower<'_> {
    /// Whether an item that is lent is of the load this borrower is served from.
    pub(super) fn is_served_from(&self, lent: &LentHere) -> bool {
        self.carrier == Some(&lent.reader) && self.carrier != Some(self.mark)
    }
}

impl Policy {
    pub(super) fn of(section: &LendingSection) -> Self {
        Self {
            offline: section.offline,
            renewals: section.renewals,
            calendar: Calendar::of(section),
            reader_items_max: section.reader_items_max,
            reader_day_max: section.reader_day_max,
            block_items_max: section.block_items_max,
        }
    }

    /// What is done off-line at all.
    pub(super) fn offline(&self) -> Offline {
        self.offline
    }

    /// The library's time zone.
    pub(super) fn time_zone(&self) -> &TimeZone {
        self.calendar.time_zone()
    }

    /// The day it is in the library.
    pub(super) fn day(&self, now: Timestamp) -> Date {
        self.calendar.day(now)
    }

    /// Whether anything may be lent to this reader; the papers by which.
    pub(super) fn admit<'a>(
        &self,
        papers: Option<&'a Papers>,
        reader: &ReaderCard,
    ) -> Result<&'a Papers, Refused> {
        match self.offline {
            Offline::Checkin => return Err(Refused::NotLentOffline),
            Offline::CheckinAndCheckout => {}
        }
        let papers = papers.ok_or(Refused::NoPapers)?;
        if papers.blocks(reader) {
            return Err(Refused::ReaderBlocked);
        }
        Ok(papers)
    }

    /// How many items more a reader may borrow today, as far as is remembered.
    pub(super) fn items_left(&self, memory: &Memory, mark: &ReaderMark, today: Date) -> u32 {
        let out = self.reader_items_max.saturating_sub(memory.out(mark));
        let day = self
            .reader_day_max
            .saturating_sub(memory.lent_on(mark, today));
        out.min(day)
    }

    /// Lends an item to a reader who was admitted.
    pub(super) fn lend(
        &self,
        memory: &Memory,
        borrower: Borrower<'_>,
        item: &Barcode,
    ) -> Result<LentHere, Refused> {
        self.free(memory, borrower, item)?;
        if borrower.block.is_none() {
            let Borrower { mark, today, .. } = borrower;
            self.within(Limit::Out, self.reader_items_max, memory.out(mark))?;
            self.within(Limit::Day, self.reader_day_max, memory.lent_on(mark, today))?;
        }
        Ok(self.lent(borrower, self.calendar.terms(item), 0))
    }

    /// Lends an item on to a reader who was admitted.
    pub(super) fn renew(
        &self,
        memory: &Memory,
        borrower: Borrower<'_>,
        item: &Barcode,
    ) -> Result<LentHere, Refused> {
        let terms = self.calendar.terms(item);
        let known = memory.lent(item);
        match (self.renewals, known) {
            (Renewals::None, _) => return Err(Refused::NotRenewedOffline),
            (Renewals::LentHere, None) => return Err(Refused::NotLentHere),
            (Renewals::LentHere | Renewals::Any, Some(lent)) if lent.reader != *borrower.mark => {
                return Err(Refused::LentToAnother);
            }
            (Renewals::LentHere, Some(_)) | (Renewals::Any, Some(_) | None) => {}
        }
        let before = known.map_or(0, |lent| lent.renewals);
        if before >= terms.renewals_max {
            let most = terms.renewals_max;
            return Err(Refused::RenewalLimitReached { most });
        }
        let mut lent = self.lent(borrower, terms, before + 1);
        if let Some(known) = known {
            if lent.due <= known.due {
                return Err(Refused::RenewalGainsNothing);
            }
            lent.block.clone_from(&known.block);
        }
        Ok(lent)
    }

    /// What is wrong with a list of items that are to be lent at once. No limit of a
    /// reader counts for them: a branch borrows by the thousand.
    pub(super) fn check(
        &self,
        memory: &Memory,
        borrower: Borrower<'_>,
        items: &[Barcode],
    ) -> Vec<(Barcode, Refused)> {
        self.check_list(items, |item| self.free(memory, borrower, item).err())
    }

    /// What is wrong with a list of items that are to come back at once.
    pub(super) fn check_return(&self, items: &[Barcode]) -> Vec<(Barcode, Refused)> {
        self.check_list(items, |_| None)
    }

    /// Whether a list is neither empty nor too long.
    pub(super) fn measure(&self, items: &[Barcode]) -> Result<(), Refused> {
        let most = self.block_items_max;
        match u32::try_from(items.len()) {
            Ok(0) => Err(Refused::NoItems),
            Ok(count) if count <= most => Ok(()),
            Ok(_) | Err(_) => Err(Refused::TooManyItems { most }),
        }
    }

    fn check_list(
        &self,
        items: &[Barcode],
        wrong: impl Fn(&Barcode) -> Option<Refused>,
    ) -> Vec<(Barcode, Refused)> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for item in items {
            let refused = if seen.insert(item) {
                wrong(item)
            } else {
                Some(Refused::ItemListedTwice)
            };
            found.extend(refused.map(|refused| (item.clone(), refused)));
        }
        found
    }

    fn free(&self, memory: &Memory, borrower: Borrower<'_>, item: &Barcode) -> Result<(), Refused> {
        match memory.lent(item) {
            Some(lent) if !borrower.is_served_from(lent) => Err(Refused::ItemAlreadyLentHere),
            Some(_) | None => Ok(()),
        }
    }

    fn within(&self, limit: Limit, most: u32, has: u32) -> Result<(), Refused> {
        if has < most {
            Ok(())
        } else {
            Err(Refused::LimitReached { limit, most })
        }
    }

    fn lent(&self, borrower: Borrower<'_>, terms: Terms, renewals: u16) -> LentHere {
        LentHere {
            reader: borrower.mark.clone(),
            day: borrower.today,
            due: self.calendar.due(borrower.today, terms),
            renewals,
            block: borrower.block.cloned(),
        }
    }
}

#[cfg(test)]
mod tests;
