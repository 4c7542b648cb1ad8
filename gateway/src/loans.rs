//! The shell around the loan desk (`desk.rs`): its tables, its one connection to the library
//! system, its readers, and what staff may ask of it and rule.
//!
//! ```text
//! ledger -> follower (shell.rs) -> Desk -> keeper -> store
//!                                   |  ^
//!                            ask, do|  |answer
//!                                   v  |
//!                 readers -> words -> link -> library system
//! ```
//!
//! Staff speaks to the store: a ruling or a pause is a row with its audit record, and the shell is
//! woken to look. So nothing said is lost by a crash, and a ruling can be taken back until it is
//! due.

mod board;
pub mod dto;
mod export;
mod keeper;
mod link;
mod pseudonyms;
mod retention;
mod rulings;
mod shell;
mod steady_clock;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_config::{
    ConflictRule, IlsMake, LateAndOverRule, LateWhileLentRule, LoansSection, UnmovedDueRule,
};
use lujiang_wire::Clock;
use rusqlite::Transaction;
use serde_json::Value;
use tokio::sync::{Notify, watch};

pub use board::{ConflictView, DeskView, PastFact, PendingRuling};
pub use export::{Export, ExportError, ExportForm};
pub use retention::Forgotten;
pub use rulings::{RulingKind, RulingRefused};

use crate::desk::{BackOff, LateAndOver, LateWhileLent, Policy, Profile, Response, UnmovedDue};
use crate::ledger::LedgerError;
use crate::papers::Papers;
use crate::registry::Actor;
use crate::seal::Seals;
use crate::store::Store;
use crate::store::audit::{self, AuditRecord};
use crate::store::loans as rows;
use pseudonyms::Pseudonyms;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// The loan desk with everything around it; clones share it.
#[derive(Clone)]
pub struct Loans(Arc<Inner>);

struct Inner {
    store: Store,
    seals: Arc<Seals>,
    papers: Papers,
    clock: Arc<dyn Clock>,
    zone: TimeZone,
    section: LoansSection,
    pseudonyms: Pseudonyms,
    exports: PathBuf,
    /// Somebody has ruled, paused or resumed.
    wake: Notify,
    link: watch::Sender<LinkReport>,
}

/// How the connection to the library system stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkReport {
    /// Whether there is one.
    pub state: LinkWord,
    /// Since when.
    pub since: Timestamp,
    /// Why there is none, where something went wrong.
    pub problem: Option<String>,
}

/// Whether the library system can be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkWord {
    /// None is configured: facts wait, and are exported.
    None,
    /// It cannot be reached, or the desk is paused.
    Down,
    /// It answers.
    Up,
}

/// Whether the desk works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskWork {
    /// It does.
    Going,
    /// Staff has paused it.
    Paused,
}

impl LinkWord {
    /// The name in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Down => "down",
            Self::Up => "up",
        }
    }
}

impl Loans {
    /// The desk on this store; nothing is done before it runs.
    #[must_use]
    pub fn new(
        store: Store,
        seals: Arc<Seals>,
        papers: Papers,
        clock: Arc<dyn Clock>,
        zone: TimeZone,
        section: LoansSection,
        data: &Path,
    ) -> Self {
        let state = match section.ils.host {
            Some(_) => LinkWord::Down,
            None => LinkWord::None,
        };
        let report = LinkReport {
            state,
            since: clock.wall(),
            problem: None,
        };
        Self(Arc::new(Inner {
            store,
            seals,
            papers,
            clock,
            zone,
            section,
            pseudonyms: Pseudonyms::new(data.join("keys")),
            exports: data.join("exports"),
            wake: Notify::new(),
            link: watch::Sender::new(report),
        }))
    }

    /// How the connection stands.
    #[must_use]
    pub fn link(&self) -> LinkReport {
        self.0.link.borrow().clone()
    }

    /// The make of the library system.
    #[must_use]
    pub fn profile(&self) -> Profile {
        match self.0.section.make {
            IlsMake::Koha => Profile::Koha,
            IlsMake::Evergreen => Profile::Evergreen,
            IlsMake::Generic => Profile::Generic,
        }
    }

