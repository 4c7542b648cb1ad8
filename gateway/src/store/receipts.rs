//! What the ledger holds of a device, without a hole.

use std::collections::BTreeMap;

use lujiang_wire::{DeviceId, Epoch, LedgerId, Receipts};
use rusqlite::{Connection, OptionalExtension, params};

use crate::ledger::LedgerError;

/// The receipts of a device's newest life: the one its newest entry belongs to.
pub(crate) fn of(
    connection: &Connection,
    ledger: &LedgerId,
    device: &DeviceId,
) -> Result<Option<Receipts>, LedgerError> {
    let broken = |column: &str, found: &str| {
        LedgerError::Database(format!("settled.{column} holds {found:?}"))
    };
    let epoch: Option<String> = connection
        .prepare_cached("SELECT epoch FROM settled WHERE device = ?1 ORDER BY last DESC LIMIT 1")?
        .query_row([device.as_str()], |row| row.get(0))
        .optional()?;
    let Some(epoch) = epoch else {
        return Ok(None);
    };
    let epoch: Epoch = epoch.parse().map_err(|_| broken("epoch", &epoch))?;
    let mut statement = connection
        .prepare_cached("SELECT stream, through FROM settled WHERE device = ?1 AND epoch = ?2")?;
    let mut rows = statement.query(params![device.as_str(), epoch.as_str()])?;
    let mut streams = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let stream: String = row.get(0)?;
        let stream = stream.parse().map_err(|_| broken("stream", &stream))?;
        streams.insert(stream, row.get::<_, i64>(1)?.unsigned_abs());
    }
    Ok(Some(Receipts {
        ledger: ledger.clone(),
        epoch,
        streams,
    }))
}
