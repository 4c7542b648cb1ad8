//! The roll: everybody with a password and every API token, as they stood after one change.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rusqlite::Connection;

use super::{Right, SecretHash};
use crate::ledger::LedgerError;
use crate::store::audit;
use crate::store::people::{self as rows, AccountRow, TokenRow};

/// An API token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its name.
    pub name: DeviceId,
    /// What it may be used for.
    pub scope: Right,
    /// Who made it.
    pub made_by: String,
    /// When.
    pub made: Timestamp,
    /// When it ends; none: when it is removed.
    pub expires: Option<Timestamp>,
    /// The hour of its last use.
    pub used: Option<Timestamp>,
}

/// Everybody, as of one change.
#[derive(Debug)]
pub(super) struct Roll {
    /// The newest audit record: a change always writes one.
    pub(super) version: i64,
    pub(super) account: Option<AccountRow>,
    pub(super) tokens: BTreeMap<DeviceId, TokenRow>,
    by_hash: HashMap<SecretHash, DeviceId>,
}

impl Roll {
    /// Reads the roll as one transaction sees it.
    pub(super) fn load(connection: &Connection) -> Result<Self, LedgerError> {
        let tokens = rows::tokens(connection)?;
        let by_hash = tokens.iter().map(|row| (row.hash, row.name.clone()));
        Ok(Self {
            version: audit::last_number(connection)?,
            account: rows::accounts(connection)?.into_iter().next(),
            by_hash: by_hash.collect(),
            tokens: tokens
                .into_iter()
                .map(|row| (row.name.clone(), row))
                .collect(),
        })
    }

    /// The token with this secret, if it is still good.
    pub(super) fn token(&self, hash: &SecretHash, now: Timestamp) -> Option<&TokenRow> {
        // A secret has 256 random bits: how long this looks for its hash helps nobody.
        let token = self.tokens.get(self.by_hash.get(hash)?)?;
        token
            .expires
            .is_none_or(|expires| now < expires)
            .then_some(token)
    }
}

impl From<&TokenRow> for Token {
    fn from(row: &TokenRow) -> Self {
        Self {
            name: row.name.clone(),
            scope: row.scope,
            made_by: row.made_by.clone(),
            made: row.made,
            expires: row.expires,
            used: row.used,
        }
    }
}