    /// What the library wants done.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let section = &self.0.section;
        let responses = section.conflicts.0.iter().filter_map(|(kind, rule)| {
            let response = match rule {
                ConflictRule::Hold => Response::Hold,
                ConflictRule::RetryLater => Response::RetryLater,
                ConflictRule::ReturnThenLoan => Response::ReturnThenLoan,
            };
            Some((kind.parse().ok()?, response))
        });
        Policy {
            responses: responses.collect(),
            late_while_lent: match section.late_while_lent {
                LateWhileLentRule::Hold => LateWhileLent::Hold,
                LateWhileLentRule::Count => LateWhileLent::Count,
            },
            late_and_over: match section.late_and_over {
                LateAndOverRule::Count => LateAndOver::Count,
                LateAndOverRule::TellBoth => LateAndOver::TellBoth,
            },
            unmoved_due: unmoved_due(section),
            back_off: BackOff {
                first: section.retry_first,
                longest: section.retry_longest,
                tries_max: section.retries_max,
            },
            patience: section.patience,
            request_interval: section.request_interval,
            break_pause: section.break_pause,
        }
    }

    /// Has the desk ask and do nothing, or go on.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn set_work(&self, work: DeskWork, actor: &Actor) -> Result<(), LedgerError> {
        let (action, word) = match work {
            DeskWork::Going => ("loans.resume", "going"),
            DeskWork::Paused => ("loans.pause", "paused"),
        };
        let set = move |tx: &Transaction<'_>| {
            let before = match rows::is_paused(tx)? {
                true => "paused",
                false => "going",
            };
            rows::set_work(tx, word)?;
            Ok(((), Some(before.into()), Some(word.into())))
        };
        self.change(action, "loan desk", actor, set).await?;
        self.0.wake.notify_one();
        Ok(())
    }

    /// Has the desk find out anew what the library system can answer: after an upgrade of it, or
    /// where the account the desk signs in with may see more, or less.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub async fn probe_again(&self, actor: &Actor) -> Result<(), LedgerError> {
        let loans = self.clone();
        let want = move |tx: &Transaction<'_>| {
            let known = loans.abilities(tx)?;
            rows::want_probe(tx)?;
            let known = serde_json::to_value(known).expect("words are JSON");
            Ok(((), Some(known), None))
        };
        self.change("loans.probe", "library system", actor, want)
            .await?;
        self.0.wake.notify_one();
        Ok(())
    }

    /// One transaction with its audit record.
    async fn change<T: Send + 'static>(
        &self,
        action: &'static str,
        subject: &str,
        actor: &Actor,
        decide: impl FnOnce(&Transaction<'_>) -> Result<(T, Option<Value>, Option<Value>), LedgerError>
        + Send
        + 'static,
    ) -> Result<T, LedgerError> {
        let record = self.record(action, subject, actor);
        let decided = self.0.store.decide(move |tx| {
            let (value, before, after) = decide(tx)?;
            let record = AuditRecord {
                before,
                after,
                ..record
            };
            audit::append(tx, &record)?;
            Ok(value)
        });
        decided.await
    }

    fn record(&self, action: &'static str, subject: &str, actor: &Actor) -> AuditRecord {
        AuditRecord {
            at: self.now(),
            actor: actor.as_str().to_owned(),
            action: action.to_owned(),
            subject: subject.to_owned(),
            before: None,
            after: None,
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.wall()
    }
}

/// What the operator says of the library system's dates.
fn unmoved_due(section: &LoansSection) -> UnmovedDue {
    match (section.unmoved_due, section.renewal_days_min) {
        (UnmovedDueRule::NotRenewed, _) => UnmovedDue::NotRenewed,
        (UnmovedDueRule::Unclear, 0) => UnmovedDue::Unclear,
        (UnmovedDueRule::Unclear, days) => UnmovedDue::NotRenewedBefore(DAY * days.into()),
    }
}

/// So much later, or the end of time.
fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
