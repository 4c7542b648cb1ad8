//! A gate counter: from readings of running totals to counted periods.
//!
//! The core knows no clock, no line and no disk. It is told of readings and of time passing and
//! gives counted periods; what it must remember to go on after a restart is one value, stored
//! with the facts it led to. Two rules hold whatever the counter shows: a passage that the
//! counter counted is counted once, and no reading invents a visit. So a fall or a jump of a
//! total is believed only when a second reading agrees with it.

mod counter;
pub(crate) mod driver;
mod mark;
mod memory;
pub(crate) mod modbus;

use std::time::Duration;

use jiff::Timestamp;
use lujiang_config::{GateSection, ResetPolicy};
use lujiang_wire::{Flag, VisitCounted};
use serde::{Deserialize, Serialize};

use counter::{Counts, Ruling, Total};
pub use mark::Mark;
use memory::FORMER_AGE_MAX;
pub use memory::Memory;

/// A reading this soon after the end of a period is the reading of its end.
const SNAP: Duration = Duration::from_secs(2);

/// More than can pass in this time is not believed at once, however long ago the last reading is.
const AT_ONCE: Duration = Duration::from_secs(60);

/// So many readings in a row that agree with nothing are nonsense, and the period says so; one
/// alone is noise on the line.
const DOUBTS_FLAGGED: u32 = 2;

/// What a counter shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Total in.
    pub entered: u64,
    /// Total out, where the counter has one.
    pub left: Option<u64>,
}

/// What must hold for a counter, from the configuration.
#[derive(Debug, Clone)]
pub struct GateRules {
    /// Length of a period; it ends at multiples of it.
    pub period: Duration,
    /// Unread for longer is unobserved.
    pub silence: Duration,
    /// When the counter may begin again at zero.
    pub reset: ResetPolicy,
    /// Persons a minute; a faster rise is not believed.
    pub visits_per_minute_max: u32,
    /// The total in runs to this number less one.
    pub entered_modulus: u64,
    /// The total out, where there is one.
    pub left_modulus: Option<u64>,
}

impl GateRules {
    /// The rules in a configuration.
    #[must_use]
    pub fn of(section: &GateSection) -> Self {
        Self {
            period: section.period,
            silence: section.silence,
            reset: section.reset,
            visits_per_minute_max: section.visits_per_minute_max,
            entered_modulus: section.entered.modulus,
            left_modulus: section.left.as_ref().map(|register| register.modulus),
        }
    }
}

/// A reading that needs a second one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Suspect {
    totals: Totals,
    read: Mark,
}

/// What came of a reading, or of time passing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Periods to write, in order.
    pub periods: Vec<VisitCounted>,
    /// Whether the memory must be written now, with the periods or alone.
    pub remember: bool,
    /// Whether the reading was not believed, yet or at all.
    pub doubted: bool,
}

/// The core of a gate counter.
#[derive(Debug, Clone)]
pub struct Gate {
    rules: GateRules,
    memory: Option<Memory>,
    suspect: Option<Suspect>,
    /// Readings in a row that were not believed.
    doubts: u32,
    /// The uptime at which the memory was last asked to be written.
    remembered: Option<Mark>,
}

impl Gate {
    /// A gate with what it remembers of an earlier run.
    #[must_use]
    pub fn new(rules: GateRules, memory: Option<Memory>) -> Self {
        Self {
            rules,
            memory,
            suspect: None,
            doubts: 0,
            remembered: None,
        }
    }

    /// What has to be remembered.
    #[must_use]
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// The last totals that were believed.
    #[must_use]
    pub fn totals(&self) -> Option<Totals> {
        self.memory.as_ref().map(|memory| memory.totals)
    }

    /// Whether the last reading waits for a second one.
    #[must_use]
    pub fn is_doubting(&self) -> bool {
        self.suspect.is_some()
    }

    /// How long until the present period ends, by the wall clock.
    #[must_use]
    pub fn until_boundary(&self, wall: Timestamp) -> Duration {
        let into = wall.duration_since(boundary(wall, self.rules.period));
        self.rules.period.saturating_sub(into.unsigned_abs())
    }

