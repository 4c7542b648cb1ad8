//! The rows of people: the administrator's account, and API tokens.
//!
//! Each function is one statement; the rules, and the audit record that goes with a change, are
//! the business of [`crate::people`]. Readers' sealed identities are another table (`person`).

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rusqlite::{Connection, params};

use crate::ledger::LedgerError;
use crate::people::{Right, SecretHash};
use crate::registry::PasswordHash;

/// The tables, of version 2. Times are microseconds since 1970.
pub(crate) const SECOND: &str = "
CREATE TABLE person_account (
    name     TEXT PRIMARY KEY,
    password TEXT NOT NULL,         -- Argon2id, a PHC string
    changed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE api_token (
    name    TEXT PRIMARY KEY,
    scope   TEXT NOT NULL,
    hash    BLOB NOT NULL UNIQUE,   -- SHA-256 of 256 random bits
    made_by TEXT NOT NULL,
    made    INTEGER NOT NULL,
    expires INTEGER,
    used    INTEGER                 -- the hour of the last use
) STRICT, WITHOUT ROWID;
";

/// Somebody with a password.
#[derive(Debug, Clone)]
pub(crate) struct AccountRow {
    pub(crate) name: String,
    pub(crate) password: PasswordHash,
    pub(crate) changed: Timestamp,
}

/// An API token; its secret is kept as a hash only.
#[derive(Debug, Clone)]
pub(crate) struct TokenRow {
    pub(crate) name: DeviceId,
    pub(crate) scope: Right,
    pub(crate) hash: SecretHash,
    pub(crate) made_by: String,
    pub(crate) made: Timestamp,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) used: Option<Timestamp>,
}

/// Everybody with a password, by name.
pub(crate) fn accounts(connection: &Connection) -> Result<Vec<AccountRow>, LedgerError> {
    let sql = "SELECT name, password, changed FROM person_account ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        accounts.push(AccountRow {
            name: row.get(0)?,
            password: PasswordHash::stored(row.get(1)?),
            changed: super::registry::timestamp(row.get(2)?)?,
        });
    }
    Ok(accounts)
}

/// All tokens, by name.
pub(crate) fn tokens(connection: &Connection) -> Result<Vec<TokenRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT name, scope, hash, made_by, made, expires, used FROM api_token ORDER BY name",
    )?;
    let mut rows = statement.query([])?;
    let mut tokens = Vec::new();
    let time = |micros: Option<i64>| micros.map(super::registry::timestamp).transpose();
    while let Some(row) = rows.next()? {
        let (name, scope): (String, String) = (row.get(0)?, row.get(1)?);
        tokens.push(TokenRow {
            name: name.parse().map_err(|error| not_ours("a name", &error))?,
            scope: scope.parse().map_err(|error| not_ours("a scope", &error))?,
            hash: SecretHash::stored(row.get(2)?),
            made_by: row.get(3)?,
            made: super::registry::timestamp(row.get(4)?)?,
            expires: time(row.get(5)?)?,
            used: time(row.get(6)?)?,
        });
    }
    Ok(tokens)
}

/// Makes this the only account.
pub(crate) fn set_only_account(
    connection: &Connection,
    row: &AccountRow,
) -> Result<(), LedgerError> {
    connection.execute("DELETE FROM person_account", [])?;
    connection.execute(
        "INSERT INTO person_account (name, password, changed) VALUES (?1, ?2, ?3)",
        params![
            row.name,
            row.password.as_str(),
            row.changed.as_microsecond()
        ],
    )?;
    Ok(())
}

/// Adds a token.
pub(crate) fn add_token(connection: &Connection, row: &TokenRow) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO api_token (name, scope, hash, made_by, made, expires, used)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            row.name.as_str(),
            row.scope.as_str(),
            row.hash.as_bytes(),
            row.made_by,
            row.made.as_microsecond(),
            row.expires.map(Timestamp::as_microsecond),
            row.used.map(Timestamp::as_microsecond),
        ],
    )?;
    Ok(())
}

/// Removes a token.
pub(crate) fn remove_token(connection: &Connection, name: &DeviceId) -> Result<(), LedgerError> {
    connection.execute("DELETE FROM api_token WHERE name = ?1", [name.as_str()])?;
    Ok(())
}

/// Notes when a token was used; one that is gone by now stays so.
pub(crate) fn token_used(
    connection: &Connection,
    hash: &SecretHash,
    at: Timestamp,
) -> Result<(), LedgerError> {
    connection.execute(
        "UPDATE api_token SET used = max(coalesce(used, ?2), ?2) WHERE hash = ?1",
        params![hash.as_bytes(), at.as_microsecond()],
    )?;
    Ok(())
}

fn not_ours(what: &str, error: &dyn std::fmt::Display) -> LedgerError {
    LedgerError::Database(format!(
        "the table of tokens holds {what} that is none: {error}"
    ))
}
