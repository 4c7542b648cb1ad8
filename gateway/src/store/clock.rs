//! What devices measured of their clocks.

use jiff::Timestamp;
use lujiang_wire::{Boot, ClockReport, DeviceId, Uptime};
use rusqlite::{Connection, OptionalExtension, params};

use crate::ledger::{LedgerError, Measurement};
use crate::store::rows::signed;

/// Boots of a device whose measurement is kept; an outbox is delivered long before that.
const BOOTS_KEPT: i64 = 1_000;

/// Keeps the newest measurement of a boot.
pub(crate) fn keep(
    connection: &Connection,
    device: &DeviceId,
    report: &ClockReport,
) -> Result<(), LedgerError> {
    let newest: i64 = connection
        .prepare_cached("SELECT coalesce(max(ordinal), 0) FROM clock WHERE device = ?1")?
        .query_row([device.as_str()], |row| row.get(0))?;
    connection
        .prepare_cached(
            "INSERT INTO clock (device, boot, ordinal, uptime, time, error_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (device, boot) DO UPDATE SET uptime = excluded.uptime,
                 time = excluded.time, error_ms = excluded.error_ms",
        )?
        .execute(params![
            device.as_str(),
            report.boot.as_str(),
            newest + 1,
            signed(report.uptime.as_millis()),
            report.time.as_microsecond(),
            signed(report.error_ms),
        ])?;
    connection
        .prepare_cached("DELETE FROM clock WHERE device = ?1 AND ordinal <= ?2")?
        .execute(params![device.as_str(), newest - BOOTS_KEPT])?;
    Ok(())
}

/// What was measured of a boot.
pub(crate) fn of_boot(
    connection: &Connection,
    device: &DeviceId,
    boot: &Boot,
) -> Result<Option<Measurement>, LedgerError> {
    let found: Option<(i64, i64, i64, bool)> = connection
        .prepare_cached(
            "SELECT uptime, time, error_ms,
                    ordinal = (SELECT max(ordinal) FROM clock WHERE device = ?1)
             FROM clock WHERE device = ?1 AND boot = ?2",
        )?
        .query_row(params![device.as_str(), boot.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((uptime, time, error_ms, is_newest_boot)) = found else {
        return Ok(None);
    };
    let report = ClockReport {
        boot: boot.clone(),
        uptime: Uptime::from_millis(uptime.unsigned_abs())
            .ok_or_else(|| broken("clock", "uptime", &uptime.to_string()))?,
        time: Timestamp::from_microsecond(time)
            .map_err(|_| broken("clock", "time", &time.to_string()))?,
        error_ms: error_ms.unsigned_abs(),
    };
    Ok(Some(Measurement {
        report,
        is_newest_boot,
    }))
}

fn broken(table: &str, column: &str, found: &str) -> LedgerError {
    LedgerError::Database(format!("{table}.{column} holds {found:?}"))
}
