//! What a machine cancels after the library system had granted it (SIP2 `BI`).

use lujiang_wire::{Fact, LoanKind, Mode};

use super::bench::{Bench, Party, date};
use super::{READER, checkin, checkout, granted};
use crate::lending::test_lending::TestLending;

#[tokio::test]
async fn a_return_that_cancels_a_loan_names_the_loan_and_one_without_a_loan_names_none() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    answer(&mut library, &granted(READER, "LL000001")).await;
    machine.hear().await;
    for turn in [2, 3] {
        let cancel = checkin("LL000001") + "BIY|";
        machine.say(&cancel, turn).await;
        let back = format!("101YNN{}AOLL|ABLL000001|AQ总馆|", date());
        answer(&mut library, &back).await;
        machine.hear().await;
    }

    let facts = bench.facts(3).await;
    let Fact::LoanCheckout(loan) = facts[0].fact() else {
        panic!("a loan expected");
    };
    assert_eq!(loan.cancels, None);
    let [first, second] = [&facts[1], &facts[2]].map(|event| match event.fact() {
        Fact::LoanCheckin(back) => back.cancels.clone().unwrap(),
        other => panic!("a return expected, found {other:?}"),
    });
    let failed = first.failed.unwrap();
    assert_eq!(
        (&failed.fact, failed.kind),
        (&facts[0].id, LoanKind::Checkout)
    );
    assert_eq!(
        (failed.at, failed.session),
        (facts[0].time, loan.session.clone())
    );
    assert_eq!(second.failed, None, "it is cancelled once");
    bench.stop().await;
}

#[tokio::test]
async fn a_loan_cancelled_while_the_library_system_is_away_is_a_return_it_hears_of_later() {
    let mut bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    answer(&mut library, &granted(READER, "LL000001")).await;
    machine.hear().await;
    bench.go_away();
    drop(library);
    bench.wait_for(|status| !status.library_system).await;
    for turn in [2, 3] {
        machine.say(&(checkin("LL000001") + "BIY|"), turn).await;
        let told = machine.hear().await.text;
        assert!(told.starts_with("101"), "{told}");
    }

    let facts = bench.facts(3).await;
    let [first, again] = [&facts[1], &facts[2]].map(|event| match event.fact() {
        Fact::LoanCheckin(back) => back.clone(),
        other => panic!("a return expected, found {other:?}"),
    });
    assert_eq!((first.mode, first.outcome.ok), (Mode::Offline, true));
    let failed = first.cancels.unwrap().failed.unwrap();
    assert_eq!(
        (failed.fact, failed.kind),
        (facts[0].id.clone(), LoanKind::Checkout)
    );
    assert_eq!(again.cancels.unwrap().failed, None, "it is cancelled once");
    bench.stop().await;
}

async fn answer(library: &mut Party, text: &str) {
    let asked = library.hear().await;
    library.say(text, asked.sequence).await;
}
