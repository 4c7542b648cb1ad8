//! The dry run: what the desk will do about each open fact of an item, before it does it. A pure
//! function of the kept row, by the very rules the desk goes by.

use crate::desk::ability::Abilities;
use crate::desk::effect::{Over, Settled};
use crate::desk::item::{ItemRecord, OpenFact};
use crate::desk::judge::{Matter, Move};
use crate::desk::policy::Policy;
use crate::desk::profile::Profile;
use crate::desk::step::Stage;
use crate::entry::EntryNumber;

/// What will be done about one fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forecast {
    /// The fact.
    pub number: EntryNumber,
    /// What will be done, for people.
    pub sentence: &'static str,
}

/// What will be done about each open fact of an item, in order.
#[must_use]
pub fn forecasts(
    record: &ItemRecord,
    profile: Profile,
    policy: &Policy,
    abilities: &Abilities,
) -> Vec<Forecast> {
    let head = record.head().map(|open| open.fact.number());
    let forecast = |open: &OpenFact| {
        let number = open.fact.number();
        let matter = Matter {
            record,
            open,
            profile,
            policy,
            abilities,
            was_not_done: false,
        };
        let sentence = match Some(number) == head {
            true => of_head(&matter),
            false => "It waits for the fact before it.",
        };
        Forecast { number, sentence }
    };
    record.open.iter().map(forecast).collect()
}

fn of_head(matter: &Matter<'_>) -> &'static str {
    match &matter.open.stage {
        Stage::Intended(_) => {
            "It may have been sent. The library system is asked whether it was done; only if not \
             is it done again."
        }
        Stage::Proving => "It is done; what the library system shows of it is looked at.",
        Stage::Disputed(conflict) => match conflict.retry_at {
            Some(_) => "It is in dispute, and tried again later.",
            None => "It is in dispute, and held for staff.",
        },
        Stage::Waiting if !matter.open.fact.deed.is_sure() => {
            "Nobody knows whether it was done: the library system is asked, and told nothing. What \
             it cannot show is held for staff."
        }
        Stage::Waiting => match matter.late_case() {
            Some(case) => case.sentence(matter.policy),
            None => on_time(&matter.before_asking()),
        },
    }
}

fn on_time(next: &Move) -> &'static str {
    match next {
        Move::Ask | Move::Seek(_) | Move::Send(_) => {
            "The library system is asked for the state of the item, then told, unless it knows."
        }
        Move::Settle(Settled::Undone) => "What it undoes was never told: nothing is done.",
        Move::Settle(Settled::Over(Over::Moot)) => "A later fact ends it: nothing is done.",
        Move::Settle(
            Settled::OnLine
            | Settled::Told
            | Settled::AlreadyKnown
            | Settled::Exported
            | Settled::Over(
                Over::ReturnedSince
                | Over::LentSince
                | Over::RenewedSince
                | Over::GoneSince
                | Over::ToldWithReturn,
            )
            | Settled::NotDone
            | Settled::Dismissed(_),
        ) => "It counts; the library system is told nothing.",
        Move::Dispute(kind) => kind.sentence(),
    }
}
