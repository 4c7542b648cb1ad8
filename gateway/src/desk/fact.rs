//! A loan fact as the desk takes it from the ledger: granted, or asked for and never answered; its
//! time judged, its reader a mere reference.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_wire::{
    Due, EventId, Fact, Label, LoanCheckin, LoanCheckout, LoanKind, LoanUndone, Mode, Outcome,
};
use serde::{Deserialize, Serialize};

use crate::desk::when::{Happening, OutboxPlace, When};
use crate::entry::{Entry, EntryNumber, TimeQuality};

/// The reader of an off-line loan: the entry of the ledger that carries the sealed identity. The
/// desk's core never learns more of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReaderRef(pub EntryNumber);

/// A loan, renewal or return that was granted, or that nobody knows the fate of; or the word that
/// one is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoanFact {
    /// Its entry, where and when.
    pub happening: Happening,
    /// Its event's id, unique per device.
    pub id: EventId,
    /// The item's barcode.
    pub item: Label,
    /// What happened.
    pub deed: Deed,
    /// Who granted it; the library system knows of what it granted itself.
    pub mode: Mode,
}

/// What happened to an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It was lent.
    Checkout {
        /// Until when.
        due: Option<Timestamp>,
    },
    /// It was lent on.
    Renew {
        /// Until when.
        due: Option<Timestamp>,
    },
    /// It was taken back.
    Checkin,
    /// An earlier fact of the same device did not happen after all.
    Undo {
        /// Which.
        fact: EventId,
        /// What it was.
        kind: LoanKind,
    },
    /// The library system was asked for it on-line and did not answer: it may have been done.
    Unsure {
        /// What it was asked for.
        kind: LoanKind,
    },
}

impl LoanFact {
    /// The loan fact in an entry of the ledger. None where the entry holds none that counts, and
    /// where what it tells was refused. `not_before` is the corrected time of the last dated
    /// fact the same outbox wrote before it: it bounds the time of a fact nobody could date. A
    /// due day ends in `zone`.
    #[must_use]
    pub fn of_entry(entry: &Entry, not_before: Option<Timestamp>, zone: &TimeZone) -> Option<Self> {
        let (event, time) = entry.verdict.counted()?;
        let (item, deed, mode) = happened(event.fact(), zone)?;
        let when = match time.quality {
            TimeQuality::Synced | TimeQuality::Estimated => When::at(time.correct(event.time)),
            TimeQuality::Unknown => When::undated(not_before, entry.received),
        };
        let place = event.place.as_ref().map(|place| OutboxPlace {
            epoch: place.epoch.clone(),
            sequence: place.sequence.get(),
        });
        Some(Self {
            happening: Happening {
                number: entry.number,
                device: entry.device.clone(),
                place,
                when,
            },
            id: event.id.clone(),
            item,
            deed,
            mode,
        })
    }

    /// Its entry in the ledger.
    #[must_use]
    pub fn number(&self) -> EntryNumber {
        self.happening.number
    }

    /// The reader, by whom the shell knows it.
    #[must_use]
    pub fn reader(&self) -> ReaderRef {
        ReaderRef(self.number())
    }
}

impl Deed {
    /// What is to be done about it: to undo is to take back.
    #[must_use]
    pub fn kind(&self) -> LoanKind {
        match self {
            Self::Checkout { .. } => LoanKind::Checkout,
            Self::Renew { .. } => LoanKind::Renew,
            Self::Unsure { kind } => *kind,
            Self::Checkin | Self::Undo { .. } => LoanKind::Checkin,
        }
    }

    /// Until when it was lent.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Checkout { due } | Self::Renew { due } => *due,
            Self::Checkin | Self::Undo { .. } | Self::Unsure { .. } => None,
        }
    }

    /// Whether it is the word that another fact is undone.
    #[must_use]
    pub fn is_undo(&self) -> bool {
        match self {
            Self::Undo { .. } => true,
            Self::Checkout { .. } | Self::Renew { .. } | Self::Checkin | Self::Unsure { .. } => {
                false
            }
        }
    }

    /// Whether it is known to have happened.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        match self {
            Self::Checkout { .. } | Self::Renew { .. } | Self::Checkin | Self::Undo { .. } => true,
            Self::Unsure { .. } => false,
        }
    }
}

fn happened(fact: &Fact, zone: &TimeZone) -> Option<(Label, Deed, Mode)> {
    let lent = |loan: &LoanCheckout| (loan.item.clone(), loan.due.map(|due| end(due, zone)));
    let unsure = |kind, item: &Label, mode: Mode, outcome: &Outcome| {
        // What a device itself refused was never asked for.
        let was_asked = mode == Mode::Online && outcome.is_unresolved();
        was_asked.then(|| (item.clone(), Deed::Unsure { kind }, mode))
    };
    match fact {
        Fact::LoanCheckout(loan) if loan.outcome.ok => {
            let (item, due) = lent(loan);
            Some((item, Deed::Checkout { due }, loan.mode))
        }
        Fact::LoanRenew(loan) if loan.outcome.ok => {
            let (item, due) = lent(loan);
            Some((item, Deed::Renew { due }, loan.mode))
        }
        Fact::LoanCheckin(LoanCheckin {
            item,
            outcome,
            mode,
            ..
        }) if outcome.ok => Some((item.clone(), Deed::Checkin, *mode)),
        Fact::LoanUndone(LoanUndone {
            fact, kind, item, ..
        }) => {
            let deed = Deed::Undo {
                fact: fact.clone(),
                kind: *kind,
            };
            // The library system cannot take a fact back; whoever granted it, it is the desk's.
            Some((item.clone(), deed, Mode::Offline))
        }
        Fact::LoanCheckout(loan) => {
            unsure(LoanKind::Checkout, &loan.item, loan.mode, &loan.outcome)
        }
        Fact::LoanRenew(loan) => unsure(LoanKind::Renew, &loan.item, loan.mode, &loan.outcome),
        Fact::LoanCheckin(back) => unsure(LoanKind::Checkin, &back.item, back.mode, &back.outcome),
        Fact::VisitCounted(_) | Fact::CardIssued(_) | Fact::KioskUsed(_) => None,
        Fact::ContentInstalled(_) | Fact::ContentRemoved(_) | Fact::ContentFailed(_) => None,
        Fact::StopOpened(_) | Fact::StopClosed(_) | Fact::OutboxDropped(_) => None,
        Fact::PaymentUnresolved(_) => None,
    }
}

/// The last second of a day; an instant as it is.
fn end(due: Due, zone: &TimeZone) -> Timestamp {
    match due {
        Due::Instant(instant) => instant,
        Due::Day(day) => {
            let last = zone
                .to_ambiguous_timestamp(day.at(23, 59, 59, 0))
                .compatible();
            // A day at the end of time is due at the end of time.
            last.unwrap_or(Timestamp::MAX)
        }
    }
}
