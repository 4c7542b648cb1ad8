//! How a card machine's word that it issued a card is known: a request of this code with this
//! field in it. There is no common message; the field, and often the message, is a vendor's own.

use lujiang_config::CardSection;
use lujiang_sip2::{Body as _, Field, FieldId, Private, Request, Response, VendorMessage};
use lujiang_wire::{Label, Outcome};

use super::account::{CardAccount, outcome};
use super::asked::reader_of;

/// The rule.
#[derive(Debug, Clone)]
pub(super) struct CardRule {
    message: String,
    mark: Mark,
    /// The kind of card.
    pub(super) kind: Option<Label>,
    /// Characters of a vendor's own message, and of its answer, before the first field.
    fixed_width: usize,
    /// Where a vendor's own message names the new card, and where its reader.
    card: Option<FieldId>,
    reader: Option<FieldId>,
    /// What has to stand in the answer to a vendor's own message; none where each is a yes.
    granted: Option<Mark>,
}

/// A field with a value; with none, any.
#[derive(Debug, Clone)]
struct Mark {
    field: String,
    value: Option<String>,
}

impl CardRule {
    pub(super) fn of(section: &CardSection) -> Self {
        let answer = &section.answer_field;
        Self {
            message: section.message.clone(),
            mark: Mark::of(&section.field, &section.value),
            kind: section.kind.parse().ok(),
            fixed_width: section.fixed_width.into(),
            card: field_id(&section.card),
            reader: field_id(&section.reader),
            granted: (!answer.is_empty()).then(|| Mark::of(answer, &section.answer_value)),
        }
    }

    /// Whether this request says that a card was issued.
    pub(super) fn matches(&self, request: &Request) -> bool {
        if request.command().as_str() != self.message {
            return false;
        }
        if let Request::Vendor(message) = request {
            return self.mark.stands_in(message, self.fixed_width);
        }
        let mut fields = other_fields(request).iter();
        reader_of(request).is_some() && fields.any(|field| self.mark.is(field))
    }

    /// Whom a vendor's own message is about, where it says that a card was issued: by the new
    /// card's number, or by what the reader was known by before.
    pub(super) fn reader(&self, request: &Request) -> Option<Private> {
        let Request::Vendor(message) = request else {
            return None;
        };
        let said = |id: Option<FieldId>| {
            let value = message.field(self.fixed_width, id?)?;
            (!value.trim().is_empty()).then(|| Private::new(value))
        };
        let named = said(self.card).or_else(|| said(self.reader));
        named.filter(|_| self.matches(request))
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
            Response::Vendor(answer) => {
                let granted = self.granted.as_ref();
                granted.is_none_or(|mark| mark.stands_in(answer, self.fixed_width))
            }
            Response::Checkin(_)
            | Response::AcsStatus(_)
            | Response::RequestScResend(_)
            | Response::Login(_)
            | Response::ItemInformation(_)
            | Response::ItemStatusUpdate(_) => return None,
        };
        Some(CardAccount {
            // The library system knows.
            reader: None,
            kind: self.kind.clone(),
            session: session.clone(),
            outcome: outcome(ok),
        })
    }

    /// The card that a vendor's own message may have issued, where its answer never came.
    pub(super) fn doubt(&self, request: &Request, session: &Label) -> Option<CardAccount> {
        self.matches(request).then(|| CardAccount {
            reader: self.reader(request),
            kind: self.kind.clone(),
            session: session.clone(),
            outcome: Outcome::unresolved(),
        })
    }
}

impl Mark {
    fn of(field: &str, value: &str) -> Self {
        Self {
            field: field.to_owned(),
            value: Some(value.to_owned()).filter(|value| !value.is_empty()),
        }
    }

    fn is(&self, field: &Field) -> bool {
        let is_value = |value: &String| *value == field.value;
        field.id.as_str() == self.field && self.value.as_ref().is_none_or(is_value)
    }

    fn stands_in(&self, message: &VendorMessage, fixed_width: usize) -> bool {
        let said = field_id(&self.field).and_then(|id| message.field(fixed_width, id));
        said.is_some_and(|said| self.value.as_ref().is_none_or(|value| value == said))
    }
}

fn field_id(text: &str) -> Option<FieldId> {
    FieldId::new(text.as_bytes().try_into().ok()?)
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
        Request::Vendor(_) => &[],
    }
}
