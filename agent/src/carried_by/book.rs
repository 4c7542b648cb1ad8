//! What was heard last from the gateway, by which way: what a bus brings is older than that, or it
//! is news. A core; it remembers across restarts.

use jiff::Timestamp;
use lujiang_wire::{CarriedReceipts, CarriedWish, DesiredContent, DeviceId, Receipts};
use serde::{Deserialize, Serialize};

/// What is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Book {
    /// When the newest wish was issued, or the line to the gateway told the newest.
    wish: Option<Timestamp>,
    /// The same of receipts.
    receipts: Option<Timestamp>,
    /// What the newest carried wish wants.
    pub(super) content: Option<DesiredContent>,
}

impl Book {
    /// What was remembered; nothing where it cannot be read.
    pub(super) fn read(text: Option<&str>) -> Self {
        let read = text.and_then(|text| serde_json::from_str(text).ok());
        read.unwrap_or_default()
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("times and names are always JSON")
    }

    /// The line to the gateway is in use, or was until now, by the gateway's clock where that was
    /// measured: what was issued before says less than what it says.
    pub(super) fn hear_line(&mut self, now: Option<Timestamp>) {
        for heard in [&mut self.wish, &mut self.receipts] {
            *heard = (*heard).max(now);
        }
        // It says itself what it wants, whenever it speaks; where it does not, nobody does.
        self.content = None;
    }

    /// A wish that was brought; whether it is news.
    pub(super) fn hear_wish(&mut self, wish: CarriedWish, us: &DeviceId) -> bool {
        if wish.device != *us || self.wish.is_some_and(|heard| wish.issued <= heard) {
            return false;
        }
        self.wish = Some(wish.issued);
        self.content = wish.content;
        true
    }

    /// Receipts that were brought, where they are news: older ones would take back what newer
    /// settled.
    pub(super) fn hear_receipts(
        &mut self,
        carried: CarriedReceipts,
        us: &DeviceId,
    ) -> Option<Receipts> {
        if carried.device != *us || self.receipts.is_some_and(|heard| carried.issued <= heard) {
            return None;
        }
        self.receipts = Some(carried.issued);
        Some(carried.receipts)
    }
}

#[cfg(test)]
mod tests {
    use lujiang_wire::LedgerId;

    use super::*;

    fn us() -> DeviceId {
        "kiosk-1".parse().unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn wish(second: i64, release: &str) -> CarriedWish {
        CarriedWish {
            device: us(),
            issued: at(second),
            content: Some(DesiredContent {
                revision: 1,
                release: Some(release.parse().unwrap()),
                attempt: 0,
            }),
        }
    }

    fn receipts(second: i64) -> CarriedReceipts {
        CarriedReceipts {
            device: us(),
            issued: at(second),
            receipts: Receipts {
                ledger: LedgerId("ledger".to_owned()),
                epoch: "0123456789abcdef0123456789abcdef".parse().unwrap(),
                streams: std::iter::empty().collect(),
            },
        }
    }

    #[test]
    fn what_a_bus_brings_is_news_once_and_never_after_something_newer() {
        let mut book = Book::default();
        assert!(book.hear_wish(wish(20, "2026-12"), &us()));
        assert!(!book.hear_wish(wish(20, "2026-12"), &us()));
        assert!(!book.hear_wish(wish(10, "2026-11"), &us()));
        let mut book = Book::read(Some(&book.to_text()));
        assert!(
            !book.hear_wish(wish(15, "2026-11"), &us()),
            "after a restart"
        );
        let wanted = book.content.clone().unwrap().release.unwrap();
        assert_eq!(wanted.as_str(), "2026-12");
        assert!(book.hear_receipts(receipts(5), &us()).is_some());
        assert!(book.hear_receipts(receipts(4), &us()).is_none());
    }

    #[test]
    fn what_was_issued_before_the_line_was_last_in_use_is_no_news() {
        let mut book = Book::default();
        book.hear_line(Some(at(100)));
        assert!(!book.hear_wish(wish(99, "2026-11"), &us()));
        assert!(book.hear_receipts(receipts(99), &us()).is_none());
        assert!(book.hear_wish(wish(101, "2026-12"), &us()));
    }

    #[test]
    fn what_a_bus_wanted_once_is_not_wanted_again_after_the_line_spoke() {
        for heard in [Some(at(100)), None] {
            let mut book = Book::default();
            assert!(book.hear_wish(wish(20, "2026-11"), &us()));
            // The line says 2026-12; then the agent starts anew, and there is no line.
            book.hear_line(heard);
            let book = Book::read(Some(&book.to_text()));
            assert_eq!(book.content, None, "{heard:?}");
        }
    }

    #[test]
    fn what_is_for_another_is_not_for_us() {
        let mut book = Book::default();
        let other = "kiosk-2".parse().unwrap();
        assert!(!book.hear_wish(wish(20, "2026-12"), &other));
        assert!(book.hear_receipts(receipts(20), &other).is_none());
        assert_eq!(book, Book::default());
    }
}
