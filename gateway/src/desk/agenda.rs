//! Whose turn it is: items by when something can be done about them, then by how old their first
//! fact is. A turn that is further off than the longest wait there is was put down by a clock that
//! has been set back since: it has come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::Label;

use crate::desk::later;

/// When something can be done about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// Not before this.
    pub(crate) at: Timestamp,
    /// When its first fact happened: the oldest goes first.
    pub(crate) happened: Timestamp,
}

/// The items something is to be done about.
#[derive(Debug)]
pub(crate) struct Agenda {
    /// The longest wait.
    longest: Duration,
    turns: BTreeMap<Label, Turn>,
    waiting: BTreeSet<(Timestamp, Label)>,
    ready: BTreeSet<(Timestamp, Label)>,
}

impl Agenda {
    /// An empty one; nothing is put down for later than that.
    pub(crate) fn new(longest: Duration) -> Self {
        Self {
            longest,
            turns: BTreeMap::new(),
            waiting: BTreeSet::new(),
            ready: BTreeSet::new(),
        }
    }

    /// Whether a wait until then is over.
    pub(crate) fn has_come(&self, at: Timestamp, now: Timestamp) -> bool {
        at <= now || at > later(now, self.longest)
    }

    /// Puts an item down, or moves it; none takes it off.
    pub(crate) fn set(&mut self, item: &Label, turn: Option<Turn>) {
        if let Some(before) = self.turns.remove(item) {
            self.waiting.remove(&(before.at, item.clone()));
            self.ready.remove(&(before.happened, item.clone()));
        }
        if let Some(turn) = turn {
            self.turns.insert(item.clone(), turn);
            self.waiting.insert((turn.at, item.clone()));
        }
    }

    /// The item whose turn it is.
    pub(crate) fn next(&mut self, now: Timestamp) -> Option<Label> {
        while let Some(item) = self.pop_due(now) {
            let turn = self.turns[&item];
            self.ready.insert((turn.happened, item));
        }
        self.ready.first().map(|(_, item)| item.clone())
    }

    fn pop_due(&mut self, now: Timestamp) -> Option<Label> {
        let (first, last) = (self.waiting.first()?.0, self.waiting.last()?.0);
        let due = match (self.has_come(first, now), self.has_come(last, now)) {
            (true, _) => self.waiting.pop_first(),
            (false, true) => self.waiting.pop_last(),
            (false, false) => None,
        };
        due.map(|(_, item)| item)
    }

    /// When the next turn comes, if none has come.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        match self.ready.is_empty() {
            false => Some(Timestamp::MIN),
            true => self.waiting.first().map(|(at, _)| *at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_items_whose_time_has_come_the_one_with_the_oldest_fact_is_next() {
        let mut agenda = Agenda::new(LONGEST);
        agenda.set(&label("young"), Some(turn(10, 9)));
        agenda.set(&label("old"), Some(turn(20, 1)));
        assert_eq!(agenda.next(at(5)), None);
        assert_eq!(agenda.next_at(), Some(at(10)));
        assert_eq!(agenda.next(at(10)), Some(label("young")));
        assert_eq!(agenda.next(at(20)), Some(label("old")));
        agenda.set(&label("old"), None);
        assert_eq!(agenda.next(at(20)), Some(label("young")));
        agenda.set(&label("young"), Some(turn(30, 9)));
        assert_eq!(agenda.next(at(29)), None);
        assert_eq!(agenda.next_at(), Some(at(30)));
    }

    #[test]
    fn what_was_put_down_by_a_clock_that_was_set_back_since_has_come() {
        let mut agenda = Agenda::new(LONGEST);
        agenda.set(&label("ahead"), Some(turn(90_000, 1)));
        agenda.set(&label("waits"), Some(turn(60, 2)));
        assert_eq!(agenda.next(at(50)), Some(label("ahead")));
        agenda.set(&label("ahead"), None);
        assert_eq!(agenda.next(at(50)), None);
    }

    const LONGEST: Duration = Duration::from_secs(100);

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }

    fn turn(second: i64, happened: i64) -> Turn {
        Turn {
            at: at(second),
            happened: at(happened),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }
}
