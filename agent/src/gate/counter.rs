//! One running total, and what it means when it does not simply rise.

use lujiang_config::ResetPolicy;
use lujiang_wire::Flag;
use serde::{Deserialize, Serialize};

/// A total within one part in this many of its modulus is close to it.
const CLOSE_PART: u64 = 4;

/// Persons in and out; below zero where too many were counted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) entered: i64,
    pub(super) left: i64,
}

impl Counts {
    /// Takes out what is more than zero; what is less stays owed.
    pub(super) fn take_whole(&mut self) -> (u64, u64) {
        let take = |count: &mut i64| {
            let whole = u64::try_from(*count).unwrap_or(0);
            *count = (*count).min(0);
            whole
        };
        (take(&mut self.entered), take(&mut self.left))
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.entered = self.entered.saturating_add(other.entered);
        self.left = self.left.saturating_add(other.left);
    }
}

impl std::ops::Sub for Counts {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            entered: self.entered.saturating_sub(other.entered),
            left: self.left.saturating_sub(other.left),
        }
    }
}

/// What a new reading counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) counts: Counts,
    pub(super) flags: Vec<Flag>,
    /// Whether the totals from before mean nothing for those after.
    pub(super) broken: bool,
    /// Whether the new totals can be built on; where it is not said, they can.
    pub(super) proven: Option<bool>,
}

impl Ruling {
    /// A rise that needs no ruling.
    pub(super) fn believed(counts: Counts) -> Self {
        Self {
            counts,
            flags: Vec::new(),
            broken: false,
            proven: None,
        }
    }

    /// Two counters read at once.
    pub(super) fn of_both(entered: Single, left: Single) -> Self {
        let mut flags = entered.flags;
        flags.extend(left.flags);
        flags.dedup();
        Self {
            counts: Counts {
                entered: entered.count,
                left: left.count,
            },
            flags,
            broken: entered.broken || left.broken,
            proven: (entered.jumped || left.jumped).then_some(false),
        }
    }
}

/// What one counter counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Single {
    count: i64,
    flags: Vec<Flag>,
    broken: bool,
    jumped: bool,
}

/// What a ruling is made by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    pub(super) reset: ResetPolicy,
    /// Whether a second reading agreed with the total before.
    pub(super) proven: bool,
    /// The most that can have passed since the last good reading.
    pub(super) allowed: u64,
}

/// A total as it was last believed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    pub(super) value: u64,
    pub(super) modulus: u64,
}

impl Total {
    /// The count between this total and a next one, where it rose believably.
    pub(super) fn rise(self, next: u64, allowed: u64) -> Option<i64> {
        let rise = next
            .checked_sub(self.value)
            .filter(|rise| *rise <= allowed)?;
        i64::try_from(rise).ok()
    }

    /// What it means that two readings agree on `next`, of which `since` came between them.
    pub(super) fn rule(self, next: u64, since: i64, rules: Rules) -> Single {
        let uncounted = |flags: Vec<Flag>, jumped: bool| Single {
            count: since,
            flags,
            broken: true,
            jumped,
        };
        if let Some(count) = self.rise(next, rules.allowed) {
            return Single {
                count,
                flags: Vec::new(),
                broken: false,
                jumped: false,
            };
        }
        if next > self.value {
            // More than can walk through a door: not counted, but what follows is.
            return uncounted(vec![Flag::Implausible], true);
        }
        if let Some(count) = self.rolled_over(next, rules) {
            return Single {
                count,
                flags: vec![Flag::Rollover],
                broken: false,
                jumped: false,
            };
        }
        if !rules.proven {
            // The total before was itself doubtful; it fell back to what can be built on.
            return uncounted(vec![Flag::Reset], false);
        }
        match rules.reset {
            ResetPolicy::Never => uncounted(vec![Flag::Reset], false),
            ResetPolicy::PowerUp | ResetPolicy::Door | ResetPolicy::Daily => {
                if next > rules.allowed {
                    return uncounted(vec![Flag::Reset, Flag::Implausible], false);
                }
                // It began at zero: what it shows was counted since.
                Single {
                    count: i64::try_from(next).unwrap_or(since),
                    flags: vec![Flag::Reset],
                    broken: true,
                    jumped: false,
                }
            }
        }
    }

    /// The count over the modulus, where the total was close to it and so few can have passed.
    fn rolled_over(self, next: u64, rules: Rules) -> Option<i64> {
        let to_end = self.modulus.checked_sub(self.value)?;
        let close = match rules.reset {
            // It has no other way to fall.
            ResetPolicy::Never => true,
            ResetPolicy::PowerUp | ResetPolicy::Door | ResetPolicy::Daily => {
                to_end <= self.modulus / CLOSE_PART
            }
        };
        // All ones is what a broken line reads as: to roll over from there it must have moved.
        let believed = rules.proven || to_end > 1;
        let passed = to_end
            .checked_add(next)
            .filter(|passed| *passed <= rules.allowed)?;
        (close && believed)
            .then(|| i64::try_from(passed).ok())
            .flatten()
    }
}
