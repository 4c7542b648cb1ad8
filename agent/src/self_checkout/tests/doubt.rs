//! Requests whose fate nobody knows: asked, and never answered.

use lujiang_wire::{Fact, LoanKind, Mode};

use super::bench::{Bench, date};
use super::{READER, checkin, checkout, granted};
use crate::lending::test_lending::{TestLending, opened};

#[tokio::test]
async fn a_loan_in_which_the_library_system_fell_silent_is_a_fact_and_asked_once() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let told = machine.hear().await;
    assert!(told.text.starts_with("121NUY"), "{}", told.text);
    let facts = bench.facts(1).await;
    assert_eq!(opened(facts[0].fact()).as_deref(), Some(READER));
    library.is_hung_up_on().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    assert_eq!(machine.hear().await, told);
    let mut library = bench.library().await;
    library.proves_itself().await;
    library.hears_nothing().await;
    bench.facts(1).await;
    bench.stop().await;
}

#[tokio::test]
async fn what_may_have_happened_is_refused_with_a_fact_that_says_so() {
    let bench = Bench::start(TestLending::start().blocking(&[READER])).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("120NUN") && told.contains("结果未确认"),
        "{told}"
    );
    let facts = bench.facts(1).await;
    let Fact::LoanCheckout(loan) = facts[0].fact() else {
        panic!()
    };
    assert_eq!(loan.outcome.reason.as_ref().unwrap().as_str(), "unresolved");
    assert_eq!((&loan.patron, loan.mode), (&None, Mode::Online));
    bench.stop().await;
}

#[tokio::test]
async fn a_request_in_which_the_agent_died_is_not_handed_on_again() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    let lending = bench.die().await.restarted();

    let bench = Bench::start(lending).await;
    let mut machine = bench.machine().await;
    let mut library = bench.library().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    assert!(machine.hear().await.text.starts_with("121NUY"));
    library.hears_nothing().await;
    let facts = bench.facts(1).await;
    assert_eq!(opened(facts[0].fact()).as_deref(), Some(READER));
    machine.say(&checkout(READER, "LL000002"), 2).await;
    assert!(library.hear().await.text.contains("LL000002"));
    bench.die().await;
}

#[tokio::test]
async fn a_renewal_of_unknown_fate_is_no_yes_and_a_fact_for_the_loan_desk() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    let date = date();
    machine
        .say(&format!("29NN{date}{date}AOLL|AA{READER}|ABLL000001|"), 1)
        .await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("300NUN") && told.contains("结果未确认"),
        "{told}"
    );
    let facts = bench.facts(1).await;
    let Fact::LoanRenew(loan) = facts[0].fact() else {
        panic!("a renewal expected");
    };
    assert!(loan.outcome.is_unresolved());
    assert_eq!((&loan.patron, loan.mode), (&None, Mode::Online));
    bench.stop().await;
}

#[tokio::test]
async fn a_payment_of_unknown_fate_is_a_fact_with_its_amount_and_no_reader() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine
        .say(&format!("37{}0100CNYBV5.00|AOLL|AA{READER}|", date()), 1)
        .await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("38N") && told.contains("结果未确认"),
        "{told}"
    );
    let facts = bench.facts(1).await;
    let Fact::PaymentUnresolved(payment) = facts[0].fact() else {
        panic!("a payment expected");
    };
    assert_eq!(payment.amount.as_ref().unwrap().as_str(), "5.00");
    assert_eq!(payment.currency.as_ref().unwrap().as_str(), "CNY");
    assert!(payment.session.as_str().starts_with("desk-"));
    assert!(!facts[0].to_json().to_string().contains(&READER[..17]));
    bench
        .wait_for(|status| status.payments_unresolved == 1)
        .await;
    bench.stop().await;
}

#[tokio::test]
async fn a_return_that_was_taken_here_before_the_agent_stopped_is_told_and_no_second_fact() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkin("LL000001"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    let told = machine.hear().await.text;
    assert!(told.starts_with("101"), "{told}");
    bench.facts(1).await;
    let lending = bench.stop().await.restarted();

    let bench = Bench::start(lending).await;
    let mut machine = bench.machine().await;
    machine.say(&checkin("LL000001"), 1).await;
    let told = machine.hear().await.text;
    assert!(told.starts_with("101"), "{told}");
    bench.facts(1).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_loan_that_was_granted_and_written_down_before_the_agent_stopped_is_told_and_no_second_fact()
 {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    drop(machine);
    bench.wait_for(|status| !status.connected).await;
    library
        .say(&granted(READER, "LL000001"), asked.sequence)
        .await;
    bench.facts(1).await;
    let lending = bench.stop().await.restarted();

    let bench = Bench::start(lending).await;
    let mut machine = bench.machine().await;
    let mut library = bench.library().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("121") && told.contains("|AH2026-12-24|"),
        "{told}"
    );
    library.hears_nothing().await;
    bench.facts(1).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_loan_of_unknown_fate_that_is_cancelled_is_a_return_the_library_system_hears_of() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    assert!(machine.hear().await.text.starts_with("121"));
    machine.say(&(checkin("LL000001") + "BIY|"), 2).await;
    let told = machine.hear().await.text;
    assert!(told.starts_with("101"), "{told}");

    // It may have lent it: to undo our own word would leave the reader with it there.
    let facts = bench.facts(2).await;
    let Fact::LoanCheckin(back) = facts[1].fact() else {
        panic!("a return expected, found {:?}", facts[1].fact());
    };
    assert_eq!((back.mode, back.outcome.ok), (Mode::Offline, true));
    let failed = back.cancels.clone().unwrap().failed.unwrap();
    assert_eq!(
        (failed.fact, failed.kind, failed.at),
        (facts[0].id.clone(), LoanKind::Checkout, facts[0].time)
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_return_of_unknown_fate_is_not_undone_by_our_word_alone() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkin("LL000001"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    assert!(machine.hear().await.text.starts_with("101"));
    let cancel = checkout(READER, "LL000001").replace("BON|", "BIY|");
    machine.say(&cancel, 2).await;
    let told = machine.hear().await.text;
    assert!(told.starts_with("120N"), "{told}");
    bench.facts(1).await;
    bench.stop().await;
}

#[tokio::test]
async fn what_was_refused_in_doubt_before_the_agent_stopped_is_no_second_fact() {
    for (line, no) in [
        (checkout(READER, "LL000001"), "120"),
        (format!("37{}0100CNYBV5.00|AOLL|AA{READER}|", date()), "38N"),
    ] {
        let bench = Bench::start(TestLending::start().blocking(&[READER])).await;
        let mut machine = bench.machine().await;
        machine.say(&line, 1).await;
        let mut library = bench.library().await;
        library.hear().await;
        drop(library);
        assert!(machine.hear().await.text.starts_with(no));
        bench.facts(1).await;
        let lending = bench.stop().await.restarted();

        let bench = Bench::start(lending).await;
        let mut machine = bench.machine().await;
        machine.say(&line, 1).await;
        let told = machine.hear().await.text;
        assert!(
            told.starts_with(no) && told.contains("结果未确认"),
            "{told}"
        );
        bench.facts(1).await;
        bench.stop().await;
    }
}
