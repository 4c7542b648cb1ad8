//! What the ACS decided, as it is written down: for figures and for where an item last was. No
//! reader stands in it.

use jiff::civil::time;
use jiff::tz::TimeZone;
use lujiang_sip2::{CheckoutResponse, Private, RenewResponse, Request, Response, VariableDate};
use lujiang_wire::{Due, Label, LoanKind, Outcome};

use super::card_rule::CardRule;

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
    let loan = loan(request, response, session, zone).map(Account::Loan);
    let card = card.and_then(|rule| rule.account(request, response, session));
    loan.into_iter().chain(card.map(Account::Card)).collect()
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
    use lujiang_sip2::{Checkin, CheckinResponse, Checkout};

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

    fn kind(request: &Request, response: &Response) -> LoanKind {
        let session = "s-1".parse().unwrap();
        let account = loan(request, response, &session, &TimeZone::UTC).unwrap();
        assert!(account.is_cancel);
        account.kind
    }
}
