//! The loan desk: tells the library system of every off-line loan, once and in the best order
//! known, and puts what it disputes before people. A core: it knows no clock, no database, no
//! reader and no SIP2.
//!
//! ```text
//! ledger -> LoanFact -> item (order, standing) -> judge (late, ability, policy) -> step -> effect
//! ```
//!
//! # How a shell drives it
//! 1. At start: [`Desk::new`] with the kept [`Abilities`], then [`Desk::recall`] each kept row that
//!    was kept as [`Rest::Moving`] (while [`Desk::has_room`]), then follow the ledger from the kept
//!    cursor.
//! 2. For each entry: [`LoanFact::of_entry`]; if not [`Desk::holds`] its item, read the item's row
//!    and [`Desk::recall`] it (there may be none); then [`Desk::handle_fact`]. Entries in the order
//!    of their numbers; one that was taken in before is not taken in again. The cursor is
//!    committed with, or after, the effects of its entry.
//! 3. After whatever was handled: perform [`Desk::next_effect`] until there is none. Each
//!    [`Effect::Keep`] is on disk before the next effect is asked for and before anything else is
//!    handled (several may share one transaction, if rows are read through it). If it cannot be
//!    committed, drop the desk and begin at 1.
//! 4. [`Effect::Ask`] and [`Effect::Do`] go over one connection, one at a time; the answer comes
//!    back by [`Desk::handle_answer`]. What finds no answer is [`Answer::Failed`]: time-outs and
//!    lost connections, answers to something else, and what cannot be written.
//! 5. While there is no effect, wait for an entry, a ruling, the link, or [`Desk::next_wake`].
//!
//! The reader of a request is the fact's entry: the shell opens the sealed identity, answers
//! [`Answer::NoReader`] where it cannot, compares, and says in [`ReaderSeen`] only whether this
//! reader has the item. It may erase the identity once the fact's [`Settlement`] is committed.
//!
//! Because every decision is a function of what was kept and what is seen, a crash between any two
//! effects leads back to the same decisions.

mod ability;
mod agenda;
mod breaks;
mod conflict;
mod dispute;
mod effect;
mod fact;
mod forecast;
mod item;
mod judge;
mod late;
mod outgoing;
mod policy;
mod profile;
mod renewal;
mod request;
mod ruling;
mod sighting;
mod standing;
mod step;
mod when;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::Label;

use crate::entry::EntryNumber;

pub use ability::{Abilities, Ability};
pub use conflict::{Conflict, ConflictKind};
pub use effect::{Effect, Keep, Order, Over, Question, RequestNumber, Rest, Settled, Settlement};
pub use fact::{Deed, LoanFact, ReaderRef};
pub use forecast::{Forecast, forecasts};
pub(crate) use item::RECENT_MAX;
pub use item::{ItemRecord, OpenFact, Past, RecordError};
pub use late::LateCase;
pub use outgoing::Outgoing;
pub use policy::{BackOff, LateAndOver, LateWhileLent, Policy, Response};
pub use profile::Profile;
pub use renewal::UnmovedDue;
pub use ruling::{RulingError, StaffRuling};
pub use sighting::{
    Answer, Charged, Circulation, Failure, FailureKind, ReaderSeen, ReaderStanding, Sighting, Told,
    Words,
};
pub use standing::{Lateness, Standing, Telling};
pub use step::{Errand, Intent, Stage};
pub use when::{Happening, OutboxPlace, Precedence, When};

use agenda::{Agenda, Turn};
use breaks::Breaks;
use judge::Matter;
use request::UnderWay;

/// Items in memory: a bus's week and every self-checkout's night many times over, at a kilobyte
/// each.
const ITEMS_MAX: usize = 20_000;

/// The loan desk.
#[derive(Debug)]
pub struct Desk {
    profile: Profile,
    policy: Policy,
    abilities: Abilities,
    /// The items something is to be done about; the others are rows only.
    items: BTreeMap<Label, ItemRecord>,
    agenda: Agenda,
    /// Which of them found no answer lately.
    breaks: Breaks,
    effects: VecDeque<Effect>,
    under_way: Option<UnderWay>,
    requests: u64,
    link: Link,
    work: Work,
    /// Before this nothing is asked.
    quiet_until: Timestamp,
}

