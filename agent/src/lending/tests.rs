//! Claims about lending as a whole: what is on disk when it says yes, and after a power cut.

mod canary;

use std::time::Duration;

use lujiang_config::OutboxSection;
use lujiang_wire::{Fact, LoanKind};

use super::test_lending::{TestLending, opened, test_papers};
use super::*;

const READER: &str = "43022319900101123X";
const OTHER: &str = "430223198505054321";

fn day(text: &str) -> lujiang_wire::Due {
    text.parse().unwrap()
}

mod kept;

#[tokio::test]
async fn a_loan_is_a_fact_on_disk_with_its_reader_sealed_to_the_desk() {
    let bench = TestLending::start();
    let lent = bench
        .lending
        .lend(bench.loan(READER, "LL000001"))
        .await
        .unwrap();
    assert_eq!(lent.due, day("2026-12-24"));

    let bench = bench.restarted();
    let [event] = &bench.facts()[..] else {
        panic!("one fact expected");
    };
    assert_eq!(event.id, lent.fact);
    let Fact::LoanCheckout(loan) = event.fact() else {
        panic!("a loan expected");
    };
    assert_eq!(loan.item.as_str(), "LL000001");
    assert_eq!(loan.due, Some(lent.due));
    assert_eq!(opened(event.fact()).as_deref(), Some(READER));
}

#[tokio::test]
async fn an_item_that_is_out_is_not_lent_again_also_after_a_power_cut_until_it_is_back() {
    let bench = TestLending::start();
    bench
        .lending
        .lend(bench.loan(READER, "LL000001"))
        .await
        .unwrap();
    let bench = bench.restarted();
    let again = bench.lending.lend(bench.loan(OTHER, "LL000001")).await;
    assert_eq!(again, Err(Refused::ItemAlreadyLentHere));
    bench
        .lending
        .take_back(bench.back("LL000001"))
        .await
        .unwrap();
    let bench = bench.restarted();
    bench
        .lending
        .lend(bench.loan(OTHER, "LL000001"))
        .await
        .unwrap();
    assert_eq!(bench.facts().len(), 3);
}

#[tokio::test]
async fn a_blocked_reader_is_lent_nothing_and_may_bring_back() {
    let bench = TestLending::start().blocking(&[READER]);
    let refused = bench.lending.lend(bench.loan(READER, "LL000001")).await;
    assert_eq!(refused, Err(Refused::ReaderBlocked));
    bench
        .lending
        .lend(bench.loan(OTHER, "LL000001"))
        .await
        .unwrap();
    bench
        .lending
        .take_back(bench.back("LL000001"))
        .await
        .unwrap();
}

#[tokio::test]
async fn without_papers_nothing_is_lent_and_all_is_taken_back() {
    let bench = TestLending::without_papers();
    let refused = bench.lending.lend(bench.loan(READER, "LL000001")).await;
    assert_eq!(refused, Err(Refused::NoPapers));
    bench
        .lending
        .take_back(bench.back("LL000001"))
        .await
        .unwrap();
    assert_eq!(bench.facts().len(), 1);
}

#[tokio::test]
async fn the_last_of_an_item_is_undone_once_and_all_is_as_before() {
    let bench = TestLending::start();
    let lending = &bench.lending;
    let first = lending.lend(bench.loan(READER, "LL000001")).await.unwrap();
    let back = lending.take_back(bench.back("LL000001")).await.unwrap();
    assert_eq!(
        lending.undo(&first.fact).await.err(),
        Some(Refused::NotUndoable)
    );

    let undone = lending.undo(&back.fact).await.unwrap();
    assert_eq!(undone.kind, lujiang_wire::LoanKind::Checkin);
    assert_eq!(
        lending.undo(&back.fact).await.err(),
        Some(Refused::NotUndoable)
    );
    let again = lending.lend(bench.loan(OTHER, "LL000001")).await;
    assert_eq!(again, Err(Refused::ItemAlreadyLentHere), "it is out again");

    let second = lending.lend(bench.loan(READER, "LL000002")).await.unwrap();
    let bench = bench.restarted();
    bench.lending.undo(&second.fact).await.unwrap();
    bench
        .lending
        .lend(bench.loan(OTHER, "LL000002"))
        .await
        .unwrap();
    let facts = bench.facts();
    let Fact::LoanUndone(undone) = facts[4].fact() else {
        panic!("an undoing expected");
    };
    assert_eq!((&undone.fact, undone.at), (&second.fact, facts[3].time));
}

