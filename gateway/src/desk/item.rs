//! One item: its open facts in order, what is known of it, and what was settled lately. The whole
//! of it is one row, kept before anything is done on its account.

use std::collections::VecDeque;

use jiff::Timestamp;
use lujiang_wire::{DeviceId, EventId, Label, LoanKind, Mode};
use serde::{Deserialize, Serialize};

use crate::desk::conflict::{Conflict, ConflictKind};
use crate::desk::effect::{Over, Rest, Settled, Settlement};
use crate::desk::fact::{Deed, LoanFact, ReaderRef};
use crate::desk::standing::Standing;
use crate::desk::step::Stage;
use crate::desk::when::{Happening, When, order};
use crate::entry::EntryNumber;

/// The form of a kept row.
const FORM: u32 = 1;

/// Open facts of an item: more than a year of a busy one. Beyond it, what lies before its last
/// return is history.
const OPEN_MAX: usize = 200;

/// Settled facts a row remembers: what a fact undoes is hardly ever older.
pub(crate) const RECENT_MAX: usize = 16;

/// Words that a fact is undone which wait for that fact; beyond it the oldest is let go.
const ORPHANS_MAX: usize = 16;

/// An item as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRecord {
    form: u32,
    /// Its barcode.
    pub item: Label,
    /// The last entry of the ledger that was taken in: what comes again is not taken in again.
    pub heard: EntryNumber,
    /// When that was.
    pub heard_at: Timestamp,
    /// What is known of it.
    pub standing: Standing,
    /// Its facts that are not settled, in the order in which they are taken.
    pub open: Vec<OpenFact>,
    /// Words that a fact is undone, heard before that fact.
    pub(crate) orphans: Vec<LoanFact>,
    /// Its facts that were settled lately, the oldest first.
    pub recent: VecDeque<Past>,
}

/// A fact that is not settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFact {
    /// The fact.
    pub fact: LoanFact,
    /// How far it has come.
    pub stage: Stage,
    /// When it was heard.
    pub heard_at: Timestamp,
    /// When it was first disputed.
    pub disputed_at: Option<Timestamp>,
    /// How often it was tried in vain.
    pub tries: u32,
    /// How often something was about to be sent for it since it was last answered.
    pub(crate) sends: u32,
    /// Whether the library system was asked for it before its turn, and did not know it.
    pub(crate) was_sought: bool,
    /// Whether staff wants it done whatever the desk thinks of it.
    pub is_forced: bool,
    /// What the desk told the library system that is older than this on-line fact, but was told
    /// after it.
    pub(crate) overtaken_by: Option<LoanKind>,
}

/// A fact that is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its entry in the ledger.
    pub number: EntryNumber,
    /// Whose.
    pub device: DeviceId,
    /// Its event.
    pub id: EventId,
    /// What it was; undoing is taking back.
    pub kind: LoanKind,
    /// Whether it was the word that another fact is undone.
    #[serde(default)]
    pub is_undo: bool,
    /// When it happened.
    pub when: When,
    /// Why it is settled.
    pub settled: Settled,
    /// Since when.
    pub at: Timestamp,
}

/// Why a kept row could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is no row, or a damaged one.
    #[error("the row of an item at the desk cannot be read: {0}")]
    NotReadable(String),
    /// A newer gateway wrote it.
    #[error("the row of an item at the desk has form {found}; this gateway reads form {FORM}")]
    UnknownForm {
        /// Its form.
        found: u32,
    },
}

