//! The desk's shell in memory, on a bad day: it crashes between any two effects, its connection
//! breaks between request and answer, and it can be told to break a rule.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_wire::Label;

use super::dice::Dice;
use super::ils::{Ils, Telling, at};
use super::machine::Delivery;
use super::truth::{Deal, Happened, Thing};
use crate::desk::{
    Abilities, Answer, Desk, Effect, Failure, FailureKind, ItemRecord, Keep, Link, LoanFact, Order,
    Policy, Profile, Question, Rest, Settled, StaffRuling, Stage, UnmovedDue, When, Work,
};

/// A rule the shell breaks, to see the week turn red.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Planted {
    /// None.
    Nothing,
    /// After a break the order is simply sent again.
    BlindResend,
    /// Facts are taken to have happened when they came in.
    OrderByArrival,
    /// Whatever needs the library system is held for staff.
    HoldEverything,
    /// Intents are not committed.
    ForgetIntents,
    /// A due date that stands where it stood is taken for no renewal, whatever it is dated in.
    TrustUnmovedDates,
    /// What nobody answered a machine is taken for not done, unseen.
    PassOverDoubts,
}

/// What the shell works with.
pub(super) struct Around<'a> {
    pub(super) ils: &'a mut Ils,
    pub(super) is_ils_up: bool,
    pub(super) ledger: &'a [Delivery],
    pub(super) deals: &'a [Happened],
    pub(super) dice: &'a mut Dice,
    /// Whether anything breaks.
    pub(super) is_stormy: bool,
    /// The thing that no question is ever answered about, and how.
    pub(super) odd: Option<(Thing, FailureKind)>,
}

/// A shell.
pub(super) struct Shell {
    desk: Desk,
    pub(super) rows: BTreeMap<Label, (ItemRecord, Rest)>,
    pub(super) settled: BTreeMap<i64, Settled>,
    /// When each was settled.
    pub(super) settled_at: BTreeMap<i64, Timestamp>,
    pub(super) facts: Vec<LoanFact>,
    abilities: Abilities,
    cursor: usize,
    pending: Option<Pending>,
    now: i64,
    link: Link,
    planted: Planted,
    profile: Profile,
    policy: Policy,
    pub(super) crashes: u32,
    pub(super) breaks: u32,
}

/// A request that was sent.
enum Pending {
    Asked(Question),
    Ordered(Order, Answer),
}

