//! Why the registry refuses.

use lujiang_wire::DeviceId;

use crate::ledger::LedgerError;
use crate::registry::{LimitError, TokenRefusal, WeekError};

/// Why the registry refuses.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// A device or a reader has that name.
    #[error("{0} is registered already")]
    NameTaken(DeviceId),
    /// No such device.
    #[error("no device {0} is registered")]
    UnknownDevice(DeviceId),
    /// No such reader.
    #[error("no reader {0} is registered")]
    UnknownReader(DeviceId),
    /// No name for people.
    #[error("a name has 1 to 80 characters and no control characters")]
    Name,
    /// A kind nobody knows.
    #[error("{found:?} is no kind of device: gate, self-checkout, kiosk, bus or other")]
    Kind {
        /// What was asked for.
        found: String,
    },
    /// No opening hours.
    #[error(transparent)]
    Week(#[from] WeekError),
    /// A limit out of its bounds.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// A reader that may read nothing.
    #[error("a reader needs at least one filter")]
    NoFilter,
    /// A token that is not taken.
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    /// A certificate that was taken when it was shown, and is not any more.
    #[error("the certificate is not taken any more")]
    NotTaken,
    /// A device that renews its certificate over and over.
    #[error("a certificate was issued less than {pause:?} ago and has not been used")]
    RenewedJustNow {
        /// How long to wait between two.
        pause: std::time::Duration,
    },
    /// The gateway stops.
    #[error("the gateway is stopping")]
    Interrupted,
    /// The store failed; nothing was changed.
    #[error("nothing was changed: {0}")]
    Ledger(#[from] LedgerError),
}
