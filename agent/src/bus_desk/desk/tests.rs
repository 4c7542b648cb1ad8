//! Claims about the desk, one scan at a time; and a thousand random ones against a model.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lujiang_wire::Place;
use proptest::prelude::*;

use super::*;
use crate::bus_desk::said::Wanted;
use crate::lending::test_lending::{read_item, read_reader};

const READER: &str = "43022319900101123X";
const OTHER: &str = "430223198505054321";
const ITEM: &str = "LL000001";

/// A desk and a library that lends, as far as a desk can see.
struct Bench {
    desk: Desk,
    now: Uptime,
    /// Who has which item.
    out: BTreeMap<String, String>,
    /// What was written, in order: which kind, which item, and of what is undone the number.
    facts: Vec<Done>,
}

impl Bench {
    fn new() -> Self {
        let now = Uptime::new(Duration::from_secs(1_000));
        let settings = Settings {
            reader_idle: Duration::from_secs(60),
            repeat_within: Duration::from_secs(2),
        };
        Self {
            desk: Desk::new(settings, now),
            now,
            out: BTreeMap::new(),
            facts: Vec::new(),
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now = Uptime::new(self.now.as_duration() + time);
    }

    /// A scan some seconds after the last.
    fn scan(&mut self, text: &str) -> Said {
        self.wait(Duration::from_secs(3));
        self.scan_at_once(text)
    }

    fn scan_at_once(&mut self, text: &str) -> Said {
        let scan = Scan::read(text).expect("something is scanned");
        let order = self.desk.scan(scan, self.now);
        self.answer(order);
        self.desk.said().clone()
    }

    fn answer(&mut self, order: Option<Order>) {
        if let Some(order) = order {
            let answer = self.decide(&order);
            self.desk.answer(order, answer);
        }
    }

    fn decide(&mut self, order: &Order) -> Result<Outcome, Refused> {
        let due = Some(Due::Day(Date::constant(2026, 12, 24)));
        match order {
            Order::Admit(code) => read_reader(code.reveal()).map(Outcome::Admitted),
            Order::Lend(reader, code) => {
                let item = read_item(code.reveal())?;
                if self.out.contains_key(item.as_str()) {
                    return Err(Refused::ItemAlreadyLentHere);
                }
                self.out.insert(item.to_string(), reader.to_string());
                Ok(self.write(LoanKind::Checkout, item.as_str(), due))
            }
            Order::Renew(reader, code) => {
                let item = read_item(code.reveal())?;
                if self.out.get(item.as_str()) != Some(&reader.to_string()) {
                    return Err(Refused::NotLentHere);
                }
                Ok(self.write(LoanKind::Renew, item.as_str(), due))
            }
            Order::TakeBack(code) => {
                let item = read_item(code.reveal())?;
                self.out.remove(item.as_str());
                Ok(self.write(LoanKind::Checkin, item.as_str(), None))
            }
            Order::Undo(_, fact) => {
                let index = (0..self.facts.len()).find(|n| fact_id(*n) == *fact);
                let index = index.expect("a fact of ours");
                let (kind, item, _) = self.facts[index].clone();
                if !may_be_undone(&self.facts, index) {
                    return Err(Refused::NotUndoable);
                }
                self.facts[index].2 = true;
                if kind == LoanKind::Checkout {
                    self.out.remove(&item);
                }
                Ok(Outcome::Undone)
            }
        }
    }

    /// The agent starts again: lending remembers the last of each item, where it stands.
    fn restart(&mut self) {
        self.desk = Desk::new(self.desk.settings, self.now);
        let stands = |n: &usize| may_be_undone(&self.facts, *n);
        let done = (0..self.facts.len()).filter(stands).map(|n| Undoable {
            fact: fact_id(n),
            kind: self.facts[n].0,
            item: self.facts[n].1.parse().unwrap(),
            due: None,
        });
        self.desk.resume(done.collect());
    }

    fn write(&mut self, kind: LoanKind, item: &str, due: Option<Due>) -> Outcome {
        self.facts.push((kind, item.to_owned(), false));
        Outcome::Written {
            fact: fact_id(self.facts.len() - 1),
            item: item.parse().unwrap(),
            due,
        }
    }
}

/// What was done, with which item, and whether it was undone.
type Done = (LoanKind, String, bool);

/// Only the last that happened to an item is undone, and once.
fn may_be_undone(facts: &[Done], index: usize) -> bool {
    let (_, item, is_undone) = &facts[index];
    !is_undone && facts[index + 1..].iter().all(|(_, it, _)| it != item)
}

/// The last that may be undone.
fn last_undoable(facts: &[Done]) -> Option<usize> {
    (0..facts.len()).rfind(|n| may_be_undone(facts, *n))
}

fn fact_id(number: usize) -> EventId {
    EventId::of_place(&Place {
        epoch: lujiang_wire::Epoch::from_bits(7),
        stream: lujiang_wire::Stream::Loan,
        sequence: lujiang_wire::Sequence::new(number as u64 + 1).unwrap(),
    })
}

fn refusal(said: Said) -> (Wanted, Refused) {
    match said {
        Said::Refused { wanted, why, .. } => (wanted, why),
        other => panic!("a refusal expected, not {other:?}"),
    }
}

#[test]
fn a_card_and_then_items_are_lent_until_another_day() {
    let mut bench = Bench::new();
    assert_eq!(bench.scan(READER), Said::ReaderCame(Work::Lend));
    for item in [ITEM, "LL000002"] {
        let said = bench.scan(item);
        assert!(matches!(
            said,
            Said::Done {
                kind: LoanKind::Checkout,
                due: Some(_),
                ..
            }
        ));
    }
    let lines: Vec<&str> = bench
        .desk
        .visible_lines()
        .map(|l| l.item.as_str())
        .collect();
    assert_eq!(lines, ["LL000002", ITEM]);
}

#[test]
fn an_item_without_a_card_and_a_card_in_place_of_an_item_are_refused() {
    let mut bench = Bench::new();
    let early = refusal(bench.scan(ITEM));
    assert_eq!(
        early,
        (Wanted::Reader(Work::Lend), Refused::LooksLikeAnItem)
    );
    bench.scan(READER);
    let card = bench.scan(OTHER);
    assert!(!format!("{card:?}").contains("4321"), "a card is not shown");
    let expected = (Wanted::Item(LoanKind::Checkout), Refused::LooksLikeAReader);
    assert_eq!(refusal(card), expected);
    assert!(bench.facts.is_empty());
}

#[test]
fn the_same_code_at_once_is_one_and_is_said_so_and_later_it_is_another() {
    let mut bench = Bench::new();
    bench.scan(READER);
    bench.scan(ITEM);
    let turn = bench.desk.turn();
    for _ in 0..5 {
        bench.wait(Duration::from_millis(1_500));
        bench.scan_at_once(ITEM);
        assert!(bench.desk.is_repeated());
    }
    assert_eq!((bench.facts.len(), bench.desk.turn()), (1, turn));
    assert_eq!(refusal(bench.scan(ITEM)).1, Refused::ItemAlreadyLentHere);
    assert!(!bench.desk.is_repeated());
}

#[test]
fn a_refusal_stays_while_nobody_scans_and_goes_with_the_next_good_scan() {
    let mut bench = Bench::new();
    bench.scan(READER);
    refusal(bench.scan(OTHER));
    bench.wait(Duration::from_secs(61));
    assert!(bench.desk.tick(bench.now));
    refusal(bench.desk.said().clone());
    assert_eq!(bench.desk.reader(), None);
    assert_eq!(bench.scan(OTHER), Said::ReaderCame(Work::Lend));
}

#[test]
fn a_reader_who_left_is_forgotten_and_nothing_more_is_lent() {
    let mut bench = Bench::new();
    bench.scan(READER);
    bench.scan(ITEM);
    bench.wait(Duration::from_secs(59));
    assert!(!bench.desk.tick(bench.now));
    bench.wait(Duration::from_secs(1));
    assert!(bench.desk.tick(bench.now));
    assert_eq!(bench.desk.said(), &Said::ReaderLeft);
    assert_eq!(bench.desk.visible_lines().count(), 0);
    assert_eq!(refusal(bench.scan("LL000002")).1, Refused::LooksLikeAnItem);
    assert!(!bench.desk.tick(bench.now));
}

#[test]
fn keys_and_their_barcodes_do_the_same_and_returns_need_no_card() {
    let mut bench = Bench::new();
    bench.scan(READER);
    assert_eq!(bench.scan("LJ-RETURN"), Said::Ready(Work::Return));
    assert_eq!(bench.desk.reader(), None, "whoever returns may be anybody");
    assert!(matches!(
        bench.scan(ITEM),
        Said::Done {
            kind: LoanKind::Checkin,
            ..
        }
    ));
    assert_eq!(refusal(bench.scan(READER)).1, Refused::LooksLikeAReader);
    assert_eq!(bench.scan("LJ-RENEW"), Said::Ready(Work::Renew));
    bench.scan(READER);
    assert_eq!(bench.scan("LJ-LEND"), Said::ReaderCame(Work::Lend));
    bench.scan(ITEM);
    bench.scan("LJ-RENEW");
    assert!(matches!(
        bench.scan(ITEM),
        Said::Done {
            kind: LoanKind::Renew,
            ..
        }
    ));
    assert_eq!(bench.scan("LJ-READER"), Said::Ready(Work::Renew));
    assert_eq!(bench.scan("LJ-DANCE"), Said::UnknownCommand);
}

#[test]
fn the_last_is_undone_first_and_each_line_by_itself() {
    let mut bench = Bench::new();
    bench.scan(READER);
    for item in [ITEM, "LL000002", "LL000003"] {
        bench.scan(item);
    }
    assert!(matches!(
        bench.scan("LJ-UNDO"),
        Said::Undone {
            kind: LoanKind::Checkout,
            ..
        }
    ));
    let first = bench.desk.visible_lines().last().unwrap().id;
    let order = bench.desk.undo(first, bench.now);
    bench.answer(order);
    assert_eq!(bench.desk.undo(first, bench.now), None, "once");
    let undone: Vec<bool> = bench.facts.iter().map(|(.., undone)| *undone).collect();
    assert_eq!(undone, [true, false, true]);
    bench.scan("LJ-UNDO");
    assert_eq!(bench.scan("LJ-UNDO"), Said::NothingToUndo);
}

#[test]
fn the_last_can_be_undone_after_its_reader_has_left() {
    let mut bench = Bench::new();
    bench.scan(READER);
    bench.scan(ITEM);
    bench.wait(Duration::from_secs(61));
    bench.desk.tick(bench.now);
    assert!(matches!(bench.scan("LJ-UNDO"), Said::Undone { .. }));
    bench.desk.end_stop();
    assert_eq!(bench.scan("LJ-UNDO"), Said::NothingToUndo);
}

#[test]
fn undoing_goes_past_what_was_overtaken_and_reaches_what_was_done_before() {
    let mut bench = Bench::new();
    bench.scan(READER);
    bench.scan(ITEM);
    bench.scan("LL000002");
    bench.scan("LJ-RETURN");
    bench.scan("LL000002");
    let undone = |said: Said| match said {
        Said::Undone { kind, item } => (kind, item.to_string()),
        other => panic!("an undoing expected, not {other:?}"),
    };
    let back = (LoanKind::Checkin, "LL000002".to_owned());
    assert_eq!(undone(bench.scan("LJ-UNDO")), back);
    let first = (LoanKind::Checkout, ITEM.to_owned());
    assert_eq!(undone(bench.scan("LJ-UNDO")), first);
    assert_eq!(bench.scan("LJ-UNDO"), Said::NothingToUndo);
}

#[test]
fn what_cannot_be_undone_after_all_is_said_once_and_then_gone_past() {
    let mut bench = Bench::new();
    bench.scan(READER);
    bench.scan(ITEM);
    bench.scan("LL000002");
    // It came back in a block, which the desk does not see.
    bench.write(LoanKind::Checkin, "LL000002", None);
    let expected = (Wanted::Undoing, Refused::NotUndoable);
    assert_eq!(refusal(bench.scan("LJ-UNDO")), expected);
    assert!(matches!(bench.scan("LJ-UNDO"), Said::Undone { .. }));
    assert_eq!(bench.scan("LJ-UNDO"), Said::NothingToUndo);
}

/// What may happen at a desk.
#[derive(Debug, Clone)]
enum Happening {
    Scan(&'static str),
    Repeat,
    Wait(u64),
    /// The agent starts again, at the same stop.
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    let codes = vec![
        READER,
        OTHER,
        ITEM,
        "LL000002",
        "LL000003",
        "ＬＬ０００００１",
        "?",
        "LJ-LEND",
        "LJ-RETURN",
        "LJ-RENEW",
        "LJ-UNDO",
        "LJ-READER",
        "LJ-DANCE",
    ];
    prop_oneof![
        8 => prop::sample::select(codes).prop_map(Happening::Scan),
        1 => Just(Happening::Repeat),
        1 => (1..90_u64).prop_map(Happening::Wait),
        1 => Just(Happening::Restart),
    ]
}

/// The desk as one would explain it: which work, which reader, what was written.
#[derive(Debug, Default)]
struct Model {
    work: Option<Work>,
    reader: Option<&'static str>,
    out: BTreeMap<String, &'static str>,
    facts: Vec<Done>,
    idle: u64,
    last: Option<&'static str>,
}

impl Model {
    fn scan(&mut self, text: &'static str, seconds: u64) {
        self.wait(seconds);
        self.idle = 0;
        // Full-width forms are the same code.
        let text = if text == "ＬＬ０００００１" {
            ITEM
        } else {
            text
        };
        let command = text.starts_with("LJ-") && text != "LJ-DANCE";
        let repeats = self.last == Some(text) && seconds < 2;
        self.last = (!command).then_some(text);
        if repeats {
            return;
        }
        let work = self.work.unwrap_or(Work::Lend);
        match text {
            "LJ-LEND" => self.choose(Work::Lend),
            "LJ-RETURN" => self.choose(Work::Return),
            "LJ-RENEW" => self.choose(Work::Renew),
            "LJ-READER" => self.reader = None,
            "LJ-UNDO" => self.undo(),
            "LJ-DANCE" | "?" => {}
            READER | OTHER if self.reader.is_none() && work != Work::Return => {
                self.reader = Some(text);
            }
            READER | OTHER => {}
            item => self.item(work, item.to_owned()),
        }
    }

