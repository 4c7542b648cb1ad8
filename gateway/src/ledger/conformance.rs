//! What every ledger must do, as claims: SQLite passes them, and whatever comes beside it has
//! to. Each claim gets a fresh ledger; `reopen` closes one and opens it again.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Boot, ClockReport, DeviceId, Epoch, EventId, Place, Sequence, Stream, Uptime};

use crate::entry::{EntryNumber, FactTime, QuarantineReason, TimeQuality, Verdict};
use crate::ledger::{
    Aside, AtPlace, Decided, Digest, Draft, Ledger, LedgerError, Outcome, QuarantineUse,
};
use crate::ruling::{Admitted, AsideState, Ruling, RulingReason};
use crate::store::QuarantineQuery;

/// Runs every claim.
///
/// # Panics
/// Where one does not hold, naming it by the line.
pub fn hold_all<L: Ledger>(fresh: &dyn Fn() -> L, reopen: &dyn Fn(L) -> L) {
    entries_are_numbered_without_a_hole_and_read_back(&fresh());
    what_was_undone_never_happened(&fresh());
    a_committed_entry_is_there_after_reopening(fresh(), reopen);
    a_place_knows_every_content_that_stood_there(&fresh());
    what_counts_is_found_by_its_place_and_by_its_id(&fresh());
    what_counted_before_an_entry_is_found_by_its_id(&fresh());
    a_ruling_is_read_back_within_its_entry(&fresh());
    what_was_decided_on_is_kept_and_takes_no_room(&fresh());
    an_id_is_remembered_for_its_device_alone(&fresh());
    a_run_ends_before_the_first_hole(&fresh());
    a_given_up_number_is_known_by_its_range(&fresh());
    receipts_are_those_of_the_life_heard_last(&fresh());
    the_newest_measurement_of_each_boot_is_kept(&fresh());
    what_is_kept_aside_is_counted_and_paged(&fresh());
}

fn entries_are_numbered_without_a_hole_and_read_back(ledger: &impl Ledger) {
    assert_eq!(ledger.head().unwrap().number, EntryNumber::NONE);
    for sequence in 1..=3 {
        append(ledger, draft(1, sequence));
    }
    let head = ledger.head().unwrap();
    let entries = ledger.entries_after(EntryNumber(1), 10).unwrap();

    assert_eq!(head.number, EntryNumber(3));
    assert_eq!(ledger.crc_of(EntryNumber(3)).unwrap(), Some(head.crc));
    assert_eq!(ledger.crc_of(EntryNumber(4)).unwrap(), None);
    assert_eq!(numbers(&entries), [2, 3]);
    assert_eq!(ledger.entries_after(EntryNumber::NONE, 2).unwrap().len(), 2);
    let (entry, drafted) = (&entries[0], draft(1, 2));
    assert_eq!(entry.place, drafted.place);
    assert_eq!(entry.received, drafted.received);
    match (&entry.verdict, &drafted.outcome) {
        (
            Verdict::Accepted { event, time },
            Outcome::Accepted {
                body,
                time: drafted,
            },
        ) => {
            assert_eq!(&event.to_json(), body);
            assert_eq!(time, drafted);
        }
        (verdict, _) => panic!("{verdict:?}"),
    }
}

fn what_was_undone_never_happened(ledger: &impl Ledger) {
    let undone: Result<(), LedgerError> = ledger.transact(|tx| {
        let number = tx.append(draft(1, 1))?;
        tx.keep_id(&device(), &"a".parse().unwrap(), Digest::of(b"a"), number)?;
        let there = tx.at_place(&device(), &place(1, 1), draft(1, 1).digest)?;
        assert_eq!(there, AtPlace::Same);
        Err(LedgerError::Full)
    });

    assert!(matches!(undone, Err(LedgerError::Full)));
    assert_eq!(ledger.head().unwrap().number, EntryNumber::NONE);
    let id = ledger.transact(|tx| tx.digest_of_id(&device(), &"a".parse().unwrap()));
    assert_eq!(id.unwrap(), None);
    assert_eq!(append(ledger, draft(1, 1)), EntryNumber(1));
}

fn a_committed_entry_is_there_after_reopening<L: Ledger>(ledger: L, reopen: &dyn Fn(L) -> L) {
    append(&ledger, draft(1, 1));
    let (name, head) = (ledger.ledger_id(), ledger.head().unwrap());

    let ledger = reopen(ledger);

    assert_eq!(ledger.ledger_id(), name);
    assert_eq!(ledger.head().unwrap(), head);
    assert_eq!(append(&ledger, draft(1, 2)), EntryNumber(2));
}

