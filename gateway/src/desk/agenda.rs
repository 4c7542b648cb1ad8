//! Whose turn it is: items by when something can be done about them, then by how old their first
//! fact is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lujiang_wire::Label;

/// When something can be done about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Turn {
    /// Not before this.
    pub(crate) at: Timestamp,
    /// When its first fact happened: the oldest goes first.
    pub(crate) happened: Timestamp,
}

/// The items something is to be done about.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    turns: BTreeMap<Label, Turn>,
    waiting: BTreeSet<(Timestamp, Label)>,
    ready: BTreeSet<(Timestamp, Label)>,
}

impl Agenda {
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
        while let Some((at, _)) = self.waiting.first()
            && *at <= now
            && let Some((_, item)) = self.waiting.pop_first()
        {
            let turn = self.turns[&item];
            self.ready.insert((turn.happened, item));
        }
        self.ready.first().map(|(_, item)| item.clone())
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
        let mut agenda = Agenda::default();
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
