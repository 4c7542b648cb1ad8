//! Alarms of a device: what of it concerns a person. Told alike by the page and by the metrics.

use jiff::Timestamp;
use lujiang_wire::MachineMetric;

use crate::presence::Contact;
use crate::views::report::{DeviceFigures, GapState};

/// What is wrong with a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceAlarm {
    /// An id was used twice with different content, as by a cloned card.
    IdConflict,
    /// Facts will never come.
    FactsLost,
    /// It asked for what it may not do.
    Refused,
    /// A self-checkout has no paper.
    OutOfPaper,
    /// A self-checkout shut down, or is not connected.
    OutOfService,
    /// A self-checkout does not reach the library system.
    LibrarySystemAway,
    /// Nobody confirmed a payment.
    PaymentUnresolved,
    /// A kiosk's screen shows no life.
    ScreenSilent,
    /// A kiosk does not take what it was given, though no release came with it.
    ContentRefused,
}

/// An alarm that is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raised {
    /// What is wrong.
    pub alarm: DeviceAlarm,
    /// How often, or of how many.
    pub count: u64,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
}

impl DeviceAlarm {
    /// All of them, the gravest first.
    pub const ALL: [Self; 9] = [
        Self::IdConflict,
        Self::FactsLost,
        Self::Refused,
        Self::OutOfPaper,
        Self::OutOfService,
        Self::LibrarySystemAway,
        Self::PaymentUnresolved,
        Self::ScreenSilent,
        Self::ContentRefused,
    ];

    /// The name in the API and the metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdConflict => "id-conflict",
            Self::FactsLost => "facts-lost",
            Self::Refused => "refused",
            Self::OutOfPaper => "self-checkout-out-of-paper",
            Self::OutOfService => "self-checkout-out-of-service",
            Self::LibrarySystemAway => "library-system-away",
            Self::PaymentUnresolved => "payment-unresolved",
            Self::ScreenSilent => "screen-silent",
            Self::ContentRefused => "content-refused",
        }
    }

    /// What to do, as a key for the words of a page.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::IdConflict => "look-for-a-clone",
            Self::FactsLost => "find-what-was-lost",
            Self::Refused => "check-its-configuration",
            Self::OutOfPaper => "put-paper-in",
            Self::OutOfService => "look-at-the-machine",
            Self::LibrarySystemAway => "look-at-the-library-system",
            Self::PaymentUnresolved => "compare-the-payment-with-the-library-system",
            Self::ScreenSilent => "look-at-the-screen",
            Self::ContentRefused => "look-at-what-it-says",
        }
    }

    /// How often, by what the device said and what the ledger knows of it.
    fn count(self, contact: &Contact, figures: &DeviceFigures) -> u64 {
        match self {
            Self::IdConflict => figures.id_conflicts,
            Self::FactsLost => figures.missing(GapState::Lost),
            Self::Refused => contact.refused,
            Self::OutOfPaper => contact.machines(MachineMetric::OutOfPaper, true),
            Self::OutOfService => contact.machines_out_of_service(),
            Self::LibrarySystemAway => contact.machines(MachineMetric::LibrarySystem, false),
            Self::PaymentUnresolved => contact.machines(MachineMetric::PaymentsUnresolved, true),
            Self::ScreenSilent => contact.silent_screens(),
            Self::ContentRefused => u64::from(contact.content_refused().is_some()),
        }
    }

    fn since(self, contact: &Contact) -> Option<Timestamp> {
        match self {
            Self::Refused => contact.last_refusal.as_ref().map(|refusal| refusal.at),
            Self::IdConflict | Self::FactsLost | Self::OutOfPaper | Self::OutOfService => None,
            Self::LibrarySystemAway | Self::PaymentUnresolved => None,
            Self::ScreenSilent | Self::ContentRefused => None,
        }
    }
}

/// The alarms of a device that are raised, the gravest first.
#[must_use]
pub fn raised(contact: &Contact, figures: &DeviceFigures) -> Vec<Raised> {
    let all = DeviceAlarm::ALL.into_iter();
    let counted = all.map(|alarm| (alarm, alarm.count(contact, figures)));
    let raised = counted.filter(|(_, count)| *count > 0);
    raised
        .map(|(alarm, count)| Raised {
            alarm,
            count,
            since: alarm.since(contact),
        })
        .collect()
}
