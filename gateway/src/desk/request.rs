//! A request: what is put to the library system for one fact, and what its answer leads to. What
//! is to be done is judged in `judge.rs`; here it is kept, asked and sent, in that order.

use jiff::Timestamp;
use lujiang_wire::{Label, LoanKind};

use crate::desk::breaks::Fault;
use crate::desk::conflict::{Conflict, ConflictKind};
use crate::desk::effect::{Effect, Order, Question, RequestNumber, Settled};
use crate::desk::item::OpenFact;
use crate::desk::judge::Move;
use crate::desk::policy::Response;
use crate::desk::sighting::{Circulation, Failure, FailureKind, Sighting, Told, Words};
use crate::desk::step::{Errand, Intent, Stage};
use crate::desk::{Desk, later};
use crate::entry::EntryNumber;

/// The request that is not answered yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    pub(super) request: RequestNumber,
    pub(super) item: Label,
    pub(super) fact: EntryNumber,
    pub(super) is_deed: bool,
    /// What had been heard of the item when it was made.
    heard: EntryNumber,
}

impl Desk {
    /// Does for an item what can be done without asking, or asks.
    pub(super) fn step(&mut self, item: &Label, now: Timestamp) {
        let Some(matter) = self.matter(item) else {
            self.agenda.set(item, None);
            return;
        };
        let number = matter.open.fact.number();
        let next = matter.before_asking();
        let under_way = self.under_way(item, number, false);
        self.perform(under_way, next, None, now);
    }

    pub(super) fn seen(&mut self, under_way: &UnderWay, seen: &Sighting, now: Timestamp) {
        self.rest_for(self.policy.request_interval, now);
        let Some(matter) = self.matter(&under_way.item) else {
            return;
        };
        // The item's story has changed since it was asked: it is asked again when its turn comes.
        if matter.record.heard != under_way.heard {
            return;
        }
        if matter.open.fact.number() != under_way.fact {
            self.sought(under_way, seen, now);
            return;
        }
        if matter.open.stage == Stage::Proving {
            self.abilities.prove(seen);
            self.effects
                .push_back(Effect::KeepAbilities(self.abilities));
        }
        let Some(matter) = self.matter(&under_way.item) else {
            return;
        };
        let next = matter.on_sight(seen);
        let under_way = self.under_way(&under_way.item, under_way.fact, false);
        self.perform(under_way, next, Some(seen), now);
    }

    /// A later loan that the library system knows already shows who has the item; one it does not
    /// know waits for its turn.
    fn sought(&mut self, under_way: &UnderWay, seen: &Sighting, now: Timestamp) {
        let Some(record) = self.items.get_mut(&under_way.item) else {
            return;
        };
        let Some(open) = record.find(under_way.fact) else {
            return;
        };
        open.was_sought = true;
        let is_known = seen.is_with_reader() && open.fact.deed.kind() == LoanKind::Checkout;
        let settled = match is_known {
            true => record.settle(under_way.fact, Settled::AlreadyKnown, now),
            false => None,
        };
        self.keep(&under_way.item, settled.into_iter().collect());
    }

    pub(super) fn told(&mut self, under_way: &UnderWay, told: &Told, now: Timestamp) {
        self.rest_for(self.policy.request_interval, now);
        let Some(matter) = self.matter(&under_way.item) else {
            return;
        };
        let Stage::Intended(intent) = &matter.open.stage else {
            return;
        };
        // What was refused was not done. Should its item's story have changed meanwhile, it is not
        // disputed by what was but asked about again.
        let has_changed = matter.record.heard != under_way.heard;
        let next = match told.is_done {
            true => matter.on_done(intent),
            false if has_changed && !intent.errand.is_past() => {
                self.set_stage(under_way, Stage::Waiting);
                self.keep(&under_way.item, Vec::new());
                return;
            }
            false => matter.on_refusal(intent),
        };
        let saw = intent.saw.clone();
        let proves = intent.errand == Errand::Checkout && self.abilities.are_unproven();
        match next {
            Move::Dispute(kind) => self.dispute(under_way, kind, told.words.clone(), None, now),
            Move::Settle(Settled::Told) if proves => {
                self.set_stage(under_way, Stage::Proving);
                self.keep(&under_way.item, Vec::new());
            }
            Move::Ask | Move::Seek(_) => self.plan(&under_way.item),
            Move::Settle(_) | Move::Send(_) => {
                let under_way = self.under_way(&under_way.item, under_way.fact, false);
                self.perform(under_way, next, Some(&saw), now);
            }
        }
    }