#[tokio::test]
async fn a_block_is_lent_and_taken_back_whole_or_not_at_all() {
    let bench = TestLending::start();
    let lending = &bench.lending;
    lending.lend(bench.loan(OTHER, "LL000003")).await.unwrap();
    let items = |numbers: std::ops::Range<u32>| -> Vec<Barcode> {
        numbers.map(|n| bench.item(&format!("LL{n:06}"))).collect()
    };
    let mut block = BlockLoan {
        reader: bench.reader(READER),
        items: items(1..1_001),
        block: "b-1".parse().unwrap(),
        session: "s-1".parse().unwrap(),
        stop: None,
    };
    block.items.push(bench.item("LL000009"));
    let wrong = vec![
        (bench.item("LL000003"), Refused::ItemAlreadyLentHere),
        (bench.item("LL000009"), Refused::ItemListedTwice),
    ];
    assert_eq!(
        lending.check_loan(&block.reader, &block.items).unwrap(),
        wrong
    );
    let refused = lending.block_loan(block.clone()).await;
    assert_eq!(refused, Err(BlockRefused::Items(wrong)));
    assert_eq!(bench.facts().len(), 1);

    block.items = items(4..1_004);
    assert_eq!(lending.block_loan(block).await.unwrap().len(), 1_000);
    assert_eq!(
        lending.items_out(&bench.reader(READER)),
        0,
        "no limit counts it"
    );
    let back = BlockReturn {
        items: items(4..1_004),
        block: "b-2".parse().unwrap(),
        session: "s-2".parse().unwrap(),
        stop: None,
    };
    assert_eq!(lending.block_return(back).await.unwrap().len(), 1_000);
    assert_eq!(bench.facts().len(), 2_001);
}

#[tokio::test]
async fn what_the_library_system_decided_is_a_fact_without_a_reader_and_ends_what_is_remembered() {
    let bench = TestLending::start();
    let lending = &bench.lending;
    lending.lend(bench.loan(READER, "LL000001")).await.unwrap();
    let online = OnlineLoan {
        kind: lujiang_wire::LoanKind::Checkin,
        item: "LL000001".parse().unwrap(),
        due: None,
        session: "s-3".parse().unwrap(),
        outcome: lujiang_wire::Outcome {
            ok: true,
            reason: None,
        },
        cancels: None,
    };
    lending.record_online(online).await.unwrap();
    lending.lend(bench.loan(OTHER, "LL000001")).await.unwrap();
    let facts = bench.facts();
    assert!(facts[1].fact().patron().is_none());
}

#[tokio::test]
async fn one_stop_is_open_at_a_time_also_after_a_power_cut() {
    let bench = TestLending::start();
    let stop = lujiang_wire::StopOpened {
        stop: "stop-1".parse().unwrap(),
        place: "荷花垅".parse().unwrap(),
        unit: None,
        occasion: None,
        volumes: Some(300),
    };
    let closed = |name: &str| lujiang_wire::StopClosed {
        stop: name.parse().unwrap(),
        participants: Some(12),
        volumes: None,
    };
    bench.lending.open_stop(stop.clone()).await.unwrap();
    let bench = bench.restarted();
    let open = bench.lending.stop().unwrap();
    assert_eq!(open.opened, stop);
    let lending = &bench.lending;
    assert_eq!(lending.open_stop(stop).await, Err(Refused::StopOpen));
    assert_eq!(
        lending.close_stop(closed("stop-2")).await,
        Err(Refused::NoStopOpen)
    );
    lending.close_stop(closed("stop-1")).await.unwrap();
    assert_eq!(lending.stop(), None);
}

#[tokio::test]
async fn an_open_stop_counts_what_is_done_at_it_also_over_a_power_cut() {
    let bench = TestLending::start();
    let stop = lujiang_wire::StopOpened {
        stop: "stop-1".parse().unwrap(),
        place: "荷花垅".parse().unwrap(),
        unit: None,
        occasion: None,
        volumes: None,
    };
    let there = Some(stop.stop.clone());
    let lending = &bench.lending;
    lending.open_stop(stop).await.unwrap();
    let at_stop = |item| Loan {
        stop: there.clone(),
        ..bench.loan(READER, item)
    };
    lending.lend(at_stop("LL000001")).await.unwrap();
    let second = lending.lend(at_stop("LL000002")).await.unwrap();
    lending.lend(bench.loan(READER, "LL000003")).await.unwrap();
    let block = BlockLoan {
        reader: bench.reader(OTHER),
        items: (10..15)
            .map(|n| bench.item(&format!("LL0000{n}")))
            .collect(),
        block: "block-1".parse().unwrap(),
        session: "s-3".parse().unwrap(),
        stop: there.clone(),
    };
    lending.block_loan(block).await.unwrap();
    let back = Return {
        stop: there.clone(),
        ..bench.back("LL000001")
    };
    lending.take_back(back).await.unwrap();
    let bench = bench.restarted();
    bench.lending.undo(&second.fact).await.unwrap();
    let open = bench.restarted().lending.stop().unwrap();
    assert_eq!((open.lent, open.renewed, open.returned), (6, 0, 1));
}

