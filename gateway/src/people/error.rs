//! Why somebody is not let in, or a change among people refused.

use std::time::Duration;

use lujiang_wire::DeviceId;

use super::Right;
use super::account::{NotAName, WeakPassword};
use crate::ledger::LedgerError;

/// Why somebody is not let in, or a change among people refused.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The link was used, has expired, or never was.
    #[error("this link is not good any more; a new one is made by `lujiang-gateway sign-in`")]
    LinkSpent,
    /// No such account, or not its password: which of the two is not said.
    #[error("the name or the password is wrong")]
    WrongPassword,
    /// Too many wrong passwords from there, or for that name.
    #[error("too many attempts to sign in")]
    Held {
        /// When the next one is looked at.
        wait: Duration,
    },
    /// No name for an account.
    #[error(transparent)]
    Name(#[from] NotAName),
    /// No password.
    #[error(transparent)]
    Password(#[from] WeakPassword),
    /// A token has that name.
    #[error("there is a token {0} already")]
    TokenTaken(DeviceId),
    /// No token has that name.
    #[error("there is no token {0}")]
    UnknownToken(DeviceId),
    /// More than the caller may himself.
    #[error("a token of scope {asked} cannot be made with the right to {own} only")]
    TokenScope {
        /// What was asked for.
        asked: Right,
        /// What the caller may.
        own: Right,
    },
    /// It would have expired already.
    #[error("a token expires in the future")]
    TokenExpired,
    /// As many tokens as there may be.
    #[error("there are {max} tokens; remove one first")]
    TokensFull {
        /// How many there may be.
        max: usize,
    },
    /// The gateway stops.
    #[error("the gateway is stopping")]
    Interrupted,
    /// The store failed; nothing was changed.
    #[error("nothing was changed: {0}")]
    Ledger(#[from] LedgerError),
}
