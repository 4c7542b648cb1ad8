//! Holds a finished week against the reference.

use std::collections::BTreeMap;

use lujiang_wire::LoanKind;

use super::ils::{Dates, Loan};
use super::reference::{Since, expected, truth};
use super::shell::deal_of;
use super::truth::{Deal, Happened, Reader, Thing};
use super::{Summary, THINGS, Week, barcode};
use crate::desk::{
    Ability, ConflictKind, Errand, ItemRecord, LoanFact, Precedence, Response, Rest, Settled,
};

impl Week {
    /// What the week was like; the error says what differs.
    pub(super) fn compare(&self) -> Result<Summary, String> {
        self.everything_rests()?;
        self.nothing_was_told_twice()?;
        self.what_is_disputed_holds_back_what_came_later()?;
        let mut summary = Summary {
            told: self.ils.journal.len(),
            crashes: self.shell.crashes,
            breaks: self.shell.breaks,
            ..Summary::default()
        };
        let truth = truth(&self.deals);
        for thing in 0..THINGS {
            let conflict = self.conflict(thing);
            summary.conflicts += u32::from(conflict.is_some());
            if self.plan.odd.is_some_and(|(odd, _)| odd == thing) && self.is_open(thing) {
                if conflict.is_none() {
                    return Err(format!("nobody is told of odd item {thing}"));
                }
                summary.odd_disputed += 1;
                continue;
            }
            match (self.is_exact(thing, conflict), conflict) {
                (true, _) => {
                    self.is_as_expected(thing, conflict)?;
                    summary.exact_items += 1;
                }
                // What the library system cannot show, or nobody can date, may be in dispute; what
                // is not is as it truly is, in whatever order it was told.
                (false, None) => {
                    self.is_true(thing, truth.get(&thing).copied())?;
                    summary.true_items += 1;
                }
                (false, Some(_)) => summary.disputed_items += 1,
            }
        }
        let unanswered = (0..)
            .zip(&self.deals)
            .filter(|(_, deal)| deal.is_unanswered());
        for (number, _) in unanswered {
            match self.settled(number) {
                Some(_) => summary.doubts_settled += 1,
                None => summary.doubts_disputed += 1,
            }
        }
        summary.fair = u32::from(self.plan.is_fair());
        if self.plan.is_fair() && summary.conflicts > 0 {
            return Err("a conflict in a week that gave no cause for one".to_owned());
        }
        Ok(summary)
    }

    fn everything_rests(&self) -> Result<(), String> {
        if !self.shell.is_idle(&self.ledger) {
            return Err("the desk never comes to rest".to_owned());
        }
        let mut rows = self.shell.rows.values();
        let moving = rows.find(|(_, rest)| *rest == Rest::Moving);
        if let Some((record, _)) = moving {
            return Err(format!("{} still moves", record.item));
        }
        for delivery in &self.ledger {
            let number = delivery.entry.number;
            let is_open = |(record, _): &(ItemRecord, Rest)| {
                record.open.iter().any(|open| open.fact.number() == number)
            };
            let is_settled = self.shell.settled.contains_key(&number.0);
            if is_settled == self.shell.rows.values().any(is_open) {
                let story = self.story(self.deals[delivery.deal].thing);
                return Err(format!(
                    "entry {} is lost, or open and settled\n{story}",
                    number.0
                ));
            }
        }
        Ok(())
    }

    /// Whether anything is still to be done about an item.
    fn is_open(&self, thing: Thing) -> bool {
        let row = self.shell.rows.get(&barcode(thing));
        row.is_some_and(|(_, rest)| *rest != Rest::Quiet)
    }

    /// Told twice is told again while the item has not moved otherwise: a loan that was done, and
    /// brought back on-line before the desk could ask, cannot be told from one that was not done.
    fn nothing_was_told_twice(&self) -> Result<(), String> {
        let mut told: BTreeMap<Thing, Vec<(Deal, Errand)>> = BTreeMap::new();
        for (thing, done) in &self.ils.journal {
            let told = told.entry(*thing).or_default();
            match done {
                None => told.clear(),
                // It makes way for a loan, and has to again once another reader has the item.
                Some((_, Errand::TakeBackFirst)) if told.last() != done.as_ref() => {
                    told.extend(*done);
                }
                Some(done) if told.contains(done) => {
                    let story = self.story(*thing);
                    return Err(format!("{done:?} was told twice\n{story}"));
                }
                Some(done) => told.push(*done),
            }
        }
        Ok(())
    }

