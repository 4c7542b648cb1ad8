//! One request of a machine, as it came.

use lujiang_sip2::{Message, Private, Request, Sequence};

use super::effect::Why;

/// One request.
#[derive(Clone)]
pub(super) struct Asked {
    /// The line it came in: two requests are one where every byte is the same, AY and AZ too.
    line: Vec<u8>,
    /// What it says.
    pub(super) request: Request,
    /// AY, which the answer echoes.
    pub(super) sequence: Option<Sequence>,
    /// What speaks against handing it on.
    pub(super) doubt: Option<Why>,
    /// Whether its item was lent here and is not back, as far as is known here.
    pub(super) is_lent_here: bool,
}

impl std::fmt::Debug for Asked {
    /// The line has readers in it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("request", &self.request)
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl Asked {
    pub(super) fn new(line: Vec<u8>, message: Message<Request>) -> Self {
        Self {
            line,
            request: message.body,
            sequence: message.sequence,
            doubt: None,
            is_lent_here: false,
        }
    }

    /// The line, where the request must not be done twice.
    pub(super) fn line_done_once(&self) -> Option<&[u8]> {
        let is_deed = match &self.request {
            Request::FeePaid(_) | Request::Hold(_) | Request::RenewAll(_) => true,
            Request::PatronStatus(_)
            | Request::BlockPatron(_)
            | Request::ScStatus(_)
            | Request::RequestAcsResend(_)
            | Request::Login(_)
            | Request::PatronInformation(_)
            | Request::EndPatronSession(_)
            | Request::ItemInformation(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_) => false,
            Request::Checkout(_) | Request::Checkin(_) | Request::Renew(_) => true,
            // What it does only its vendor knows: so it may be a deed.
            Request::Vendor(_) => true,
        };
        (is_deed && self.is_repeated_by(self)).then_some(&self.line)
    }

    /// Whether `other` is this request once more. Without AY only what bears its second is known
    /// by its text; and a status or a login is never the same again: it asks how things are now.
    pub(super) fn is_repeated_by(&self, other: &Self) -> bool {
        let bears_time = match &self.request {
            Request::ScStatus(_) | Request::Login(_) | Request::RequestAcsResend(_) => {
                return false;
            }
            Request::Checkout(request) => request.transaction_date.is_some(),
            Request::Checkin(request) => request.transaction_date.is_some(),
            Request::Renew(request) => request.transaction_date.is_some(),
            Request::FeePaid(request) => request.transaction_date.is_some(),
            Request::PatronStatus(_)
            | Request::BlockPatron(_)
            | Request::PatronInformation(_)
            | Request::EndPatronSession(_)
            | Request::ItemInformation(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::RenewAll(_)
            | Request::Vendor(_) => false,
        };
        (self.sequence.is_some() || bears_time) && self.line == other.line
    }

    /// Whether `other` is the same line while this one has no answer yet.
    pub(super) fn is_line_of(&self, other: &Self) -> bool {
        self.line == other.line
    }

    /// The item that this would do something to; none where it only asks.
    pub(super) fn item(&self) -> Option<&str> {
        match &self.request {
            Request::Checkout(request) => Some(&request.item_identifier),
            Request::Checkin(request) => Some(&request.item_identifier),
            Request::Renew(request) => request.item_identifier.as_deref(),
            Request::PatronStatus(_)
            | Request::BlockPatron(_)
            | Request::ScStatus(_)
            | Request::RequestAcsResend(_)
            | Request::Login(_)
            | Request::PatronInformation(_)
            | Request::EndPatronSession(_)
            | Request::FeePaid(_)
            | Request::ItemInformation(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::RenewAll(_)
            | Request::Vendor(_) => None,
        }
    }

    /// The reader it names.
    pub(super) fn reader(&self) -> Option<&Private> {
        reader_of(&self.request)
    }
}

/// The reader a request names.
pub(super) fn reader_of(request: &Request) -> Option<&Private> {
    let reader = match request {
        Request::PatronStatus(request) => &request.patron_identifier,
        Request::Checkout(request) => &request.patron_identifier,
        Request::BlockPatron(request) => &request.patron_identifier,
        Request::PatronInformation(request) => &request.patron_identifier,
        Request::EndPatronSession(request) => &request.patron_identifier,
        Request::FeePaid(request) => &request.patron_identifier,
        Request::PatronEnable(request) => &request.patron_identifier,
        Request::Hold(request) => &request.patron_identifier,
        Request::Renew(request) => &request.patron_identifier,
        Request::RenewAll(request) => &request.patron_identifier,
        Request::Checkin(_)
        | Request::ScStatus(_)
        | Request::RequestAcsResend(_)
        | Request::Login(_)
        | Request::ItemInformation(_)
        | Request::ItemStatusUpdate(_)
        | Request::Vendor(_) => return None,
    };
    Some(reader).filter(|reader| !reader.is_empty())
}
