//! Something that is lent.

use jiff::civil::DateTime;
use lujiang_sip2::CirculationStatus;

/// An item as the library system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is on its label.
    pub barcode: String,
    /// What it is called.
    pub title: String,
    /// To whom it is lent; on the shelf with none.
    pub loan: Option<Loan>,
    /// Whether it is believed lost.
    pub lost: bool,
    /// Who waits for it, the first first.
    pub holds: Vec<String>,
    /// For how many days it is lent.
    pub loan_days: i64,
    /// How often a loan is renewed.
    pub renewals_max: usize,
    /// What the item information calls it, where that is not what it was asked for.
    pub called: Option<String>,
}

/// Who has an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    /// The patron's barcode.
    pub patron: String,
    /// Since when, by the library's clock.
    pub since: DateTime,
    /// Until when, by the library's clock.
    pub due: DateTime,
    /// How often it was renewed.
    pub renewals: usize,
}

impl Item {
    /// One on the shelf, lent for thirty days and renewed twice.
    #[must_use]
    pub fn new(barcode: &str, title: &str) -> Self {
        Self {
            barcode: barcode.to_owned(),
            title: title.to_owned(),
            loan: None,
            lost: false,
            holds: Vec::new(),
            loan_days: 30,
            renewals_max: 2,
            called: None,
        }
    }

    /// Why it is not lent to that patron, in the system's words; none where it is. Whether it is
    /// out is not asked here.
    pub(crate) fn refusal(&self, patron: &str) -> Option<&'static str> {
        if self.lost {
            Some("Item is lost")
        } else if self.holds.first().is_some_and(|first| first != patron) {
            Some("Item is on hold for another patron")
        } else {
            None
        }
    }

    /// Where it is in its circulation.
    pub(crate) fn circulation(&self) -> CirculationStatus {
        if self.lost {
            CirculationStatus::Lost
        } else if self.loan.is_some() {
            CirculationStatus::Charged
        } else if self.holds.is_empty() {
            CirculationStatus::Available
        } else {
            CirculationStatus::WaitingOnHoldShelf
        }
    }

    /// Until when it is lent by the system's own rules, at the end of that day.
    pub(crate) fn due_from(&self, at: DateTime) -> DateTime {
        let days = jiff::Span::new().days(self.loan_days);
        let day = at
            .date()
            .checked_add(days)
            .expect("no test lends beyond the calendar");
        day.at(23, 59, 59, 0)
    }
}
