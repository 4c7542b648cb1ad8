//! What staff rules on a fact in dispute: a row with its audit record first, and the desk's
//! business only once it can no longer be taken back.

use std::fmt;
use std::str::FromStr;

use rusqlite::Transaction;
use serde_json::json;

use super::{Loans, PendingRuling, later};
use crate::desk::{ConflictKind, Desk, RulingError, StaffRuling};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::ruling::RulingReason;
use crate::store::audit;
use crate::store::loans::{self as rows, FactQuery, FactState, RulingRow};

/// What staff rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulingKind {
    /// Try it again, by the rules.
    Retry,
    /// Do it, whatever the desk thinks of it.
    Force,
    /// Let it be.
    Dismiss,
}

/// Why a ruling is not taken.
#[derive(Debug, thiserror::Error)]
pub enum RulingRefused {
    /// The desk knows no such fact.
    #[error("there is no loan {}", .0.0)]
    Unknown(EntryNumber),
    /// It cannot be given.
    #[error(transparent)]
    Ruling(#[from] RulingError),
    /// Somebody has ruled already.
    #[error("somebody has ruled on it already: take that back first")]
    Ruled,
    /// There is nothing to take back, or no longer.
    #[error("there is no ruling that could be taken back")]
    NoRuling,
    /// The store cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl RulingKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Retry, Self::Force, Self::Dismiss];

    /// The name in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Force => "force",
            Self::Dismiss => "dismiss",
        }
    }

    pub(super) fn with(self, reason: RulingReason) -> StaffRuling {
        match self {
            Self::Retry => StaffRuling::Retry,
            Self::Force => StaffRuling::Force,
            Self::Dismiss => StaffRuling::Dismiss(reason),
        }
    }
}

impl fmt::Display for RulingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RulingKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or_else(|| "expected retry, force or dismiss".to_owned())
    }
}

impl Loans {
    /// Rules on a fact in dispute. The library system hears of it after the configured delay;
    /// until then it can be taken back.
    ///
    /// # Errors
    /// Where the fact is not in dispute, or nothing could be written.
    pub async fn rule(
        &self,
        fact: EntryNumber,
        kind: RulingKind,
        reason: RulingReason,
        actor: &Actor,
    ) -> Result<PendingRuling, RulingRefused> {
        let mut record = self.record("loans.rule", &format!("entry {}", fact.0), actor);
        let (at, by) = (record.at, actor.as_str().to_owned());
        let due = later(at, self.0.section.ruling_delay);
        let decide = move |tx: &Transaction<'_>| {
            let query = FactQuery {
                before: Some(EntryNumber(fact.0.saturating_add(1))),
                state: Some(FactState::Disputed),
                limit: 1,
                ..FactQuery::default()
            };
            let found = rows::facts(tx, &query)?
                .pop()
                .filter(|it| it.number == fact);
            let Some(found) = found else {
                return Ok(Err(match rows::is_known(tx, fact)? {
                    true => RulingError::NotDisputed.into(),
                    false => RulingRefused::Unknown(fact),
                }));
            };
            let Some(item) = rows::item(tx, &found.item)? else {
                return Ok(Err(RulingError::NotDisputed.into()));
            };
            if let Err(refused) = kind.with(reason.clone()).foresee(&item, fact) {
                return Ok(Err(refused.into()));
            }
            let row = RulingRow {
                fact,
                item: found.item,
                about: found.outcome.clone().unwrap_or_default(),
                ruling: kind.as_str().to_owned(),
                why: reason.as_str().to_owned(),
                by,
                at,
                due,
            };
            if !rows::put_ruling(tx, &row)? {
                return Ok(Err(RulingRefused::Ruled));
            }
            record.before = Some(json!({ "conflict": found.outcome, "item": row.item }));
            record.after = Some(json!({ "ruling": row.ruling, "why": row.why, "due": row.due }));
            audit::append(tx, &record)?;
            Ok(Ok(row.into()))
        };
        let ruled = self.0.store.decide(decide).await?;
        self.0.wake.notify_one();
        ruled
    }

    /// Takes a ruling back that the library system has not heard of.
    ///
    /// # Errors
    /// Where there is none, or nothing could be written.
    pub async fn take_back(&self, fact: EntryNumber, actor: &Actor) -> Result<(), RulingRefused> {
        let mut record = self.record("loans.take-back", &format!("entry {}", fact.0), actor);
        let decide = move |tx: &Transaction<'_>| {
            let Some(row) = rows::take_ruling(tx, fact)? else {
                return Ok(Err(RulingRefused::NoRuling));
            };
            record.before = Some(json!({ "ruling": row.ruling, "why": row.why, "by": row.by }));
            audit::append(tx, &record)?;
            Ok(Ok(()))
        };
        let taken = self.0.store.decide(decide).await?;
        self.0.wake.notify_one();
        taken
    }
}

impl Loans {
    /// Has the desk do what was ruled. Where nothing can come of it any more, since the fact was
    /// settled or came into another dispute while the ruling could be taken back, that is on record.
    pub(super) fn apply_ruling(
        &self,
        desk: &mut Desk,
        tx: &Transaction<'_>,
        row: &RulingRow,
    ) -> Result<(), LedgerError> {
        let ruled = desk.handle_ruling(&row.item, row.fact, staff_ruling(row)?, self.now());
        let Err(refused) = ruled else {
            return Ok(());
        };
        tracing::warn!(entry = row.fact.0, %refused, "a ruling came to nothing");
        let entity = format!("entry {}", row.fact.0);
        let mut record = self.record("loans.ruling-void", &entity, &Actor::named("gateway"));
        record.before = Some(json!({ "ruling": row.ruling, "why": row.why, "by": row.by }));
        record.after = Some(json!({ "reason": refused.to_string() }));
        audit::append(tx, &record)?;
        Ok(())
    }
}

/// A kept ruling as the desk takes it.
pub(super) fn staff_ruling(
    row: &RulingRow,
) -> Result<(StaffRuling, Option<ConflictKind>), LedgerError> {
    let not_ours = |error: String| LedgerError::Database(format!("a ruling is none: {error}"));
    let kind: RulingKind = row.ruling.parse().map_err(not_ours)?;
    let reason = RulingReason::new(&row.why).map_err(|error| not_ours(error.to_string()))?;
    let about = ConflictKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == row.about);
    Ok((kind.with(reason), about))
}