fn a_place_knows_every_content_that_stood_there(ledger: &impl Ledger) {
    append(ledger, draft(1, 1));
    let other = Digest::of(b"other content");
    append(
        ledger,
        Draft {
            digest: other,
            ..draft(1, 1)
        },
    );

    let found = ledger
        .transact(move |tx| {
            Ok([
                tx.at_place(&device(), &place(1, 1), draft(1, 1).digest)?,
                tx.at_place(&device(), &place(1, 1), other)?,
                tx.at_place(&device(), &place(1, 1), Digest::of(b"a third"))?,
                tx.at_place(&device(), &place(1, 2), other)?,
                tx.at_place(&other_device(), &place(1, 1), other)?,
            ])
        })
        .unwrap();

    let nothing = AtPlace::Nothing;
    let expected = [
        AtPlace::Same,
        AtPlace::Same,
        AtPlace::Other,
        nothing,
        nothing,
    ];
    assert_eq!(found, expected);
}

fn what_counts_is_found_by_its_place_and_by_its_id(ledger: &impl Ledger) {
    let id: EventId = "a".parse().unwrap();
    let found = ledger
        .transact(move |tx| {
            let aside = tx.append(quarantined(1))?;
            tx.keep_id(&device(), &id, Digest::of(b"x"), aside)?;
            let before = [
                tx.counted_at(&device(), &place(1, 1))?,
                tx.counted_as(&device(), &id)?,
            ];
            let number = tx.append(admitted(1, aside))?;
            tx.take_id(&device(), &id, Digest::of(b"y"), number)?;
            assert_eq!(tx.digest_of_id(&device(), &id)?, Some(Digest::of(b"y")));
            let after = [
                tx.counted_at(&device(), &place(1, 1))?,
                tx.counted_as(&device(), &id)?,
            ];
            Ok((before, after, number))
        })
        .unwrap();

    let (before, after, number) = found;
    assert_eq!((before, after), ([None, None], [Some(number); 2]));
}

fn what_counted_before_an_entry_is_found_by_its_id(ledger: &impl Ledger) {
    let plain: EventId = "a".parse().unwrap();
    let (of_place, id) = (EventId::of_place(&place(1, 1)), plain.clone());
    append(ledger, quarantined(1));
    append(ledger, draft(1, 1));
    ledger
        .transact(move |tx| {
            let place = None;
            let number = tx.append(Draft {
                place,
                ..draft(1, 2)
            })?;
            tx.keep_id(&device(), &id, Digest::of(b"x"), number)
        })
        .unwrap();
    let before = |entry, device: &DeviceId, fact: &EventId| {
        let found = ledger.counted_before(EntryNumber(entry), device, fact);
        found.unwrap().map(|entry| entry.number.0)
    };

    assert_eq!(before(2, &device(), &of_place), None);
    assert_eq!(before(3, &device(), &of_place), Some(2));
    assert_eq!(before(3, &device(), &plain), None);
    assert_eq!(before(4, &device(), &plain), Some(3));
    for fact in [&of_place, &plain] {
        assert_eq!(before(9, &other_device(), fact), None);
    }
    let unheard = EventId::of_place(&place(1, 7));
    assert_eq!(before(9, &device(), &unheard), None);
}

fn a_ruling_is_read_back_within_its_entry(ledger: &impl Ledger) {
    append(ledger, quarantined(1));
    append(ledger, admitted(1, EntryNumber(1)));

    let entry = ledger.entries_after(EntryNumber(1), 1).unwrap().remove(0);

    let drafted = admitted(1, EntryNumber(1)).outcome;
    match (&entry.verdict, &drafted) {
        (Verdict::Admitted { ruling, .. }, Outcome::Admitted { ruling: given, .. }) => {
            assert_eq!(ruling, given);
            assert_eq!((entry.entered(), entry.received), (given.at, received()));
        }
        (verdict, _) => panic!("{verdict:?}"),
    }
}

fn what_was_decided_on_is_kept_and_takes_no_room(ledger: &impl Ledger) {
    let decided = Decided {
        state: AsideState::Dismissed,
        at: received(),
        by: "the technician".to_owned(),
        why: RulingReason::new("a test of the counter").unwrap(),
        admitted: None,
    };
    let (expected, used) = (decided.clone(), |rows, bytes| QuarantineUse { rows, bytes });
    let found = ledger
        .transact(move |tx| {
            let reason = QuarantineReason::NotUnderstood;
            let number = tx.append(quarantined(1))?;
            tx.keep_aside(number, &device(), received(), &aside("one", reason))?;
            let open = (tx.quarantine_use(&device())?, tx.quarantined(number)?);
            tx.decide(number, &decided)?;
            assert!(tx.is_aside(&device(), Digest::of(b"one"))?);
            assert_eq!(tx.quarantined(EntryNumber(9))?, None);
            Ok((open, tx.quarantine_use(&device())?, tx.quarantined(number)?))
        })
        .unwrap();

    let ((open_use, open), closed_use, closed) = found;
    assert_eq!((open_use, closed_use), (used(1, 3), used(0, 0)));
    let open = open.unwrap();
    assert_eq!(
        (open.state, open.sealed),
        (AsideState::Open, b"one".to_vec())
    );
    assert_eq!((open.device, open.place), (device(), quarantined(1).place));
    assert_eq!(closed.unwrap().state, expected.state);
    let page = |state| {
        let query = QuarantineQuery {
            state: Some(state),
            limit: 9,
            ..QuarantineQuery::default()
        };
        ledger.quarantine(&query).unwrap()
    };
    assert_eq!(page(AsideState::Open), []);
    let row = page(AsideState::Dismissed).remove(0);
    let decision = row.decision.unwrap();
    assert_eq!((decision.by, decision.at), (expected.by, expected.at));
    assert_eq!(decision.why, expected.why.as_str());
}

