//! Somebody who borrows.

use jiff::civil::Date;
use lujiang_sip2::PatronStatus;

/// A patron as the library system knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patron {
    /// What is on the card.
    pub barcode: String,
    /// What the patron is called.
    pub name: String,
    /// The first day on which the card is good no more.
    pub expires: Date,
    /// Whether staff blocked the card.
    pub blocked: bool,
    /// How many items may be out at a time.
    pub loans_max: usize,
}

impl Patron {
    /// One who may borrow ten items for many years.
    #[must_use]
    pub fn new(barcode: &str, name: &str) -> Self {
        Self {
            barcode: barcode.to_owned(),
            name: name.to_owned(),
            expires: Date::constant(2099, 1, 1),
            blocked: false,
            loans_max: 10,
        }
    }

    /// Why nothing is lent, in the system's words; none where something is.
    pub(crate) fn refusal(&self, today: Date, loans: usize) -> Option<&'static str> {
        if self.blocked {
            Some("Patron is blocked")
        } else if today >= self.expires {
            Some("Patron's card has expired")
        } else if loans >= self.loans_max {
            Some("Patron has too many items charged")
        } else {
            None
        }
    }

    /// The fourteen flags.
    pub(crate) fn status(&self, today: Date, loans: usize) -> PatronStatus {
        let denied = self.blocked || today >= self.expires;
        PatronStatus {
            charge_privileges_denied: denied,
            renewal_privileges_denied: denied,
            hold_privileges_denied: denied,
            too_many_items_charged: loans >= self.loans_max,
            ..PatronStatus::default()
        }
    }
}
