//! The policy and the memory against a model that keeps all that ever happened and reads the
//! state off it, each time anew; over thousands of random days at a desk.

use std::sync::LazyLock;

use lujiang_config::ItemClass;
use lujiang_wire::{Epoch, EventId, LoanKind, Place, Sequence, Stream};
use proptest::prelude::*;

use super::*;
use crate::lending::local_key::LocalKey;
use crate::lending::memory::{Act, Change, DAY_NOTES, ITEM_NOTES};
use crate::lending::test_lending::test_papers;
use crate::outbox::{Note, NotesBelow};

const READERS: usize = 3;
const ITEMS: usize = 6;
const OUT_MAX: u32 = 3;
const DAY_MAX: u32 = 4;

/// What happens at a desk.
#[derive(Debug, Clone, Copy)]
enum Step {
    Lend {
        reader: usize,
        item: usize,
    },
    LendInBlock {
        reader: usize,
        item: usize,
    },
    Renew {
        reader: usize,
        item: usize,
    },
    TakeBack {
        item: usize,
    },
    /// The fact so many before the last.
    Undo {
        back: usize,
    },
    /// The library system decided about it.
    Decided {
        item: usize,
    },
    NextDay,
    /// The outbox lets go of all but so many facts.
    LetGo {
        kept: u64,
    },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (reader, item) = (0..READERS, 0..ITEMS);
    let pair = (reader, item.clone());
    let step = prop_oneof![
        6 => pair.clone().prop_map(|(reader, item)| Step::Lend { reader, item }),
        2 => pair.clone().prop_map(|(reader, item)| Step::LendInBlock { reader, item }),
        3 => pair.prop_map(|(reader, item)| Step::Renew { reader, item }),
        4 => item.clone().prop_map(|item| Step::TakeBack { item }),
        4 => (0..6_usize).prop_map(|back| Step::Undo { back }),
        1 => item.prop_map(|item| Step::Decided { item }),
        2 => Just(Step::NextDay),
        1 => (0..20_u64).prop_map(|kept| Step::LetGo { kept }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

/// One thing that happened, as the model knows it.
#[derive(Debug, Clone)]
struct Happened {
    sequence: u64,
    kind: LoanKind,
    item: usize,
    reader: usize,
    day: Date,
    due: Date,
    in_block: bool,
    undone: bool,
    /// The device knows of it no more.
    forgotten: bool,
}

/// All that happened.
#[derive(Debug, Default)]
struct Model {
    happened: Vec<Happened>,
    /// Facts in all; an undoing is one too.
    written: u64,
    /// Per item the number of its last fact.
    last: [u64; ITEMS],
}

impl Model {
    /// What counts of an item: not undone, not forgotten.
    fn of(&self, item: usize) -> impl DoubleEndedIterator<Item = &Happened> {
        let counts = move |h: &&Happened| h.item == item && !h.undone && !h.forgotten;
        self.happened.iter().filter(counts)
    }

    /// The loan by which an item is out.
    fn lent(&self, item: usize) -> Option<&Happened> {
        self.of(item).last().filter(|h| h.kind != LoanKind::Checkin)
    }

    fn renewals(&self, item: usize) -> usize {
        let since = self.of(item).rev();
        since.take_while(|h| h.kind == LoanKind::Renew).count()
    }

    fn is_block(&self, item: usize) -> bool {
        let mut since = self
            .of(item)
            .rev()
            .skip_while(|h| h.kind == LoanKind::Renew);
        since
            .next()
            .is_some_and(|h| h.kind == LoanKind::Checkout && h.in_block)
    }

    fn out(&self, reader: usize) -> usize {
        let has = |item: &usize| self.lent(*item).is_some_and(|h| h.reader == reader);
        (0..ITEMS)
            .filter(has)
            .filter(|item| !self.is_block(*item))
            .count()
    }

    fn lent_on(&self, reader: usize, day: Date) -> usize {
        let counts =
            |h: &&Happened| h.reader == reader && h.day == day && h.kind == LoanKind::Checkout;
        let lent = self.happened.iter().filter(counts);
        lent.filter(|h| !h.undone && !h.in_block).count()
    }

    fn forget(&mut self, item: usize) {
        let of_item = self.happened.iter_mut().filter(|h| h.item == item);
        of_item.for_each(|h| h.forgotten = true);
        self.last[item] = 0;
    }
}

/// The real thing, without a disk: notes are kept in a list.
struct Bench {
    policy: Policy,
    memory: Memory,
    notes: std::collections::BTreeMap<String, String>,
    model: Model,
    today: Date,
    renewals: Renewals,
}

fn epoch() -> Epoch {
    Epoch::from_bits(7)
}

fn place(sequence: u64) -> Place {
    Place {
        epoch: epoch(),
        stream: Stream::Loan,
        sequence: Sequence::new(sequence).unwrap(),
    }
}

fn barcode(item: usize) -> Barcode {
    Barcode::new(format!("LL{item:06}").parse().unwrap())
}

fn mark(reader: usize) -> ReaderMark {
    static MARKS: LazyLock<[ReaderMark; READERS]> = LazyLock::new(|| {
        let key = LocalKey::new(&[3; 32]);
        std::array::from_fn(|reader| {
            key.mark(&ReaderCard::new(format!("4302231990010112{reader:02}")))
        })
    });
    MARKS[reader].clone()
}

fn section(renewals: Renewals) -> LendingSection {
    LendingSection {
        reader_items_max: OUT_MAX,
        reader_day_max: DAY_MAX,
        loan_days: 5,
        renewals_max: 2,
        renewals,
        // One of the items is not lent on at all.
        classes: vec![ItemClass {
            pattern: "LL000000".parse().unwrap(),
            days: 2,
            renewals_max: 0,
        }],
        ..LendingSection::default()
    }
}

impl Bench {
    fn new(renewals: Renewals) -> Self {
        Self {
            policy: Policy::of(&section(renewals)),
            memory: Memory::default(),
            notes: std::collections::BTreeMap::new(),
            model: Model::default(),
            today: "2026-11-24".parse().unwrap(),
            renewals,
        }
    }

    fn keep(&mut self, changes: Vec<Change>) {
        for change in changes {
            let Note { name, text } = change.note();
            match text {
                Some(text) => self.notes.insert(name.into_owned(), text),
                None => self.notes.remove::<str>(name.as_ref()),
            };
            self.memory.apply(change);
        }
    }

    fn restart(&mut self) {
        let below = |prefix: &str| NotesBelow {
            notes: self
                .notes
                .iter()
                .filter_map(|(name, text)| Some((name.strip_prefix(prefix)?, text)))
                .map(|(name, text)| (name.to_owned(), text.clone()))
                .collect(),
            damaged: Vec::new(),
        };
        self.memory = Memory::of_notes(below(ITEM_NOTES), below(DAY_NOTES), None);
    }

    fn act(&mut self, kind: LoanKind) -> (Act, Place) {
        self.model.written += 1;
        let at = place(self.model.written);
        let act = Act {
            fact: EventId::of_place(&at),
            kind,
            at: Timestamp::UNIX_EPOCH,
            session: "s".parse().unwrap(),
            stop: None,
            block: None,
            unloaded: None,
        };
        (act, at)
    }

    fn happened(&mut self, kind: LoanKind, item: usize, reader: usize, lent: Option<&LentHere>) {
        self.model.last[item] = self.model.written;
        self.model.happened.push(Happened {
            sequence: self.model.written,
            kind,
            item,
            reader,
            day: self.today,
            due: lent.map_or(self.today, |lent| lent.due),
            in_block: lent.is_some_and(|lent| lent.block.is_some()),
            undone: false,
            forgotten: false,
        });
    }

    fn lend(&mut self, reader: usize, item: usize, block: Option<&Label>) {
        let mark = mark(reader);
        let borrower = Borrower {
            mark: &mark,
            today: self.today,
            block,
            carrier: None,
        };
        let said = self.policy.lend(&self.memory, borrower, &barcode(item));
        let limit = |limit, most| Some(Refused::LimitReached { limit, most });
        let expected = if self.model.lent(item).is_some() {
            Some(Refused::ItemAlreadyLentHere)
        } else if block.is_some() {
            None
        } else if self.model.out(reader) >= OUT_MAX as usize {
            limit(Limit::Out, OUT_MAX)
        } else if self.model.lent_on(reader, self.today) >= DAY_MAX as usize {
            limit(Limit::Day, DAY_MAX)
        } else {
            None
        };
        assert_eq!(said.as_ref().err(), expected.as_ref());
        if let Ok(lent) = said {
            let (act, at) = self.act(LoanKind::Checkout);
            let changes = self.memory.lend(&barcode(item), lent.clone(), act, &at);
            self.happened(LoanKind::Checkout, item, reader, Some(&lent));
            self.keep(changes);
        }
    }

    fn renew(&mut self, reader: usize, item: usize) {
        let mark = mark(reader);
        let borrower = Borrower {
            mark: &mark,
            today: self.today,
            block: None,
            carrier: None,
        };
        let said = self.policy.renew(&self.memory, borrower, &barcode(item));
        let known = self.model.lent(item);
        let (most, days) = if item == 0 { (0, 2) } else { (2, 5) };
        let due = self
            .today
            .checked_add(jiff::Span::new().days(days))
            .unwrap();
        let expected = match known {
            _ if self.renewals == Renewals::None => Some(Refused::NotRenewedOffline),
            None if self.renewals == Renewals::LentHere => Some(Refused::NotLentHere),
            Some(known) if known.reader != reader => Some(Refused::LentToAnother),
            _ if self.model.renewals(item) >= usize::from(most) => {
                Some(Refused::RenewalLimitReached { most })
            }
            Some(known) if known.due >= due => Some(Refused::RenewalGainsNothing),
            _ => None,
        };
        assert_eq!(said.as_ref().err(), expected.as_ref());
        if let Ok(lent) = said {
            let (act, at) = self.act(LoanKind::Renew);
            let changes = self.memory.lend(&barcode(item), lent.clone(), act, &at);
            self.happened(LoanKind::Renew, item, reader, Some(&lent));
            self.keep(changes);
        }
    }

    fn take_back(&mut self, item: usize) {
        let (act, at) = self.act(LoanKind::Checkin);
        let changes = self.memory.take_back(&barcode(item), act, &at);
        self.happened(LoanKind::Checkin, item, READERS, None);
        self.keep(changes);
    }

    fn undo(&mut self, back: usize) {
        let Some(index) = self.model.happened.len().checked_sub(back + 1) else {
            return;
        };
        let Happened {
            sequence,
            item,
            undone,
            forgotten,
            ..
        } = self.model.happened[index];
        let fact = EventId::of_place(&place(sequence));
        let may = !undone && !forgotten && self.model.last[item] == sequence;
        let found = self.memory.last_act(&fact).map(|(item, _)| item.clone());
        assert_eq!(found, may.then(|| barcode(item)));
        if may {
            self.model.written += 1;
            let changes = self.memory.undo(&barcode(item), &place(self.model.written));
            self.model.happened[index].undone = true;
            self.model.last[item] = self.model.written;
            self.keep(changes);
        }
    }

    fn let_go(&mut self, kept: u64) {
        let first = self.model.written.saturating_sub(kept) + 1;
        let changes = self.memory.outlived(first, self.today);
        self.keep(changes);
        for item in 0..ITEMS {
            // What a block has out stays until it is back.
            let is_out = self.model.lent(item).is_some() && self.model.is_block(item);
            if self.model.last[item] < first && !is_out {
                self.model.forget(item);
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Lend { reader, item } => self.lend(reader, item, None),
            Step::LendInBlock { reader, item } => {
                self.lend(reader, item, Some(&"b".parse().unwrap()));
            }
            Step::Renew { reader, item } => self.renew(reader, item),
            Step::TakeBack { item } => self.take_back(item),
            Step::Undo { back } => self.undo(back),
            Step::Decided { item } => {
                self.keep(self.memory.forget(&barcode(item)));
                self.model.forget(item);
            }
            Step::NextDay => self.today = self.today.tomorrow().unwrap(),
            Step::LetGo { kept } => self.let_go(kept),
            Step::Restart => self.restart(),
        }
    }

    fn check(&self) {
        for reader in 0..READERS {
            let mark = mark(reader);
            assert_eq!(self.memory.out(&mark) as usize, self.model.out(reader));
            let lent = self.memory.lent_on(&mark, self.today);
            assert_eq!(lent as usize, self.model.lent_on(reader, self.today));
        }
        for item in 0..ITEMS {
            let lent = self.memory.lent(&barcode(item));
            let lent = lent.map(|lent| (lent.reader.clone(), lent.due));
            let expected = self.model.lent(item).map(|h| (mark(h.reader), h.due));
            assert_eq!(lent, expected);
            // An undoing is news, too: the gateway has yet to hear of it.
            let last = self.memory.last_facts().of(&barcode(item));
            assert_eq!(last.unwrap_or(0), self.model.last[item]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_at_a_desk_policy_and_memory_agree_with_what_happened(
        steps in steps(),
        renewals in prop::sample::select(vec![Renewals::None, Renewals::LentHere, Renewals::Any]),
    ) {
        let mut bench = Bench::new(renewals);
        for step in steps {
            bench.step(step);
            bench.check();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exactly_the_readers_on_the_list_are_blocked(
        blocked in prop::collection::btree_set("[0-9]{17}[0-9X]", 0..20),
        others in prop::collection::vec("[0-9]{17}[0-9X]", 1..20),
    ) {
        let listed: Vec<&str> = blocked.iter().map(String::as_str).collect();
        let text = serde_json::to_vec(&test_papers(&listed)).unwrap();
        let papers = Papers::read(&text, None).unwrap();
        let policy = Policy::of(&LendingSection::default());
        for reader in blocked.iter().chain(&others) {
            let card = ReaderCard::new(reader.clone());
            let said = policy.admit(Some(&papers), &card).err();
            let expected = blocked.contains(reader).then_some(Refused::ReaderBlocked);
            prop_assert_eq!(said, expected);
        }
    }
}

#[test]
fn a_device_that_only_takes_back_lends_nothing_whatever_papers_it_has() {
    let policy = Policy::of(&LendingSection {
        offline: Offline::Checkin,
        ..LendingSection::default()
    });
    let card = ReaderCard::new("43022319900101123X".to_owned());
    assert_eq!(
        policy.admit(None, &card).err(),
        Some(Refused::NotLentOffline)
    );
}
