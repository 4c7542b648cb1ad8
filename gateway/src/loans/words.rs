//! The desk's questions and orders in the words of SIP2, and its answers in the words of the desk.
//!
//! What the library system says for people may name a reader: everything that is known to do so is
//! taken out before it becomes [`Words`].

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_config::IlsSection;
use lujiang_sip2::{
    Checkin, Checkout, CirculationStatus, IDENTITY_DIGITS, ItemInformation,
    ItemInformationResponse, PatronInformation, PatronInformationResponse, Private, Renew, Request,
    SipDate, Summary,
};
use lujiang_wire::{Label, LoanKind};

use crate::desk::{Charged, Circulation, Order, ReaderSeen, ReaderStanding, Words};

/// Stands where a reader was named.
const WITHHELD: &str = "…";

/// Shorter names are not looked for: they are in every word.
const NAME_CHARS_MIN: usize = 2;

/// A list of so many items may be one page of several; systems that send only so much send ten or
/// more at once.
const CUT_LIST_MIN: usize = 10;

/// The question for an item.
pub(super) fn item_information(
    section: &IlsSection,
    item: &Label,
    now: Timestamp,
    zone: &TimeZone,
) -> Request {
    ItemInformation {
        transaction_date: Some(SipDate::local(now, zone)),
        institution_id: section.institution.clone(),
        item_identifier: item.to_string(),
        ..ItemInformation::default()
    }
    .into()
}

/// The question for a reader and what the reader has.
pub(super) fn patron_information(
    section: &IlsSection,
    reader: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Request {
    PatronInformation {
        transaction_date: Some(SipDate::local(now, zone)),
        summary: Some(Summary::ChargedItems),
        institution_id: section.institution.clone(),
        patron_identifier: Private::new(reader),
        ..PatronInformation::default()
    }
    .into()
}

/// What an order says. A loan or renewal needs its reader.
pub(super) fn order(
    section: &IlsSection,
    order: &Order,
    reader: Option<&str>,
    zone: &TimeZone,
) -> Request {
    let happened = Some(SipDate::local(order.happened, zone));
    let due = order.due.map(|due| SipDate::local(due, zone));
    let institution_id = section.institution.clone();
    let patron_identifier = Private::new(reader.unwrap_or_default());
    let item = order.item.to_string();
    match order.errand.kind() {
        LoanKind::Checkout => Checkout {
            no_block: order.no_block,
            transaction_date: happened,
            nb_due_date: due,
            institution_id,
            patron_identifier,
            item_identifier: item,
            ..Checkout::default()
        }
        .into(),
        LoanKind::Renew => Renew {
            no_block: order.no_block,
            transaction_date: happened,
            nb_due_date: due,
            institution_id,
            patron_identifier,
            item_identifier: Some(item),
            ..Renew::default()
        }
        .into(),
        LoanKind::Checkin => Checkin {
            no_block: order.no_block,
            transaction_date: happened,
            return_date: happened,
            current_location: section.location.clone(),
            institution_id,
            item_identifier: item,
            ..Checkin::default()
        }
        .into(),
    }
}

/// Where an item is.
pub(super) fn circulation(said: &ItemInformationResponse) -> Circulation {
    // "Other", no title, and words why: it has no such thing. Without words it says nothing.
    let is_unknown = said.title_identifier.trim().is_empty() && !said.screen_message.is_empty();
    match said.circulation_status {
        CirculationStatus::Charged | CirculationStatus::ChargedNotToBeRecalled => {
            Circulation::OnLoan
        }
        CirculationStatus::Recalled | CirculationStatus::ClaimedReturned => Circulation::OnLoan,
        CirculationStatus::Available | CirculationStatus::WaitingToBeReshelved => Circulation::In,
        CirculationStatus::InTransit | CirculationStatus::InProcess => Circulation::In,
        CirculationStatus::OnOrder => Circulation::In,
        CirculationStatus::WaitingOnHoldShelf => Circulation::OnHoldShelf,
        CirculationStatus::Lost | CirculationStatus::Missing => Circulation::Lost,
        CirculationStatus::Other if is_unknown => Circulation::NoSuchItem,
        CirculationStatus::Other | CirculationStatus::Local(_) => Circulation::Silent,
    }
}

/// Whether an answer is about this item; some library systems leave it out.
pub(super) fn is_about(said: &str, item: &Label) -> bool {
    said.trim().is_empty() || after_item(said, item) == Some("")
}

/// What stands behind the item's barcode, where a text begins with it. Library systems find a
/// barcode in either case, and say it as they have it.
fn after_item<'a>(said: &'a str, item: &Label) -> Option<&'a str> {
    let (begin, rest) = said.trim().split_at_checked(item.as_str().len())?;
    begin.eq_ignore_ascii_case(item.as_str()).then_some(rest)
}

/// How a reader stands, and whether the item is among what the reader has.
pub(super) fn reader_seen(said: &PatronInformationResponse, item: &Label) -> ReaderSeen {
    let status = &said.patron_status;
    let is_blocked = status.card_reported_lost
        || status.too_many_items_overdue
        || status.too_many_items_lost
        || status.too_many_items_billed
        || status.excessive_outstanding_fines
        || status.excessive_outstanding_fees;
    let standing = match () {
        () if said.valid_patron == Some(false) => ReaderStanding::Unknown,
        () if is_blocked => ReaderStanding::Blocked,
        () if status.too_many_items_charged => ReaderStanding::AtLimit,
        () if status.charge_privileges_denied => ReaderStanding::Blocked,
        () => ReaderStanding::Good,
    };
    let listed = said.charged_items.len();
    // Where it does not say how many there are, a long list may have been cut.
    let is_cut = match said.charged_items_count {
        Some(count) => usize::from(count) > listed,
        None => listed >= CUT_LIST_MIN,
    };
    let names_it = |entry: &String| {
        let rest = after_item(entry, item);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '/']))
    };
    let item = match said.charged_items.iter().any(names_it) {
        true => Charged::Listed,
        false if is_cut => Charged::Withheld,
        false => Charged::NotListed,
    };
    ReaderSeen { standing, item }
}

