//! What to do about the fact whose turn it is: before the library system is asked, once it is
//! seen, and once it has answered a deed. Pure: the same state gives the same move, so a dry run
//! and the desk cannot differ.

use jiff::Timestamp;
use lujiang_wire::{LoanKind, Mode};

use crate::desk::ability::{Abilities, Ability};
use crate::desk::conflict::ConflictKind;
use crate::desk::effect::{Over, Settled};
use crate::desk::fact::Deed;
use crate::desk::item::{ItemRecord, OpenFact};
use crate::desk::late::LateCase;
use crate::desk::policy::{LateAndOver, LateWhileLent, Policy, Response};
use crate::desk::profile::Profile;
use crate::desk::sighting::{Circulation, ReaderStanding, Sighting};
use crate::desk::standing::Telling;
use crate::desk::step::{Errand, Intent, Stage, Trace};
use crate::desk::when::Precedence;
use crate::entry::EntryNumber;

/// How often anything is sent for one fact without an answer before staff has to look at it.
pub(super) const SENDS_MAX: u32 = 8;

/// What to do about a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Move {
    /// Nothing more.
    Settle(Settled),
    /// Ask the library system.
    Ask,
    /// Ask it whether it knows this later loan of the item already.
    Seek(EntryNumber),
    /// Have it do something.
    Send(Errand),
    /// Dispute it.
    Dispute(ConflictKind),
}

/// A fact whose turn it is, and all that bears on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matter<'a> {
    pub(crate) record: &'a ItemRecord,
    pub(crate) open: &'a OpenFact,
    pub(crate) profile: Profile,
    pub(crate) policy: &'a Policy,
    pub(crate) abilities: &'a Abilities,
    /// Whether the library system has just shown that nothing of it was done.
    pub(crate) was_not_done: bool,
}