/// A bus with three items on board, lent to its own card.
async fn loaded() -> (TestLending, lujiang_wire::Label, Vec<Barcode>) {
    let section = LendingSection {
        own_card: Some(OTHER.to_owned()),
        ..LendingSection::default()
    };
    let bench = TestLending::with(section, OutboxSection::default());
    let load: lujiang_wire::Label = "load-1".parse().unwrap();
    let carried: Vec<Barcode> = (1..4).map(|n| bench.item(&format!("LL00000{n}"))).collect();
    let loan = BlockLoan {
        reader: bench.reader(OTHER),
        items: carried.clone(),
        block: load.clone(),
        session: "s-3".parse().unwrap(),
        stop: None,
    };
    bench.lending.block_loan(loan).await.unwrap();
    (bench, load, carried)
}

#[tokio::test]
async fn what_the_bus_carries_is_lent_on_from_its_own_card_in_one_transaction() {
    let (bench, load, carried) = loaded().await;
    let lending = &bench.lending;
    let own = lending.own_card().unwrap();
    let twice = lending.check_loan(own, &carried[..1]).unwrap();
    assert_eq!(twice, [(carried[0].clone(), Refused::ItemAlreadyLentHere)]);
    let reader = bench.reader(READER);
    assert_eq!(lending.check_loan(&reader, &carried).unwrap(), []);

    let lent = lending.lend(bench.loan(READER, "LL000002")).await.unwrap();
    let again = lending.lend(bench.loan(READER, "LL000002")).await;
    assert_eq!(again, Err(Refused::ItemAlreadyLentHere));
    let facts = bench.facts();
    let [.., taken, given] = &facts[..] else {
        panic!("two facts more expected");
    };
    let Fact::LoanCheckin(taken) = taken.fact() else {
        panic!("it is taken from the load first");
    };
    assert_eq!(
        (taken.item.as_str(), taken.block.as_ref()),
        ("LL000002", Some(&load))
    );
    assert_eq!(given.id, lent.fact);
    assert_eq!(opened(given.fact()).as_deref(), Some(READER));

    let bench = bench.restarted();
    let [out] = &bench.lending.blocks_out()[..] else {
        panic!("one block is out");
    };
    assert_eq!((&out.block, out.items.len()), (&load, 2));
    assert_eq!(bench.lending.items_out(&bench.reader(READER)), 1);

    // Undone, the item is in the load again, and its return from there is undone with it.
    let (taken, given) = (&facts[facts.len() - 2], &facts[facts.len() - 1]);
    bench.lending.undo(&given.id).await.unwrap();
    let facts = bench.facts();
    let undone = facts.iter().filter_map(|event| match event.fact() {
        Fact::LoanUndone(undone) => Some((undone.fact.clone(), undone.kind, undone.block.clone())),
        _ => None,
    });
    let expected = [
        (given.id.clone(), LoanKind::Checkout, None),
        (taken.id.clone(), LoanKind::Checkin, Some(load)),
    ];
    assert_eq!(undone.collect::<Vec<_>>(), expected);
    let bench = bench.restarted();
    assert_eq!(bench.lending.blocks_out()[0].items, carried);
    assert_eq!(bench.lending.items_out(&bench.reader(READER)), 0);
}

#[tokio::test]
async fn one_item_of_a_block_of_a_thousand_is_undone_and_the_others_stay() {
    let bench = TestLending::start();
    let block: lujiang_wire::Label = "b-1".parse().unwrap();
    let items: Vec<Barcode> = (1..1_001)
        .map(|n| bench.item(&format!("LL{n:06}")))
        .collect();
    let loan = BlockLoan {
        reader: bench.reader(OTHER),
        items: items.clone(),
        block: block.clone(),
        session: "s-3".parse().unwrap(),
        stop: None,
    };
    bench.lending.block_loan(loan).await.unwrap();
    let bench = bench.restarted();
    let wrong = &items[499];
    let undone = bench.lending.undo_in_block(&block, wrong).await.unwrap();
    assert_eq!((undone.kind, &undone.item), (LoanKind::Checkout, wrong));
    let facts = bench.facts();
    let Fact::LoanUndone(word) = facts.last().unwrap().fact() else {
        panic!("an undone loan expected");
    };
    assert_eq!(
        (&word.fact, word.block.as_ref()),
        (&facts[499].id, Some(&block))
    );

    // Once; of this block; and nothing that went on since.
    for (block, item) in [(&block, wrong), (&"b-2".parse().unwrap(), &items[3])] {
        let refused = bench.lending.undo_in_block(block, item).await;
        assert_eq!(refused, Err(Refused::NotUndoable));
    }
    bench
        .lending
        .take_back(bench.back("LL000005"))
        .await
        .unwrap();
    let refused = bench.lending.undo_in_block(&block, &items[4]).await;
    assert_eq!(refused, Err(Refused::NotUndoable));
    let out = &bench.lending.blocks_out()[0];
    assert_eq!((out.items.len(), out.items.contains(wrong)), (998, false));
    // What was wrong is in the bus again, for anyone.
    bench
        .lending
        .lend(bench.loan(READER, wrong.as_str()))
        .await
        .unwrap();
}

