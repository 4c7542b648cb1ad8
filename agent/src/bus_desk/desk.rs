//! The desk as a core: who stands at it, what is being done, what was done, and what was last
//! said. A scan goes in and an [`Order`] comes out; whoever owns the desk carries it out and puts
//! the answer in, before the next scan. It knows no clock, no file and no page, and decides
//! nothing about loans: that is what lending is for.

use std::time::Duration;

use lujiang_wire::{Due, EventId, Label, LoanKind, Uptime};

use super::said::{Said, Tone};
use super::scan::{Code, Command, Scan};
use crate::lending::{ReaderCard, Refused, Undoable};

/// Lines that are kept to be undone; older ones are taken back or lent again as anything else.
const LINES_MAX: usize = 500;

/// What the desk is told by configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// After this long without a scan the reader is forgotten.
    pub(crate) reader_idle: Duration,
    /// The same code again within this time is the same scan.
    pub(crate) repeat_within: Duration,
}

/// The desk.
#[derive(Debug)]
pub(crate) struct Desk {
    settings: Settings,
    work: Work,
    reader: Option<ReaderCard>,
    /// Counts the readers who came; lines of the one at the desk have this number.
    visit: u64,
    /// What was done, oldest first, at most [`LINES_MAX`].
    lines: Vec<Line>,
    next_line: u64,
    said: Said,
    /// Counts what was said, so that a page sounds once for each.
    turn: u64,
    /// Whether the last scan came again at once, and was taken for the same.
    repeated: bool,
    last: Option<(Code, Uptime)>,
    /// When somebody last did something here.
    touched: Uptime,
}

/// What is being done with items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// They are lent.
    Lend,
    /// They are taken back.
    Return,
    /// They are lent on.
    Renew,
}

/// Names a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineId(pub(crate) u64);

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Its name.
    pub(crate) id: LineId,
    /// The fact that was written.
    pub(crate) fact: EventId,
    /// What was done.
    pub(crate) kind: LoanKind,
    /// With which item.
    pub(crate) item: Label,
    /// Until when, where it was lent.
    pub(crate) due: Option<Due>,
    /// Whether it was undone.
    pub(crate) is_undone: bool,
    /// Whether something happened to the item since, so that it can be undone no more.
    is_overtaken: bool,
    visit: u64,
}

impl Line {
    /// Whether it may still be undone, as far as the desk knows.
    pub(crate) fn is_undoable(&self) -> bool {
        !self.is_undone && !self.is_overtaken
    }
}

/// What shall be carried out for the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Look at a reader's card.
    Admit(Code),
    /// Lend this.
    Lend(ReaderCard, Code),
    /// Lend this on.
    Renew(ReaderCard, Code),
    /// Take this back.
    TakeBack(Code),
    /// Write down that this did not happen.
    Undo(LineId, EventId),
}

/// What came of an order that was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A reader nothing speaks against.
    Admitted(ReaderCard),
    /// A fact about an item is on disk.
    Written {
        /// The fact.
        fact: EventId,
        /// The item.
        item: Label,
        /// Until when, where it was lent.
        due: Option<Due>,
    },
    /// The undoing is on disk.
    Undone,
}

impl Desk {
    /// An empty desk that lends.
    pub(crate) fn new(settings: Settings, now: Uptime) -> Self {
        Self {
            settings,
            work: Work::Lend,
            reader: None,
            visit: 0,
            lines: Vec::new(),
            next_line: 1,
            said: Said::Ready(Work::Lend),
            turn: 0,
            repeated: false,
            last: None,
            touched: now,
        }
    }

    /// Takes up what was done at the stop that was open when the agent ended, oldest first: nobody
    /// is at the desk, and the last of it can be undone.
    pub(crate) fn resume(&mut self, done: Vec<Undoable>) {
        for act in done {
            self.write_line(act.fact, act.kind, act.item, act.due);
        }
        self.clear();
    }

    /// Takes a scan; the order in it is to be answered before the next.
    pub(crate) fn scan(&mut self, scan: Scan, now: Uptime) -> Option<Order> {
        self.touched = now;
        match scan {
            Scan::Command(command) => self.command(command),
            Scan::Code(code) => self.code(code, now),
        }
    }

    /// Does what a key says.
    pub(crate) fn command(&mut self, command: Command) -> Option<Order> {
        // A code after a key is meant, however soon it comes.
        self.last = None;
        match command {
            Command::Lend => self.choose(Work::Lend),
            Command::Return => self.choose(Work::Return),
            Command::Renew => self.choose(Work::Renew),
            Command::NextReader => {
                self.clear();
                self.say(Said::Ready(self.work));
            }
            Command::Undo => {
                let last = self.lines.iter().rev().find(|line| line.is_undoable());
                let order = last.map(|line| Order::Undo(line.id, line.fact.clone()));
                if order.is_none() {
                    self.say(Said::NothingToUndo);
                }
                return order;
            }
        }
        None
    }

    /// Undoes one line.
    pub(crate) fn undo(&mut self, id: LineId, now: Uptime) -> Option<Order> {
        self.touched = now;
        self.last = None;
        let line = self.lines.iter().find(|line| line.id == id);
        match line.filter(|line| !line.is_undone) {
            Some(line) => Some(Order::Undo(id, line.fact.clone())),
            None => {
                self.say(Said::NothingToUndo);
                None
            }
        }
    }