impl Matter<'_> {
    /// What can be done without asking.
    pub(crate) fn before_asking(&self) -> Move {
        if self.open.may_have_been_sent() || self.open.is_forced {
            return Move::Ask;
        }
        if let Some(settled) = self.undo() {
            return settled;
        }
        match self.late_case() {
            None | Some(LateCase::ReturnRenewedSince) => self.on_time(),
            Some(LateCase::Unclear) => self.dispute(ConflictKind::OrderUnclear),
            Some(LateCase::LoanReturnedSince) => match self.policy.late_and_over {
                LateAndOver::Count => settle(Over::ReturnedSince),
                LateAndOver::TellBoth => Move::Ask,
            },
            Some(LateCase::LoanLentSince | LateCase::LoanRenewedSince) => Move::Ask,
            Some(LateCase::RenewalReturnedSince) => settle(Over::ReturnedSince),
            Some(LateCase::RenewalLentSince | LateCase::ReturnLentSince) => settle(Over::LentSince),
            Some(LateCase::RenewalRenewedSince) => settle(Over::RenewedSince),
            Some(LateCase::ReturnReturnedSince) => settle(Over::ReturnedSince),
        }
    }

    /// What to do where nobody can be asked, since the library system is told by files; asking
    /// stands for what a file can say.
    pub(crate) fn unasked(&self) -> Move {
        let next = self.before_asking();
        if next != Move::Ask || self.open.is_forced {
            return next;
        }
        match self.late_case() {
            Some(LateCase::LoanReturnedSince) => settle(Over::ReturnedSince),
            Some(LateCase::LoanLentSince | LateCase::LoanRenewedSince) => {
                match self.policy.late_while_lent {
                    LateWhileLent::Count => settle(Over::LentSince),
                    LateWhileLent::Hold => self.dispute(ConflictKind::LateWhileLent),
                }
            }
            Some(LateCase::RenewalReturnedSince | LateCase::RenewalLentSince) => next,
            Some(LateCase::RenewalRenewedSince | LateCase::ReturnLentSince) => next,
            Some(LateCase::ReturnReturnedSince | LateCase::ReturnRenewedSince) => next,
            Some(LateCase::Unclear) | None => next,
        }
    }

    /// What to do once the state is seen.
    pub(crate) fn on_sight(&self, seen: &Sighting) -> Move {
        match &self.open.stage {
            Stage::Proving => Move::Settle(Settled::Told),
            Stage::Intended(intent) => self.after_break(intent, seen),
            Stage::Disputed(conflict) => match &conflict.intent {
                Some(intent) => self.after_break(intent, seen),
                None => self.fresh(seen),
            },
            Stage::Waiting => self.fresh(seen),
        }
    }

    /// What to do once the library system has done what it was asked to.
    pub(crate) fn on_done(&self, intent: &Intent) -> Move {
        match (intent.errand, self.late_case()) {
            _ if self.open.is_forced && intent.errand != Errand::TakeBackFirst => {
                Move::Settle(Settled::Told)
            }
            // While it was being told something later was heard: what does it show now?
            (Errand::Checkout, Some(LateCase::LoanReturnedSince)) => Move::Ask,
            (Errand::Checkin, Some(LateCase::ReturnLentSince)) => Move::Ask,
            (Errand::Checkout | Errand::Checkin | Errand::Renew, _) => Move::Settle(Settled::Told),
            (Errand::TakeBackFirst, _) => Move::Ask,
            (Errand::PastCheckout, _) => Move::Send(Errand::PastCheckin),
            (Errand::PastCheckin, _) => settle(Over::ToldWithReturn),
        }
    }

    /// What to do once the library system has refused.
    pub(crate) fn on_refusal(&self, intent: &Intent) -> Move {
        match intent.errand {
            Errand::PastCheckout => settle(Over::ReturnedSince),
            Errand::Checkout | Errand::Renew | Errand::Checkin => {
                self.dispute(ConflictKind::of_refusal(intent.errand, &intent.saw))
            }
            Errand::TakeBackFirst | Errand::PastCheckin => {
                self.dispute(ConflictKind::of_refusal(intent.errand, &intent.saw))
            }
        }
    }

    /// The case of late news this fact is.
    pub(crate) fn late_case(&self) -> Option<LateCase> {
        let (kind, standing) = (self.kind(), &self.record.standing);
        let happening = &self.open.fact.happening;
        let case = LateCase::of(kind, standing.lateness(kind, happening));
        match (case, kind) {
            (None, LoanKind::Renew)
                if standing.is_renewed_longer(happening, self.open.fact.deed.due()) =>
            {
                Some(LateCase::RenewalRenewedSince)
            }
            (case, _) => case,
        }
    }

    /// Until when it is lent. A loan that was renewed since, as another that has ended meanwhile,
    /// is lent as long as that renewal said.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let own = self.open.fact.deed.due();
        match self.late_case() {
            Some(LateCase::LoanRenewedSince) => own.max(self.record.standing.renewed_until),
            Some(_) | None => own,
        }
    }

    pub(super) fn kind(&self) -> LoanKind {
        self.open.fact.deed.kind()
    }

    /// What there is to undo: a loan the library system has heard of is taken back as any return
    /// is (none); a return or renewal it has heard of is for staff.
    fn undo(&self) -> Option<Move> {
        let Deed::Undo { fact, .. } = &self.open.fact.deed else {
            return None;
        };
        let device = &self.open.fact.happening.device;
        let Some(past) = self.record.past(device, fact) else {
            // Its own fact stands behind it: a clock without numbers had them the wrong way round.
            return Some(Move::Dispute(ConflictKind::OrderUnclear));
        };
        match (&past.settled, past.kind) {
            (
                Settled::Told | Settled::AlreadyKnown | Settled::OnLine | Settled::Exported,
                LoanKind::Checkin | LoanKind::Renew,
            ) => Some(Move::Dispute(ConflictKind::UndoneTooLate)),
            (
                Settled::Told | Settled::AlreadyKnown | Settled::OnLine | Settled::Exported,
                LoanKind::Checkout,
            ) => match self.record.took_from_another(past) {
                // To take it back gives it to nobody: only staff can lend it to that reader again.
                true => Some(Move::Dispute(ConflictKind::UndoneTooLate)),
                false => None,
            },
            // What was in dispute may have been done, where it may have been sent.
            (Settled::Over(Over::Moot), _) if self.record.standing.has_told(past.number) => None,
            (Settled::Over(_) | Settled::NotDone | Settled::Undone | Settled::Dismissed(_), _) => {
                Some(Move::Settle(Settled::Undone))
            }
        }
    }

    /// An on-line loan that something earlier has ended is not the desk's to make again: it does
    /// not know the reader.
    fn on_time(&self) -> Move {
        let is_online_loan =
            self.open.fact.mode == Mode::Online && self.kind() == LoanKind::Checkout;
        match self.open.overtaken_by {
            Some(LoanKind::Checkout) if is_online_loan => Move::Dispute(ConflictKind::Overtaken),
            Some(LoanKind::Checkout | LoanKind::Renew | LoanKind::Checkin) | None => Move::Ask,
        }
    }

    fn after_break(&self, intent: &Intent, seen: &Sighting) -> Move {
        let renewal = self.policy.unmoved_due.since(intent, &self.open.fact, seen);
        match (intent.trace(renewal, seen, self.abilities), intent.errand) {
            (Trace::Done, Errand::Checkout) => match self.late_case() {
                Some(LateCase::LoanReturnedSince) if !self.open.is_forced => self.past_checkin(),
                Some(_) | None => Move::Settle(Settled::Told),
            },
            (Trace::Done, Errand::Checkin) => match self.late_case() {
                // Lent since and not brought back, and yet it is in: this return has ended that loan.
                Some(LateCase::ReturnLentSince)
                    if self.record.standing.is_out() && self.abilities.shows_in(seen) =>
                {
                    self.dispute(ConflictKind::Overtaken)
                }
                Some(_) | None => Move::Settle(Settled::Told),
            },
            (Trace::Done, Errand::Renew) => Move::Settle(Settled::Told),
            (Trace::Done, Errand::PastCheckout) => self.past_checkin(),
            (Trace::Done, Errand::PastCheckin) => settle(Over::ToldWithReturn),
            (Trace::NotDone, Errand::PastCheckin) => self.send(Errand::PastCheckin),
            (Trace::Done, Errand::TakeBackFirst) => self.fresh(seen),
            (Trace::NotDone, _) => {
                let was_not_done = true;
                Matter {
                    was_not_done,
                    ..*self
                }
                .fresh(seen)
            }
            (Trace::Gone, _) => settle(Over::GoneSince),
            (Trace::Unknown, _) if self.open.is_forced => self.fresh(seen),
            (Trace::Unknown, Errand::Checkin) => self.return_unshown(seen),
            (Trace::Unknown, _) => self.dispute(ConflictKind::Unresolved),
        }
    }

    /// A return of which nothing shows whether it was told. On loan until another date than before,
    /// the item was lent on or lent anew; what is known to have come after the return says which.
    fn return_unshown(&self, seen: &Sighting) -> Move {
        let is_out = seen.circulation == Circulation::OnLoan;
        match self.late_case() {
            Some(LateCase::ReturnLentSince) if is_out => settle(Over::LentSince),
            Some(LateCase::ReturnRenewedSince) if is_out => self.fresh(seen),
            Some(_) | None => self.dispute(ConflictKind::Unresolved),
        }
    }

    /// The return of a loan that is over. Lent on since, what is shown may be that loan, and is not
    /// to be ended.
    fn past_checkin(&self) -> Move {
        match self.record.standing.is_out() {
            true => settle(Over::ReturnedSince),
            false => self.send(Errand::PastCheckin),
        }
    }

    /// Nothing of it is known to have been sent.
    fn fresh(&self, seen: &Sighting) -> Move {
        if let Deed::Unsure { kind } = self.open.fact.deed {
            return self.unsure(kind, seen);
        }
        if seen.is_with_reader() && self.kind() == LoanKind::Checkout {
            return Move::Settle(Settled::AlreadyKnown);
        }
        if !self.open.is_forced {
            match self.late_case() {
                None | Some(LateCase::ReturnRenewedSince) => {}
                Some(case) => return self.late_on_sight(case, seen),
            }
        }
        match (self.open.fact.mode, self.kind()) {
            (Mode::Online, LoanKind::Checkout) => return Self::lent_online(seen),
            (Mode::Online, LoanKind::Renew) => return self.renewed_online(seen),
            (Mode::Online, LoanKind::Checkin) | (Mode::Offline, _) => {}
        }
        let is_forced = self.open.is_forced;
        match seen.circulation {
            Circulation::NoSuchItem if !is_forced => self.dispute(ConflictKind::ItemUnknown),
            Circulation::Lost if !is_forced && self.kind() != LoanKind::Checkin => {
                self.dispute(ConflictKind::ItemLost)
            }
            Circulation::OnLoan | Circulation::In | Circulation::OnHoldShelf => self.deed(seen),
            Circulation::Lost | Circulation::NoSuchItem | Circulation::Silent => self.deed(seen),
        }
    }

    /// It may have been done on-line, and the desk knows no reader: what the library system shows
    /// decides, and it is told nothing unless staff wants a return told.
    fn unsure(&self, kind: LoanKind, seen: &Sighting) -> Move {
        let is_in = self.abilities.shows_in(seen);
        match kind {
            LoanKind::Checkin if self.open.is_forced || is_in => self.deed(seen),
            LoanKind::Checkin => self.dispute(ConflictKind::Unresolved),
            LoanKind::Checkout | LoanKind::Renew if is_in => Move::Settle(Settled::NotDone),
            // To whom it is lent is not shown without a reader.
            LoanKind::Checkout => self.dispute(ConflictKind::Unresolved),
            LoanKind::Renew => {
                let known = self.record.standing.due;
                match self
                    .policy
                    .unmoved_due
                    .unanswered(known, &self.open.fact, seen)
                {
                    Trace::Done => Move::Settle(Settled::AlreadyKnown),
                    Trace::NotDone => Move::Settle(Settled::NotDone),
                    Trace::Gone | Trace::Unknown => self.dispute(ConflictKind::Unresolved),
                }
            }
        }
    }

    fn lent_online(seen: &Sighting) -> Move {
        match seen.circulation {
            Circulation::OnLoan => Move::Settle(Settled::OnLine),
            Circulation::In | Circulation::OnHoldShelf | Circulation::Lost => {
                Move::Dispute(ConflictKind::Overtaken)
            }
            Circulation::NoSuchItem | Circulation::Silent => Move::Dispute(ConflictKind::Overtaken),
        }
    }

    /// The loan it prolonged was told after it, until its own date: that the renewal stands is
    /// what the library system shows, or is for staff, since the desk knows no reader of it.
    fn renewed_online(&self, seen: &Sighting) -> Move {
        match (self.open.fact.deed.due(), seen.due) {
            (None, _) => Move::Settle(Settled::OnLine),
            (Some(due), Some(seen)) if seen >= due => Move::Settle(Settled::OnLine),
            (Some(_), _) if self.abilities.shows_in(seen) => settle(Over::GoneSince),
            (Some(_), _) => self.dispute(ConflictKind::Overtaken),
        }
    }

    fn deed(&self, seen: &Sighting) -> Move {
        match self.kind() {
            LoanKind::Checkout => self.checkout(seen),
            LoanKind::Renew => self.renew(seen),
            LoanKind::Checkin if self.abilities.shows_in(seen) => {
                Move::Settle(Settled::AlreadyKnown)
            }
            LoanKind::Checkin => self.send(Errand::Checkin),
        }
    }

    fn checkout(&self, seen: &Sighting) -> Move {
        let is_forced = self.open.is_forced;
        if seen.reader_standing() == Some(ReaderStanding::Unknown) && !is_forced {
            return self.dispute(ConflictKind::ReaderUnknown);
        }
        if seen.circulation != Circulation::OnLoan {
            return self.send(Errand::Checkout);
        }
        if !self.abilities.shows_not_with_reader(seen) && !is_forced {
            return self.dispute(ConflictKind::Unresolved);
        }
        if let Some(later) = self.later_loan_unsought() {
            return Move::Seek(later);
        }
        match self.policy.response(ConflictKind::OutToAnother) {
            Response::Hold | Response::RetryLater if !is_forced => {
                self.dispute(ConflictKind::OutToAnother)
            }
            Response::Hold | Response::RetryLater | Response::ReturnThenLoan => {
                match self.profile.takes_back_itself() {
                    true => self.send(Errand::Checkout),
                    false => self.send(Errand::TakeBackFirst),
                }
            }
        }
    }

    /// A later loan at hand that the library system may have made before it fell silent: then that
    /// reader is the other one who has the item, and this loan is late news. It has made none while
    /// it had the item out.
    fn later_loan_unsought(&self) -> Option<EntryNumber> {
        if self.record.standing.is_out() {
            return None;
        }
        let own = &self.open.fact.happening;
        let may_have_it = |other: &&OpenFact| {
            let is_loan = other.fact.deed.kind() == LoanKind::Checkout;
            let is_later = own.precedence(&other.fact.happening) == Precedence::Before;
            is_loan && is_later && other.fact.mode == Mode::Offline && !other.was_sought
        };
        let later = self.record.open.iter().find(may_have_it)?;
        Some(later.fact.number())
    }

    fn renew(&self, seen: &Sighting) -> Move {
        let lasts = match (seen.due, self.open.fact.deed.due()) {
            (Some(seen), Some(due)) => seen >= due,
            (None, _) | (_, None) => false,
        };
        if lasts && seen.is_with_reader() {
            return Move::Settle(Settled::AlreadyKnown);
        }
        if self.open.is_forced {
            return self.send(Errand::Renew);
        }
        if seen.reader_standing() == Some(ReaderStanding::Unknown) {
            self.dispute(ConflictKind::ReaderUnknown)
        } else if self.abilities.shows_in(seen) {
            self.dispute(ConflictKind::NotOnLoan)
        } else if self.abilities.shows_not_with_reader(seen) {
            self.dispute(ConflictKind::OutToAnother)
        } else {
            self.send(Errand::Renew)
        }
    }

    fn late_on_sight(&self, case: LateCase, seen: &Sighting) -> Move {
        match case {
            LateCase::LoanReturnedSince => {
                let lists = self.abilities.charged_items == Ability::Proven;
                match self.policy.late_and_over {
                    LateAndOver::TellBoth if lists && self.abilities.shows_in(seen) => {
                        self.send(Errand::PastCheckout)
                    }
                    LateAndOver::TellBoth | LateAndOver::Count => settle(Over::ReturnedSince),
                }
            }
            LateCase::LoanLentSince | LateCase::LoanRenewedSince => self.late_loan(seen),
            LateCase::RenewalReturnedSince => settle(Over::ReturnedSince),
            LateCase::RenewalLentSince | LateCase::ReturnLentSince => settle(Over::LentSince),
            LateCase::RenewalRenewedSince => settle(Over::RenewedSince),
            LateCase::ReturnReturnedSince => settle(Over::ReturnedSince),
            LateCase::ReturnRenewedSince => self.deed(seen),
            LateCase::Unclear => self.dispute(ConflictKind::OrderUnclear),
        }
    }

    /// The item was lent or a loan of it renewed since, and this reader is not shown to have it.
    fn late_loan(&self, seen: &Sighting) -> Move {
        if self.is_renewed_before_own_doing() {
            self.deed(seen)
        } else if self.abilities.shows_in(seen) {
            settle(Over::GoneSince)
        } else if !self.abilities.shows_not_with_reader(seen) {
            self.dispute(ConflictKind::Unresolved)
        } else if self.policy.late_while_lent == LateWhileLent::Count {
            settle(Over::LentSince)
        } else {
            self.dispute(ConflictKind::LateWhileLent)
        }
    }

    /// Whether what was renewed since is a loan the desk has ended meanwhile: it has told of a loan
    /// or return that came before this loan, after the renewal. Then nothing makes this one late.
    fn is_renewed_before_own_doing(&self) -> bool {
        let standing = &self.record.standing;
        let Some(renewed) = standing.renewed.last() else {
            return false;
        };
        let loan = &self.open.fact.happening;
        let ended_it = |told: &Telling| {
            told.happening.precedence(loan) == Precedence::Before
                && told.at >= renewed.when.latest()
        };
        let mut told = [&standing.return_told, &standing.loan_told]
            .into_iter()
            .flatten();
        self.late_case() == Some(LateCase::LoanRenewedSince) && told.any(ended_it)
    }

    fn send(&self, errand: Errand) -> Move {
        match self.open.sends < SENDS_MAX {
            true => Move::Send(errand),
            false => self.dispute(ConflictKind::Unresolved),
        }
    }
}

pub(super) fn settle(over: Over) -> Move {
    Move::Settle(Settled::Over(over))
}