    /// A question found no answer: another item has its turn first. Where it is this one's own
    /// fault there will be none either, and it is disputed.
    pub(super) fn failed(&mut self, under_way: &UnderWay, failure: Failure, now: Timestamp) {
        let (item, pause) = (&under_way.item, self.policy.break_pause);
        let quiet = match failure.kind {
            FailureKind::Broken | FailureKind::Unmatched => pause,
            FailureKind::Unwritable => self.policy.request_interval,
        };
        self.rest_for(quiet, now);
        let fault = self.breaks.handle_failure(item, failure.kind, pause, now);
        let Some(matter) = self.matter(item) else {
            return;
        };
        if fault == Fault::Line || matter.record.heard != under_way.heard {
            self.plan(item);
            return;
        }
        let next = match (&matter.open.stage, matter.open.fact.number()) {
            (_, head) if head != under_way.fact => {
                self.sought(under_way, &Sighting::nothing(), now);
                return;
            }
            (Stage::Proving, _) => Move::Settle(Settled::Told),
            (Stage::Waiting | Stage::Intended(_) | Stage::Disputed(_), _) => {
                matter.dispute(ConflictKind::Unresolved)
            }
        };
        match next {
            Move::Dispute(kind) => {
                let words = match self.breaks.times(item) {
                    0 | 1 => failure.words,
                    times => {
                        let last = failure.words.as_ref().map_or("no answer", Words::as_str);
                        Words::new(&format!(
                            "asked {times} times in vain; the last time: {last}"
                        ))
                    }
                };
                let intent = self.intent_of(under_way, kind);
                self.dispute(under_way, kind, words, intent, now);
            }
            next => {
                let under_way = self.under_way(item, under_way.fact, false);
                self.perform(under_way, next, None, now);
            }
        }
    }

    /// Nobody can say who it was: nothing was sent, though something may have been before.
    pub(super) fn no_reader(&mut self, under_way: &UnderWay, is_deed: bool, now: Timestamp) {
        let Some(open) = self.matter(&under_way.item).map(|matter| matter.open) else {
            return;
        };
        if open.fact.number() != under_way.fact {
            self.sought(under_way, &Sighting::nothing(), now);
            return;
        }
        let kind = ConflictKind::ReaderErased;
        match &open.stage {
            Stage::Proving => {
                let under_way = self.under_way(&under_way.item, under_way.fact, false);
                self.perform(under_way, Move::Settle(Settled::Told), None, now);
            }
            Stage::Intended(intent) if !is_deed => {
                let intent = Some(intent.clone());
                self.dispute(under_way, kind, None, intent, now);
            }
            Stage::Waiting | Stage::Intended(_) | Stage::Disputed(_) => {
                self.dispute(under_way, kind, None, None, now);
            }
        }
    }

    pub(super) fn perform(
        &mut self,
        under_way: UnderWay,
        next: Move,
        seen: Option<&Sighting>,
        now: Timestamp,
    ) {
        match next {
            Move::Settle(settled) => {
                let record = self.items.get_mut(&under_way.item);
                let settled = record.and_then(|r| r.settle(under_way.fact, settled, now));
                self.keep(&under_way.item, settled.into_iter().collect());
            }
            Move::Ask => self.ask(under_way),
            Move::Seek(fact) => self.ask(UnderWay { fact, ..under_way }),
            Move::Send(errand) => {
                let saw = seen.cloned().unwrap_or_else(Sighting::nothing);
                self.send(
                    under_way,
                    Intent {
                        errand,
                        saw,
                        at: now,
                        was_seen_out: false,
                    },
                );
            }
            Move::Dispute(kind) => {
                let words = seen.and_then(|seen| seen.words.clone());
                let is_seen_out = seen.is_some_and(|s| s.circulation == Circulation::OnLoan);
                let intent = self.intent_of(&under_way, kind).map(|intent| Intent {
                    was_seen_out: intent.was_seen_out || is_seen_out,
                    ..intent
                });
                self.dispute(&under_way, kind, words, intent, now);
            }
        }
    }

    fn ask(&mut self, under_way: UnderWay) {
        let Some(open) = self.open(&under_way) else {
            return;
        };
        let reader = match open.fact.deed.kind() {
            LoanKind::Checkout | LoanKind::Renew => open.reader(),
            LoanKind::Checkin => None,
        };
        let question = Question {
            request: under_way.request,
            fact: under_way.fact,
            item: under_way.item.clone(),
            reader,
        };
        self.effects.push_back(Effect::Ask(question));
        self.under_way = Some(under_way);
    }

