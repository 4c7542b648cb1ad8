//! What a library system has been found able to answer, and which one that was.

use rusqlite::Connection;

use super::{not_ours, set, value};
use crate::desk::Abilities;
use crate::ledger::LedgerError;

/// Abilities as they are kept; a row of before names no library system, and is none's.
#[derive(Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
struct KeptAbilities {
    /// The library system they were found at.
    of: String,
    can: Abilities,
}

/// What this library system has been found able to answer; what another one was tells nothing
/// of it, nor what this one was before staff wanted it found out anew.
pub(crate) fn abilities(connection: &Connection, of: &str) -> Result<Abilities, LedgerError> {
    if is_probe_wanted(connection)? {
        return Ok(Abilities::default());
    }
    let Some(text) = value(connection, "abilities")? else {
        return Ok(Abilities::default());
    };
    let read = serde_json::from_str::<KeptAbilities>(&text);
    let kept = read.map_err(|error| not_ours(&error))?;
    Ok(match kept.of == of {
        true => kept.can,
        false => Abilities::default(),
    })
}

/// Staff wants it found out anew; heeded by the desk, which may be learning at this moment.
pub(crate) fn want_probe(connection: &Connection) -> Result<(), LedgerError> {
    set(connection, "probe", "wanted")
}

/// Whether staff wants it found out anew.
pub(crate) fn is_probe_wanted(connection: &Connection) -> Result<bool, LedgerError> {
    Ok(value(connection, "probe")?.as_deref() == Some("wanted"))
}

/// The desk has heeded it.
pub(crate) fn probe_heeded(connection: &Connection) -> Result<(), LedgerError> {
    set(connection, "probe", "heeded")
}

pub(crate) fn set_abilities(
    connection: &Connection,
    of: &str,
    abilities: &Abilities,
) -> Result<(), LedgerError> {
    let kept = KeptAbilities {
        of: of.to_owned(),
        can: *abilities,
    };
    let text = serde_json::to_string(&kept).expect("words are JSON");
    set(connection, "abilities", &text)
}