    fn item(&mut self, work: Work, item: String) {
        let has = self.out.get(&item).copied();
        match (work, self.reader) {
            (Work::Return, _) => {
                self.out.remove(&item);
                self.facts.push((LoanKind::Checkin, item, false));
            }
            (Work::Lend, Some(reader)) if has.is_none() => {
                self.out.insert(item.clone(), reader);
                self.facts.push((LoanKind::Checkout, item, false));
            }
            (Work::Renew, Some(reader)) if has == Some(reader) => {
                self.facts.push((LoanKind::Renew, item, false));
            }
            (Work::Lend | Work::Renew, _) => {}
        }
    }

    fn choose(&mut self, work: Work) {
        if work == Work::Return || self.work == Some(Work::Return) {
            self.reader = None;
        }
        self.work = Some(work);
    }

    fn undo(&mut self) {
        let Some(at) = last_undoable(&self.facts) else {
            return;
        };
        let (kind, item, _) = self.facts[at].clone();
        self.facts[at].2 = true;
        if kind == LoanKind::Checkout {
            self.out.remove(&item);
        }
    }

    fn restart(&mut self) {
        (self.work, self.reader, self.last, self.idle) = (None, None, None, 0);
    }

    fn wait(&mut self, seconds: u64) {
        self.idle += seconds;
        if self.idle >= 60 {
            self.reader = None;
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_scanned_in_whatever_order_what_is_written_is_what_the_model_says(
        happenings in prop::collection::vec((happening(), 0..4_u64), 1..120),
    ) {
        let (mut bench, mut model) = (Bench::new(), Model::default());
        let mut before = ITEM;
        for (happening, seconds) in happenings {
            let (text, seconds) = match happening {
                Happening::Wait(seconds) => {
                    bench.wait(Duration::from_secs(seconds));
                    bench.desk.tick(bench.now);
                    model.wait(seconds);
                    // A code after a long while is another scan.
                    model.last = model.last.filter(|_| seconds < 2);
                    continue;
                }
                Happening::Restart => {
                    bench.restart();
                    model.restart();
                    continue;
                }
                Happening::Repeat => (before, 0),
                Happening::Scan(text) => (text, seconds),
            };
            before = text;
            bench.wait(Duration::from_secs(seconds));
            bench.desk.tick(bench.now);
            bench.scan_at_once(text);
            model.scan(text, seconds);
            prop_assert_eq!(&bench.facts, &model.facts);
            prop_assert_eq!(bench.desk.reader().is_some(), model.reader.is_some());
        }
    }
}
