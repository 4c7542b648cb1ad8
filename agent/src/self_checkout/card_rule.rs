//! How a card machine's word that it issued a card is known: a request of this code with this
//! field in it. There is no common message; the field is a vendor's own.

use lujiang_config::CardSection;
use lujiang_sip2::{Body, Field, Request, Response};
use lujiang_wire::Label;

use super::account::{CardAccount, outcome};
use super::asked::reader_of;

/// The rule.
#[derive(Debug, Clone)]
pub(super) struct CardRule {
    message: String,
    field: String,
    /// Any, where there is none.
    value: Option<String>,
    /// The kind of card.
    pub(super) kind: Option<Label>,
}

impl CardRule {
    pub(super) fn of(section: &CardSection) -> Self {
        Self {
            message: section.message.clone(),
            field: section.field.clone(),
            value: Some(section.value.clone()).filter(|value| !value.is_empty()),
            kind: section.kind.parse().ok(),
        }
    }

    /// Whether this request says that a card was issued.
    pub(super) fn matches(&self, request: &Request) -> bool {
        let meant = |field: &Field| {
            field.id.as_str() == self.field
                && self
                    .value
                    .as_ref()
                    .is_none_or(|value| *value == field.value)
        };
        request.command().as_str() == self.message
            && reader_of(request).is_some()
            && other_fields(request).iter().any(meant)
    }

    /// What the ACS said of it.
    pub(super) fn account(
        &self,
        request: &Request,
        response: &Response,
        session: &Label,
    ) -> Option<CardAccount> {
        if !self.matches(request) {
            return None;
        }
        // Whoever has a new card is known to the library system; where it says otherwise, it did
        // not take the card.
        let ok = match response {
            Response::PatronStatus(answer) => answer.valid_patron != Some(false),
            Response::PatronEnable(answer) => answer.valid_patron != Some(false),
            Response::PatronInformation(answer) => answer.valid_patron != Some(false),
            Response::EndSession(answer) => answer.end_session,
            Response::FeePaid(answer) => answer.payment_accepted,
            Response::Checkout(answer) => answer.ok,
            Response::Renew(answer) => answer.ok,
            Response::RenewAll(answer) => answer.ok,
            Response::Hold(answer) => answer.ok,
            Response::Checkin(_)
            | Response::AcsStatus(_)
            | Response::RequestScResend(_)
            | Response::Login(_)
            | Response::ItemInformation(_)
            | Response::ItemStatusUpdate(_) => return None,
        };
        Some(CardAccount {
            kind: self.kind.clone(),
            session: session.clone(),
            outcome: outcome(ok),
        })
    }
}

/// The fields of a request that the standard has no place for.
fn other_fields(request: &Request) -> &[Field] {
    match request {
        Request::PatronStatus(request) => &request.other,
        Request::Checkout(request) => &request.other,
        Request::Checkin(request) => &request.other,
        Request::BlockPatron(request) => &request.other,
        Request::ScStatus(request) => &request.other,
        Request::RequestAcsResend(request) => &request.other,
        Request::Login(request) => &request.other,
        Request::PatronInformation(request) => &request.other,
        Request::EndPatronSession(request) => &request.other,
        Request::FeePaid(request) => &request.other,
        Request::ItemInformation(request) => &request.other,
        Request::ItemStatusUpdate(request) => &request.other,
        Request::PatronEnable(request) => &request.other,
        Request::Hold(request) => &request.other,
        Request::Renew(request) => &request.other,
        Request::RenewAll(request) => &request.other,
    }
}
