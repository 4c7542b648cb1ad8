//! Claims about an outbox.

use std::path::PathBuf;

use lujiang_config::ByteSize;
use lujiang_wire::{LedgerId, RawTotals, VisitCounted};

use super::*;

struct Bench {
    folder: tempfile::TempDir,
    section: OutboxSection,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            section: OutboxSection::default(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("outbox.db")
    }

    fn open(&self) -> Outbox {
        self.open_with(OutboxOptions::default())
    }

    fn open_with(&self, options: OutboxOptions) -> Outbox {
        Outbox::open(
            &self.path(),
            &"gate-1".parse().unwrap(),
            &self.section,
            options,
        )
        .unwrap()
    }
}

fn stamp(minute: u64) -> Stamp {
    Stamp {
        time: Timestamp::from_second(1_780_000_000 + i64::try_from(minute * 60).unwrap()).unwrap(),
        moment: Moment {
            boot: "boot".parse().unwrap(),
            uptime: Uptime::from_millis(minute * 60_000).unwrap(),
        },
    }
}

fn visit(minute: u64, entered: u64) -> Fact {
    Fact::VisitCounted(VisitCounted {
        from: stamp(minute).time,
        to: stamp(minute + 1).time,
        entered,
        left: 0,
        raw: Some(RawTotals { entered, left: 0 }),
        flags: Vec::new(),
    })
}

fn fill(outbox: &Outbox, minutes: std::ops::Range<u64>) {
    for minute in minutes {
        outbox
            .record(&stamp(minute), vec![visit(minute, 1)], None)
            .unwrap();
    }
}

fn receipts(outbox: &Outbox, ledger: &str, visits: u64) -> Receipts {
    Receipts {
        ledger: LedgerId(ledger.to_owned()),
        epoch: outbox.epoch().clone(),
        streams: [(Stream::Visit, visits)].into(),
    }
}

/// Everything that would be sent on a new connection: (stream, sequence).
fn sent_again(outbox: &Outbox) -> Vec<(Stream, u64)> {
    outbox.begin_connection().unwrap();
    let mut all = Vec::new();
    while let Some(batch) = outbox.next_batch(&stamp(0), 7, 100_000).unwrap() {
        for text in &batch.events {
            let place = Event::from_json(text).unwrap().place.unwrap();
            all.push((place.stream, place.sequence.get()));
        }
    }
    all
}

fn visits(numbers: std::ops::RangeInclusive<u64>) -> Vec<(Stream, u64)> {
    numbers.map(|number| (Stream::Visit, number)).collect()
}

#[test]
fn an_outbox_keeps_its_epoch_its_facts_and_its_notes() {
    let bench = Bench::new();
    let outbox = bench.open();
    let note = Note {
        name: "gate".into(),
        text: Some("{}".to_owned()),
    };
    outbox
        .record(&stamp(0), vec![visit(0, 1), visit(1, 2)], Some(note))
        .unwrap();
    let epoch = outbox.epoch().clone();
    drop(outbox);
    let outbox = bench.open();
    assert_eq!(*outbox.epoch(), epoch);
    assert_eq!(outbox.note("gate").unwrap().as_deref(), Some("{}"));
    assert_eq!(sent_again(&outbox), visits(1..=2));
    assert_ne!(*Bench::new().open().epoch(), epoch);
}

#[test]
fn an_outbox_of_another_device_is_refused() {
    let bench = Bench::new();
    drop(bench.open());
    let other = "gate-2".parse().unwrap();
    let error = Outbox::open(
        &bench.path(),
        &other,
        &bench.section,
        OutboxOptions::default(),
    )
    .unwrap_err();
    assert!(matches!(error, OutboxError::OtherDevice { .. }), "{error}");
}

#[test]
fn an_outbox_that_was_never_finished_is_made_anew() {
    let bench = Bench::new();
    let epoch = bench.open().epoch().clone();
    Connection::open(bench.path())
        .unwrap()
        .execute("DELETE FROM meta WHERE name = 'ready'", [])
        .unwrap();
    assert_ne!(*bench.open().epoch(), epoch);
}

#[test]
fn a_puback_settles_nothing_and_a_receipt_does() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..5);
    outbox.next_batch(&stamp(9), 500, 100_000).unwrap().unwrap();
    outbox.acknowledged(Stream::Visit, 5).unwrap();
    assert!(outbox.is_drained().unwrap());
    assert_eq!(
        sent_again(&outbox),
        visits(1..=5),
        "without a receipt they are sent again"
    );
    outbox
        .settle(&receipts(&outbox, "a", 3), &stamp(9))
        .unwrap();
    assert_eq!(sent_again(&outbox), visits(4..=5));
    assert_eq!(outbox.depth().unwrap()[&Stream::Visit].waiting, 2);
}

