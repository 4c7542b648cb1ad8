//! What is shown of the desk: conflicts with their story and what each ruling would do, the dry
//! run of what is next, and how it all stands.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{DeskWork, LinkReport, Loans, RulingKind};
use crate::desk::{Abilities, ConflictKind, ItemRecord, OpenFact, Profile, RECENT_MAX, forecasts};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;
use crate::ruling::RulingReason;
use crate::store::loans::{self as rows, DeskFact, FactQuery, FactState, RulingRow};

/// Facts in the history of an item: as many as may wait behind a dispute, and some before it.
const HISTORY_MAX: usize = 300;

/// A fact in dispute, for those who rule on it.
#[derive(Debug, Clone, PartialEq)]
pub struct ConflictView {
    /// The fact.
    pub fact: DeskFact,
    /// What is wrong.
    pub kind: ConflictKind,
    /// The library system's own words, where it had any.
    pub words: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again by itself; none where it is held for staff.
    pub retry_at: Option<Timestamp>,
    /// What each ruling would do; none where it cannot be given.
    pub rulings: Vec<(RulingKind, Option<&'static str>)>,
    /// What the item went through, the oldest first.
    pub history: Vec<PastFact>,
    /// Whether older ones that were lent, renewed or returned on-line are no longer in it.
    pub is_history_cut: bool,
    /// A ruling that can still be taken back.
    pub pending: Option<PendingRuling>,
}

/// What an item went through once.
#[derive(Debug, Clone, PartialEq)]
pub struct PastFact {
    /// Its entry in the ledger.
    pub number: EntryNumber,
    /// Where.
    pub device: String,
    /// `checkout`, `renew`, `checkin`, or `undo` where it is the word that one did not happen.
    pub kind: &'static str,
    /// When; of an undated one, when it came at the latest.
    pub happened: Timestamp,
    /// `waiting`, `sent`, `disputed`, or why it is settled.
    pub outcome: String,
}

/// A ruling that can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRuling {
    /// What was ruled.
    pub ruling: String,
    /// Why.
    pub why: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// When the library system will hear of it.
    pub due: Timestamp,
}

/// How the desk stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DeskView {
    /// Whether staff lets it work.
    pub work: DeskWork,
    /// Whether the library system answers.
    pub link: LinkReport,
    /// Its make.
    pub profile: Profile,
    /// What it has been found able to answer.
    pub abilities: Abilities,
    /// How many facts have come how far, and what became of them.
    pub totals: Vec<(FactState, Option<String>, u64)>,
    /// What will be done about the facts that wait, before it is done; a page of it.
    pub dry_run: Vec<(DeskFact, &'static str)>,
    /// Where the next page begins: before this fact.
    pub dry_run_next: Option<EntryNumber>,
}

impl Loans {
    /// Facts as the desk has them, the newest first. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn facts(&self, query: &FactQuery) -> Result<Vec<DeskFact>, LedgerError> {
        self.0
            .store
            .read(|connection| rows::facts(connection, query))
    }

    /// How many facts have come how far, by state and outcome. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn totals(&self) -> Result<Vec<(FactState, Option<String>, u64)>, LedgerError> {
        self.0.store.read(rows::totals)
    }

    /// How many facts of a device the library system has yet to hear of, and when the oldest of
    /// them happened. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn waiting_of(
        &self,
        device: &lujiang_wire::DeviceId,
    ) -> Result<(u64, Option<Timestamp>), LedgerError> {
        self.0
            .store
            .read(|connection| rows::waiting_of(connection, device))
    }

    /// How many facts are in dispute, on all pages of what is asked for. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn conflicts_total(&self, query: &FactQuery) -> Result<u64, LedgerError> {
        let query = FactQuery {
            state: Some(FactState::Disputed),
            before: None,
            ..query.clone()
        };
        self.0
            .store
            .read(|connection| rows::count(connection, &query))
    }

    /// Facts in dispute, the newest first. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    ///
    /// # Panics
    /// Never: the reason stands in for one that is not given yet.
    pub fn conflicts(&self, query: &FactQuery) -> Result<Vec<ConflictView>, LedgerError> {
        let query = FactQuery {
            state: Some(FactState::Disputed),
            ..query.clone()
        };
        self.0.store.read(|connection| {
            let pending = rows::rulings(connection)?;
            let mut views = Vec::new();
            for fact in rows::facts(connection, &query)? {
                if let Some(record) = rows::item(connection, &fact.item)? {
                    let pending = pending.iter().find(|row| row.fact == fact.number);
                    let older = rows::facts(connection, &of_item(&fact))?;
                    views.extend(view(fact, &record, &older, pending.cloned()));
                }
            }
            Ok(views)
        })
    }

    /// How the desk stands; of what waits so many facts before one, the newest first. Blocks while
    /// it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn desk(&self, before: Option<EntryNumber>, limit: usize) -> Result<DeskView, LedgerError> {
        let (profile, policy) = (self.profile(), self.policy());
        self.0.store.read(|connection| {
            let abilities = self.abilities(connection)?;
            let query = FactQuery {
                state: Some(FactState::Waiting),
                before,
                limit: limit + 1,
                ..FactQuery::default()
            };
            let mut waiting = rows::facts(connection, &query)?;
            let is_more = waiting.len() > limit;
            waiting.truncate(limit);
            let last = waiting.last().filter(|_| is_more);
            let dry_run_next = last.map(|fact| fact.number);
            let mut dry_run = Vec::new();
            for fact in waiting {
                let Some(record) = rows::item(connection, &fact.item)? else {
                    continue;
                };
                let foreseen = forecasts(&record, profile, &policy, &abilities);
                let found = foreseen.iter().find(|it| it.number == fact.number);
                dry_run.extend(found.map(|forecast| (fact, forecast.sentence)));
            }
            Ok(DeskView {
                work: match rows::is_paused(connection)? {
                    true => DeskWork::Paused,
                    false => DeskWork::Going,
                },
                link: self.link(),
                profile,
                abilities,
                totals: rows::totals(connection)?,
                dry_run,
                dry_run_next,
            })
        })
    }
}

