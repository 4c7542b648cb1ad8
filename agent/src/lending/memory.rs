//! What a device remembers of its own loans: which items it lent and did not get back, the last
//! thing that happened to each, and how much each reader was lent today. Of readers it knows marks
//! only. It is kept as notes of the outbox, each in the transaction of the facts it follows from,
//! and goes when the outbox lets those facts go.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use lujiang_wire::{Due, EventId, Label, LoanKind, Place};
use serde::{Deserialize, Serialize};

use super::last_facts::LastFacts;
use super::local_key::ReaderMark;
use super::views::{BlockOut, Undoable};
use super::{Barcode, OpenStop};
use crate::outbox::{Note, NotesBelow};

/// Names of notes about an item begin like this.
pub(super) const ITEM_NOTES: &str = "lending/item/";

/// Names of notes about a reader's day begin like this.
pub(super) const DAY_NOTES: &str = "lending/day/";

/// The name of the note about the open stop.
pub(super) const STOP_NOTE: &str = "lending/stop";

/// An item that was lent and is not back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LentHere {
    pub(super) reader: ReaderMark,
    /// The day it was lent.
    pub(super) day: Date,
    pub(super) due: Date,
    /// How often it was lent on.
    pub(super) renewals: u16,
    /// The block loan it belongs to; those count towards no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<Label>,
}

/// Something that happened to an item here, and was written as a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Act {
    pub(super) fact: EventId,
    pub(super) kind: LoanKind,
    /// When, by the wall clock.
    pub(super) at: Timestamp,
    pub(super) session: Label,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<Label>,
    /// The block it was lent or taken back with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<Label>,
    /// The return from what the bus carries that was written just before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) unloaded: Option<Unloaded>,
}

/// An item came from what the bus carries: before it was lent it was taken back from there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unloaded {
    /// That return.
    pub(super) fact: EventId,
    /// The block in which the bus was lent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) block: Option<Label>,
}

/// What is remembered of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ItemMemory {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) lent: Option<LentHere>,
    /// The last act, which may be undone; none where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Act>,
    /// How it was before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<LentHere>,
    /// The number of the last fact about it.
    sequence: u64,
}

/// What a reader was lent in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ReaderDay {
    pub(super) day: Date,
    pub(super) lent: u32,
}

/// One thing that is remembered otherwise from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Item(Barcode, Option<ItemMemory>),
    Day(ReaderMark, Option<ReaderDay>),
    Stop(Option<OpenStop>),
}

/// The memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    items: BTreeMap<Barcode, ItemMemory>,
    days: BTreeMap<ReaderMark, ReaderDay>,
    stop: Option<OpenStop>,
    /// How many items each reader has out; follows from `items`.
    out: BTreeMap<ReaderMark, u32>,
    /// Whose last act a fact is; follows from `items`.
    acts: BTreeMap<EventId, Barcode>,
    /// The number of the last fact about each item; follows from `items`.
    last_facts: LastFacts,
}

impl Memory {
    /// What stands in these notes; what cannot be read any more is forgotten.
    pub(super) fn of_notes(items: NotesBelow, days: NotesBelow, stop: Option<String>) -> Self {
        let mut memory = Self::default();
        for (name, text) in items.notes {
            let read = name.parse().ok().zip(serde_json::from_str(&text).ok());
            if let Some((item, known)) = read {
                memory.apply(Change::Item(Barcode::new(item), Some(known)));
            }
        }
        for (name, text) in days.notes {
            if let Ok(day) = serde_json::from_str(&text) {
                memory.apply(Change::Day(ReaderMark::from_note(&name), Some(day)));
            }
        }
        memory.stop = stop.and_then(|text| serde_json::from_str(&text).ok());
        memory
    }

    /// Where an item was lent here and is not back, to whom and until when.
    pub(super) fn lent(&self, item: &Barcode) -> Option<&LentHere> {
        self.items.get(item)?.lent.as_ref()
    }

    /// The number of the last fact about each item, for whoever does not hold the memory.
    pub(super) fn last_facts(&self) -> LastFacts {
        self.last_facts.clone()
    }

    /// How many items a reader has out.
    pub(super) fn out(&self, reader: &ReaderMark) -> u32 {
        self.out.get(reader).copied().unwrap_or(0)
    }

    /// How many items a reader was lent on this day.
    pub(super) fn lent_on(&self, reader: &ReaderMark, day: Date) -> u32 {
        let known = self.days.get(reader).filter(|known| known.day == day);
        known.map_or(0, |known| known.lent)
    }

