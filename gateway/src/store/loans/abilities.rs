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
/// of it.
pub(crate) fn abilities(connection: &Connection, of: &str) -> Result<Abilities, LedgerError> {
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