    /// Commits the intent, then sends.
    fn send(&mut self, under_way: UnderWay, intent: Intent) {
        let errand = intent.errand;
        let due = self.matter(&under_way.item).and_then(|matter| matter.due());
        self.set_stage(&under_way, Stage::Intended(intent));
        let Some(record) = self.items.get_mut(&under_way.item) else {
            return;
        };
        let returned = record.standing.returned.last().map(|back| back.when);
        let Some(open) = record.find(under_way.fact) else {
            return;
        };
        open.sends += 1;
        let own = open.fact.happening.when;
        let reader = match errand.kind() {
            LoanKind::Checkout | LoanKind::Renew => open.reader(),
            LoanKind::Checkin => None,
        };
        let happened = match errand {
            Errand::PastCheckin => returned.unwrap_or(own),
            Errand::Checkout | Errand::Renew | Errand::Checkin => own,
            Errand::TakeBackFirst | Errand::PastCheckout => own,
        };
        let order = Order {
            request: under_way.request,
            fact: under_way.fact,
            item: under_way.item.clone(),
            errand,
            reader,
            due: due.filter(|_| reader.is_some()),
            happened: happened.latest(),
            no_block: self.profile.honours_no_block() || open.is_forced,
        };
        self.keep(&under_way.item, Vec::new());
        self.effects.push_back(Effect::Do(order));
        self.under_way = Some(UnderWay {
            is_deed: true,
            ..under_way
        });
    }

    fn dispute(
        &mut self,
        under_way: &UnderWay,
        kind: ConflictKind,
        words: Option<Words>,
        intent: Option<Intent>,
        now: Timestamp,
    ) {
        // As long as it is not known what the library system can show, it may yet be.
        let was_answered = self.breaks.times(&under_way.item) == 0;
        let may_mend =
            kind == ConflictKind::Unresolved && self.abilities.are_unproven() && was_answered;
        let response = match may_mend {
            true => Response::RetryLater,
            false => self.policy.response(kind),
        };
        let back_off = self.policy.back_off;
        let Some(record) = self.items.get_mut(&under_way.item) else {
            return;
        };
        let Some(open) = record.find(under_way.fact) else {
            return;
        };
        open.is_forced = false;
        open.sends = 0;
        let retry_at = match response {
            Response::RetryLater => {
                open.tries += 1;
                back_off.wait(open.tries).map(|wait| later(now, wait))
            }
            Response::Hold | Response::ReturnThenLoan => None,
        };
        let since = *open.disputed_at.get_or_insert(now);
        open.stage = Stage::Disputed(Conflict {
            kind,
            words,
            since,
            retry_at,
            intent,
        });
        self.keep(&under_way.item, Vec::new());
    }

    /// What may have been sent, where that is what the dispute is about.
    fn intent_of(&self, under_way: &UnderWay, kind: ConflictKind) -> Option<Intent> {
        let intent = match &self.open(under_way)?.stage {
            Stage::Intended(intent) => Some(intent),
            Stage::Disputed(conflict) => conflict.intent.as_ref(),
            Stage::Waiting | Stage::Proving => None,
        };
        let is_about_it = kind == ConflictKind::Unresolved || kind == ConflictKind::Overtaken;
        intent.filter(|_| is_about_it).cloned()
    }

    fn set_stage(&mut self, under_way: &UnderWay, stage: Stage) {
        let record = self.items.get_mut(&under_way.item);
        if let Some(open) = record.and_then(|record| record.find(under_way.fact)) {
            open.stage = stage;
        }
    }

    pub(super) fn under_way(&mut self, item: &Label, fact: EntryNumber, is_deed: bool) -> UnderWay {
        self.requests += 1;
        let heard = self.items.get(item).map(|record| record.heard);
        UnderWay {
            request: RequestNumber(self.requests),
            item: item.clone(),
            fact,
            is_deed,
            heard: heard.unwrap_or(EntryNumber::NONE),
        }
    }

    /// The open fact a request is about.
    fn open(&self, under_way: &UnderWay) -> Option<&OpenFact> {
        let mut open = self.items.get(&under_way.item)?.open.iter();
        open.find(|open| open.fact.number() == under_way.fact)
    }
}