impl Shell {
    pub(super) fn new(
        profile: Profile,
        mut policy: Policy,
        abilities: Abilities,
        planted: Planted,
    ) -> Self {
        if planted == Planted::TrustUnmovedDates {
            policy.unmoved_due = UnmovedDue::NotRenewed;
        }
        Self {
            desk: Desk::new(profile, policy.clone(), abilities),
            rows: BTreeMap::new(),
            settled: BTreeMap::new(),
            settled_at: BTreeMap::new(),
            facts: Vec::new(),
            abilities,
            cursor: 0,
            pending: None,
            now: 0,
            link: Link::Down,
            planted,
            profile,
            policy,
            crashes: 0,
            breaks: 0,
        }
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Staff wants it found out anew what the library system can answer; that wish is on disk.
    pub(super) fn forget_answers(&mut self) {
        self.desk.handle_other_answers();
        self.abilities = self.desk.abilities();
    }

    /// Takes in what is in the ledger, at once.
    pub(super) fn follow(&mut self, around: &mut Around<'_>, now: i64) {
        self.now = self.now.max(now);
        while self.cursor < around.ledger.len() {
            self.feed(around);
        }
    }

    /// Works until there is nothing to do before `until`, or something less.
    pub(super) fn work(&mut self, around: &mut Around<'_>, from: i64, until: i64, steps: u32) {
        self.now = self.now.max(from);
        self.look_at_link(around);
        self.have_staff_look(around);
        for _ in 0..steps {
            if around.is_stormy && around.dice.one_in(50) {
                self.crash();
                self.look_at_link(around);
            }
            let has_facts = self.cursor < around.ledger.len();
            if has_facts && around.dice.one_in(2) {
                self.feed(around);
            }
            match self.desk.next_effect(at(self.now)) {
                Some(effect) => self.perform(effect, around),
                None if self.pending.is_some() => self.answer(around),
                None if self.cursor < around.ledger.len() => self.feed(around),
                None => match self.desk.next_wake() {
                    Some(wake) if wake.as_second() < until => {
                        // A wake within a second is slept through to its end.
                        self.now = self.now.max(wake.as_second() + 1);
                    }
                    Some(_) | None => return,
                },
            }
        }
        // Whatever it was about to do is done before time goes on.
        self.drain(around);
    }

    pub(super) fn is_idle(&self, ledger: &[Delivery]) -> bool {
        let rests = self.desk.next_wake().is_none() && self.pending.is_none();
        rests && self.cursor == ledger.len()
    }

    /// Staff pauses the desk, lets it go on, and has it try again what it holds: none of this may
    /// change how the week ends.
    fn have_staff_look(&mut self, around: &mut Around<'_>) {
        let work = match around.is_stormy && around.dice.one_in(8) {
            true => Work::Paused,
            false => Work::Going,
        };
        self.desk.handle_work(work);
        let is_held = |(record, rest): &&(ItemRecord, Rest)| {
            *rest == Rest::Held && !self.desk.holds(&record.item)
        };
        let held = self
            .rows
            .values()
            .find(is_held)
            .map(|(record, _)| record.clone());
        let Some(record) = held.filter(|_| around.is_stormy && around.dice.one_in(4)) else {
            return;
        };
        let (open, _) = record.conflict().expect("a row is held for a conflict");
        let (item, number) = (record.item.clone(), open.fact.number());
        self.desk.recall(record.clone());
        let ruled =
            self.desk
                .handle_ruling(&item, number, (StaffRuling::Retry, None), at(self.now));
        ruled.expect("what is in dispute can be tried again");
    }

    fn look_at_link(&mut self, around: &Around<'_>) {
        let link = match around.is_ils_up {
            true => Link::Up,
            false => Link::Down,
        };
        if link != self.link {
            self.link = link;
            if link == Link::Down {
                self.pending = None;
            }
            self.desk.handle_link(link, at(self.now));
        }
    }

    /// All that is in memory is gone; a request that was sent may have been done.
    fn crash(&mut self) {
        self.crashes += 1;
        self.pending = None;
        self.link = Link::Down;
        self.desk = Desk::new(self.profile, self.policy.clone(), self.abilities);
        for (record, rest) in self.rows.values() {
            if *rest == Rest::Moving {
                let mut kept = record.clone();
                // Reading rows back is slow without optimisation; now and then is enough.
                if self.crashes.is_multiple_of(8) {
                    kept = ItemRecord::from_json(&record.to_json()).unwrap();
                    assert_eq!(kept, *record, "a row is read back as it was");
                }
                self.desk.recall(kept);
            }
        }
    }

    /// Performs what there is to do, up to what must be answered.
    fn drain(&mut self, around: &mut Around<'_>) {
        while let Some(effect) = self.desk.next_effect(at(self.now)) {
            self.perform(effect, around);
        }
    }

    fn feed(&mut self, around: &mut Around<'_>) {
        self.drain(around);
        let delivery = &around.ledger[self.cursor];
        let not_before = delivery.not_before.map(at);
        let fact = LoanFact::of_entry(&delivery.entry, not_before, &TimeZone::UTC);
        let mut fact = fact.expect("each of these is a loan fact");
        if self.planted == Planted::OrderByArrival {
            fact.happening.when = When::at(delivery.entry.received);
            fact.happening.place = None;
        }
        if let (false, Some((record, _))) = (self.desk.holds(&fact.item), self.rows.get(&fact.item))
        {
            self.desk.recall(record.clone());
        }
        if self.planted == Planted::PassOverDoubts && !fact.deed.is_sure() {
            self.settled.insert(fact.number().0, Settled::NotDone);
            self.cursor += 1;
            return;
        }
        let crashes = self.crashes;
        self.desk.handle_fact(fact.clone(), at(self.now));
        self.drain(around);
        if around.is_stormy && around.dice.one_in(30) {
            // The row is on disk, the cursor is not.
            self.crash();
            self.look_at_link(around);
        }
        if self.crashes > crashes {
            return;
        }
        self.cursor += 1;
        self.facts.push(fact);
    }

    fn perform(&mut self, effect: Effect, around: &mut Around<'_>) {
        match effect {
            Effect::Keep(keep) => {
                if around.is_stormy && around.dice.one_in(80) {
                    self.crash();
                    self.look_at_link(around);
                    return;
                }
                self.commit(*keep);
            }
            Effect::KeepAbilities(abilities) => self.abilities = abilities,
            Effect::Ask(question) => self.pending = Some(Pending::Asked(question)),
            Effect::Do(order) => self.send(order, around),
        }
    }

    fn commit(&mut self, keep: Keep) {
        for settlement in keep.settled {
            self.settled_at.insert(settlement.number.0, settlement.at);
            let before = self.settled.insert(settlement.number.0, settlement.settled);
            assert_eq!(
                before, None,
                "a fact is settled once: {}",
                settlement.number.0
            );
        }
        let mut record = keep.record;
        if self.planted == Planted::ForgetIntents {
            for open in &mut record.open {
                if let Stage::Intended(_) = &open.stage {
                    open.stage = Stage::Waiting;
                }
            }
        }
        self.rows.insert(record.item.clone(), (record, keep.rest));
    }

    fn send(&mut self, order: Order, around: &mut Around<'_>) {
        let fate = match around.is_stormy {
            true => around.dice.between(0, 8),
            false => 7,
        };
        let answer = match fate {
            0 => {
                self.breaks += 1;
                Answer::Failed(Failure::broken())
            }
            1 => {
                self.breaks += 1;
                self.tell(&order, around);
                Answer::Failed(Failure::broken())
            }
            _ => Answer::Told(self.tell(&order, around)),
        };
        if matches!(answer, Answer::Failed(_)) && self.planted == Planted::BlindResend {
            let told = self.tell(&order, around);
            self.pending = Some(Pending::Ordered(order, Answer::Told(told)));
            return;
        }
        self.pending = Some(Pending::Ordered(order, answer));
    }

    fn tell(&self, order: &Order, around: &mut Around<'_>) -> crate::desk::Told {
        let deal = deal(around.ledger, order.fact.0);
        let reader = order.reader.map(|reader| {
            let of = deal_of(around.ledger, reader.0.0);
            around.deals[of].reader
        });
        let telling = Telling {
            errand: order.errand,
            thing: around.deals[deal].thing,
            reader,
            due: order.due.map(|due| due.as_second()),
            no_block: order.no_block,
        };
        around.ils.told(deal, &telling, self.now)
    }

    fn answer(&mut self, around: &mut Around<'_>) {
        let (request, answer) = match self.pending.take() {
            Some(Pending::Ordered(order, answer)) => (order.request, answer),
            Some(Pending::Asked(question)) => (question.request, self.ask(&question, around)),
            None => return,
        };
        self.now += 1;
        self.desk.handle_answer(request, answer, at(self.now));
    }

    fn ask(&mut self, question: &Question, around: &mut Around<'_>) -> Answer {
        if self.planted == Planted::HoldEverything {
            return Answer::NoReader;
        }
        if around.is_stormy && around.dice.one_in(15) {
            self.breaks += 1;
            return Answer::Failed(Failure::broken());
        }
        let deal = deal(around.ledger, question.fact.0);
        if let Some((odd, kind)) = around.odd
            && odd == around.deals[deal].thing
        {
            return Answer::Failed(Failure { kind, words: None });
        }
        let reader = question.reader.map(|_| around.deals[deal].reader);
        Answer::Seen(around.ils.show(around.deals[deal].thing, reader))
    }
}

fn deal(ledger: &[Delivery], number: i64) -> Deal {
    deal_of(ledger, number)
}

/// The deal behind an entry of the ledger.
pub(super) fn deal_of(ledger: &[Delivery], number: i64) -> Deal {
    let index = usize::try_from(number - 1).unwrap();
    ledger[index].deal
}