#[test]
fn a_lower_receipt_or_another_ledger_opens_what_it_lacks_again() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..9);
    sent_again(&outbox);
    outbox
        .settle(&receipts(&outbox, "a", 9), &stamp(9))
        .unwrap();
    assert_eq!(sent_again(&outbox), []);
    let back = outbox
        .settle(&receipts(&outbox, "a", 4), &stamp(9))
        .unwrap();
    assert_eq!(back.reopened, [(Stream::Visit, 4)].into());
    assert_eq!(sent_again(&outbox), visits(5..=9));
    let mut other = receipts(&outbox, "b", 0);
    other.streams.clear();
    outbox.settle(&other, &stamp(9)).unwrap();
    assert_eq!(sent_again(&outbox), visits(1..=9));
    let mut foreign = receipts(&outbox, "b", 9);
    foreign.epoch = Epoch::from_bits(7);
    assert_eq!(
        outbox.settle(&foreign, &stamp(9)).unwrap(),
        Settlement::default()
    );
}

#[test]
fn an_outbox_restored_from_an_older_copy_sends_what_never_left_it_and_numbers_after_the_ledger() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..5);
    sent_again(&outbox);
    outbox
        .settle(&receipts(&outbox, "a", 5), &stamp(9))
        .unwrap();
    outbox.checkpoint().unwrap();
    let copy = std::fs::read(bench.path()).unwrap();
    fill(&outbox, 5..9);
    assert_eq!(sent_again(&outbox), visits(6..=9));
    drop(outbox);

    for written_since in [0, 2, 4, 6] {
        std::fs::write(bench.path(), &copy).unwrap();
        let outbox = bench.open();
        fill(&outbox, 20..20 + written_since);
        let settled = outbox
            .settle(&receipts(&outbox, "a", 9), &stamp(30))
            .unwrap();
        assert_eq!(settled.ahead, [Stream::Visit], "{written_since}");
        fill(&outbox, 30..31);
        let next = (5 + written_since).max(9) + 1;
        let mut expected = visits(6..=5 + written_since);
        expected.push((Stream::Visit, next));
        assert_eq!(sent_again(&outbox), expected, "{written_since}");
        let settled = outbox
            .settle(&receipts(&outbox, "a", next), &stamp(31))
            .unwrap();
        assert_eq!(settled.ahead, []);
        assert_eq!(sent_again(&outbox), []);
    }
}

#[test]
fn a_number_given_up_before_it_ever_left_is_no_sign_of_an_older_copy() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..3);
    outbox.next_batch(&stamp(3), 2, 100_000).unwrap().unwrap();
    {
        let mut desk = outbox.desk();
        outbox
            .give_up_damaged(&mut desk, &stamp(3), Stream::Visit, &[3])
            .unwrap();
    }
    let settled = outbox
        .settle(&receipts(&outbox, "a", 3), &stamp(9))
        .unwrap();
    assert_eq!(settled.ahead, []);
    assert_eq!(outbox.depth().unwrap()[&Stream::Visit].settled, 3);
}

#[test]
fn a_lower_receipt_during_a_connection_sends_at_once() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..3);
    outbox.begin_connection().unwrap();
    outbox.next_batch(&stamp(9), 500, 100_000).unwrap().unwrap();
    outbox
        .settle(&receipts(&outbox, "a", 3), &stamp(9))
        .unwrap();
    assert!(
        outbox
            .next_batch(&stamp(9), 500, 100_000)
            .unwrap()
            .is_none()
    );
    outbox
        .settle(&receipts(&outbox, "a", 1), &stamp(9))
        .unwrap();
    let again = outbox.next_batch(&stamp(9), 500, 100_000).unwrap().unwrap();
    assert_eq!((again.from, again.to), (2, 3));
}

#[test]
fn rows_deleted_on_puback_are_not_there_for_a_restored_gateway() {
    let bench = Bench::new();
    let outbox = bench.open_with(OutboxOptions {
        settle: Settle::OnPuback,
        ..OutboxOptions::default()
    });
    fill(&outbox, 0..3);
    outbox.acknowledged(Stream::Visit, 3).unwrap();
    outbox
        .settle(&receipts(&outbox, "a", 0), &stamp(9))
        .unwrap();
    assert_eq!(sent_again(&outbox), [], "the planted fault loses them");
}

