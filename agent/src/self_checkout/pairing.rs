//! Which answer belongs to which request: by its kind, and by whom or what it is about.

use lujiang_sip2::{Request, Response};

/// Whether this is the kind of answer that this request has.
pub(super) fn answers(request: &Request, response: &Response) -> bool {
    match (request, response) {
        (Request::PatronStatus(_) | Request::BlockPatron(_), Response::PatronStatus(_))
        | (Request::Checkout(_), Response::Checkout(_))
        | (Request::Checkin(_), Response::Checkin(_))
        | (Request::ScStatus(_), Response::AcsStatus(_))
        | (Request::Login(_), Response::Login(_))
        | (Request::PatronInformation(_), Response::PatronInformation(_))
        | (Request::EndPatronSession(_), Response::EndSession(_))
        | (Request::FeePaid(_), Response::FeePaid(_))
        | (Request::ItemInformation(_), Response::ItemInformation(_))
        | (Request::ItemStatusUpdate(_), Response::ItemStatusUpdate(_))
        | (Request::PatronEnable(_), Response::PatronEnable(_))
        | (Request::Hold(_), Response::Hold(_))
        | (Request::Renew(_), Response::Renew(_))
        | (Request::RenewAll(_), Response::RenewAll(_))
        // It is read only where it is the one that is awaited.
        | (Request::Vendor(_), Response::Vendor(_)) => true,
        (
            Request::PatronStatus(_)
            | Request::BlockPatron(_)
            | Request::Checkout(_)
            | Request::Checkin(_)
            | Request::ScStatus(_)
            | Request::Login(_)
            | Request::PatronInformation(_)
            | Request::EndPatronSession(_)
            | Request::FeePaid(_)
            | Request::ItemInformation(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::Renew(_)
            | Request::RenewAll(_)
            | Request::Vendor(_)
            | Request::RequestAcsResend(_),
            _,
        ) => false,
    }
}

/// Whether this answer is about the item or the reader that this request is about.
pub(super) fn concerns(request: &Request, response: &Response) -> bool {
    match (request, response) {
        (Request::Checkout(asked), Response::Checkout(answer)) => {
            asked.item_identifier == answer.item_identifier
                && asked.patron_identifier == answer.patron_identifier
        }
        (Request::Checkin(asked), Response::Checkin(answer)) => {
            asked.item_identifier == answer.item_identifier
        }
        (Request::Renew(asked), Response::Renew(answer)) => {
            asked.item_identifier.as_ref() == Some(&answer.item_identifier)
                && asked.patron_identifier == answer.patron_identifier
        }
        (Request::ItemInformation(asked), Response::ItemInformation(answer)) => {
            asked.item_identifier == answer.item_identifier
        }
        (Request::PatronStatus(asked), Response::PatronStatus(answer)) => {
            asked.patron_identifier == answer.patron_identifier
        }
        (Request::PatronInformation(asked), Response::PatronInformation(answer)) => {
            asked.patron_identifier == answer.patron_identifier
        }
        // These answers are the same whoever they are for.
        (Request::ScStatus(_) | Request::Login(_) | Request::EndPatronSession(_), _) => true,
        (
            Request::Checkout(_)
            | Request::Checkin(_)
            | Request::Renew(_)
            | Request::ItemInformation(_)
            | Request::PatronStatus(_)
            | Request::PatronInformation(_)
            | Request::BlockPatron(_)
            | Request::RequestAcsResend(_)
            | Request::FeePaid(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::RenewAll(_)
            // Whom or what it is about, nobody here can read.
            | Request::Vendor(_),
            _,
        ) => false,
    }
}