    /// Takes a reading.
    pub fn handle_reading(&mut self, now: &Mark, totals: Totals) -> Outcome {
        let mut outcome = Outcome::default();
        let fits = totals.entered < self.rules.entered_modulus
            && totals
                .left
                .zip(self.rules.left_modulus)
                .is_none_or(|(left, modulus)| left < modulus);
        if !fits {
            return self.doubt(now);
        }
        let Some(memory) = self.memory.clone() else {
            // The first reading ever is where counting begins: it counts nothing.
            self.memory = Some(Memory::begin(now, totals));
            self.remembered = Some(now.clone());
            outcome.remember = true;
            return outcome;
        };
        let elapsed = now.since(&memory.read);
        let allowed = self.allowed(elapsed);
        // What comes after a long pause may be much, and may be nonsense: it takes two readings
        // close to each other.
        let at_once = self.allowed_at_once(elapsed);
        if let Some(counts) = self.rise(memory.totals, totals, at_once) {
            let ruling = Ruling::believed(counts);
            self.suspect = None;
            self.accept(memory, now, totals, ruling, &mut outcome);
            return outcome;
        }
        let suspect = self.suspect.replace(Suspect {
            totals,
            read: now.clone(),
        });
        let Some(suspect) = suspect else {
            return self.doubt(now);
        };
        let allowed_since = self.allowed_at_once(now.since(&suspect.read));
        let Some(since) = self.rise(suspect.totals, totals, allowed_since) else {
            return self.doubt(now);
        };
        self.suspect = None;
        let ruling = self
            .returned(&memory, &suspect, now, totals)
            .unwrap_or_else(|| self.rule(&memory, totals, since, allowed));
        self.accept(memory, now, totals, ruling, &mut outcome);
        outcome
    }