    /// Nothing that surely came after a fact in dispute was told since it is in dispute.
    fn what_is_disputed_holds_back_what_came_later(&self) -> Result<(), String> {
        for (record, _) in self.shell.rows.values() {
            let Some((disputed, _)) = record.conflict() else {
                continue;
            };
            let since = disputed.disputed_at.unwrap_or(disputed.heard_at);
            let is_told_since = |fact: &&LoanFact| {
                let number = fact.number().0;
                let is_told = self.shell.settled.get(&number) == Some(&Settled::Told);
                is_told && self.shell.settled_at[&number] > since
            };
            let own = &disputed.fact.happening;
            let is_later = |fact: &&LoanFact| own.precedence(&fact.happening) == Precedence::Before;
            let of_item = self
                .shell
                .facts
                .iter()
                .filter(|fact| fact.item == record.item);
            if let Some(told) = of_item.filter(is_later).find(is_told_since) {
                let deal = deal_of(&self.ledger, told.number().0);
                let story = self.story(self.deals[deal].thing);
                return Err(format!(
                    "entry {} was told while {} was in dispute\n{story}",
                    told.number().0,
                    own.number.0
                ));
            }
        }
        Ok(())
    }

    fn is_true(&self, thing: Thing, truth: Option<Loan>) -> Result<(), String> {
        let loan = self.ils.loans.get(&thing).copied();
        match self.is_same(thing, loan, truth) {
            true => Ok(()),
            false => Err(format!(
                "item {thing}: the library system has {loan:?}, truly {truth:?}, and nobody is \
                 told\n{}",
                self.story(thing)
            )),
        }
    }

