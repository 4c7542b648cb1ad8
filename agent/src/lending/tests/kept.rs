//! How long what was decided here is remembered, and by whom else it is known.

use super::*;

#[tokio::test]
async fn what_the_bus_carries_is_known_to_be_on_board_however_long_ago_it_was_loaded() {
    let (bench, load, carried) = loaded().await;
    bench.settle(3);
    bench.wait(OutboxSection::default().keep + Duration::from_secs(60));
    bench.outbox.let_go(bench.clock.uptime()).unwrap();
    bench.lending.clerk.let_go().unwrap();
    let bench = bench.restarted();
    assert_eq!(bench.lending.blocks_out()[0].items, carried);

    bench
        .lending
        .lend(bench.loan(READER, "LL000002"))
        .await
        .unwrap();
    let facts = bench.facts();
    let [taken, _] = &facts[..] else {
        panic!("from the load, to the reader: {facts:?}");
    };
    let Fact::LoanCheckin(taken) = taken.fact() else {
        panic!("it is taken from the load first");
    };
    assert_eq!(taken.block.as_ref(), Some(&load));

    // Once it is back it goes as all else does.
    let back = BlockReturn {
        items: vec![carried[0].clone(), carried[2].clone()],
        block: load,
        session: "s-4".parse().unwrap(),
        stop: None,
    };
    bench.lending.block_return(back).await.unwrap();
    bench.settle(7);
    bench.wait(OutboxSection::default().keep + Duration::from_secs(60));
    bench.outbox.let_go(bench.clock.uptime()).unwrap();
    bench.lending.clerk.let_go().unwrap();
    assert_eq!(bench.lending.blocks_out(), []);
}

#[tokio::test]
async fn for_a_while_after_the_receipt_the_library_system_cannot_know_of_a_loan() {
    let bench = TestLending::start();
    let lending = &bench.lending;
    lending.served("desk", true);
    lending.lend(bench.loan(READER, "LL000001")).await.unwrap();
    assert_eq!(reach(&bench).await, Some(Reach::Here));
    bench.wait(Duration::from_secs(24 * 3_600));
    assert_eq!(reach(&bench).await, Some(Reach::Here), "nobody heard");

    bench.settle(1);
    assert_eq!(reach(&bench).await, Some(Reach::Here), "the gateway has it");
    let within = LendingSection::default().told_within;
    bench.wait(within - Duration::from_secs(1));
    assert_eq!(reach(&bench).await, Some(Reach::Here));
    bench.wait(Duration::from_secs(1));
    assert_eq!(reach(&bench).await, Some(Reach::LibrarySystem));
    let other = lending.reach("LL000002").await.unwrap();
    assert_eq!(other, None, "of others there is nothing to hear");
}

#[tokio::test]
async fn what_was_lent_while_the_library_system_was_away_it_cannot_know_until_it_was_back_for_a_while()
 {
    let bench = TestLending::start();
    let lending = &bench.lending;
    let within = LendingSection::default().told_within;
    lending.served("desk", true);
    bench.wait(within);
    lending.served("desk", false);
    lending.lend(bench.loan(READER, "LL000001")).await.unwrap();
    bench.settle(1);
    assert_eq!(reach(&bench).await, Some(Reach::Here));
    bench.wait(Duration::from_secs(2 * 3_600));
    assert_eq!(reach(&bench).await, Some(Reach::Gateway));
    lending.served("desk", true);
    bench.wait(within - Duration::from_secs(1));
    assert_eq!(reach(&bench).await, Some(Reach::Gateway));
    bench.wait(Duration::from_secs(1));
    assert_eq!(reach(&bench).await, Some(Reach::LibrarySystem));

    // A process that begins anew does not know what was before it.
    let bench = bench.restarted();
    assert_eq!(reach(&bench).await, Some(Reach::Here));
    bench.lending.served("desk", true);
    bench.wait(within);
    assert_eq!(reach(&bench).await, Some(Reach::LibrarySystem));
}

async fn reach(bench: &TestLending) -> Option<Reach> {
    bench.lending.reach("LL000001").await.unwrap()
}

#[tokio::test]
async fn what_the_last_synchronisation_did_is_known_after_the_night_and_damaged_it_is_no_obstacle()
{
    let bench = TestLending::start();
    for item in ["LL000001", "LL000002"] {
        bench.lending.lend(bench.loan(READER, item)).await.unwrap();
    }
    bench.lending.waiting().await.unwrap();
    bench.settle(2);
    let last = bench.lending.waiting().await.unwrap().synchronisation;
    assert_eq!(last.map(|last| (last.settled, last.left)), Some((2, 0)));
    assert!(last.is_some_and(|last| last.ended.is_some()));

    let bench = bench.restarted();
    let known = bench.lending.waiting().await.unwrap().synchronisation;
    assert_eq!(known, last);

    let stamp = crate::outbox::Stamp::now(bench.clock.as_ref());
    let damaged = crate::outbox::Note {
        name: SYNC_NOTE.into(),
        text: Some("{".to_owned()),
    };
    let written = bench
        .outbox
        .record_noting(&stamp, Vec::new(), |_| vec![damaged]);
    written.unwrap();
    let bench = bench.restarted();
    let known = bench.lending.waiting().await.unwrap().synchronisation;
    assert_eq!(known, None);
}

#[tokio::test]
async fn an_undoing_names_the_time_its_fact_said_whatever_the_clock_was_set_to_since() {
    let bench = TestLending::start();
    let slow = "2024-11-24T12:00:00Z".parse().unwrap();
    let right = std::mem::replace(&mut bench.clock.0.lock().unwrap().0, slow);
    let lent = bench.lending.lend(bench.loan(READER, "LL000001")).await;
    bench.clock.0.lock().unwrap().0 = right;
    bench.lending.undo(&lent.unwrap().fact).await.unwrap();
    let facts = bench.facts();
    let Fact::LoanUndone(undone) = facts[1].fact() else {
        panic!("an undoing expected");
    };
    assert_eq!((facts[0].time, facts[1].time), (slow, right));
    assert_eq!((&undone.fact, undone.at), (&facts[0].id, slow));
}
