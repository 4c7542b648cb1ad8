//! What the core of a machine asks its shell to do, and what it notes on the way.

use lujiang_sip2::{Request, Response, ScStatusCode};
use lujiang_wire::{Due, Label};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::screen::Language;

/// One thing to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// Connect to the ACS, after this pause.
    Dial(Pause),
    /// End the connection to the ACS, or the attempt at one.
    HangUp,
    /// Note that this line of the machine is handed on; it is on file before what follows is done.
    Remember(Vec<u8>),
    /// Send this to the ACS.
    ToAcs(Vec<u8>),
    /// Send this to the machine.
    ToMachine(Vec<u8>),
    /// Answer in the ACS's place; the answer is awaited.
    Decide(Box<Inquiry>),
    /// Write down what the ACS decided; nothing waits for it.
    Record(Box<Account>),
    /// Note what came of the line that was last noted, once all before is written down.
    Decided(Decided),
    /// Count this.
    Note(Occurrence),
}

/// How long to wait before dialling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// Not at all: the connection had been a good one.
    None,
    /// The next, longer pause.
    Next,
    /// The longest: many servers close for good after three wrong logins.
    Longest,
}

/// A request that is answered in the ACS's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inquiry {
    /// What the machine asks.
    pub(super) request: Request,
    /// Why the ACS does not answer.
    pub(super) why: Why,
    /// The session at the machine.
    pub(super) session: Label,
    /// The language of what its screen shows.
    pub(super) language: Language,
}

/// What was decided about an item, as far as a machine can be told it once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decided {
    pub(super) ok: bool,
    pub(super) due: Option<Due>,
    /// Whether nobody knows what the library system did.
    #[serde(default)]
    pub(super) is_unsure: bool,
}

impl Decided {
    /// What was decided here of a request that had been handed on before, where doing it once more
    /// would count once more. A loan is known by the item's due date. What is refused then leaves
    /// a fact that somebody has to look.
    pub(super) fn here(response: &Response) -> Option<Self> {
        let ok = match response {
            Response::Checkin(back) => back.ok,
            Response::Checkout(lent) if !lent.ok => false,
            Response::Renew(renewed) if !renewed.ok => false,
            Response::FeePaid(paid) if !paid.payment_accepted => false,
            _ => return None,
        };
        Some(Self {
            ok,
            due: None,
            is_unsure: !ok,
        })
    }
}

/// Why the ACS does not answer a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// It cannot be reached, and has not heard of it.
    Away,
    /// It was asked, and what it did nobody knows.
    Unsure,
    /// It has answered, and an earlier process wrote that down; whether the machine heard it nobody
    /// knows.
    Decided(Decided),
    /// It has yet to be told of what happened to the item here, so it would answer wrongly, or did.
    ItemWaits,
}

/// Something to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Occurrence {
    /// A request was answered by the ACS.
    AnsweredByAcs,
    /// A request was answered here.
    AnsweredHere,
    /// A request came again.
    Repeated,
    /// A line of the machine could not be read.
    GarbledByMachine,
    /// A line of the ACS could not be read, or answers nothing.
    GarbledByAcs,
    /// A request was sent to the ACS and its fate is not known.
    Unsure,
    /// It was a payment.
    PaymentUnsure,
    /// A vendor's own message has no answer.
    Unanswered,
    /// An answer cannot be written in the machine's charset.
    Unwritable,
    /// The ACS refused our login.
    LoginRefused,
    /// Whether the ACS serves us.
    Serving(bool),
    /// The machine told how it is.
    Terminal(ScStatusCode),
}