    /// Whether two loans are one, as far as the library system lends until it is told.
    fn is_same(&self, thing: Thing, one: Option<Loan>, other: Option<Loan>) -> bool {
        let keeps_due = self.plan.ils.honours_due && self.plan.renews_itself.is_none();
        let knows_due = keeps_due && !self.is_repeated(thing);
        match (one, other) {
            (Some(one), Some(other)) if knows_due => one == other,
            (Some(one), Some(other)) => one.reader == other.reader,
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }

    fn is_as_expected(
        &self,
        thing: Thing,
        conflict: Option<(Deal, &'static str)>,
    ) -> Result<(), String> {
        let since = match self.takes_later_loan_as_return() {
            true => Since::ReturnOrLoan,
            false => Since::Return,
        };
        let readers = &self.plan.readers;
        let expected = expected(thing, &self.deals, since, &self.ils, readers);
        let loan = self.ils.loans.get(&thing).copied();
        match self.is_same(thing, loan, expected.loan) && conflict == expected.conflict {
            true => Ok(()),
            false => Err(format!(
                "item {thing}: expected {expected:?}, found {loan:?} and {conflict:?}\n{}",
                self.story(thing)
            )),
        }
    }

    /// Whether two loans to the same reader follow each other: a reader who is shown to have the
    /// item is not lent it again, so the due date may be the earlier loan's; also where that one
    /// was undone, but told before the desk heard so, and where one between them came so late that
    /// it was over before it could be told.
    fn is_repeated(&self, thing: Thing) -> bool {
        let is_loan = |(number, deal): &(Deal, &Happened)| {
            let is_loan = deal.undoes.is_none() && deal.kind == LoanKind::Checkout;
            let is_told = self.settled(*number) == Some(Settled::Told);
            deal.thing == thing && is_loan && (deal.stands() || is_told)
        };
        let loans = self.deals.iter().enumerate().filter(is_loan);
        let (all, heard): (Vec<_>, Vec<_>) = loans
            .map(|(number, deal)| {
                let is_over = matches!(self.settled(number), Some(Settled::Over(_)));
                (deal.reader, (!is_over).then_some(deal.reader))
            })
            .unzip();
        let heard: Vec<_> = heard.into_iter().flatten().collect();
        let is_pair = |pair: &[Reader]| pair[0] == pair[1];
        all.windows(2).any(is_pair) || heard.windows(2).any(is_pair)
    }

    fn settled(&self, deal: Deal) -> Option<Settled> {
        let delivery = self.ledger.iter().find(|delivery| delivery.deal == deal)?;
        self.shell.settled.get(&delivery.entry.number.0).cloned()
    }

    /// Whether everything about an item can be known in the end: the library system shows all, on-line
    /// deals were heard of at once, no undated fact crossed another machine's, and where it was
    /// lent twice without a return the policy says what that means.
    fn is_exact(&self, thing: Thing, conflict: Option<(Deal, &'static str)>) -> bool {
        let abilities = self.shell.abilities();
        let all = [
            abilities.circulation,
            abilities.due,
            abilities.charged_items,
        ];
        // What fell between a request and its answer stays with staff where it was not yet known
        // what the library system shows, where a renewal may leave the date where it was, and where
        // dates move by themselves.
        let was_doubted = conflict.is_some_and(|(_, kind)| kind == "unresolved");
        let is_dated = self.plan.ils.dates == Dates::Seconds
            && self.plan.renews_itself.is_none()
            && self.plan.is_probed.is_none()
            && self.plan.abilities == abilities;
        let is_shown = all == [Ability::Proven; 3] && (is_dated || !was_doubted);
        let rules = self.plan.things[&thing];
        let has_rules = rules.is_unknown || rules.is_not_renewed || rules.held_for.is_some();
        let readers = &self.plan.readers;
        let all_lent_to = [&readers.blocked, &readers.at_limit, &readers.unknown];
        let is_plain = !has_rules && all_lent_to.iter().all(|readers| readers.is_empty());
        // A mistaken loan that took the item from its reader before it was undone is for staff.
        let is_undone_late = conflict.is_some_and(|(_, kind)| kind == "undone-too-late");
        let was_taken = is_undone_late && self.slipped.contains(&thing);
        let slips_are_ruled =
            !self.slipped.contains(&thing) || (self.takes_later_loan_as_return() && is_plain);
        let is_answered = |deal: &Happened| deal.thing != thing || !deal.is_unanswered();
        let is_answered = self.deals.iter().all(is_answered);
        // What the library system has renewed by itself, nobody need tell it to renew.
        let is_renewal = |deal: &Happened| deal.thing == thing && deal.kind == LoanKind::Renew;
        let may_be_known = self.plan.renews_itself.is_some() && self.deals.iter().any(is_renewal);
        let is_plain_story = slips_are_ruled && !was_taken && is_answered && !may_be_known;
        is_shown && self.plan.is_prompt && is_plain_story && !self.is_unclear(thing)
    }

    fn takes_later_loan_as_return(&self) -> bool {
        self.plan.policy.response(ConflictKind::OutToAnother) == Response::ReturnThenLoan
    }

    fn is_unclear(&self, thing: Thing) -> bool {
        let item = barcode(thing);
        let own: Vec<_> = self
            .shell
            .facts
            .iter()
            .filter(|fact| fact.item == item)
            .collect();
        own.iter().any(|one| {
            own.iter()
                .any(|other| one.happening.precedence(&other.happening) == Precedence::Unclear)
        })
    }

    fn conflict(&self, thing: Thing) -> Option<(Deal, &'static str)> {
        let (record, _) = self.shell.rows.get(&barcode(thing))?;
        let (open, conflict) = record.conflict()?;
        let deal = deal_of(&self.ledger, open.fact.number().0);
        Some((deal, conflict.kind.as_str()))
    }

    /// All that happened to an item, for who looks into a red seed.
    fn story(&self, thing: Thing) -> String {
        let numbers: BTreeMap<Deal, i64> = self
            .ledger
            .iter()
            .map(|d| (d.deal, d.entry.number.0))
            .collect();
        let mut story = String::new();
        for (number, deal) in self
            .deals
            .iter()
            .enumerate()
            .filter(|(_, d)| d.thing == thing)
        {
            let entry = numbers.get(&number);
            let settled = entry.and_then(|entry| self.shell.settled.get(entry));
            let name = self.stations[deal.machine].name;
            story += &format!(
                "  {number} at {} {name} {:?} {:?} reader {} undone {} undoes {:?} entry {entry:?}: {settled:?}\n",
                deal.at, deal.mode, deal.kind, deal.reader, deal.is_undone, deal.undoes
            );
        }
        for (_, done) in self.ils.journal.iter().filter(|(of, _)| *of == thing) {
            story += &format!("  journal {done:?}\n");
        }
        let (ils, policy) = (&self.plan.ils, &self.plan.policy.responses);
        let (rules, readers) = (self.plan.things[&thing], &self.plan.readers);
        story + &format!("  {ils:?} {policy:?} {rules:?} {readers:?}")
    }
}
