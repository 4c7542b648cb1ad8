//! Breaks: questions that found no answer, and whose fault that is. An item the library system
//! cannot be asked about must not stop the others, and a line that is down for everybody must not
//! make disputes of everything. So an item that found no answer waits, longer each time, while
//! others are asked; and a break counts against it only if another question was answered since the
//! one before. Where nothing else is asked it cannot be told apart from a line that is down, so it
//! takes hours; then it is in front of staff all the same, unless many items fare like it. Forgotten at a restart, and once the item is answered or no longer in the desk.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::Label;

use crate::desk::judge::SENDS_MAX;
use crate::desk::later;
use crate::desk::sighting::FailureKind;

/// How often an item is asked about in vain, while others are answered, before it is disputed.
const BREAKS_MAX: u32 = SENDS_MAX;

/// How often a few items are asked about in vain, while nothing at all is answered, before they are
/// disputed: with a wait of five minutes, two hours.
const LONELY_BREAKS_MAX: u32 = 30;

/// So few items: with more of them it is the library system that is in trouble, not they.
const FEW: usize = 3;

/// The wait of an item doubles so often: with a pause of ten seconds it grows to five minutes.
/// After hours without a library system nobody is to wait for hours more.
const DOUBLINGS_MAX: u32 = 5;

/// Which items found no answer lately.
#[derive(Debug, Default)]
pub(super) struct Breaks {
    /// How often anything was answered.
    answers: u64,
    /// Whether anything was answered since the library system could be spoken to.
    is_sound: bool,
    of_items: BTreeMap<Label, Vain>,
}

/// An item that was asked about in vain.
#[derive(Debug)]
struct Vain {
    /// How often in a row.
    times: u32,
    /// How often of those it was the item's own fault.
    counted: u32,
    /// How often anything had been answered when one was counted last.
    answers: u64,
    /// Before this it is not asked about again.
    until: Timestamp,
}

/// Whose fault it is that there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The line's, as far as anybody can tell.
    Line,
    /// The item's or its reader's: nothing else is gained by asking again.
    Item,
}

impl Breaks {
    /// The longest an item waits, where `pause` is the least.
    pub(super) fn longest_wait(pause: Duration) -> Duration {
        pause.saturating_mul(2_u32.saturating_pow(DOUBLINGS_MAX))
    }

    /// The library system can be spoken to: whether it answers is yet to be seen.
    pub(super) fn handle_link_up(&mut self) {
        self.is_sound = false;
    }

    /// Something was answered about an item.
    pub(super) fn handle_answer(&mut self, item: &Label) {
        self.answers += 1;
        self.is_sound = true;
        self.of_items.remove(item);
    }

    /// A question about an item found no answer; `pause` is the least an item then waits.
    pub(super) fn handle_failure(
        &mut self,
        item: &Label,
        kind: FailureKind,
        pause: Duration,
        now: Timestamp,
    ) -> Fault {
        let answers = self.answers;
        let vain = self.of_items.entry(item.clone()).or_insert(Vain {
            times: 0,
            counted: 0,
            answers,
            until: now,
        });
        vain.times = vain.times.saturating_add(1);
        if vain.counted == 0 || answers > vain.answers {
            vain.counted = vain.counted.saturating_add(1);
            vain.answers = answers;
        }
        let is_certain = match kind {
            FailureKind::Broken => false,
            // On a line over which others are answered it will say the same again.
            FailureKind::Unmatched => self.is_sound,
            FailureKind::Unwritable => true,
        };
        if is_certain {
            vain.counted = BREAKS_MAX;
        }
        let is_lonely_for_long = vain.times >= LONELY_BREAKS_MAX;
        let doubled = 2_u32.saturating_pow(vain.times.min(DOUBLINGS_MAX));
        vain.until = later(now, pause.saturating_mul(doubled));
        let is_item = vain.counted >= BREAKS_MAX;
        match is_item || (is_lonely_for_long && self.of_items.len() <= FEW) {
            true => Fault::Item,
            false => Fault::Line,
        }
    }

    /// Before this an item is not asked about.
    pub(super) fn not_before(&self, item: &Label) -> Timestamp {
        let vain = self.of_items.get(item);
        vain.map_or(Timestamp::MIN, |vain| vain.until)
    }

    /// How often in a row an item was asked about in vain.
    pub(super) fn times(&self, item: &Label) -> u32 {
        self.of_items.get(item).map_or(0, |vain| vain.times)
    }

    /// The item is no longer in the desk.
    pub(super) fn forget(&mut self, item: &Label) {
        self.of_items.remove(item);
    }
}
