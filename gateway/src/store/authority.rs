//! The rows of certificates and enrolment tokens. Of a token there is a hash, never the token.
//!
//! Each function is one statement; what may be changed, and the audit record that goes with it,
//! is the registry's business.

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rusqlite::{Connection, params};

use super::registry::{id, not_ours, timestamp};
use crate::authority::Serial;
use crate::ledger::LedgerError;
use crate::registry::{CertificateEnd, TokenHash, TokenState};

/// What version 2 adds: the tables, and a column in the table of devices. Times are microseconds
/// since 1970.
pub(crate) const SECOND: &str = "
CREATE TABLE certificate (
    serial    TEXT PRIMARY KEY,  -- hexadecimal digits
    device    TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    issued    INTEGER NOT NULL,
    not_after INTEGER NOT NULL,
    used      INTEGER,           -- when it was first shown
    ended     TEXT               -- why it is refused: revoked or superseded
) STRICT, WITHOUT ROWID;
CREATE TABLE enrolment (
    secret  BLOB PRIMARY KEY,    -- SHA-256
    device  TEXT NOT NULL REFERENCES device (id) ON DELETE CASCADE,
    issued  INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    state   TEXT NOT NULL        -- open, used or withdrawn
) STRICT, WITHOUT ROWID;
ALTER TABLE device ADD COLUMN limits TEXT;  -- JSON; none: what the configuration grants
";

/// A device's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateRow {
    pub(crate) serial: Serial,
    pub(crate) device: DeviceId,
    pub(crate) issued: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) used: Option<Timestamp>,
    pub(crate) ended: Option<CertificateEnd>,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnrolmentRow {
    pub(crate) secret: TokenHash,
    pub(crate) device: DeviceId,
    pub(crate) issued: Timestamp,
    pub(crate) expires: Timestamp,
    pub(crate) state: TokenState,
}

/// Reads all certificates.
pub(crate) fn certificates(connection: &Connection) -> Result<Vec<CertificateRow>, LedgerError> {
    let mut statement = connection.prepare_cached(
        "SELECT serial, device, issued, not_after, used, ended FROM certificate ORDER BY serial",
    )?;
    let mut rows = statement.query([])?;
    let mut certificates = Vec::new();
    while let Some(row) = rows.next()? {
        let ended: Option<String> = row.get(5)?;
        let ended = ended.map(|text| {
            CertificateEnd::stored(&text).ok_or_else(|| not_ours("an end of a certificate", &text))
        });
        certificates.push(CertificateRow {
            serial: Serial::stored(row.get(0)?),
            device: id(row.get(1)?)?,
            issued: timestamp(row.get(2)?)?,
            not_after: timestamp(row.get(3)?)?,
            used: row.get::<_, Option<i64>>(4)?.map(timestamp).transpose()?,
            ended: ended.transpose()?,
        });
    }
    Ok(certificates)
}

/// Writes a certificate, new or changed.
pub(crate) fn put_certificate(
    connection: &Connection,
    row: &CertificateRow,
) -> Result<(), LedgerError> {
    connection
        .prepare_cached(
            "INSERT INTO certificate (serial, device, issued, not_after, used, ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (serial) DO UPDATE SET used = excluded.used, ended = excluded.ended",
        )?
        .execute(params![
            row.serial.as_str(),
            row.device.as_str(),
            row.issued.as_microsecond(),
            row.not_after.as_microsecond(),
            row.used.map(Timestamp::as_microsecond),
            row.ended.map(CertificateEnd::as_str),
        ])?;
    Ok(())
}

/// Removes a certificate: it is refused as unknown from then on.
pub(crate) fn remove_certificate(
    connection: &Connection,
    serial: &Serial,
) -> Result<(), LedgerError> {
    let sql = "DELETE FROM certificate WHERE serial = ?1";
    connection.execute(sql, [serial.as_str()])?;
    Ok(())
}

/// Reads all tokens.
pub(crate) fn enrolments(connection: &Connection) -> Result<Vec<EnrolmentRow>, LedgerError> {
    let mut statement = connection
        .prepare_cached("SELECT secret, device, issued, expires, state FROM enrolment")?;
    let mut rows = statement.query([])?;
    let mut enrolments = Vec::new();
    while let Some(row) = rows.next()? {
        let state: String = row.get(4)?;
        let state = TokenState::stored(&state);
        enrolments.push(EnrolmentRow {
            secret: TokenHash(row.get(0)?),
            device: id(row.get(1)?)?,
            issued: timestamp(row.get(2)?)?,
            expires: timestamp(row.get(3)?)?,
            state: state.ok_or_else(|| not_ours("a state of a token", &"unknown"))?,
        });
    }
    Ok(enrolments)
}

/// Writes a token, new or changed.
pub(crate) fn put_enrolment(
    connection: &Connection,
    row: &EnrolmentRow,
) -> Result<(), LedgerError> {
    connection.execute(
        "INSERT INTO enrolment (secret, device, issued, expires, state)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (secret) DO UPDATE SET state = excluded.state",
        params![
            row.secret.0,
            row.device.as_str(),
            row.issued.as_microsecond(),
            row.expires.as_microsecond(),
            row.state.as_str(),
        ],
    )?;
    Ok(())
}

/// Removes a token: it is refused as unknown from then on.
pub(crate) fn remove_enrolment(
    connection: &Connection,
    secret: &TokenHash,
) -> Result<(), LedgerError> {
    connection.execute("DELETE FROM enrolment WHERE secret = ?1", [secret.0])?;
    Ok(())
}