    /// The item whose last act this fact is, and that act.
    pub(super) fn last_act(&self, fact: &EventId) -> Option<(&Barcode, &Act)> {
        let item = self.acts.get(fact)?;
        Some((item, self.items.get(item)?.last.as_ref()?))
    }

    /// The last act of an item, where it went or came with this block.
    pub(super) fn last_in_block(&self, item: &Barcode, block: &Label) -> Option<&Act> {
        let last = self.items.get(item)?.last.as_ref();
        last.filter(|act| act.block.as_ref() == Some(block))
    }

    /// Whether the last that happened to an item is that it came back by itself at this stop.
    pub(super) fn is_returned_at(&self, item: &Barcode, stop: &Label) -> bool {
        let last = self.items.get(item).and_then(|known| known.last.as_ref());
        last.is_some_and(|act| {
            act.kind == LoanKind::Checkin && act.stop.as_ref() == Some(stop) && act.block.is_none()
        })
    }

    /// The stop that is open.
    pub(super) fn stop(&self) -> Option<&OpenStop> {
        self.stop.as_ref()
    }

    /// What was done at a stop, but for blocks, and can be undone; oldest first.
    pub(super) fn undoable_at(&self, stop: &Label) -> Vec<Undoable> {
        let mut found = Vec::new();
        for (item, known) in &self.items {
            let last = known.last.as_ref();
            let there = last.filter(|act| act.stop.as_ref() == Some(stop) && act.block.is_none());
            let undoable = there.map(|act| Undoable {
                fact: act.fact.clone(),
                kind: act.kind,
                item: item.label().clone(),
                due: known.lent.as_ref().map(|lent| Due::Day(lent.due)),
            });
            found.extend(undoable.map(|undoable| (known.sequence, undoable)));
        }
        found.sort_by_key(|(sequence, _)| *sequence);
        found.into_iter().map(|(_, undoable)| undoable).collect()
    }

    /// So many acts of a kind more at this stop, if it is the one that is open.
    pub(super) fn more_at(&self, stop: Option<&Label>, kind: LoanKind, acts: usize) -> Vec<Change> {
        let open = self
            .stop
            .iter()
            .filter(|open| Some(&open.opened.stop) == stop);
        let acts = u64::try_from(acts).unwrap_or(u64::MAX);
        open.map(|open| Change::Stop(Some(open.more(kind, acts))))
            .collect()
    }

    /// The blocks of which items are out, by name.
    pub(super) fn blocks_out(&self) -> Vec<BlockOut> {
        let mut blocks: BTreeMap<&Label, BlockOut> = BTreeMap::new();
        for (item, known) in &self.items {
            let Some((lent, block)) = known
                .lent
                .as_ref()
                .and_then(|it| Some((it, it.block.as_ref()?)))
            else {
                continue;
            };
            let out = blocks.entry(block).or_insert_with(|| BlockOut {
                block: block.clone(),
                day: lent.day,
                due: lent.due,
                items: Vec::new(),
            });
            out.items.push(item.clone());
        }
        blocks.into_values().collect()
    }

    /// An item is lent, or lent on, by the fact at this place.
    pub(super) fn lend(&self, item: &Barcode, lent: LentHere, act: Act, at: &Place) -> Vec<Change> {
        let mut changes = Vec::with_capacity(2);
        if act.kind == LoanKind::Checkout && lent.block.is_none() {
            let day = ReaderDay {
                day: lent.day,
                lent: self.lent_on(&lent.reader, lent.day) + 1,
            };
            changes.push(Change::Day(lent.reader.clone(), Some(day)));
        }
        changes.push(self.follow(item, Some(lent), act, at));
        changes
    }

    /// An item is back, by the fact at this place.
    pub(super) fn take_back(&self, item: &Barcode, act: Act, at: &Place) -> Vec<Change> {
        vec![self.follow(item, None, act, at)]
    }

