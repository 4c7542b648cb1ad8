//! A small library system (ILS) that speaks SIP2, with a library system's habits and faults.
//!
//! [`Ils`] is the core: a request and the time in, an answer out; it keeps a [`Journal`] of what it
//! executed. [`Session`](session::Session) is what one connection knows, [`Fault`] is what goes
//! wrong, and [`IlsHandle`] is the server on loopback. Reading order: [`habits`] (how its answers
//! differ from another's), [`patron`], [`item`], [`journal`], then here.

pub mod answers;
pub mod circulation;
pub mod fault;
pub mod habits;
pub mod item;
pub mod journal;
pub mod naming;
pub mod patron;
pub mod server;
pub mod session;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_sip2::{Request, Response, SipDate};

pub use fault::Fault;
pub use habits::{ChargedItems, Habits, Kind, RenewalBase};
pub use item::{Item, Loan};
pub use journal::{Deed, Entry, Journal};
pub use patron::Patron;
pub use server::IlsHandle;

/// What one library system knows.
#[derive(Debug, Clone)]
pub struct Ils {
    habits: Habits,
    zone: TimeZone,
    patrons: BTreeMap<String, Patron>,
    items: BTreeMap<String, Item>,
    journal: Journal,
}

impl Ils {
    /// A library in Shanghai's time without patrons and items.
    #[must_use]
    pub fn new(habits: Habits) -> Self {
        Self {
            habits,
            zone: TimeZone::get("Asia/Shanghai").expect("jiff brings its time zones"),
            patrons: BTreeMap::new(),
            items: BTreeMap::new(),
            journal: Journal::default(),
        }
    }

    /// A library with so many patrons (`R0001` …) and items (`B00001` …), all of them fit for use.
    #[must_use]
    pub fn stocked(habits: Habits, patrons: usize, items: usize) -> Self {
        const TITLES: [&str; 4] = ["怪物大师", "剪面包的男孩", "川味家常菜", "渌江书院志"];
        let mut ils = Self::new(habits);
        for number in 1..=patrons {
            ils.add_patron(Patron::new(
                &format!("R{number:04}"),
                &format!("读者{number}"),
            ));
        }
        for number in 1..=items {
            let title = format!("{} {number}", TITLES[number % TITLES.len()]);
            ils.add_item(Item::new(&format!("B{number:05}"), &title));
        }
        ils
    }

    /// Takes up a patron, or replaces one.
    pub fn add_patron(&mut self, patron: Patron) {
        self.patrons.insert(patron.barcode.clone(), patron);
    }

    /// Takes up an item, or replaces one.
    pub fn add_item(&mut self, item: Item) {
        self.items.insert(item.barcode.clone(), item);
    }

    /// A patron, for a test that has something happen to it.
    pub fn patron_mut(&mut self, barcode: &str) -> Option<&mut Patron> {
        self.patrons.get_mut(barcode)
    }

    /// An item, for a test that has something happen to it.
    pub fn item_mut(&mut self, barcode: &str) -> Option<&mut Item> {
        self.items.get_mut(barcode)
    }

    /// How it answers.
    pub fn habits_mut(&mut self) -> &mut Habits {
        &mut self.habits
    }

    /// What is on loan, by item: what a model is compared with.
    #[must_use]
    pub fn state(&self) -> BTreeMap<String, Loan> {
        let loans = self.items.values();
        loans
            .filter_map(|item| Some((item.barcode.clone(), item.loan.clone()?)))
            .collect()
    }

    /// All that it executed.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Executes a request and answers it. A demand to send again is the connection's business and
    /// has no answer here.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Option<Response> {
        let mut response = match request {
            Request::Login(login) => self.login(login).into(),
            Request::ScStatus(_) => self.status(now).into(),
            Request::Checkout(checkout) => self.checkout(checkout, now).into(),
            Request::Checkin(checkin) => self.checkin(checkin, now).into(),
            Request::Renew(renew) => self.renew(renew, now).into(),
            Request::PatronStatus(asked) => self.patron_status(asked, now).into(),
            Request::PatronInformation(asked) => self.patron_information(asked, now).into(),
            Request::ItemInformation(asked) => self.item_information(asked, now).into(),
            Request::EndPatronSession(session) => self.end_session(session, now).into(),
            Request::BlockPatron(block) => self.block(block, now).into(),
            Request::FeePaid(paid) => self.fee_paid(paid, now).into(),
            Request::RequestAcsResend(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::RenewAll(_)
            | Request::Vendor(_) => return None,
        };
        if self.habits.names_readers {
            self.name_readers(&mut response);
        }
        Some(response)
    }

    /// The time on the wall, as answers tell it.
    pub(crate) fn wall(&self, now: Timestamp) -> SipDate {
        SipDate::local(now, &self.zone)
    }
}

#[cfg(test)]
mod tests;
