//! What kind of week it is: its library system, its policy, and what goes wrong in it.

use std::collections::BTreeMap;

use super::dice::Dice;
use super::ils::{Dates, Kind, Lists, Readers, Rules, Tells};
use super::truth::Thing;
use super::{READERS, THINGS};
use crate::desk::{
    Abilities, Ability, ConflictKind, FailureKind, LateAndOver, LateWhileLent, Policy, Profile,
    Response,
};

/// What kind of week it is.
pub(super) struct Plan {
    pub(super) ils: Kind,
    pub(super) things: BTreeMap<Thing, Rules>,
    pub(super) readers: Readers,
    pub(super) policy: Policy,
    pub(super) abilities: Abilities,
    /// The library system has reasons to refuse.
    pub(super) has_business: bool,
    /// Items are put on the shelf without being returned.
    pub(super) has_slips: bool,
    /// Machines that are on-line are on-line to the gateway, too.
    pub(super) is_prompt: bool,
    /// Machines crash and start again far from the gateway.
    pub(super) has_reboots: bool,
    /// Machines are left without an answer, and may not go on by themselves.
    pub(super) has_doubts: bool,
    /// A thing that the library system answers nothing about, ever.
    pub(super) odd: Option<(Thing, FailureKind)>,
    /// The library system renews loans by itself, over night: what says which, and when.
    pub(super) renews_itself: Option<Dice>,
    /// Staff has it found out anew what the library system can answer: what says in which nights.
    pub(super) is_probed: Option<Dice>,
}

impl Plan {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let has_business = dice.one_in(2);
        let honours_due = dice.one_in(2);
        let mut things = BTreeMap::new();
        let mut readers = Readers::default();
        for thing in 0..THINGS {
            let rules = Rules {
                is_unknown: has_business && dice.one_in(8),
                // Where a loan lasts from when it is told, a renewal may be of no more use.
                is_not_renewed: has_business && honours_due && dice.one_in(5),
                held_for: (has_business && dice.one_in(6)).then_some(0),
            };
            things.insert(thing, rules);
        }
        for reader in (1..READERS).filter(|_| has_business) {
            match dice.between(0, 8) {
                0 => readers.blocked.insert(reader),
                1 => readers.at_limit.insert(reader),
                2 => readers.unknown.insert(reader),
                _ => false,
            };
        }
        let has_slips = dice.one_in(6);
        let mut policy = policy(dice, has_slips);
        let dates = match honours_due {
            true => Dates::Seconds,
            false => dice.pick(&[Dates::Seconds, Dates::Days]),
        };
        policy.unmoved_due = dates.unmoved(dice);
        let is_able = !dice.one_in(8);
        let is_proven = is_able && !dice.one_in(8);
        let ability = match is_proven {
            true => Ability::Proven,
            false => Ability::Unproven,
        };
        Self {
            has_business,
            ils: Kind {
                profile: dice.pick(&Profile::ALL),
                lists: match is_able {
                    true => Lists::Barcodes,
                    false => dice.pick(&[Lists::Barcodes, Lists::Titles, Lists::Nothing]),
                },
                tells: match is_able {
                    true => Tells::All,
                    false => dice.pick(&[Tells::All, Tells::NoDue, Tells::Nothing]),
                },
                honours_due,
                dates,
            },
            things,
            readers,
            policy,
            abilities: Abilities {
                circulation: ability,
                due: ability,
                charged_items: ability,
            },
            has_slips,
            is_prompt: !dice.one_in(6),
            has_reboots: dice.one_in(3),
            has_doubts: false,
            odd: None,
            renews_itself: None,
            is_probed: None,
        }
    }

    /// Whether nothing in such a week gives cause for a dispute: the time of every fact is known
    /// in the end, however wrong its clock was, and the library system neither refuses nor hides
    /// anything.
    pub(super) fn is_fair(&self) -> bool {
        let is_known = self.is_prompt && !self.has_reboots;
        // Two renewals of one day show one date.
        let is_shown =
            self.abilities.charged_items == Ability::Proven && self.ils.dates == Dates::Seconds;
        let is_plain = !self.has_business && !self.has_slips && !self.has_doubts;
        let is_plain = is_plain && self.renews_itself.is_none() && self.is_probed.is_none();
        is_known && is_shown && is_plain && self.odd.is_none()
    }
}

/// In one week of four machines are left without an answer: chosen aside, as what follows is.
pub(super) fn has_doubts(seed: u64) -> bool {
    Dice::new(seed.rotate_left(17)).one_in(4)
}

/// In one week of eight staff has it found out anew what the library system can answer; chosen aside.
pub(super) fn is_probed(seed: u64) -> Option<Dice> {
    let mut dice = Dice::new(seed.rotate_left(41));
    dice.one_in(8).then_some(dice)
}

/// In one week of twelve the library system renews by itself; chosen aside.
pub(super) fn renews_itself(seed: u64) -> Option<Dice> {
    let mut dice = Dice::new(seed.rotate_left(29));
    dice.one_in(12).then_some(dice)
}

/// In one week of eight a thing that nothing is answered about: chosen aside, so that the week is
/// else the same.
pub(super) fn odd(seed: u64) -> Option<(Thing, FailureKind)> {
    let mut dice = Dice::new(!seed);
    let kinds = [
        FailureKind::Broken,
        FailureKind::Unmatched,
        FailureKind::Unwritable,
    ];
    let thing = u8::try_from(dice.between(0, THINGS.into())).unwrap();
    let odd = (thing, dice.pick(&kinds));
    dice.one_in(8).then_some(odd)
}

/// What the library wants done.
fn policy(dice: &mut Dice, has_slips: bool) -> Policy {
    let mut policy = Policy::default();
    if has_slips && dice.one_in(2) {
        policy
            .responses
            .insert(ConflictKind::OutToAnother, Response::ReturnThenLoan);
        policy.late_while_lent = LateWhileLent::Count;
    }
    if dice.one_in(4) {
        policy.late_and_over = LateAndOver::TellBoth;
    }
    policy
}