    /// The last act of an item is undone, by the fact at this place.
    pub(super) fn undo(&self, item: &Barcode, at: &Place) -> Vec<Change> {
        let Some(known) = self.items.get(item) else {
            return Vec::new();
        };
        let mut changes = Vec::with_capacity(3);
        let was_lent = known.last.as_ref().map(|act| act.kind) == Some(LoanKind::Checkout);
        if let Some(lent) = known
            .lent
            .as_ref()
            .filter(|l| was_lent && l.block.is_none())
        {
            let day = self.days.get(&lent.reader).filter(|d| d.day == lent.day);
            let less = day.map(|day| ReaderDay {
                lent: day.lent.saturating_sub(1),
                ..*day
            });
            changes.extend(less.map(|less| Change::Day(lent.reader.clone(), Some(less))));
        }
        // Also of an item that is as if nothing had been: the gateway has yet to hear that.
        let left = ItemMemory {
            lent: known.before.clone(),
            last: None,
            before: None,
            sequence: at.sequence.get(),
        };
        changes.push(Change::Item(item.clone(), Some(left)));
        let undone = known.last.as_ref().zip(self.stop.as_ref());
        let there = undone.filter(|(act, open)| act.stop.as_ref() == Some(&open.opened.stop));
        changes.extend(there.map(|(act, open)| Change::Stop(Some(open.less(act.kind)))));
        changes
    }

    /// The library system decided about an item: it knows more than we do.
    pub(super) fn forget(&self, item: &Barcode) -> Vec<Change> {
        let known = self.items.contains_key(item);
        known
            .then(|| Change::Item(item.clone(), None))
            .into_iter()
            .collect()
    }

    /// What goes: items whose facts the outbox let go, and days that are over. An item of a block
    /// stays until it is back: a block is out for a season, and what is loaded is lent from there.
    pub(super) fn outlived(&self, first_kept: u64, today: Date) -> Vec<Change> {
        let is_in_block = |k: &ItemMemory| k.lent.as_ref().is_some_and(|lent| lent.block.is_some());
        let items = self.items.iter().filter(|(_, k)| k.sequence < first_kept);
        let items = items.filter(|(_, k)| !is_in_block(k));
        let items = items.map(|(item, _)| Change::Item(item.clone(), None));
        let days = self.days.iter().filter(|(_, known)| known.day < today);
        let days = days.map(|(reader, _)| Change::Day(reader.clone(), None));
        items.chain(days).collect()
    }

    /// Remembers a change that is on disk.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Item(item, known) => self.set_item(item, known),
            Change::Day(reader, Some(day)) => {
                self.days.insert(reader, day);
            }
            Change::Day(reader, None) => {
                self.days.remove(&reader);
            }
            Change::Stop(stop) => self.stop = stop,
        }
    }

    fn follow(&self, item: &Barcode, lent: Option<LentHere>, act: Act, at: &Place) -> Change {
        let known = ItemMemory {
            lent,
            last: Some(act),
            before: self.lent(item).cloned(),
            sequence: at.sequence.get(),
        };
        Change::Item(item.clone(), Some(known))
    }

    fn set_item(&mut self, item: Barcode, known: Option<ItemMemory>) {
        let counted = |known: &ItemMemory| {
            let lent = known.lent.as_ref().filter(|lent| lent.block.is_none());
            lent.map(|lent| lent.reader.clone())
        };
        if let Some(old) = self.items.remove(&item) {
            if let Some(reader) = counted(&old)
                && let Some(out) = self.out.get_mut(&reader)
            {
                *out -= 1;
                if *out == 0 {
                    self.out.remove(&reader);
                }
            }
            if let Some(act) = old.last {
                self.acts.remove(&act.fact);
            }
        }
        let Some(known) = known else {
            self.last_facts.forget(&item);
            return;
        };
        self.last_facts.set(&item, known.sequence);
        if let Some(reader) = counted(&known) {
            *self.out.entry(reader).or_default() += 1;
        }
        if let Some(act) = &known.last {
            self.acts.insert(act.fact.clone(), item.clone());
        }
        self.items.insert(item, known);
    }
}

impl Change {
    /// The note that keeps it.
    pub(super) fn note(&self) -> Note {
        let (name, text) = match self {
            Self::Item(item, known) => (format!("{ITEM_NOTES}{item}"), text_of(known.as_ref())),
            Self::Day(reader, day) => {
                let name = format!("{DAY_NOTES}{}", reader.as_str());
                (name, text_of(day.as_ref()))
            }
            Self::Stop(stop) => (STOP_NOTE.to_owned(), text_of(stop.as_ref())),
        };
        Note {
            name: name.into(),
            text,
        }
    }
}

fn text_of<T: Serialize>(known: Option<&T>) -> Option<String> {
    known.map(|known| serde_json::to_string(known).expect("a memory has plain members only"))
}
