//! What the ACS decided, as it is written down: for figures and for where an item last was. No
//! reader stands in it.

use jiff::civil::time;
use jiff::tz::TimeZone;
use lujiang_sip2::{
    CheckoutResponse, Private, RenewAllResponse, RenewResponse, Request, Response, VariableDate,
};
use lujiang_wire::{Due, Label, LoanKind, Outcome};

use super::card_rule::CardRule;
use super::effect::Decided;

/// The word for a refusal whose reason the ACS tells people only.
const REFUSED: &str = "refused-by-library-system";

/// What an answer of the ACS says that is worth a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account {
    /// About an item.
    Loan(LoanAccount),
    /// About a card.
    Card(CardAccount),
}

/// A loan, a renewal or a return.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoanAccount {
    pub(super) kind: LoanKind,
    /// As the machine read it.
    pub(super) item: String,
    pub(super) due: Option<Due>,
    pub(super) session: Label,
    pub(super) outcome: Outcome,
    /// Whether it takes back what failed at the machine.
    pub(super) is_cancel: bool,
}

impl Account {
    /// What was decided about an item.
    pub(super) fn decided(&self) -> Option<Decided> {
        match self {
            Self::Loan(loan) => Some(Decided {
                is_unsure: false,
                ok: loan.outcome.ok,
                due: loan.due,
            }),
            Self::Card(_) => None,
        }
    }
}

/// A card that was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CardAccount {
    /// Whose it may be, where nobody knows whether it was issued; it is sealed.
    pub(super) reader: Option<Private>,
    pub(super) kind: Option<Label>,
    pub(super) session: Label,
    pub(super) outcome: Outcome,
}

/// What this answer to this request says; local dates are of this zone.
pub(super) fn accounts(
    request: &Request,
    response: &Response,
    session: &Label,
    zone: &TimeZone,
    card: Option<&CardRule>,
) -> Vec<Account> {
    let loans = match (request, response) {
        (Request::RenewAll(_), Response::RenewAll(answer)) => renewed_all(answer, session),
        (_, _) => loan(request, response, session, zone).into_iter().collect(),
    };
    let card = card.and_then(|rule| rule.account(request, response, session));
    let loans = loans.into_iter().map(Account::Loan);
    loans.chain(card.map(Account::Card)).collect()
}

/// The renewals of an answer about all that a reader has. Until when, it does not say.
fn renewed_all(answer: &RenewAllResponse, session: &Label) -> Vec<LoanAccount> {
    let said = [
        (&answer.renewed_items, true),
        (&answer.unrenewed_items, false),
    ];
    // A title may follow the barcode.
    let barcode = |item: &String| {
        item.split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let renewals = said.into_iter().flat_map(|(items, ok)| {
        items.iter().map(move |item| LoanAccount {
            kind: LoanKind::Renew,
            item: barcode(item),
            due: None,
            session: session.clone(),
            outcome: outcome(ok),
            is_cancel: false,
        })
    });
    renewals.collect()
}

fn loan(
    request: &Request,
    response: &Response,
    session: &Label,
    zone: &TimeZone,
) -> Option<LoanAccount> {
    let (kind, item, ok, due, cancel) = match (request, response) {
        (Request::Checkout(asked), Response::Checkout(answer)) => {
            let CheckoutResponse { ok, renewal_ok, .. } = *answer;
            // With `cancel` it takes back a return that failed: then the item is out again.
            let kind = match ok && renewal_ok {
                // The reader had it already, and has it longer.
                true => LoanKind::Renew,
                false => LoanKind::Checkout,
            };
            let due = Some(&answer.due_date);
            (kind, &asked.item_identifier, ok, due, asked.cancel)
        }
        (Request::Renew(asked), Response::Renew(answer)) => {
            let RenewResponse { ok, due_date, .. } = answer;
            let item = asked
                .item_identifier
                .as_ref()
                .unwrap_or(&answer.item_identifier);
            (LoanKind::Renew, item, *ok, Some(due_date), None)
        }
        (Request::Checkin(asked), Response::Checkin(answer)) => {
            let item = &asked.item_identifier;
            (LoanKind::Checkin, item, answer.ok, None, asked.cancel)
        }
        (_, _) => return None,
    };
    let due = due.filter(|_| ok && kind != LoanKind::Checkin);
    Some(LoanAccount {
        kind,
        item: item.clone(),
        due: due.and_then(|due| due_of(due, zone)),
        session: session.clone(),
        outcome: outcome(ok),
        is_cancel: cancel == Some(true),
    })
}

/// What was decided, without the words for people.
pub(super) fn outcome(ok: bool) -> Outcome {
    let reason = (!ok).then(|| REFUSED.parse().expect("our words are labels"));
    Outcome { ok, reason }
}

/// When it is due: the last minute of a day is that day.
fn due_of(date: &VariableDate, zone: &TimeZone) -> Option<Due> {
    let date = date.read()?;
    let is_end = date.when.time() >= time(23, 59, 0, 0);
    if is_end {
        return Some(Due::Day(date.when.date()));
    }
    date.timestamp(zone).map(Due::Instant)
}

#[cfg(test)]
mod tests {
    use lujiang_sip2::{Checkin, CheckinResponse, Checkout, RenewAll};

    use super::*;

    #[test]
    fn what_cancels_a_transaction_is_written_down_as_where_the_item_is_then() {
        let out = Checkout {
            cancel: Some(true),
            ..Checkout::default()
        };
        let answer = CheckoutResponse {
            ok: true,
            ..CheckoutResponse::default()
        };
        assert_eq!(kind(&out.into(), &answer.into()), LoanKind::Checkout);
        let back = Checkin {
            cancel: Some(true),
            ..Checkin::default()
        };
        let answer = CheckinResponse {
            ok: true,
            ..CheckinResponse::default()
        };
        assert_eq!(kind(&back.into(), &answer.into()), LoanKind::Checkin);
    }

    #[test]
    fn what_is_renewed_all_at_once_is_written_down_item_by_item() {
        let answer = RenewAllResponse {
            ok: true,
            renewed_items: vec!["LL000001 醴陵窑".to_owned()],
            unrenewed_items: vec!["LL000002".to_owned(), "LL000003".to_owned()],
            ..RenewAllResponse::default()
        };
        let session = "s-1".parse().unwrap();
        let (asked, answer) = (RenewAll::default().into(), answer.into());
        let accounts = accounts(&asked, &answer, &session, &TimeZone::UTC, None);
        let said = accounts.into_iter().map(|account| match account {
            Account::Loan(loan) => (loan.kind, loan.item, loan.outcome.ok),
            Account::Card(card) => panic!("{card:?}"),
        });
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                (LoanKind::Renew, "LL000001".to_owned(), true),
                (LoanKind::Renew, "LL000002".to_owned(), false),
                (LoanKind::Renew, "LL000003".to_owned(), false),
            ]
        );
    }

    fn kind(request: &Request, response: &Response) -> LoanKind {
        let session = "s-1".parse().unwrap();
        let account = loan(request, response, &session, &TimeZone::UTC).unwrap();
        assert!(account.is_cancel);
        account.kind
    }
}