/// Whether the library system can be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It can.
    Up,
    /// It cannot.
    Down,
}

/// Whether staff lets the desk work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It does.
    Going,
    /// It does not: facts are taken in, nothing is asked or done.
    Paused,
}

impl Desk {
    /// A desk that holds nothing, before its library system can be spoken to.
    #[must_use]
    pub fn new(profile: Profile, policy: Policy, abilities: Abilities) -> Self {
        Self {
            profile,
            abilities,
            items: BTreeMap::new(),
            agenda: Agenda::new(policy.longest_wait()),
            breaks: Breaks::default(),
            effects: VecDeque::new(),
            under_way: None,
            requests: 0,
            link: Link::Down,
            work: Work::Going,
            quiet_until: Timestamp::MIN,
            policy,
        }
    }

    /// Whether an item's row is in memory.
    #[must_use]
    pub fn holds(&self, item: &Label) -> bool {
        self.items.contains_key(item)
    }

    /// Whether another item may be recalled for what is still to be done about it.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.items.len() < ITEMS_MAX
    }

    /// How many items are in memory.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// What the library system has been found able to answer.
    #[must_use]
    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// The library system may answer otherwise than before: what it showed is to be proven again.
    pub fn handle_other_answers(&mut self) {
        self.abilities = Abilities::default();
        self.effects
            .push_back(Effect::KeepAbilities(self.abilities));
    }

    /// Takes a kept row into memory; one that is there already stays.
    pub fn recall(&mut self, record: ItemRecord) {
        let item = record.item.clone();
        self.items.entry(item.clone()).or_insert(record);
        self.plan(&item);
    }

    /// Takes in a fact of the ledger.
    pub fn handle_fact(&mut self, fact: LoanFact, now: Timestamp) {
        let item = fact.item.clone();
        let new = || ItemRecord::new(item.clone());
        let record = self.items.entry(item.clone()).or_insert_with(new);
        if fact.number() <= record.heard {
            self.let_go(&item);
            return;
        }
        let settled = record.hear(fact, now);
        self.keep(&item, settled);
    }

    /// The library system can be spoken to, or no longer. A request under way when it goes down
    /// may have been done.
    pub fn handle_link(&mut self, link: Link, now: Timestamp) {
        self.link = link;
        match link {
            Link::Up => self.breaks.handle_link_up(),
            Link::Down if self.under_way.take().is_some() => {
                self.rest_for(self.policy.break_pause, now);
            }
            Link::Down => {}
        }
    }

    /// Staff lets the desk work, or no longer. What is under way is brought to its end.
    pub fn handle_work(&mut self, work: Work) {
        self.work = work;
    }

    /// Staff rules on a fact in dispute. Its item is held: recall it first. A ruling is about the
    /// dispute that was looked at: it is not applied to another that the fact has come into since.
    ///
    /// # Errors
    /// Where the ruling cannot be given.
    pub fn handle_ruling(
        &mut self,
        item: &Label,
        number: EntryNumber,
        (ruling, about): (StaffRuling, Option<ConflictKind>),
        now: Timestamp,
    ) -> Result<(), RulingError> {
        let record = self.items.get_mut(item).ok_or(RulingError::NotDisputed)?;
        if let Err(error) = ruling.check(record, number, about) {
            self.let_go(item);
            return Err(error);
        }
        let settled = match ruling {
            StaffRuling::Retry | StaffRuling::Force => {
                let open = record.find(number).ok_or(RulingError::NotDisputed)?;
                open.is_forced = ruling == StaffRuling::Force;
                open.sends = 0;
                open.judge_again();
                record.hold_undone_exports(now);
                None
            }
            StaffRuling::Dismiss(reason) => record.settle(number, Settled::Dismissed(reason), now),
        };
        self.keep(item, settled.into_iter().collect());
        Ok(())
    }

    /// The library system has answered, or failed to.
    pub fn handle_answer(&mut self, request: RequestNumber, answer: Answer, now: Timestamp) {
        let is_it = |under_way: &mut UnderWay| under_way.request == request;
        let Some(under_way) = self.under_way.take_if(is_it) else {
            return;
        };
        match (answer, under_way.is_deed) {
            (Answer::Seen(seen), false) => {
                self.breaks.handle_answer(&under_way.item);
                self.seen(&under_way, &seen, now);
            }
            (Answer::Told(told), true) => {
                self.breaks.handle_answer(&under_way.item);
                self.told(&under_way, &told, now);
            }
            (Answer::NoReader, is_deed) => self.no_reader(&under_way, is_deed, now),
            (Answer::Failed(failure), false) => self.failed(&under_way, failure, now),
            // An answer to something else is no answer: what is kept says what to ask.
            (Answer::Seen(_), true) | (Answer::Told(_), false) | (Answer::Failed(_), true) => {
                self.rest_for(self.policy.break_pause, now);
            }
        }
        self.let_go(&under_way.item);
    }

    /// What to do next; none before [`Desk::next_wake`].
    pub fn next_effect(&mut self, now: Timestamp) -> Option<Effect> {
        while self.effects.is_empty() && self.may_ask(now) {
            let item = self.agenda.next(now)?;
            self.step(&item, now);
        }
        let effect = self.effects.pop_front()?;
        if let Effect::Keep(keep) = &effect {
            self.let_go(&keep.record.item);
        }
        Some(effect)
    }

    /// When there is something to do again without anything being handled first.
    #[must_use]
    pub fn next_wake(&self) -> Option<Timestamp> {
        let is_waiting = self.under_way.is_some() || self.is_stopped();
        let next = self.agenda.next_at().filter(|_| !is_waiting)?;
        Some(next.max(self.quiet_until))
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        let is_quiet = !self.agenda.has_come(self.quiet_until, now);
        self.under_way.is_none() && !self.is_stopped() && !is_quiet
    }

    fn is_stopped(&self) -> bool {
        self.link == Link::Down || self.work == Work::Paused
    }

    fn rest_for(&mut self, pause: Duration, now: Timestamp) {
        let before = match self.agenda.has_come(self.quiet_until, now) {
            true => now,
            false => self.quiet_until,
        };
        self.quiet_until = before.max(later(now, pause));
    }

    fn keep(&mut self, item: &Label, settled: Vec<Settlement>) {
        let Some(record) = self.items.get(item) else {
            return;
        };
        let keep = Keep {
            record: record.clone(),
            rest: record.rest(),
            settled,
        };
        self.effects.push_back(Effect::Keep(Box::new(keep)));
        self.plan(item);
    }

    /// Puts an item's next turn down.
    fn plan(&mut self, item: &Label) {
        let turn = self.items.get(item).and_then(|record| {
            let head = record.head()?;
            let at = match &head.stage {
                Stage::Waiting => later(record.heard_at, self.policy.patience),
                Stage::Intended(_) | Stage::Proving => Timestamp::MIN,
                Stage::Disputed(conflict) => conflict.retry_at?,
            };
            let happened = head.fact.happening.when.latest();
            let at = at.max(self.breaks.not_before(item));
            Some(Turn { at, happened })
        });
        self.agenda.set(item, turn);
    }

    /// Forgets an item whose row is on its way to the disk and needs nothing more.
    fn let_go(&mut self, item: &Label) {
        let is_moving = |record: &ItemRecord| record.rest() == Rest::Moving;
        let is_queued = self.effects.iter().any(|effect| match effect {
            Effect::Keep(keep) => keep.record.item == *item,
            Effect::KeepAbilities(_) | Effect::Ask(_) | Effect::Do(_) => false,
        });
        let is_under_way = self.under_way.as_ref().is_some_and(|u| u.item == *item);
        if !is_queued && !is_under_way && !self.items.get(item).is_some_and(is_moving) {
            self.items.remove(item);
            self.breaks.forget(item);
        }
    }

    /// The fact whose turn it is at an item.
    fn matter(&self, item: &Label) -> Option<Matter<'_>> {
        let record = self.items.get(item)?;
        Some(Matter {
            record,
            open: record.head()?,
            profile: self.profile,
            policy: &self.policy,
            abilities: &self.abilities,
            was_not_done: false,
        })
    }
}

/// So much later, or the end of time.
fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