impl ItemRecord {
    /// An item nothing is known of.
    #[must_use]
    pub fn new(item: Label) -> Self {
        Self {
            form: FORM,
            item,
            heard: EntryNumber::NONE,
            heard_at: Timestamp::MIN,
            standing: Standing::default(),
            open: Vec::new(),
            orphans: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// The row as it is kept.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a row has text keys and plain values")
    }

    /// A kept row.
    ///
    /// # Errors
    /// Where it is none, or one of another form.
    pub fn from_json(json: &str) -> Result<Self, RecordError> {
        let not_readable = |error: serde_json::Error| RecordError::NotReadable(error.to_string());
        let record: Self = serde_json::from_str(json).map_err(not_readable)?;
        match record.form {
            FORM => Ok(record),
            found => Err(RecordError::UnknownForm { found }),
        }
    }

    /// The fact to be taken next: one that may have been sent already, or the first.
    #[must_use]
    pub fn head(&self) -> Option<&OpenFact> {
        let may_be_sent = |open: &&OpenFact| open.may_have_been_sent();
        self.open.iter().find(may_be_sent).or(self.open.first())
    }

    /// The fact in dispute, where there is one.
    #[must_use]
    pub fn conflict(&self) -> Option<(&OpenFact, &Conflict)> {
        let head = self.head()?;
        match &head.stage {
            Stage::Disputed(conflict) => Some((head, conflict)),
            Stage::Waiting | Stage::Intended(_) | Stage::Proving => None,
        }
    }

    /// What is still to be done.
    #[must_use]
    pub fn rest(&self) -> Rest {
        match (self.head(), self.conflict()) {
            (None, _) => Rest::Quiet,
            (Some(_), Some((_, conflict))) if conflict.retry_at.is_none() => Rest::Held,
            (Some(_), _) => Rest::Moving,
        }
    }

    /// Takes in a fact, once; returns what is settled by it.
    pub(crate) fn hear(&mut self, fact: LoanFact, now: Timestamp) -> Vec<Settlement> {
        self.heard = fact.number();
        self.heard_at = now;
        // What staff wanted forced was this item's story as it stood then. What has been begun is
        // brought to its end: half of it would leave the item with nobody.
        for open in &mut self.open {
            open.is_forced &= open.may_have_been_sent();
        }
        let mut settled = match (&fact.deed, fact.mode) {
            (Deed::Undo { fact: id, .. }, _) => self.hear_undo(id.clone(), fact, now),
            (Deed::Unsure { .. }, _) => {
                self.push(fact, None, now);
                Vec::new()
            }
            (_, Mode::Online) => self.hear_online(fact, now),
            (_, Mode::Offline) => self.hear_offline(fact, now),
        };
        self.judge_again();
        self.hold_undone_exports(now);
        if self.open.len() > OPEN_MAX {
            settled.extend(self.thin(now));
        }
        settled
    }

    /// Behind a dispute nobody has ruled on for long: the facts that wait before the last return,
    /// or before the last renewal where there is none, no longer matter to where the item is.
    fn thin(&mut self, now: Timestamp) -> Vec<Settlement> {
        let is_sure =
            |open: &OpenFact, kind| open.fact.deed.is_sure() && open.fact.deed.kind() == kind;
        let last = |kind: LoanKind| self.open.iter().rposition(|open| is_sure(open, kind));
        let (kind, over, last) = match (last(LoanKind::Checkin), last(LoanKind::Renew)) {
            (Some(last), _) => (None, Over::ReturnedSince, last),
            (None, Some(last)) => (Some(LoanKind::Renew), Over::RenewedSince, last),
            (None, None) => return Vec::new(),
        };
        let is_history = |open: &&OpenFact| {
            let is_kind = kind.is_none_or(|kind| open.fact.deed.kind() == kind);
            is_kind && open.stage == Stage::Waiting
        };
        // The first is the one in dispute.
        let between = self.open[..last].iter().skip(1).filter(is_history);
        let numbers: Vec<_> = between.map(|open| open.fact.number()).collect();
        let settle = |number| self.settle(number, Settled::Over(over), now);
        numbers.into_iter().filter_map(settle).collect()
    }

    fn hear_offline(&mut self, fact: LoanFact, now: Timestamp) -> Vec<Settlement> {
        match self.take_orphan(&fact) {
            Some(word) => vec![
                self.remember(&fact, Settled::Undone, now),
                self.remember(&word, Settled::Undone, now),
            ],
            None => {
                self.push(fact, None, now);
                Vec::new()
            }
        }
    }

    /// The library system knows of it. Where the desk has told it of something earlier since then,
    /// it has that the wrong way round: the fact is looked after as well.
    fn hear_online(&mut self, fact: LoanFact, now: Timestamp) -> Vec<Settlement> {
        let kind = fact.deed.kind();
        let overtaken_by = self.standing.overtaking(kind, &fact.happening);
        self.standing.mark(&fact);
        let word = self.take_orphan(&fact);
        let settled = match overtaken_by {
            Some(by) => {
                self.push(fact, Some(by), now);
                Vec::new()
            }
            None => vec![self.remember(&fact, Settled::OnLine, now)],
        };
        if let Some(word) = word {
            self.push(word, None, now);
        }
        settled
    }

    fn hear_undo(&mut self, id: EventId, word: LoanFact, now: Timestamp) -> Vec<Settlement> {
        let device = &word.happening.device;
        let is_it = |open: &OpenFact| open.fact.id == id && open.fact.happening.device == *device;
        if let Some(index) = self.open.iter().position(is_it) {
            let open = &self.open[index];
            if open.may_have_been_sent() || open.fact.mode == Mode::Online {
                self.push(word, None, now);
                return Vec::new();
            }
            let undone = self.open.remove(index).fact;
            return vec![
                self.remember(&undone, Settled::Undone, now),
                self.remember(&word, Settled::Undone, now),
            ];
        }
        if self.past(device, &id).is_some() {
            self.push(word, None, now);
            return Vec::new();
        }
        self.orphans.push(word);
        match self.orphans.len() > ORPHANS_MAX {
            true => {
                let oldest = self.orphans.remove(0);
                vec![self.remember(&oldest, Settled::Undone, now)]
            }
            false => Vec::new(),
        }
    }

    /// Holds the words that undo a return or renewal that went out in a file: no file can say so.
    pub(crate) fn hold_undone_exports(&mut self, now: Timestamp) {
        let (recent, open) = (&self.recent, &mut self.open);
        for word in open.iter_mut().filter(|word| word.stage == Stage::Waiting) {
            let Deed::Undo { fact, .. } = &word.fact.deed else {
                continue;
            };
            let device = &word.fact.happening.device;
            let is_it = |past: &&Past| past.id == *fact && past.device == *device;
            let undone = recent.iter().find(is_it);
            let is_beyond =
                |past: &Past| past.settled == Settled::Exported && past.kind != LoanKind::Checkout;
            if undone.is_some_and(is_beyond) {
                word.stage = Stage::Disputed(Conflict {
                    kind: ConflictKind::UndoneTooLate,
                    words: None,
                    since: *word.disputed_at.get_or_insert(now),
                    retry_at: None,
                    intent: None,
                });
            }
        }
    }

    fn take_orphan(&mut self, fact: &LoanFact) -> Option<LoanFact> {
        let names_it = |word: &LoanFact| match &word.deed {
            Deed::Undo { fact: id, .. } => {
                *id == fact.id && word.happening.device == fact.happening.device
            }
            Deed::Checkout { .. } | Deed::Renew { .. } | Deed::Checkin => false,
            Deed::Unsure { .. } => false,
        };
        let index = self.orphans.iter().position(names_it)?;
        Some(self.orphans.remove(index))
    }

    fn push(&mut self, fact: LoanFact, overtaken_by: Option<LoanKind>, now: Timestamp) {
        self.open.push(OpenFact {
            fact,
            stage: Stage::Waiting,
            heard_at: now,
            disputed_at: None,
            tries: 0,
            sends: 0,
            was_sought: false,
            is_forced: false,
            overtaken_by,
        });
        order(&mut self.open);
    }

    /// The item's story has changed: what was disputed is looked at anew.
    fn judge_again(&mut self) {
        for open in &mut self.open {
            open.judge_again();
        }
    }

    /// A fact needs no more doing. What the library system knows of now, it may have refused a later
    /// fact for.
    pub(crate) fn settle(
        &mut self,
        number: EntryNumber,
        settled: Settled,
        now: Timestamp,
    ) -> Option<Settlement> {
        let index = self.open.iter().position(|o| o.fact.number() == number)?;
        let open = self.open.remove(index);
        if open.may_have_been_sent() && settled == Settled::Over(Over::Moot) {
            // An on-line return that is heard of later may have come before it.
            let kind = open.fact.deed.kind();
            self.standing.tell(kind, open.fact.happening.clone(), now);
        }
        self.mark(&open.fact, &settled, now);
        if matches!(settled, Settled::Told | Settled::AlreadyKnown) {
            self.judge_again();
        }
        Some(self.remember(&open.fact, settled, now))
    }

    fn mark(&mut self, fact: &LoanFact, settled: &Settled, now: Timestamp) {
        let kind = fact.deed.kind();
        let happening = || fact.happening.clone();
        match (settled, kind) {
            (Settled::Told, _) => {
                self.standing.mark(fact);
                self.standing.tell(kind, happening(), now);
            }
            (Settled::AlreadyKnown | Settled::Exported, _) => self.standing.mark(fact),
            // A return that ended what nobody needs to hear of is still when the item came back.
            (Settled::Over(_), LoanKind::Checkin) if fact.deed.is_sure() => {
                self.standing.mark(fact);
            }
            (Settled::Over(Over::ToldWithReturn), _) => {
                self.standing.tell(LoanKind::Checkin, happening(), now);
            }
            (Settled::Over(_), _) => {}
            // Its mark was set when it was heard.
            (Settled::OnLine | Settled::Undone | Settled::Dismissed(_), _) => {}
            (Settled::NotDone, _) => {}
        }
    }

    fn remember(&mut self, fact: &LoanFact, settled: Settled, now: Timestamp) -> Settlement {
        self.recent.push_back(Past {
            number: fact.number(),
            device: fact.happening.device.clone(),
            id: fact.id.clone(),
            kind: fact.deed.kind(),
            is_undo: fact.deed.is_undo(),
            when: fact.happening.when,
            settled: settled.clone(),
            at: now,
        });
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
        Settlement {
            number: fact.number(),
            settled,
            at: now,
        }
    }

    /// A settled fact, by its event.
    pub(crate) fn past(&self, device: &DeviceId, id: &EventId) -> Option<&Past> {
        let is_it = |past: &&Past| past.id == *id && past.device == *device;
        self.recent.iter().find(is_it)
    }

    /// Whether a loan that was told ended another reader's there, with no return between them, as
    /// far as the row remembers. One whose reader had the item already was not told.
    pub(crate) fn took_from_another(&self, loan: &Past) -> bool {
        if loan.settled != Settled::Told {
            return false;
        }
        let is_earlier =
            |past: &&Past| past.number != loan.number && past.when.latest() <= loan.when.latest();
        let earlier = self.recent.iter().filter(is_earlier);
        let happened = earlier.filter(|past| past.moved_it());
        let last = happened.max_by_key(|past| past.when.latest());
        match last.map(|past| past.kind) {
            Some(LoanKind::Checkout | LoanKind::Renew) => true,
            Some(LoanKind::Checkin) | None => false,
        }
    }

    pub(crate) fn find(&mut self, number: EntryNumber) -> Option<&mut OpenFact> {
        self.open.iter_mut().find(|o| o.fact.number() == number)
    }
}

impl Past {
    /// Whether the item was where this would have it: the library system has heard of it, it came back
    /// by it, heard of in time or not, or it was lent by it and heard of only after the next loan.
    fn moved_it(&self) -> bool {
        match &self.settled {
            Settled::Told | Settled::AlreadyKnown | Settled::OnLine | Settled::Exported => true,
            Settled::Over(Over::LentSince) => self.kind != LoanKind::Renew,
            Settled::Over(_) => self.kind == LoanKind::Checkin,
            Settled::NotDone | Settled::Undone | Settled::Dismissed(_) => false,
        }
    }
}

impl OpenFact {
    /// The reader it can be told of; the library system alone knows those of on-line facts.
    #[must_use]
    pub fn reader(&self) -> Option<ReaderRef> {
        match self.fact.mode {
            Mode::Offline => Some(self.fact.reader()),
            Mode::Online => None,
        }
    }

    /// Whether something may have been sent for it of which the outcome is not known.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        match &self.stage {
            Stage::Intended(_) | Stage::Proving => true,
            Stage::Disputed(conflict) => conflict.intent.is_some(),
            Stage::Waiting => false,
        }
    }

    /// Puts a dispute aside, to be looked at anew; what may have been sent stays in mind.
    pub(crate) fn judge_again(&mut self) {
        if let Stage::Disputed(conflict) = &mut self.stage {
            self.tries = 0;
            self.stage = match conflict.intent.take() {
                Some(intent) => Stage::Intended(intent),
                None => Stage::Waiting,
            };
        }
    }
}

impl AsRef<Happening> for OpenFact {
    fn as_ref(&self) -> &Happening {
        &self.fact.happening
    }
}

impl From<Over> for Settled {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}
