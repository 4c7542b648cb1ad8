//! Who decides and writes, one thing after the other: asks the policy, seals the reader, has fact
//! and memory on disk in one transaction, and remembers it. It waits for the disk.

mod writing;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use lujiang_wire::{
    CardIssued, Clock, EventId, Fact, Label, LoanCheckin, LoanCheckout, LoanKind, LoanUndone, Mode,
    Patron, PaymentUnresolved, StopClosed, StopOpened,
};
use tokio::sync::watch;

use super::forms::Forms;
use super::last_facts::LastFacts;
use super::local_key::{LocalKey, ReaderMark};
use super::memory::{Act, Change, LentHere, Memory};
use super::papers::Papers;
use super::papers_file::PapersFile;
use super::policy::{Borrower, Policy};
use super::sync_meter::{Line, SyncMeter};
use super::telling::{Reach, Telling};
use super::{
    Barcode, BlockLoan, BlockRefused, BlockReturn, Card, Lent, Loan, OnlineLoan, OpenStop,
    ReaderCard, Refused, Return, TakenBack, Undone, Written,
};
use crate::measured_time::MeasuredTime;
use crate::outbox::{Outbox, Stamp};
use crate::status::{Board, Link};
use writing::{CHECKOUT, Circumstances, RENEWAL, Way};

/// What all handles of one lending share.
pub(super) struct Clerk {
    pub(super) forms: Forms,
    pub(super) policy: Policy,
    pub(super) key: LocalKey,
    /// The card of this device itself, to which what it carries is lent.
    pub(super) own: Option<ReaderCard>,
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) time: MeasuredTime,
    pub(super) board: Arc<Board>,
    pub(super) papers: ArcSwapOption<Papers>,
    pub(super) papers_file: PapersFile,
    /// Why the last asking for papers failed; none where it did not.
    pub(super) papers_trouble: ArcSwapOption<String>,
    /// Moves with the papers, and with what was written.
    pub(super) changes: watch::Sender<u64>,
    /// Held while a decision is made and written, so that no two are made from the same state.
    pub(super) memory: Mutex<Memory>,
    /// Of the memory, without waiting for it.
    pub(super) last_facts: LastFacts,
    pub(super) meter: Mutex<SyncMeter>,
    /// How long the gateway may take to tell the library system.
    pub(super) told_within: Duration,
    pub(super) telling: Mutex<Telling>,
}

impl Clerk {
    /// Lends an item.
    pub(super) fn lend(&self, loan: &Loan) -> Result<Lent, Refused> {
        self.grant(loan, CHECKOUT, Policy::lend)
    }

    /// Lends an item on.
    pub(super) fn renew(&self, loan: &Loan) -> Result<Lent, Refused> {
        self.grant(loan, RENEWAL, Policy::renew)
    }

    /// Forgets an item.
    pub(super) fn forget(&self, item: &Barcode) -> Result<(), Refused> {
        let stamp = Stamp::now(self.clock.as_ref());
        let mut memory = self.memory();
        let forgotten = |memory: &Memory, _: &[_]| memory.forget(item);
        self.record(&mut memory, &stamp, Vec::new(), forgotten)
            .map(drop)
    }

    /// How far a fact can have got, where the gateway has those up to `settled`.
    pub(super) fn reach(&self, fact: u64, settled: u64) -> Reach {
        let now = self.clock.uptime().as_duration();
        let mut telling = self.telling();
        telling.heard(settled, now, self.told_within);
        telling.reach(fact, now, self.told_within)
    }

    /// The library system serves this machine, or does not.
    pub(super) fn served(&self, machine: &str, serves: bool) {
        let now = self.clock.uptime().as_duration();
        self.telling().served(machine, serves, now);
    }

    /// The gateway has facts of the loan stream up to this one.
    pub(super) fn heard(&self, settled: u64) {
        let now = self.clock.uptime().as_duration();
        self.telling().heard(settled, now, self.told_within);
    }

    fn telling(&self) -> MutexGuard<'_, Telling> {
        let telling = self.telling.lock();
        telling.unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes an item back.
    pub(super) fn take_back(&self, back: &Return) -> Result<TakenBack, Refused> {
        let circumstances = Circumstances {
            kind: LoanKind::Checkin,
            session: &back.session,
            stop: back.stop.as_ref(),
            block: back.block.as_ref(),
            cancels: back.cancels.as_ref(),
        };
        let items = std::slice::from_ref(&back.item);
        let mut memory = self.memory();
        // Scanned once more: two returns without a loan between them would be one too many.
        let mut stops = back.stop.iter();
        if stops.any(|stop| memory.is_returned_at(&back.item, stop)) {
            return Err(Refused::ReturnedAlready);
        }
        let taken = self.write_returns(&mut memory, circumstances, items)?;
        taken.into_iter().next().ok_or(Refused::Failed)
    }