    /// Takes note that there was no good reading: what was observed until the last one is a
    /// period of its own once the silence is long.
    pub fn handle_silence(&mut self, now: &Mark) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(mut memory) = self.memory.clone() else {
            return outcome;
        };
        let silent = now
            .since(&memory.read)
            .is_none_or(|gap| gap > self.rules.silence);
        if silent && memory.read != memory.period_from {
            let read = memory.read.clone();
            outcome.periods.extend(memory.close(&read, now, &[]));
            self.keep(memory, now, &mut outcome);
        }
        outcome
    }

    /// Ends the present period at the last good reading: the agent stops.
    pub fn finish(&mut self, now: &Mark) -> Outcome {
        let mut outcome = Outcome::default();
        if let Some(mut memory) = self.memory.clone() {
            let read = memory.read.clone();
            outcome.periods.extend(memory.close(&read, now, &[]));
            self.keep(memory, now, &mut outcome);
            outcome.remember = true;
        }
        outcome
    }

    /// Does not believe a reading: it is as if there had been none.
    fn doubt(&mut self, now: &Mark) -> Outcome {
        self.doubts += 1;
        Outcome {
            doubted: true,
            ..self.handle_silence(now)
        }
    }

    /// Counts a reading, and ends the periods that ended.
    fn accept(
        &mut self,
        mut memory: Memory,
        now: &Mark,
        totals: Totals,
        mut ruling: Ruling,
        outcome: &mut Outcome,
    ) {
        let gap = now.since(&memory.read);
        let unread = gap.is_none_or(|gap| gap > self.rules.silence);
        if std::mem::take(&mut self.doubts) >= DOUBTS_FLAGGED && ruling.flags.is_empty() {
            ruling.flags.push(Flag::Implausible);
        }
        if unread {
            // What was observed before, then the time nobody looked, with its exact count.
            let read = memory.read.clone();
            if gap.is_some() {
                outcome.periods.extend(memory.close(&read, now, &[]));
            }
            memory.count(now, totals, ruling);
            outcome
                .periods
                .extend(memory.close(now, now, &[Flag::Recovered]));
        } else {
            memory.count(now, totals, ruling);
            let since = now.since(&memory.period_from).unwrap_or_default();
            let begun = boundary(memory.period_from.wall, self.rules.period);
            let boundary = boundary(now.wall, self.rules.period);
            if begun != boundary || since >= self.rules.period * 2 {
                let end = now.back_to(boundary, SNAP, &memory.period_from);
                outcome.periods.extend(memory.close(&end, now, &[]));
            }
        }
        self.keep(memory, now, outcome);
    }

    /// Keeps the memory, and asks for it to be written with periods, or before long.
    fn keep(&mut self, memory: Memory, now: &Mark, outcome: &mut Outcome) {
        let due = self
            .remembered
            .as_ref()
            .and_then(|at| now.since(at))
            .is_none_or(|since| since >= self.rules.silence / 2);
        self.memory = Some(memory);
        if due || !outcome.periods.is_empty() {
            outcome.remember = true;
            self.remembered = Some(now.clone());
        }
    }

    /// The most that one reading alone may add after this time.
    fn allowed_at_once(&self, elapsed: Option<Duration>) -> u64 {
        self.allowed(Some(
            elapsed.map_or(AT_ONCE, |elapsed| elapsed.min(AT_ONCE)),
        ))
    }

    /// The most that can have walked through in this time; a day's worth where it is not known.
    fn allowed(&self, elapsed: Option<Duration>) -> u64 {
        const UNKNOWN: Duration = Duration::from_secs(24 * 3_600);
        let rate = u64::from(self.rules.visits_per_minute_max);
        let millis = u64::try_from(elapsed.unwrap_or(UNKNOWN).as_millis()).unwrap_or(u64::MAX);
        // Ten seconds' worth at once: counters count in bursts, and readings come late.
        (rate.saturating_mul(millis) / 60_000).saturating_add(rate / 6 + 1)
    }

    fn entered(&self, total: u64) -> Total {
        Total {
            value: total,
            modulus: self.rules.entered_modulus,
        }
    }

    fn left(&self, total: Option<u64>) -> Total {
        Total {
            value: total.unwrap_or(0),
            modulus: self.rules.left_modulus.unwrap_or(u64::MAX),
        }
    }

    /// The counts between two readings, where both totals rose believably.
    fn rise(&self, from: Totals, to: Totals, allowed: u64) -> Option<Counts> {
        Some(Counts {
            entered: self.entered(from.entered).rise(to.entered, allowed)?,
            left: self.left(from.left).rise(to.left.unwrap_or(0), allowed)?,
        })
    }

    /// Whether two readings agree with totals from before the present ones: then these were the
    /// nonsense, and what was counted on them is taken back.
    fn returned(
        &self,
        memory: &Memory,
        suspect: &Suspect,
        now: &Mark,
        totals: Totals,
    ) -> Option<Ruling> {
        let former = memory.former.as_ref()?;
        let elapsed = now
            .since(&former.read)
            .filter(|elapsed| *elapsed <= FORMER_AGE_MAX)?;
        let until_suspect = suspect.read.since(&former.read)?;
        self.rise(
            former.totals,
            suspect.totals,
            self.allowed(Some(until_suspect)),
        )?;
        let truly = self.rise(former.totals, totals, self.allowed(Some(elapsed)))?;
        Some(Ruling {
            counts: truly - former.counted,
            ..Ruling::believed(Counts::default())
        })
    }

    /// What a fall or jump that two readings agree on means.
    fn rule(&self, memory: &Memory, totals: Totals, since: Counts, allowed: u64) -> Ruling {
        let rules = counter::Rules {
            reset: self.rules.reset,
            proven: memory.proven,
            allowed,
        };
        let entered =
            self.entered(memory.totals.entered)
                .rule(totals.entered, since.entered, rules);
        let left = self
            .left(memory.totals.left)
            .rule(totals.left.unwrap_or(0), since.left, rules);
        Ruling::of_both(entered, left)
    }
}

/// The last multiple of the period that is not after this time.
fn boundary(wall: Timestamp, period: Duration) -> Timestamp {
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX).max(1);
    let millis = wall.as_millisecond();
    Timestamp::from_millisecond(millis - millis.rem_euclid(period)).unwrap_or(wall)
}

#[cfg(test)]
mod tests;
