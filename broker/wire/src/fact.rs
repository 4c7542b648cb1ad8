//! The types of facts and the stream each belongs to.

use std::fmt;

use serde_json::Value;

use crate::event_error::{EventError, read};
use crate::{
    CardIssued, ContentFailed, ContentInstalled, ContentRemoved, KioskUsed, LoanCheckin,
    LoanCheckout, LoanUndone, OutboxDropped, Patron, PaymentUnresolved, StopClosed, StopOpened,
    Stream, VisitCounted,
};

/// Every event type we know, with its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// `library.visit.counted.v1`
    VisitCounted,
    /// `library.loan.checkout.v1`
    LoanCheckout,
    /// `library.loan.renew.v1`
    LoanRenew,
    /// `library.loan.checkin.v1`
    LoanCheckin,
    /// `library.loan.undone.v1`
    LoanUndone,
    /// `library.card.issued.v1`
    CardIssued,
    /// `library.payment.unresolved.v1`
    PaymentUnresolved,
    /// `library.kiosk.used.v1`
    KioskUsed,
    /// `library.content.installed.v1`
    ContentInstalled,
    /// `library.content.removed.v1`
    ContentRemoved,
    /// `library.content.failed.v1`
    ContentFailed,
    /// `library.stop.opened.v1`
    StopOpened,
    /// `library.stop.closed.v1`
    StopClosed,
    /// `library.outbox.dropped.v1`
    OutboxDropped,
}

