//! Enrolment tokens: one at a time for a device, good once, for a while.
//!
//! A token that was used, withdrawn or has lapsed is kept for a month, so that whoever brings it
//! can be told which; one that nobody knows gets no such answer.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, TokenSecret};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::change::Change;
use super::snapshot::Snapshot;
use super::{Actor, Registry, RegistryError};
use crate::authority::IssuedCertificate;
use crate::identity_options::Spending;
use crate::store::authority::{self as rows, EnrolmentRow};

/// How long a token that is good for nothing any more is remembered.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3_600);

/// What is kept of a token's secret. It has 256 random bits, so a fast hash is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenHash(pub(crate) [u8; 32]);

/// What has become of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenState {
    /// It may be used.
    Open,
    /// It was.
    Used,
    /// A newer one took its place, or the device was revoked.
    Withdrawn,
}

/// Why a token is refused. Whoever brings a secret that is known may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// No such token.
    #[error("this token is not good")]
    Unknown,
    /// It is another device's.
    #[error("this token was made for another device")]
    Foreign,
    /// It was used before.
    #[error("this token was used already: have another one made")]
    Used,
    /// It was withdrawn.
    #[error("this token was withdrawn: a newer one was made, or the device was revoked")]
    Withdrawn,
    /// It has lapsed.
    #[error("this token has expired: have another one made")]
    Expired,
    /// The device may not connect.
    #[error("the device is disabled")]
    Disabled,
}

impl TokenHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &TokenSecret) -> Self {
        Self(Sha256::digest(secret.reveal()).into())
    }
}

impl TokenState {
    /// As stored.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From what was stored.
    pub(crate) fn stored(text: &str) -> Option<Self> {
        [Self::Open, Self::Used, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

impl Registry {
    /// Writes down a new token of a device; the one before is withdrawn. Says until when it is
    /// good.
    ///
    /// # Errors
    /// Where there is no such device, or nothing could be written.
    pub async fn add_token(
        &self,
        id: &DeviceId,
        secret: TokenHash,
        valid: Duration,
        actor: &Actor,
    ) -> Result<Timestamp, RegistryError> {
        let expires = self.clock.wall().saturating_add(valid);
        let expires = expires.unwrap_or(Timestamp::MAX);
        let device = id.clone();
        let change = move |change: &Change<'_>| {
            change.device(&device)?;
            change.withdraw_tokens(&device)?;
            let row = EnrolmentRow {
                secret,
                device: device.clone(),
                issued: change.at,
                expires,
                state: TokenState::Open,
            };
            rows::put_enrolment(change.connection, &row)?;
            let after = json!({ "expires": expires });
            change.record("device.token", device.as_str(), None, Some(after))
        };
        self.change(actor, change).await?;
        Ok(expires)
    }

    /// Whether a token would be taken now; it is not used up.
    ///
    /// # Errors
    /// Why not.
    pub fn check_token(&self, id: &DeviceId, secret: &TokenHash) -> Result<(), TokenRefusal> {
        self.snapshot()
            .token(id, secret, self.clock.wall())
            .map(drop)
    }

    /// Uses up a token and writes down the certificate that was made for it, both or neither.
    ///
    /// # Errors
    /// Where the token is not taken, or nothing could be written.
    pub async fn spend_token(
        &self,
        id: &DeviceId,
        secret: TokenHash,
        issued: &IssuedCertificate,
    ) -> Result<(), RegistryError> {
        let actor = Actor::device(id);
        let (device, issued) = (id.clone(), issued.clone());
        let state = match self.options.tokens {
            Spending::Once => TokenState::Used,
            Spending::Again => TokenState::Open,
        };
        let change = move |change: &Change<'_>| {
            let row = change.snapshot.token(&device, &secret, change.at)?;
            let used = EnrolmentRow {
                state,
                ..row.clone()
            };
            rows::put_enrolment(change.connection, &used)?;
            change.add_certificate(&device, &issued)?;
            let after =
                json!({ "serial": issued.serial.as_str(), "not_after": issued.validity.not_after });
            change.record("device.enrol", device.as_str(), None, Some(after))
        };
        self.change(&actor, change).await
    }
}

impl Snapshot {
    fn token(
        &self,
        device: &DeviceId,
        secret: &TokenHash,
        now: Timestamp,
    ) -> Result<&EnrolmentRow, TokenRefusal> {
        let row = self.enrolments.get(secret).ok_or(TokenRefusal::Unknown)?;
        if row.device != *device {
            return Err(TokenRefusal::Foreign);
        }
        let enabled = self.devices.get(device).map(|(device, _)| device.enabled);
        match row.state {
            TokenState::Used => Err(TokenRefusal::Used),
            TokenState::Withdrawn => Err(TokenRefusal::Withdrawn),
            TokenState::Open if now >= row.expires => Err(TokenRefusal::Expired),
            TokenState::Open if enabled != Some(true) => Err(TokenRefusal::Disabled),
            TokenState::Open => Ok(row),
        }
    }
}

impl Change<'_> {
    /// Withdraws a device's open tokens, and forgets those of long ago.
    pub(super) fn withdraw_tokens(&self, device: &DeviceId) -> Result<(), RegistryError> {
        let rows = self.snapshot.enrolments.values();
        for row in rows.filter(|row| row.device == *device) {
            let forgotten = row.expires.saturating_add(REMEMBERED);
            if forgotten.is_ok_and(|forgotten| forgotten < self.at) {
                rows::remove_enrolment(self.connection, &row.secret)?;
            } else if row.state == TokenState::Open {
                let state = TokenState::Withdrawn;
                let row = EnrolmentRow {
                    state,
                    ..row.clone()
                };
                rows::put_enrolment(self.connection, &row)?;
            }
        }
        Ok(())
    }
}
