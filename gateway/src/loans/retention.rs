//! What is forgotten in time: sealed readers the library system never accepted, and the keys of
//! past years' pseudonyms.

use std::time::Duration;

use rusqlite::Transaction;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Loans;
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::store::audit;
use crate::store::loans as rows;

/// How often it is looked what is due.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Sealed readers.
    pub readers: u64,
    /// Years whose pseudonyms nobody can make again.
    pub years: Vec<i16>,
}

impl Loans {
    /// Forgets what is due, until cancelled.
    pub async fn keep_forgetting(self, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = cancel.cancelled() => return,
            }
            let gateway = Actor::named("gateway");
            match self.forget(&gateway, false).await {
                Ok(forgotten) if forgotten.readers == 0 && forgotten.years.is_empty() => {}
                Ok(forgotten) => tracing::info!(
                    readers = forgotten.readers,
                    years = ?forgotten.years,
                    "readers and pseudonyms forgotten"
                ),
                Err(error) => tracing::error!(%error, "readers cannot be forgotten"),
            }
        }
    }

    /// Forgets what is due now. What was nothing leaves a record only where somebody asked.
    ///
    /// # Errors
    /// Where the store cannot be written, or a key cannot be destroyed.
    pub async fn forget(
        &self,
        actor: &Actor,
        is_asked_for: bool,
    ) -> Result<Forgotten, LedgerError> {
        let loans = self.clone();
        let mut record = self.record("loans.forget", "readers", actor);
        let now = record.at;
        let before = now
            .checked_sub(self.0.section.reader_retention)
            .unwrap_or(jiff::Timestamp::MIN);
        let forget = move |tx: &Transaction<'_>| {
            let readers = rows::erase_readers(tx, before)?;
            let (inner, retention) = (&loans.0, loans.0.section.pseudonym_retention);
            let years = (inner.pseudonyms.destroy(now, retention, &inner.zone))
                .map_err(|error| LedgerError::Database(format!("a pseudonym key: {error}")))?;
            if is_asked_for || readers > 0 || !years.is_empty() {
                record.after = Some(json!({ "readers": readers, "years": years }));
                audit::append(tx, &record)?;
            }
            Ok(Forgotten { readers, years })
        };
        let forgotten = self.0.store.decide(forget).await?;
        if forgotten.readers > 0 {
            // What the log still holds goes with the next erasure where somebody reads.
            self.0.store.empty_log().await?;
        }
        Ok(forgotten)
    }
}