impl EventType {
    /// All types.
    pub const ALL: [Self; 14] = [
        Self::VisitCounted,
        Self::LoanCheckout,
        Self::LoanRenew,
        Self::LoanCheckin,
        Self::LoanUndone,
        Self::CardIssued,
        Self::PaymentUnresolved,
        Self::KioskUsed,
        Self::ContentInstalled,
        Self::ContentRemoved,
        Self::ContentFailed,
        Self::StopOpened,
        Self::StopClosed,
        Self::OutboxDropped,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VisitCounted => "library.visit.counted.v1",
            Self::LoanCheckout => "library.loan.checkout.v1",
            Self::LoanRenew => "library.loan.renew.v1",
            Self::LoanCheckin => "library.loan.checkin.v1",
            Self::LoanUndone => "library.loan.undone.v1",
            Self::CardIssued => "library.card.issued.v1",
            Self::PaymentUnresolved => "library.payment.unresolved.v1",
            Self::KioskUsed => "library.kiosk.used.v1",
            Self::ContentInstalled => "library.content.installed.v1",
            Self::ContentRemoved => "library.content.removed.v1",
            Self::ContentFailed => "library.content.failed.v1",
            Self::StopOpened => "library.stop.opened.v1",
            Self::StopClosed => "library.stop.closed.v1",
            Self::OutboxDropped => "library.outbox.dropped.v1",
        }
    }

    /// The type of this name, if we know it.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|event_type| event_type.as_str() == name)
    }

    /// The stream facts of this type belong to.
    #[must_use]
    pub fn stream(self) -> Stream {
        match self {
            Self::LoanCheckout | Self::LoanRenew | Self::LoanCheckin => Stream::Loan,
            Self::LoanUndone | Self::PaymentUnresolved => Stream::Loan,
            Self::CardIssued | Self::StopOpened | Self::StopClosed => Stream::Loan,
            Self::VisitCounted => Stream::Visit,
            Self::ContentInstalled | Self::ContentRemoved | Self::ContentFailed => Stream::Receipt,
            Self::OutboxDropped => Stream::Receipt,
            Self::KioskUsed => Stream::Usage,
        }
    }

    /// Whether facts of this type are about what one reader did: whatever else a device says in one
    /// may name the reader.
    #[must_use]
    pub fn is_of_reader(self) -> bool {
        match self {
            Self::LoanCheckout | Self::LoanRenew | Self::LoanCheckin | Self::LoanUndone => true,
            Self::CardIssued | Self::PaymentUnresolved | Self::KioskUsed => true,
            Self::VisitCounted | Self::StopOpened | Self::StopClosed => false,
            Self::ContentInstalled | Self::ContentRemoved | Self::ContentFailed => false,
            Self::OutboxDropped => false,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happened: the `type` and `data` of an event, understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A gate counted.
    VisitCounted(VisitCounted),
    /// An item was lent.
    LoanCheckout(LoanCheckout),
    /// An item was lent on.
    LoanRenew(LoanCheckout),
    /// An item was taken back.
    LoanCheckin(LoanCheckin),
    /// A loan, renewal or return was undone.
    LoanUndone(LoanUndone),
    /// A card was issued.
    CardIssued(CardIssued),
    /// A payment was never confirmed.
    PaymentUnresolved(PaymentUnresolved),
    /// A title was used at a kiosk.
    KioskUsed(KioskUsed),
    /// Content was installed.
    ContentInstalled(ContentInstalled),
    /// Content was removed.
    ContentRemoved(ContentRemoved),
    /// Content could not be installed.
    ContentFailed(ContentFailed),
    /// The book bus opened.
    StopOpened(StopOpened),
    /// The book bus closed.
    StopClosed(StopClosed),
    /// An outbox gave facts up.
    OutboxDropped(OutboxDropped),
}

impl Fact {
    /// The type of this fact.
    #[must_use]
    pub fn event_type(&self) -> EventType {
        match self {
            Self::VisitCounted(_) => EventType::VisitCounted,
            Self::LoanCheckout(_) => EventType::LoanCheckout,
            Self::LoanRenew(_) => EventType::LoanRenew,
            Self::LoanCheckin(_) => EventType::LoanCheckin,
            Self::LoanUndone(_) => EventType::LoanUndone,
            Self::CardIssued(_) => EventType::CardIssued,
            Self::PaymentUnresolved(_) => EventType::PaymentUnresolved,
            Self::KioskUsed(_) => EventType::KioskUsed,
            Self::ContentInstalled(_) => EventType::ContentInstalled,
            Self::ContentRemoved(_) => EventType::ContentRemoved,
            Self::ContentFailed(_) => EventType::ContentFailed,
            Self::StopOpened(_) => EventType::StopOpened,
            Self::StopClosed(_) => EventType::StopClosed,
            Self::OutboxDropped(_) => EventType::OutboxDropped,
        }
    }

    /// The stream this fact belongs to.
    #[must_use]
    pub fn stream(&self) -> Stream {
        self.event_type().stream()
    }

    /// The reader in it, where there is one.
    #[must_use]
    pub fn patron(&self) -> Option<&Patron> {
        match self {
            Self::LoanCheckout(loan) | Self::LoanRenew(loan) => loan.patron.as_ref(),
            Self::CardIssued(card) => card.patron.as_ref(),
            Self::VisitCounted(_) | Self::LoanCheckin(_) | Self::KioskUsed(_) => None,
            Self::LoanUndone(_) | Self::PaymentUnresolved(_) => None,
            Self::ContentInstalled(_) | Self::ContentRemoved(_) | Self::ContentFailed(_) => None,
            Self::StopOpened(_) | Self::StopClosed(_) | Self::OutboxDropped(_) => None,
        }
    }

    /// The same fact with this reader in place of the one in it; none is put where none is.
    #[must_use]
    pub fn with_patron(mut self, patron: Patron) -> Self {
        let place = match &mut self {
            Self::LoanCheckout(loan) | Self::LoanRenew(loan) => loan.patron.as_mut(),
            Self::CardIssued(card) => card.patron.as_mut(),
            Self::VisitCounted(_) | Self::LoanCheckin(_) | Self::KioskUsed(_) => None,
            Self::LoanUndone(_) | Self::PaymentUnresolved(_) => None,
            Self::ContentInstalled(_) | Self::ContentRemoved(_) | Self::ContentFailed(_) => None,
            Self::StopOpened(_) | Self::StopClosed(_) | Self::OutboxDropped(_) => None,
        };
        if let Some(place) = place {
            *place = patron;
        }
        self
    }

    /// The data as JSON.
    #[must_use]
    pub fn to_data(&self) -> Value {
        let data = match self {
            Self::LoanCheckout(data) | Self::LoanRenew(data) => serde_json::to_value(data),
            Self::VisitCounted(data) => serde_json::to_value(data),
            Self::LoanCheckin(data) => serde_json::to_value(data),
            Self::LoanUndone(data) => serde_json::to_value(data),
            Self::CardIssued(data) => serde_json::to_value(data),
            Self::PaymentUnresolved(data) => serde_json::to_value(data),
            Self::KioskUsed(data) => serde_json::to_value(data),
            Self::ContentInstalled(data) => serde_json::to_value(data),
            Self::ContentRemoved(data) => serde_json::to_value(data),
            Self::ContentFailed(data) => serde_json::to_value(data),
            Self::StopOpened(data) => serde_json::to_value(data),
            Self::StopClosed(data) => serde_json::to_value(data),
            Self::OutboxDropped(data) => serde_json::to_value(data),
        };
        data.expect("our data types have text keys and plain values")
    }

    /// Reads `data` as the given type.
    pub(crate) fn read(event_type: EventType, data: &Value) -> Result<Self, EventError> {
        let fact = match event_type {
            EventType::VisitCounted => Self::VisitCounted(checked(data, VisitCounted::validate)?),
            EventType::LoanCheckout => Self::LoanCheckout(checked(data, LoanCheckout::validate)?),
            EventType::LoanRenew => Self::LoanRenew(checked(data, LoanCheckout::validate)?),
            EventType::LoanCheckin => Self::LoanCheckin(read("data", data)?),
            EventType::LoanUndone => Self::LoanUndone(read("data", data)?),
            EventType::CardIssued => Self::CardIssued(checked(data, CardIssued::validate)?),
            EventType::PaymentUnresolved => {
                Self::PaymentUnresolved(checked(data, PaymentUnresolved::validate)?)
            }
            EventType::KioskUsed => Self::KioskUsed(read("data", data)?),
            EventType::ContentInstalled => Self::ContentInstalled(read("data", data)?),
            EventType::ContentRemoved => Self::ContentRemoved(read("data", data)?),
            EventType::ContentFailed => Self::ContentFailed(read("data", data)?),
            EventType::StopOpened => Self::StopOpened(read("data", data)?),
            EventType::StopClosed => Self::StopClosed(read("data", data)?),
            EventType::OutboxDropped => {
                Self::OutboxDropped(checked(data, OutboxDropped::validate)?)
            }
        };
        Ok(fact)
    }
}

/// Reads one data type and checks it; the place of an error begins with `data`.
fn checked<T: serde::de::DeserializeOwned>(
    data: &Value,
    validate: impl Fn(&T) -> Result<(), (String, String)>,
) -> Result<T, EventError> {
    let value: T = read("data", data)?;
    validate(&value).map_err(|(place, reason)| EventError::new(format!("data.{place}"), reason))?;
    Ok(value)
}