    /// Lends all of these items, or none.
    pub(super) fn block_loan(&self, loan: &BlockLoan) -> Result<Vec<Lent>, BlockRefused> {
        let mut memory = self.memory();
        let wrong = self.check_loan(&memory, &loan.reader, &loan.items)?;
        if !wrong.is_empty() {
            return Err(BlockRefused::Items(wrong));
        }
        let (mark, carrier) = (self.key.mark(&loan.reader), self.carrier());
        let borrower = Borrower {
            mark: &mark,
            today: self.policy.day(self.now()),
            block: Some(&loan.block),
            carrier: carrier.as_ref(),
        };
        let mut granted = Vec::with_capacity(loan.items.len());
        let mut patrons = Vec::with_capacity(loan.items.len());
        for item in &loan.items {
            granted.push((item, self.policy.lend(&memory, borrower, item)?));
            // Each sealed by itself: what is equal in two facts would tie them together.
            patrons.push(self.admit(&loan.reader)?);
        }
        let circumstances = Circumstances {
            kind: LoanKind::Checkout,
            session: &loan.session,
            stop: loan.stop.as_ref(),
            block: Some(&loan.block),
            cancels: None,
        };
        Ok(self.write_loans(&mut memory, circumstances, CHECKOUT, &patrons, granted)?)
    }

    /// Takes all of these items back, or none.
    pub(super) fn block_return(&self, back: &BlockReturn) -> Result<Vec<TakenBack>, BlockRefused> {
        self.policy.measure(&back.items)?;
        let wrong = self.policy.check_return(&back.items);
        if !wrong.is_empty() {
            return Err(BlockRefused::Items(wrong));
        }
        let circumstances = Circumstances {
            kind: LoanKind::Checkin,
            session: &back.session,
            stop: back.stop.as_ref(),
            block: Some(&back.block),
            cancels: None,
        };
        Ok(self.write_returns(&mut self.memory(), circumstances, &back.items)?)
    }

    /// What is wrong with which item of a list that this reader is to borrow.
    pub(super) fn check_loan(
        &self,
        memory: &Memory,
        reader: &ReaderCard,
        items: &[Barcode],
    ) -> Result<Vec<(Barcode, Refused)>, Refused> {
        self.policy.measure(items)?;
        self.policy.admit(self.papers.load().as_deref(), reader)?;
        let (mark, carrier) = (self.key.mark(reader), self.carrier());
        let borrower = Borrower {
            mark: &mark,
            today: self.policy.day(self.now()),
            block: None,
            carrier: carrier.as_ref(),
        };
        Ok(self.policy.check(memory, borrower, items))
    }

    fn carrier(&self) -> Option<ReaderMark> {
        self.own.as_ref().map(|own| self.key.mark(own))
    }

    /// Undoes the last act of an item.
    pub(super) fn undo(&self, fact: &EventId) -> Result<Undone, Refused> {
        let mut memory = self.memory();
        let (item, act) = memory.last_act(fact).ok_or(Refused::NotUndoable)?;
        let (item, act) = (item.clone(), act.clone());
        self.undo_act(&mut memory, item, act)
    }

    /// Undoes what was done with one item of a block, where nothing happened to it since.
    pub(super) fn undo_in_block(&self, block: &Label, item: &Barcode) -> Result<Undone, Refused> {
        let mut memory = self.memory();
        let act = memory.last_in_block(item, block);
        let act = act.ok_or(Refused::NotUndoable)?.clone();
        self.undo_act(&mut memory, item.clone(), act)
    }

    /// Writes that the last act of an item is undone. What came from the bus's load for it is there
    /// again: that return is undone after the loan.
    fn undo_act(&self, memory: &mut Memory, item: Barcode, act: Act) -> Result<Undone, Refused> {
        let word = |fact: EventId, kind, block| LoanUndone {
            fact,
            kind,
            item: item.label().clone(),
            at: act.at,
            session: act.session.clone(),
            block,
            stop: act.stop.clone(),
        };
        let undone = word(act.fact.clone(), act.kind, act.block.clone());
        let mut facts = vec![Fact::LoanUndone(undone)];
        facts.extend(
            act.unloaded
                .clone()
                .map(|from| Fact::LoanUndone(word(from.fact, LoanKind::Checkin, from.block))),
        );
        let stamp = Stamp::now(self.clock.as_ref());
        let written = self.record(memory, &stamp, facts, |memory, places| {
            // The last of them is the last fact about the item.
            let undone = places.last().map(|place| memory.undo(&item, place));
            undone.unwrap_or_default()
        })?;
        Ok(Undone {
            kind: act.kind,
            item,
            fact: written.into_iter().next().ok_or(Refused::Failed)?,
        })
    }

