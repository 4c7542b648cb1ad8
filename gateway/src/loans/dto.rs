//! What people see of the loan desk, and say to it, over the API and the command line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ConflictView, DeskView, DeskWork, Export, Forgotten, PastFact, PendingRuling};
use crate::desk::{Ability, Profile};
use crate::store::loans::{DeskFact, FactState};

/// A loan, renewal or return as the desk has it. It names no reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoanRow {
    /// Its entry in the ledger.
    pub number: i64,
    /// Where it happened.
    pub device: String,
    /// The item's barcode.
    pub item: String,
    /// `checkout`, `renew`, `checkin`, or `undo` where it is the word that one did not happen.
    pub kind: String,
    /// When it happened, corrected; of an undated one, when it came.
    #[schema(value_type = String, format = DateTime)]
    pub happened: Timestamp,
    /// Until when it was lent.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// `waiting`, `sent`, `disputed` or `settled`.
    pub state: String,
    /// The kind of conflict, or why it is settled: `told`, `already-known`, …
    #[schema(required = true)]
    pub outcome: Option<String>,
    /// Since when it stands so.
    #[schema(value_type = String, format = DateTime)]
    pub changed: Timestamp,
    /// The export it went out with.
    #[schema(required = true)]
    pub exported: Option<i64>,
}

/// `GET /api/v1/loans`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoanPage {
    /// The newest first.
    pub rows: Vec<LoanRow>,
    /// What to give as `before` for the next page; null where there is none.
    #[schema(required = true)]
    pub next: Option<i64>,
    /// How many there are in each state, whatever is asked for.
    pub totals: Vec<LoanTotal>,
}

/// How many facts have come so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoanTotal {
    /// `waiting`, `sent`, `disputed` or `settled`.
    pub state: String,
    /// The kind of conflict, or why they are settled.
    #[schema(required = true)]
    pub outcome: Option<String>,
    /// How many.
    pub facts: u64,
}

/// A fact in dispute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConflictRow {
    /// The fact.
    pub loan: LoanRow,
    /// What is wrong, for programs.
    pub kind: String,
    /// What is wrong, for people.
    pub sentence: String,
    /// The library system's own words, where it had any.
    #[schema(required = true)]
    pub words: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// When it is tried again by itself; null where it is held for staff.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub retry_at: Option<Timestamp>,
    /// What `retry`, `force` and `dismiss` would do; null where it cannot be given.
    pub rulings: BTreeMap<String, Option<String>>,
    /// What the item went through, the oldest first.
    pub history: Vec<HistoryRow>,
    /// Whether older loans, renewals and returns on-line are no longer in `history`.
    pub history_cut: bool,
    /// A ruling that can still be taken back.
    #[schema(required = true)]
    pub pending: Option<RulingView>,
}

/// What an item went through once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryRow {
    /// Its entry in the ledger.
    pub number: i64,
    /// Where.
    pub device: String,
    /// `checkout`, `renew`, `checkin`, or `undo` where it is the word that one did not happen.
    pub kind: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub happened: Timestamp,
    /// `waiting`, `sent`, `disputed`, or why it is settled.
    pub outcome: String,
}

/// `GET /api/v1/conflicts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConflictPage {
    /// The newest first.
    pub conflicts: Vec<ConflictRow>,
    /// How many there are of what was asked for, on all pages.
    pub total: u64,
    /// What to give as `before` for the next page; null where there is none.
    #[schema(required = true)]
    pub next: Option<i64>,
}

/// `POST /api/v1/conflicts/{number}/ruling`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RulingRequest {
    /// `retry`, `force` or `dismiss`.
    #[schema(example = "retry")]
    pub ruling: String,
    /// Why, a line of at most 500 characters.
    pub reason: String,
}

/// A ruling that can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulingView {
    /// `retry`, `force` or `dismiss`.
    pub ruling: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// When the library system will hear of it.
    #[schema(value_type = String, format = DateTime)]
    pub due: Timestamp,
}

/// `GET /api/v1/loans/desk`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeskState {
    /// Whether staff has paused it.
    pub paused: bool,
    /// Whether the library system answers: `none` (none is configured), `down` or `up`.
    pub link: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub link_since: Timestamp,
    /// Why it does not.
    #[schema(required = true)]
    pub problem: Option<String>,
    /// The make of the library system: `koha`, `evergreen` or `generic`.
    pub make: String,
    /// What it has been found able to answer.
    pub abilities: DeskAbilities,
    /// How many facts have come how far.
    pub totals: Vec<LoanTotal>,
    /// What will be done about facts that wait, before it is done; the newest first.
    pub dry_run: Vec<DryRunRow>,
    /// Where the next page of it begins, to be asked for with `before`.
    #[schema(required = true)]
    pub dry_run_next: Option<i64>,
}

/// What a library system can answer, each `unproven`, `proven` or `lacking`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeskAbilities {
    /// Whether an item is on loan.
    pub circulation: String,
    /// Until when (AH).
    pub due: String,
    /// What a reader has, by barcode (AU).
    pub charged_items: String,
}

/// What will be done about a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRunRow {
    /// The fact.
    pub loan: LoanRow,
    /// What will be done, for people.
    pub sentence: String,
}

/// `POST /api/v1/loans/export`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportRequest {
    /// `koc` or `pending-xacts`.
    #[schema(example = "koc")]
    pub form: String,
    /// The number of an earlier export, to have the same file again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub again: Option<i64>,
}