/// What the library system says for people, without what names a reader.
pub(super) fn words(lines: &[String], private: &[String]) -> Option<Words> {
    let mut text = lines.join(" ");
    for name in private {
        if name.chars().count() >= NAME_CHARS_MIN {
            text = without(&text, name);
        }
    }
    Words::new(&without_identities(&text))
}

/// Takes a name out, in whatever case it is written.
fn without(text: &str, name: &str) -> String {
    let (lower, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    let mut left = String::new();
    let mut from = 0;
    while let Some(at) = lower[from..].find(&name) {
        left.push_str(&text[from..from + at]);
        left.push_str(WITHHELD);
        from += at + name.len();
    }
    left.push_str(&text[from..]);
    left
}

/// Takes out what may be the number of an identity card, whosever it is.
fn without_identities(text: &str) -> String {
    let mut left = String::new();
    let mut run = String::new();
    let flush = |run: &mut String, left: &mut String| {
        match run.len() >= IDENTITY_DIGITS {
            true => left.push_str(WITHHELD),
            false => left.push_str(run),
        }
        run.clear();
    };
    for c in text.chars() {
        match c.is_ascii_digit() || (!run.is_empty() && c.eq_ignore_ascii_case(&'x')) {
            true => run.push(c),
            false => {
                flush(&mut run, &mut left);
                left.push(c);
            }
        }
    }
    flush(&mut run, &mut left);
    left
}

#[cfg(test)]
mod tests {
    use lujiang_sip2::PatronStatus;

    use super::*;

    #[test]
    fn words_name_no_reader_however_the_library_system_writes_it() {
        let said = |line: &str| {
            let private = ["ab12x".to_owned(), "王小明".to_owned()];
            words(&[line.to_owned()], &private)
                .unwrap()
                .as_str()
                .to_owned()
        };
        assert_eq!(said("AB12X is blocked, 王小明!"), "… is blocked, …!");
        assert_eq!(said("held for 43022319900101123X."), "held for ….");
        assert_eq!(said("item 1000000000 is lost"), "item 1000000000 is lost");
        assert_eq!(words(&["  ".to_owned()], &[]), None);
    }

    #[test]
    fn an_item_is_listed_by_its_barcode_alone_or_before_its_title() {
        let seen = |listed: &[&str], count: u16| listed_with(listed, Some(count));
        assert_eq!(seen(&["LJ2", "LJ1"], 2), Charged::Listed);
        assert_eq!(seen(&["LJ1 红楼梦"], 1), Charged::Listed);
        assert_eq!(seen(&[" lj1 "], 1), Charged::Listed);
        assert_eq!(seen(&["红"], 1), Charged::NotListed);
        assert_eq!(seen(&["LJ10", "红楼梦"], 2), Charged::NotListed);
        assert_eq!(seen(&[], 0), Charged::NotListed);
        assert_eq!(seen(&["LJ2"], 30), Charged::Withheld);
    }

    #[test]
    fn a_long_list_without_a_count_may_have_been_cut_and_does_not_say_what_is_not_on_it() {
        let others: Vec<String> = (2..2 + CUT_LIST_MIN).map(|it| format!("LJ{it}")).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        assert_eq!(listed_with(&others, None), Charged::Withheld);
        assert_eq!(listed_with(&others[1..], None), Charged::NotListed);
        assert_eq!(listed_with(&["LJ1"], None), Charged::Listed);
    }

    #[test]
    fn an_answer_is_about_an_item_that_it_names_in_whatever_case_or_names_none() {
        let item = "LJ1".parse().unwrap();
        let of = |said: &str| is_about(said, &item);
        assert!(of("LJ1") && of(" lj1 ") && of(""));
        assert!(!of("LJ10") && !of("LJ1 红楼梦") && !of("红楼梦"));
    }

    /// Whether LJ1 is among what a reader has who has so many items, of which these are listed.
    fn listed_with(listed: &[&str], count: Option<u16>) -> Charged {
        let said = PatronInformationResponse {
            charged_items: listed.iter().map(|it| (*it).to_owned()).collect(),
            charged_items_count: count,
            ..PatronInformationResponse::default()
        };
        reader_seen(&said, &"LJ1".parse().unwrap()).item
    }

    #[test]
    fn a_reader_who_has_enough_is_told_from_one_who_is_blocked() {
        let standing = |patron_status: PatronStatus, valid: Option<bool>| {
            let said = PatronInformationResponse {
                patron_status,
                valid_patron: valid,
                ..PatronInformationResponse::default()
            };
            reader_seen(&said, &"LJ1".parse().unwrap()).standing
        };
        let enough = PatronStatus {
            charge_privileges_denied: true,
            too_many_items_charged: true,
            ..PatronStatus::default()
        };
        let fined = PatronStatus {
            excessive_outstanding_fines: true,
            ..enough
        };
        assert_eq!(standing(enough, Some(true)), ReaderStanding::AtLimit);
        assert_eq!(standing(fined, Some(true)), ReaderStanding::Blocked);
        assert_eq!(standing(enough, Some(false)), ReaderStanding::Unknown);
        assert_eq!(
            standing(PatronStatus::default(), None),
            ReaderStanding::Good
        );
    }
}