    /// Writes down what the library system decided.
    pub(super) fn record_online(&self, loan: OnlineLoan) -> Result<Written, Refused> {
        let OnlineLoan {
            kind,
            item,
            due,
            session,
            outcome,
            cancels,
        } = loan;
        let known = Barcode::new(item.clone());
        let granted = outcome.ok;
        let lent = |item, outcome| LoanCheckout {
            item,
            patron: None,
            due,
            session: session.clone(),
            mode: Mode::Online,
            outcome,
            block: None,
            stop: None,
            cancels: cancels.clone(),
        };
        let fact = match kind {
            LoanKind::Checkout => Fact::LoanCheckout(lent(item, outcome)),
            LoanKind::Renew => Fact::LoanRenew(lent(item, outcome)),
            LoanKind::Checkin => Fact::LoanCheckin(LoanCheckin {
                item,
                session: session.clone(),
                mode: Mode::Online,
                outcome,
                block: None,
                stop: None,
                cancels: cancels.clone(),
            }),
        };
        let stamp = Stamp::now(self.clock.as_ref());
        let written = self.record(&mut self.memory(), &stamp, vec![fact], |memory, _| {
            // It knows more than we do of an item it decided about.
            if granted {
                memory.forget(&known)
            } else {
                Vec::new()
            }
        })?;
        let fact = written.into_iter().next().ok_or(Refused::Failed)?;
        let at = stamp.time;
        Ok(Written { fact, at })
    }

    /// Writes down a card.
    pub(super) fn card_issued(&self, card: Card) -> Result<EventId, Refused> {
        let patron = match &card.reader {
            Some(reader) => {
                let papers = self.papers.load_full().ok_or(Refused::NoPapers)?;
                Some(papers.seal.seal(reader).map_err(|_| Refused::NoPapers)?)
            }
            None => None,
        };
        let fact = Fact::CardIssued(CardIssued {
            mode: card.mode,
            patron,
            kind: card.kind,
            session: card.session,
            outcome: card.outcome,
        });
        self.record_one(&mut self.memory(), vec![fact], |_, _| Vec::new())
    }

    /// Writes down a payment that was never confirmed.
    pub(super) fn payment_unresolved(
        &self,
        payment: PaymentUnresolved,
    ) -> Result<EventId, Refused> {
        let fact = Fact::PaymentUnresolved(payment);
        self.record_one(&mut self.memory(), vec![fact], |_, _| Vec::new())
    }

    /// Opens a stop.
    pub(super) fn open_stop(&self, stop: StopOpened) -> Result<EventId, Refused> {
        let mut memory = self.memory();
        if memory.stop().is_some() {
            return Err(Refused::StopOpen);
        }
        let fact = Fact::StopOpened(stop.clone());
        let open = OpenStop::new(stop, self.clock.wall());
        self.record_one(&mut memory, vec![fact], |_, _| {
            vec![Change::Stop(Some(open))]
        })
    }

    /// Closes the stop that is open.
    pub(super) fn close_stop(&self, stop: StopClosed) -> Result<EventId, Refused> {
        let mut memory = self.memory();
        if memory
            .stop()
            .is_none_or(|open| open.opened.stop != stop.stop)
        {
            return Err(Refused::NoStopOpen);
        }
        let fact = Fact::StopClosed(stop);
        self.record_one(&mut memory, vec![fact], |_, _| vec![Change::Stop(None)])
    }

    /// The time, as well as it is known: the gateway's, where this boot measured it; or the wall
    /// clock, which is wrong where it is behind the papers.
    pub(super) fn now(&self) -> Timestamp {
        if let Some(measured) = self.time.now() {
            return measured;
        }
        let fetched = self.papers.load().as_ref().and_then(|p| p.fetched);
        let wall = self.clock.wall();
        fetched.map_or(wall, |fetched| wall.max(fetched))
    }

    /// Whether there is a link to the gateway.
    pub(super) fn line(&self) -> Line {
        match self.board.link_shown().0 {
            Link::Online => Line::Up,
            Link::Idle | Link::Connecting | Link::Measuring => Line::Down,
            Link::Down { .. } | Link::Stopped => Line::Down,
        }
    }

    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory
            .lock()
            .expect("nothing panics while it holds the memory")
    }

    pub(super) fn meter(&self) -> MutexGuard<'_, SyncMeter> {
        self.meter
            .lock()
            .expect("nothing panics while it holds the meter")
    }

    /// The reader as it stands in one fact, where anything may be lent to it.
    fn admit(&self, reader: &ReaderCard) -> Result<Patron, Refused> {
        let papers = self.papers.load();
        let papers = self.policy.admit(papers.as_deref(), reader)?;
        papers.seal.seal(reader).map_err(|_| Refused::NoPapers)
    }

    fn grant(
        &self,
        loan: &Loan,
        way: Way,
        rule: fn(&Policy, &Memory, Borrower<'_>, &Barcode) -> Result<LentHere, Refused>,
    ) -> Result<Lent, Refused> {
        let mut memory = self.memory();
        let patron = self.admit(&loan.reader)?;
        let (mark, carrier) = (self.key.mark(&loan.reader), self.carrier());
        let borrower = Borrower {
            mark: &mark,
            today: self.policy.day(self.now()),
            block: loan.block.as_ref(),
            carrier: carrier.as_ref(),
        };
        let lent = rule(&self.policy, &memory, borrower, &loan.item)?;
        let circumstances = Circumstances {
            kind: way.kind,
            session: &loan.session,
            stop: loan.stop.as_ref(),
            block: loan.block.as_ref(),
            cancels: None,
        };
        let granted = vec![(&loan.item, lent)];
        let lent = self.write_loans(&mut memory, circumstances, way, &[patron], granted)?;
        lent.into_iter().next().ok_or(Refused::Failed)
    }
}