/// A file for a library system without SIP2. It names readers, so it is not sent: it lies on the
/// gateway's machine, for its owner alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExportReport {
    /// Its number; null where there was nothing to write.
    #[schema(required = true)]
    pub export: Option<i64>,
    /// Where it lies; null where there was nothing to write.
    #[schema(required = true)]
    pub file: Option<String>,
    /// Loans, renewals and returns in it.
    pub facts: u64,
    /// Entries that are not in it: their reader is no longer kept.
    pub without_reader: Vec<i64>,
}

/// `POST /api/v1/loans/forget`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ForgottenReport {
    /// Sealed readers the library system never accepted.
    pub readers: u64,
    /// Originals of quarantined elements that were decided on.
    #[serde(default)]
    pub originals: u64,
    /// Files of exports, which named readers.
    pub files: u64,
    /// Years whose pseudonyms nobody can make again.
    pub years: Vec<i16>,
}

/// `GET /api/v1/sync`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncPage {
    /// By id.
    pub devices: Vec<SyncRow>,
}

/// How far a device's facts have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SyncRow {
    /// The device.
    pub device: String,
    /// `online`, `offline` or `unknown`.
    pub link: String,
    /// When anything last came from it.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub last_contact: Option<Timestamp>,
    /// Facts it says it wrote that are not here, by stream.
    pub waiting: BTreeMap<String, u64>,
    /// Its loans the library system has yet to hear of.
    pub at_desk: u64,
    /// When the oldest of all these happened: of what waits in the device, as it said when it last
    /// came on-line.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub oldest: Option<Timestamp>,
}

impl From<DeskFact> for LoanRow {
    fn from(fact: DeskFact) -> Self {
        Self {
            number: fact.number.0,
            device: fact.device.to_string(),
            item: fact.item.into(),
            kind: fact.kind.to_owned(),
            happened: fact.happened,
            due: fact.due,
            state: fact.state.as_str().to_owned(),
            outcome: fact.outcome,
            changed: fact.changed,
            exported: fact.exported,
        }
    }
}

impl LoanTotal {
    /// As the store counts them.
    pub(crate) fn all(totals: Vec<(FactState, Option<String>, u64)>) -> Vec<Self> {
        let total = |(state, outcome, facts): (FactState, Option<String>, u64)| Self {
            state: state.as_str().to_owned(),
            outcome,
            facts,
        };
        totals.into_iter().map(total).collect()
    }
}

impl From<ConflictView> for ConflictRow {
    fn from(view: ConflictView) -> Self {
        let rulings = view.rulings.into_iter().map(|(kind, foreseen)| {
            let sentence = foreseen.map(str::to_owned);
            (kind.as_str().to_owned(), sentence)
        });
        Self {
            loan: view.fact.into(),
            kind: view.kind.as_str().to_owned(),
            sentence: view.kind.sentence().to_owned(),
            words: view.words,
            since: view.since,
            retry_at: view.retry_at,
            rulings: rulings.collect(),
            history: view.history.into_iter().map(HistoryRow::from).collect(),
            history_cut: view.is_history_cut,
            pending: view.pending.map(RulingView::from),
        }
    }
}

impl From<PastFact> for HistoryRow {
    fn from(past: PastFact) -> Self {
        Self {
            number: past.number.0,
            device: past.device,
            kind: past.kind.to_owned(),
            happened: past.happened,
            outcome: past.outcome,
        }
    }
}

impl From<PendingRuling> for RulingView {
    fn from(pending: PendingRuling) -> Self {
        Self {
            ruling: pending.ruling,
            reason: pending.why,
            by: pending.by,
            at: pending.at,
            due: pending.due,
        }
    }
}

impl From<DeskView> for DeskState {
    fn from(view: DeskView) -> Self {
        let dry_run = view.dry_run.into_iter().map(|(fact, sentence)| DryRunRow {
            loan: fact.into(),
            sentence: sentence.to_owned(),
        });
        Self {
            paused: view.work == DeskWork::Paused,
            link: view.link.state.as_str().to_owned(),
            link_since: view.link.since,
            problem: view.link.problem,
            make: match view.profile {
                Profile::Koha => "koha".to_owned(),
                Profile::Evergreen => "evergreen".to_owned(),
                Profile::Generic => "generic".to_owned(),
            },
            abilities: DeskAbilities {
                circulation: ability(view.abilities.circulation),
                due: ability(view.abilities.due),
                charged_items: ability(view.abilities.charged_items),
            },
            totals: LoanTotal::all(view.totals),
            dry_run: dry_run.collect(),
            dry_run_next: view.dry_run_next.map(|number| number.0),
        }
    }
}

impl From<Export> for ExportReport {
    fn from(export: Export) -> Self {
        Self {
            export: export.number,
            file: export.file.map(|file| file.display().to_string()),
            facts: export.facts,
            without_reader: export.without_reader.iter().map(|entry| entry.0).collect(),
        }
    }
}

impl From<Forgotten> for ForgottenReport {
    fn from(forgotten: Forgotten) -> Self {
        Self {
            readers: forgotten.readers,
            originals: forgotten.originals,
            files: forgotten.files,
            years: forgotten.years,
        }
    }
}

fn ability(ability: Ability) -> String {
    let word = match ability {
        Ability::Unproven | Ability::Doubted => "unproven",
        Ability::Proven => "proven",
        Ability::Lacking => "lacking",
    };
    word.to_owned()
}