    /// Takes what came of an order.
    pub(crate) fn answer(&mut self, order: Order, answer: Result<Outcome, Refused>) {
        let outcome = match answer {
            Ok(outcome) => outcome,
            Err(refused) => return self.refuse(&order, refused),
        };
        match outcome {
            Outcome::Admitted(card) => {
                self.clear();
                self.reader = Some(card);
                self.say(Said::ReaderCame(self.work));
            }
            Outcome::Written { fact, item, due } => {
                let kind = match &order {
                    Order::Lend(..) => LoanKind::Checkout,
                    Order::Renew(..) => LoanKind::Renew,
                    Order::TakeBack(_) => LoanKind::Checkin,
                    Order::Admit(_) | Order::Undo(..) => return,
                };
                self.say(Said::Done {
                    kind,
                    item: item.clone(),
                    due,
                });
                self.write_line(fact, kind, item, due);
            }
            Outcome::Undone => {
                let Order::Undo(id, _) = order else { return };
                if let Some(line) = self.lines.iter_mut().find(|line| line.id == id) {
                    line.is_undone = true;
                    let (kind, item) = (line.kind, line.item.clone());
                    self.say(Said::Undone { kind, item });
                }
            }
        }
    }

    /// Forgets a reader who is gone; whether there was one.
    pub(crate) fn tick(&mut self, now: Uptime) -> bool {
        let idle = now.as_duration().saturating_sub(self.touched.as_duration());
        let is_open = self.reader.is_some() || self.visible_lines().next().is_some();
        if !is_open || idle < self.settings.reader_idle {
            return false;
        }
        let had_reader = self.reader.is_some();
        self.clear();
        // A refusal stays until somebody reads it.
        if had_reader && self.said.tone() != Tone::Bad {
            self.say(Said::ReaderLeft);
        }
        true
    }

    /// The stop is over: nobody is at the desk, and nothing of it is undone any more.
    pub(crate) fn end_stop(&mut self) {
        self.clear();
        self.lines.clear();
        self.work = Work::Lend;
        self.last = None;
        self.say(Said::Ready(Work::Lend));
    }

    /// What is being done.
    pub(crate) fn work(&self) -> Work {
        self.work
    }

    /// Counts the readers who came.
    pub(crate) fn visit(&self) -> u64 {
        self.visit
    }

    /// Who is at the desk.
    pub(crate) fn reader(&self) -> Option<&ReaderCard> {
        self.reader.as_ref()
    }

    /// What was last said.
    pub(crate) fn said(&self) -> &Said {
        &self.said
    }

    /// How many things were said so far.
    pub(crate) fn turn(&self) -> u64 {
        self.turn
    }

    /// Whether the last code came twice and was taken once.
    pub(crate) fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// What was done with the reader at the desk, or since the last one went; newest first.
    pub(crate) fn visible_lines(&self) -> impl Iterator<Item = &Line> {
        let visit = self.visit;
        let lines = self.lines.iter().rev();
        lines.take_while(move |line| line.visit == visit)
    }

    fn code(&mut self, code: Code, now: Uptime) -> Option<Order> {
        if let Some((last, at)) = &mut self.last {
            let apart = now.as_duration().saturating_sub(at.as_duration());
            if *last == code && apart < self.settings.repeat_within {
                // A scanner that stutters for long is still one scan.
                *at = now;
                self.repeated = true;
                return None;
            }
        }
        self.last = Some((code.clone(), now));
        if code.is_unknown_command() {
            self.say(Said::UnknownCommand);
            return None;
        }
        Some(match (self.work, self.reader.clone()) {
            (Work::Return, _) => Order::TakeBack(code),
            (Work::Lend | Work::Renew, None) => Order::Admit(code),
            (Work::Lend, Some(reader)) => Order::Lend(reader, code),
            (Work::Renew, Some(reader)) => Order::Renew(reader, code),
        })
    }

    fn choose(&mut self, work: Work) {
        // Lending and renewing are for one reader; whoever returns may be anybody.
        if work == Work::Return || self.work == Work::Return {
            self.clear();
        }
        self.work = work;
        match self.reader {
            Some(_) => self.say(Said::ReaderCame(work)),
            None => self.say(Said::Ready(work)),
        }
    }

    fn clear(&mut self) {
        self.reader = None;
        self.visit += 1;
    }

    fn refuse(&mut self, order: &Order, refused: Refused) {
        // What happened to the item elsewhere, as in a block, the desk learns by this.
        if let (Order::Undo(id, _), Refused::NotUndoable) = (order, refused)
            && let Some(line) = self.lines.iter_mut().find(|line| line.id == *id)
        {
            line.is_overtaken = true;
        }
        self.say(Said::refused(order, self.work, refused));
    }

    fn write_line(&mut self, fact: EventId, kind: LoanKind, item: Label, due: Option<Due>) {
        // Of an item only the last can be undone, and once.
        for line in self.lines.iter_mut().filter(|line| line.item == item) {
            line.is_overtaken = true;
        }
        if self.lines.len() == LINES_MAX {
            self.lines.remove(0);
        }
        self.lines.push(Line {
            id: LineId(self.next_line),
            fact,
            kind,
            item,
            due,
            is_undone: false,
            is_overtaken: false,
            visit: self.visit,
        });
        self.next_line += 1;
    }

    fn say(&mut self, said: Said) {
        self.said = said;
        self.turn += 1;
        self.repeated = false;
    }
}

#[cfg(test)]
mod tests;