fn an_id_is_remembered_for_its_device_alone(ledger: &impl Ledger) {
    let id: EventId = "书-1".parse().unwrap();
    let found = ledger
        .transact(move |tx| {
            let number = tx.append(draft(1, 1))?;
            tx.keep_id(&device(), &id, Digest::of(b"x"), number)?;
            Ok((
                tx.digest_of_id(&device(), &id)?,
                tx.digest_of_id(&other_device(), &id)?,
            ))
        })
        .unwrap();

    assert_eq!(found, (Some(Digest::of(b"x")), None));
}

fn a_run_ends_before_the_first_hole(ledger: &impl Ledger) {
    for sequence in [1, 2, 2, 3, 5] {
        append(ledger, draft(1, sequence));
    }
    append(ledger, draft(2, 4));

    let ends = ledger
        .transact(|tx| {
            let mut end = |after| tx.run_end(&device(), &Epoch::from_bits(1), Stream::Visit, after);
            Ok([end(0)?, end(2)?, end(3)?, end(4)?])
        })
        .unwrap();

    assert_eq!(ends, [3, 3, 3, 5]);
}

fn a_given_up_number_is_known_by_its_range(ledger: &impl Ledger) {
    let number = append(ledger, draft(1, 1));
    let found = ledger
        .transact(move |tx| {
            let epoch = Epoch::from_bits(1);
            let most = i64::MAX.unsigned_abs();
            tx.give_up(&device(), &epoch, Stream::Visit, (4, 6), number)?;
            tx.give_up(&device(), &epoch, Stream::Visit, (6, most), number)?;
            let mut through =
                |number| tx.given_up_through(&device(), &epoch, Stream::Visit, number);
            Ok([through(3)?, through(4)?, through(6)?, through(most)?])
        })
        .unwrap();

    let most = Some(i64::MAX.unsigned_abs());
    assert_eq!(found, [None, Some(6), most, most]);
}

fn receipts_are_those_of_the_life_heard_last(ledger: &impl Ledger) {
    let name = ledger.ledger_id();
    let (none, some) = ledger
        .transact(|tx| {
            let none = tx.receipts(&device())?;
            for (life, stream, through, last) in [
                (1, Stream::Visit, 9, 1),
                (2, Stream::Visit, 4, 3),
                (2, Stream::Loan, 0, 2),
            ] {
                let epoch = Epoch::from_bits(life);
                tx.settle(&device(), &epoch, stream, through, EntryNumber(last))?;
            }
            assert_eq!(
                tx.through(&device(), &Epoch::from_bits(1), Stream::Visit)?,
                Some(9)
            );
            Ok((none, tx.receipts(&device())?))
        })
        .unwrap();

    assert_eq!(none, None);
    let some = some.unwrap();
    assert_eq!(some.ledger, name);
    assert_eq!(some.epoch, Epoch::from_bits(2));
    assert_eq!(
        some.streams.into_iter().collect::<Vec<_>>(),
        [(Stream::Loan, 0), (Stream::Visit, 4)]
    );
}

fn the_newest_measurement_of_each_boot_is_kept(ledger: &impl Ledger) {
    let found = ledger
        .transact(|tx| {
            for (boot, millis) in [("boot-a", 1), ("boot-b", 2), ("boot-a", 3)] {
                tx.keep_measurement(&device(), &report(boot, millis))?;
            }
            let mut of = |boot: &str| {
                let measured = tx.measurement(&device(), &boot.parse::<Boot>().unwrap())?;
                Ok::<_, LedgerError>(measured.map(|one| (one.report, one.is_newest_boot)))
            };
            Ok([of("boot-a")?, of("boot-b")?, of("boot-c")?])
        })
        .unwrap();

    assert_eq!(
        found,
        [
            Some((report("boot-a", 3), false)),
            Some((report("boot-b", 2), true)),
            None,
        ]
    );
}