#[test]
fn what_was_kept_long_enough_goes_and_is_named_when_it_is_asked_for_again() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..4);
    sent_again(&outbox);
    outbox
        .settle(&receipts(&outbox, "a", 2), &stamp(0))
        .unwrap();
    let month = 31 * 24 * 60;
    assert_eq!(outbox.let_go(stamp(month).moment.uptime).unwrap(), 2);
    let back = outbox
        .settle(&receipts(&outbox, "a", 0), &stamp(month))
        .unwrap();
    assert_eq!(back.lost, [(Stream::Visit, 1, 2)]);
    assert_eq!(
        sent_again(&outbox),
        [(Stream::Visit, 3), (Stream::Visit, 4), (Stream::Receipt, 1)]
    );
}

#[test]
fn a_batch_keeps_its_bounds_and_its_order() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..10);
    let one = outbox.next_batch(&stamp(9), 500, 10).unwrap().unwrap();
    assert_eq!(
        (one.from, one.to, one.events.len()),
        (1, 1, 1),
        "one fact always goes"
    );
    let few = outbox.next_batch(&stamp(9), 3, 100_000).unwrap().unwrap();
    assert_eq!((few.from, few.to), (2, 4));
    let size = few.events[0].len() + 1;
    let bytes = outbox
        .next_batch(&stamp(9), 500, size * 2 + 40)
        .unwrap()
        .unwrap();
    assert_eq!((bytes.from, bytes.to), (5, 6));
}

#[test]
fn a_damaged_row_is_never_sent_and_never_silently_lost() {
    let bench = Bench::new();
    let outbox = bench.open();
    fill(&outbox, 0..4);
    Connection::open(bench.path())
        .unwrap()
        .execute(
            "UPDATE fact SET text = replace(text, '\"in\":1', '\"in\":9') WHERE sequence = 2",
            [],
        )
        .unwrap();
    assert_eq!(
        sent_again(&outbox),
        [
            (Stream::Visit, 1),
            (Stream::Visit, 3),
            (Stream::Visit, 4),
            (Stream::Receipt, 1)
        ]
    );
    outbox.begin_connection().unwrap();
    outbox.next_batch(&stamp(9), 500, 100_000).unwrap();
    let named = outbox.next_batch(&stamp(9), 500, 100_000).unwrap().unwrap();
    assert!(
        named.events[0].contains("\"reason\":\"damaged on disk\""),
        "{}",
        named.events[0]
    );
}

#[test]
fn a_full_outbox_lets_settled_facts_go_first_then_merges_then_names_what_it_drops() {
    let mut bench = Bench::new();
    bench.section.size_max = ByteSize::kib(400);
    let outbox = bench.open();
    fill(&outbox, 0..300);
    sent_again(&outbox);
    outbox
        .settle(&receipts(&outbox, "a", 300), &stamp(300))
        .unwrap();
    fill(&outbox, 300..1_000);
    let open = sent_again(&outbox);
    assert_eq!(
        open.iter()
            .filter(|(stream, _)| *stream == Stream::Visit)
            .count(),
        700,
        "settled facts went first"
    );
    drop(outbox);

    let bench = Bench {
        section: bench.section,
        ..Bench::new()
    };
    let outbox = bench.open();
    fill(&outbox, 0..6_000);
    outbox.begin_connection().unwrap();
    let (mut counted, mut merged) = (0, false);
    let mut named = std::collections::BTreeSet::new();
    while let Some(batch) = outbox.next_batch(&stamp(0), 500, 200_000).unwrap() {
        for text in &batch.events {
            let event = Event::from_json(text).unwrap();
            match event.fact() {
                Fact::VisitCounted(visit) => {
                    counted += visit.entered;
                    merged |= visit.flags.contains(&lujiang_wire::Flag::Merged);
                    named.insert(event.place.as_ref().unwrap().sequence.get());
                }
                Fact::OutboxDropped(dropped) => named.extend(dropped.from..=dropped.to),
                other => panic!("{other:?} was never written"),
            }
        }
    }
    assert_eq!(counted, 6_000, "merging loses no visit");
    assert!(merged);
    assert_eq!(named.len(), 6_000, "every number is there or named");
    assert!(outbox.size().unwrap() <= 420 * 1024);
}

#[test]
fn what_a_wire_may_have_seen_is_not_merged() {
    let mut bench = Bench::new();
    bench.section.size_max = ByteSize::kib(60);
    let outbox = bench.open();
    fill(&outbox, 0..40);
    let batch = outbox.next_batch(&stamp(0), 40, 100_000).unwrap().unwrap();
    assert_eq!(batch.to, 40);
    fill(&outbox, 40..400);
    let whole = outbox.shared.desk.lock().unwrap();
    let rows = row::after(&whole.connection, Stream::Visit, 0, 40).unwrap();
    let seen = rows.iter().filter(|row| row.sequence <= 40);
    assert!(seen.clone().count() == 0 || seen.clone().all(|row| !row.text.contains("merged")));
}