#[tokio::test]
async fn loans_that_fill_the_outbox_are_refused_until_the_gateway_has_them() {
    let outbox = OutboxSection {
        size_max: lujiang_config::ByteSize::kib(200),
        ..OutboxSection::default()
    };
    let section = LendingSection {
        reader_items_max: 10_000,
        reader_day_max: 10_000,
        ..LendingSection::default()
    };
    let bench = TestLending::with(section, outbox);
    let mut lent = 0;
    let refused = loop {
        let loan = bench.loan(READER, &format!("LL{lent:06}"));
        match bench.lending.lend(loan).await {
            Ok(_) => lent += 1,
            Err(refused) => break refused,
        }
        assert!(lent < 10_000, "it never fills");
    };
    assert_eq!(refused, Refused::NoRoom);
    assert_eq!(bench.facts().len(), lent, "what was promised is there");
    let back = bench.lending.take_back(bench.back("LL000000")).await;
    assert_eq!(back, Err(Refused::NoRoom));

    bench.settle(u64::try_from(lent).unwrap());
    bench
        .lending
        .lend(bench.loan(READER, "LL900000"))
        .await
        .unwrap();
    assert_eq!(bench.facts().len(), 1);
}

#[tokio::test]
async fn what_is_remembered_goes_with_the_facts_that_the_outbox_lets_go() {
    let bench = TestLending::start();
    let lending = &bench.lending;
    lending.lend(bench.loan(READER, "LL000001")).await.unwrap();
    lending.lend(bench.loan(READER, "LL000002")).await.unwrap();
    bench.settle(1);
    let keep = OutboxSection::default().keep;
    bench.wait(keep + Duration::from_secs(60));
    bench.outbox.let_go(bench.clock.uptime()).unwrap();
    bench.lending.clerk.let_go().unwrap();
    assert_eq!(lending.items_out(&bench.reader(READER)), 1);
    let bench = bench.restarted();
    assert_eq!(bench.lending.items_out(&bench.reader(READER)), 1);
    bench
        .lending
        .lend(bench.loan(OTHER, "LL000001"))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_stood_for_a_reader_is_gone_from_the_file_once_it_is_forgotten() {
    let bench = TestLending::start();
    bench
        .lending
        .lend(bench.loan(READER, "LL000001"))
        .await
        .unwrap();
    let mark = bench.lending.clerk.key.mark(&bench.reader(READER));
    let stands = || {
        bench.outbox.checkpoint().unwrap();
        let file = std::fs::read(bench.folder().join("outbox.db")).unwrap();
        let mark = mark.as_str().as_bytes();
        file.windows(mark.len()).any(|window| window == mark)
    };
    assert!(stands());
    bench.settle(1);
    let keep = OutboxSection::default().keep;
    bench.wait(keep + Duration::from_secs(2 * 24 * 3_600));
    bench.outbox.let_go(bench.clock.uptime()).unwrap();
    bench.lending.clerk.let_go().unwrap();
    assert!(!stands());
}

#[tokio::test]
async fn damaged_papers_are_set_aside_and_the_device_starts_without() {
    let bench = TestLending::start().blocking(&[READER]);
    let file = bench.folder().join("loan-papers.json");
    let mut text = std::fs::read(&file).unwrap();
    let readers = String::from_utf8_lossy(&text).find("readers").unwrap();
    text[readers + 12] ^= 1;
    std::fs::write(&file, text).unwrap();
    let bench = bench.restarted();
    assert_eq!(bench.lending.papers(), None);
    let refused = bench.lending.lend(bench.loan(READER, "LL000001")).await;
    assert_eq!(refused, Err(Refused::NoPapers));
    assert!(bench.folder().join("loan-papers.damaged").exists());
    let good = serde_json::to_vec(&test_papers(&[])).unwrap();
    PapersFile::in_folder(&bench.folder())
        .keep(&good, None)
        .unwrap();
    assert!(bench.restarted().lending.papers().is_some());
}
