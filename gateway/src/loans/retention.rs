//! What is forgotten in time: sealed readers the library system never accepted, the files of exports,
//! which name readers in clear, and the keys of past years' pseudonyms.

use std::io::ErrorKind;
use std::time::Duration;

use rusqlite::Transaction;
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::export::ExportForm;
use super::steady_clock::SteadyClock;
use super::{Inner, Loans};
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::store::loans as rows;
use crate::store::{audit, persons};

/// How often it is looked what is due.
const LOOK_EVERY: Duration = Duration::from_secs(6 * 3_600);

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Sealed readers.
    pub readers: u64,
    /// Originals of quarantined elements that were decided on: they may name a reader.
    pub originals: u64,
    /// Files of exports.
    pub files: u64,
    /// Years whose pseudonyms nobody can make again.
    pub years: Vec<i16>,
}

impl Forgotten {
    fn is_nothing(&self) -> bool {
        let erased = self.readers + self.originals + self.files;
        erased == 0 && self.years.is_empty()
    }
}

impl Loans {
    /// Forgets what is due, until cancelled.
    pub async fn keep_forgetting(self, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut clock = SteadyClock::default();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = cancel.cancelled() => return,
            }
            self.look(&mut clock).await;
        }
    }

    /// Forgets what is due by itself, where the clock has been right for as long as between two
    /// looks.
    pub(super) async fn look(&self, clock: &mut SteadyClock) {
        let now = self.now();
        if !clock.look(now, self.0.clock.uptime()) {
            tracing::debug!(%now, "nobody is forgotten before the clock has gone on as time did");
            return;
        }
        let gateway = Actor::named("gateway");
        match self.forget(&gateway, false).await {
            Ok(forgotten) if forgotten.is_nothing() => {}
            Ok(forgotten) => tracing::info!(
                readers = forgotten.readers,
                originals = forgotten.originals,
                files = forgotten.files,
                years = ?forgotten.years,
                "readers and pseudonyms forgotten"
            ),
            Err(error) => tracing::error!(%error, "readers cannot be forgotten"),
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
            let originals = persons::erase_decided(tx, before)?;
            let (inner, retention) = (&loans.0, loans.0.section.pseudonym_retention);
            let years = (inner.pseudonyms.destroy(now, retention, &inner.zone))
                .map_err(|error| LedgerError::Database(format!("a pseudonym key: {error}")))?;
            let files = inner.remove_exports(&rows::exports_before(tx, before)?)?;
            let forgotten = Forgotten {
                readers,
                originals,
                files,
                years,
            };
            if is_asked_for || !forgotten.is_nothing() {
                record.after = Some(json!({
                    "readers": readers, "originals": originals, "files": files,
                    "years": forgotten.years,
                }));
                audit::append(tx, &record)?;
            }
            Ok(forgotten)
        };
        let forgotten = self.0.store.decide(forget).await?;
        if forgotten.readers + forgotten.originals > 0 {
            // What the log still holds goes with the next erasure where somebody reads.
            self.0.store.empty_log().await?;
        }
        Ok(forgotten)
    }
}

impl Inner {
    /// Removes the files of these exports; says how many there were. Who has not loaded one by now
    /// can have it written again, without the readers that are forgotten.
    fn remove_exports(&self, exports: &[(i64, String)]) -> Result<u64, LedgerError> {
        let mut removed = 0;
        for (number, form) in exports {
            let form: ExportForm = form.parse().map_err(LedgerError::Database)?;
            let file = self.exports.join(form.file_name(*number));
            match std::fs::remove_file(&file) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // Tried again the next time; what else is over is forgotten all the same.
                Err(error) => {
                    tracing::error!(%error, file = %file.display(), "an export cannot be removed");
                }
            }
        }
        Ok(removed)
    }
}