fn what_is_kept_aside_is_counted_and_paged(ledger: &impl Ledger) {
    let (used, known) = ledger
        .transact(|tx| {
            for (sequence, raw) in [(1, "one"), (2, "two"), (3, "three")] {
                let reason = QuarantineReason::NotUnderstood;
                let number = tx.append(quarantined(sequence))?;
                tx.keep_aside(number, &device(), received(), &aside(raw, reason))?;
            }
            Ok((
                [
                    tx.quarantine_use(&device())?,
                    tx.quarantine_use(&other_device())?,
                ],
                [
                    tx.is_aside(&device(), Digest::of(b"two"))?,
                    tx.is_aside(&other_device(), Digest::of(b"two"))?,
                ],
            ))
        })
        .unwrap();
    assert_eq!(used[0], QuarantineUse { rows: 3, bytes: 11 });
    assert_eq!(used[1], QuarantineUse::default());
    assert_eq!(known, [true, false]);

    let page = |device, before, limit| {
        let query = QuarantineQuery {
            device,
            before,
            limit,
            ..QuarantineQuery::default()
        };
        let rows = ledger.quarantine(&query).unwrap();
        rows.iter().map(|row| row.number.0).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 2), [3, 2]);
    assert_eq!(page(Some(device()), Some(EntryNumber(2)), 2), [1]);
    assert_eq!(page(Some(other_device()), None, 2), [] as [i64; 0]);
}

fn append(ledger: &impl Ledger, draft: Draft) -> EntryNumber {
    ledger.transact(move |tx| tx.append(draft)).unwrap()
}

fn numbers(entries: &[crate::entry::Entry]) -> Vec<i64> {
    entries.iter().map(|entry| entry.number.0).collect()
}

fn device() -> DeviceId {
    "gate-1".parse().unwrap()
}

fn other_device() -> DeviceId {
    "gate-2".parse().unwrap()
}

fn received() -> Timestamp {
    Timestamp::from_microsecond(1_772_445_600_000_001).unwrap()
}

fn place(life: u128, sequence: u64) -> Place {
    Place {
        epoch: Epoch::from_bits(life),
        stream: Stream::Visit,
        sequence: Sequence::new(sequence).unwrap(),
    }
}

fn report(boot: &str, millis: u64) -> ClockReport {
    ClockReport {
        boot: boot.parse().unwrap(),
        uptime: Uptime::from_millis(millis).unwrap(),
        time: received(),
        error_ms: 7,
    }
}

fn aside(raw: &str, reason: QuarantineReason) -> Aside {
    Aside {
        event_type: None,
        reason,
        error_place: "data".to_owned(),
        expected: "something else".to_owned(),
        excerpt: "{}".to_owned(),
        bytes: raw.len() as u64,
        raw: Digest::of(raw.as_bytes()),
        sealed: raw.as_bytes().to_vec(),
    }
}

/// A quarantined element at a place.
fn quarantined(sequence: u64) -> Draft {
    let reason = QuarantineReason::NotUnderstood;
    Draft {
        outcome: Outcome::Quarantined { reason },
        ..draft(1, sequence)
    }
}

/// The visit at a place, let in for a quarantined element.
fn admitted(sequence: u64, quarantined: EntryNumber) -> Draft {
    let drafted = draft(1, sequence);
    let (body, time) = drafted.outcome.counted().unwrap();
    let outcome = Outcome::Admitted {
        body: body.to_owned(),
        time,
        ruling: Ruling {
            quarantined,
            form: Admitted::Corrected,
            at: Timestamp::from_microsecond(1_772_446_000_000_001).unwrap(),
            by: "技术员".to_owned(),
            why: RulingReason::new("the clock was wrong").unwrap(),
        },
    };
    Draft { outcome, ..drafted }
}

/// An accepted visit at a place.
fn draft(life: u128, sequence: u64) -> Draft {
    let place = place(life, sequence);
    let body = serde_json::json!({
        "specversion": "1.0", "id": EventId::of_place(&place).as_str(),
        "source": "/devices/gate-1", "type": "library.visit.counted.v1",
        "time": "2026-03-02T09:59:00Z", "epoch": place.epoch.as_str(),
        "stream": "visit", "sequence": place.sequence.to_string(),
        "data": {"from": "2026-03-02T09:00:00Z", "to": "2026-03-02T09:59:00Z",
                 "in": 1, "out": 0, "flags": []},
    });
    let event = lujiang_wire::Event::from_value(body).unwrap();
    let body = event.to_json();
    Draft {
        device: device(),
        received: received(),
        place: Some(place),
        digest: Digest::of(body.as_bytes()),
        outcome: Outcome::Accepted {
            body,
            time: FactTime {
                correction: SignedDuration::from_micros(-1_500_000),
                quality: TimeQuality::Estimated,
            },
        },
    }
}