/// All that the desk had to do about an item.
fn of_item(fact: &DeskFact) -> FactQuery {
    FactQuery {
        item: Some(fact.item.clone()),
        limit: HISTORY_MAX,
        ..FactQuery::default()
    }
}

fn view(
    fact: DeskFact,
    record: &ItemRecord,
    of_item: &[DeskFact],
    pending: Option<RulingRow>,
) -> Option<ConflictView> {
    let (open, conflict) = record.conflict()?;
    if open.fact.number() != fact.number {
        return None;
    }
    let reason = RulingReason::new("-").expect("it is a character on one line");
    let foresee = |kind: RulingKind| {
        let foreseen = kind.with(reason.clone()).foresee(record, fact.number);
        (kind, foreseen.ok())
    };
    Some(ConflictView {
        kind: conflict.kind,
        words: conflict
            .words
            .as_ref()
            .map(|words| words.as_str().to_owned()),
        since: conflict.since,
        retry_at: conflict.retry_at,
        rulings: RulingKind::ALL.map(foresee).to_vec(),
        history: history(record, of_item),
        is_history_cut: record.recent.len() >= RECENT_MAX,
        pending: pending.map(PendingRuling::from),
        fact,
    })
}

/// All that is known of an item, the oldest first. Its row remembers the last of what is settled,
/// on-line facts among them; the desk's own rows know of more.
fn history(record: &ItemRecord, of_item: &[DeskFact]) -> Vec<PastFact> {
    let past = record.recent.iter().map(|past| PastFact {
        number: past.number,
        device: past.device.to_string(),
        kind: rows::kind(past.kind, past.is_undo),
        happened: past.when.latest(),
        outcome: past.settled.as_str().to_owned(),
    });
    let open = record.open.iter().map(|open: &OpenFact| {
        let happening = &open.fact.happening;
        PastFact {
            number: happening.number,
            device: happening.device.to_string(),
            kind: rows::kind(open.fact.deed.kind(), open.fact.deed.is_undo()),
            happened: happening.when.latest(),
            outcome: FactState::of(open).0.as_str().to_owned(),
        }
    });
    let mut history: Vec<PastFact> = past.chain(open).collect();
    let known: BTreeSet<EntryNumber> = history.iter().map(|fact| fact.number).collect();
    let older = of_item.iter().filter(|fact| !known.contains(&fact.number));
    history.extend(older.map(|fact| {
        PastFact {
            number: fact.number,
            device: fact.device.to_string(),
            kind: fact.kind,
            happened: fact.happened,
            outcome: fact
                .outcome
                .clone()
                .unwrap_or_else(|| fact.state.as_str().to_owned()),
        }
    }));
    history.sort_by_key(|fact| (fact.happened, fact.number));
    history
}

impl From<RulingRow> for PendingRuling {
    fn from(row: RulingRow) -> Self {
        Self {
            ruling: row.ruling,
            why: row.why,
            by: row.by,
            at: row.at,
            due: row.due,
        }
    }
}
