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
    lending.lend(bench.loan(READER, "LL000001")).await.unwrap();
    assert!(lending.is_waiting("LL000001").await.unwrap());
    bench.wait(Duration::from_secs(24 * 3_600));
    assert!(
        lending.is_waiting("LL000001").await.unwrap(),
        "nobody heard"
    );

    bench.settle(1);
    assert!(
        lending.is_waiting("LL000001").await.unwrap(),
        "the gateway has it"
    );
    let within = LendingSection::default().told_within;
    bench.wait(within - Duration::from_secs(1));
    assert!(lending.is_waiting("LL000001").await.unwrap());
    bench.wait(Duration::from_secs(1));
    assert!(!lending.is_waiting("LL000001").await.unwrap());
    assert!(
        !lending.is_waiting("LL000002").await.unwrap(),
        "of others nobody waits"
    );
    let bench = bench.restarted();
    assert!(!bench.lending.is_waiting("LL000001").await.unwrap());
}
