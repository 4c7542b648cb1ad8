//! Answers in the library system's place while it is away.

use std::time::Duration;

use lujiang_config::{LendingSection, Offline, OutboxSection};
use lujiang_wire::{Fact, Mode};

use super::bench::{Bench, date};
use super::{OTHER, READER, checkin, checkout};
use crate::lending::test_lending::{TestLending, opened};

#[tokio::test]
async fn while_the_library_system_is_away_each_loan_is_on_disk_before_it_is_told() {
    let bench = Bench::away(TestLending::start().blocking(&[OTHER])).await;
    let mut machine = bench.machine().await;
    machine.say("9900802.00", 1).await;
    let status = machine.hear().await.text;
    assert!(status.starts_with("98NYYYNN100003"), "{status}");
    assert!(status.contains("|BXYYYNYYYYYNYNNNYN|"), "{status}");

    let date = date();
    machine
        .say(&format!("63019{date}          AOLL|AA{READER}|AC|AD|"), 2)
        .await;
    let account = machine.hear().await.text;
    assert!(
        account.starts_with("64") && account.contains("|BLY|"),
        "{account}"
    );
    assert!(account.contains("暂时无法连接"), "{account}");

    machine.say(&checkout(READER, "LL000001"), 3).await;
    let told = machine.hear().await.text;
    let facts = bench.lending.facts();
    assert!(told.starts_with("121NUY"), "{told}");
    assert!(told.contains("|AH2026-12-24|"), "{told}");
    let [event] = &facts[..] else {
        panic!("one fact expected: {facts:?}")
    };
    assert_eq!(opened(event.fact()).as_deref(), Some(READER));

    for (asked, words) in [
        (checkout(OTHER, "LL000002"), "此证暂停借阅"),
        (checkout("LL000003", "LL000002"), "这是图书条码"),
        (checkout(READER, OTHER), "这是读者证"),
        (checkout(OTHER, "LL000001"), "此证暂停借阅"),
    ] {
        machine.say(&asked, 4).await;
        let told = machine.hear().await.text;
        assert!(told.starts_with("120NUN") && told.contains(words), "{told}");
    }
    machine
        .say(&format!("37{date}0100CNYBV5.00|AOLL|AA{READER}|"), 5)
        .await;
    assert!(machine.hear().await.text.starts_with("38N"));
    machine.say(&checkin("LL000001"), 6).await;
    assert!(machine.hear().await.text.starts_with("101Y"));
    assert_eq!(bench.lending.facts().len(), 2);
    machine.say(&format!("35{date}AOLL|AA{READER}|"), 7).await;
    assert!(machine.hear().await.text.starts_with("36Y"));
    bench.stop().await;
}

#[tokio::test]
async fn a_loan_is_renewed_here_and_one_that_the_machine_cancels_is_undone() {
    let bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    machine.hear().await;
    let cancel = checkout(READER, "LL000001").replace("BON|", "BIY|");
    machine.say(&cancel, 2).await;
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("121NUY") && told.contains("已取消"),
        "{told}"
    );
    machine.say(&cancel, 3).await;
    assert!(
        machine.hear().await.text.starts_with("120N"),
        "once is enough"
    );
    let facts = bench.facts(2).await;
    let Fact::LoanUndone(undone) = facts[1].fact() else {
        panic!("an undone loan expected");
    };
    assert_eq!(undone.fact, facts[0].id);

    machine.say(&checkout(READER, "LL000002"), 4).await;
    machine.hear().await;
    bench.lending.wait(Duration::from_secs(10 * 24 * 3_600));
    let date = date();
    machine
        .say(&format!("29NN{date}{date}AOLL|AA{READER}|ABLL000002|"), 5)
        .await;
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("301YUN") && told.contains("|AH2027-01-03|"),
        "{told}"
    );
    assert_eq!(
        opened(bench.facts(4).await[3].fact()).as_deref(),
        Some(READER)
    );
    bench.stop().await;
}

#[tokio::test]
async fn an_item_whose_loan_was_undone_is_answered_here_until_the_library_system_can_know_of_it() {
    let mut bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    machine.hear().await;
    let cancel = checkout(READER, "LL000001").replace("BON|", "BIY|");
    machine.say(&cancel, 2).await;
    machine.hear().await;
    bench.come_back();
    let mut library = bench.library().await;
    library.proves_itself().await;
    bench.wait_for(|status| status.library_system).await;
    machine.say(&checkout(READER, "LL000001"), 3).await;
    let told = machine.hear().await.text;
    assert!(told.starts_with("121NUY"), "{told}");
    library.hears_nothing().await;
    bench.facts(3).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_machine_that_speaks_english_is_answered_so() {
    let bench = Bench::away(TestLending::without_papers()).await;
    let mut machine = bench.machine().await;
    machine.say("9900802.00", 0).await;
    let status = machine.hear().await.text;
    assert!(
        status.starts_with("98NYN"),
        "without papers nothing is lent: {status}"
    );
    let date = date();
    machine
        .say(&format!("23001{date}AOLL|AA{READER}|AC|AD|"), 1)
        .await;
    let told = machine.hear().await.text;
    assert!(told.contains("only returns are possible"), "{told}");
    bench.stop().await;
}

#[tokio::test]
async fn a_loan_whose_answer_died_with_the_agent_is_granted_again_without_a_second_fact() {
    let bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    machine.hear().await;
    let lending = bench.stop().await.restarted();
    let bench = Bench::away(lending).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let told = machine.hear().await.text;
    assert!(
        told.starts_with("121NUY") && told.contains("|AH2026-12-24|"),
        "{told}"
    );
    assert_eq!(bench.lending.facts().len(), 1);
    bench.stop().await;
}

#[tokio::test]
async fn an_item_lent_here_comes_back_here_until_the_library_system_can_know_of_it() {
    let mut bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    machine.hear().await;
    machine.say(&checkout(READER, "LL000002"), 2).await;
    machine.hear().await;
    bench.come_back();
    let mut library = bench.library().await;
    library.proves_itself().await;
    bench.wait_for(|status| status.library_system).await;
    machine.say(&checkin("LL000001"), 3).await;
    assert!(machine.hear().await.text.starts_with("101Y"));
    library.hears_nothing().await;
    bench.lending.settle(3);
    // The gateway has it, and has yet to tell it.
    machine.say(&checkin("LL000002"), 4).await;
    assert!(machine.hear().await.text.starts_with("101Y"));
    library.hears_nothing().await;
    bench.lending.settle(4);
    bench.lending.lending.reach("LL000002").await.unwrap();
    bench.lending.wait(LendingSection::default().told_within);
    machine.say(&checkin("LL000002"), 5).await;
    let asked = library.hear().await;
    assert!(asked.text.starts_with("09") && asked.text.contains("LL000002"));
    bench.stop().await;
}

#[tokio::test]
async fn a_loan_that_is_long_known_is_no_answer_to_another_of_the_same_item() {
    let bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 0).await;
    assert!(machine.hear().await.text.starts_with("121"));
    // Asked for once more while nobody knows of it: the answer was lost.
    machine.say(&checkout(READER, "LL000001"), 1).await;
    assert!(machine.hear().await.text.starts_with("121"));
    assert_eq!(bench.lending.facts().len(), 1);

    // It came back at the desk, of which this device hears nothing, and is borrowed anew.
    bench.lending.settle(1);
    bench.lending.lending.reach("LL000001").await.unwrap();
    bench.lending.wait(Duration::from_secs(8 * 24 * 3_600));
    for (reader, sequence, facts) in [(READER, 2, 1), (OTHER, 3, 1)] {
        machine.say(&checkout(reader, "LL000001"), sequence).await;
        let told = machine.hear().await.text;
        let is_granted = reader == READER;
        assert_eq!(told.starts_with("121"), is_granted, "{told}");
        assert!(!is_granted || told.contains("|AH2027-01-01|"), "{told}");
        assert_eq!(bench.lending.facts().len(), facts);
    }
    bench.stop().await;
}

#[tokio::test]
async fn where_the_policy_only_takes_back_the_machine_is_told_so_and_lends_nothing() {
    let section = LendingSection {
        offline: Offline::Checkin,
        ..LendingSection::default()
    };
    let lending = TestLending::with(section, OutboxSection::default());
    let bench = Bench::away(lending).await;
    let mut machine = bench.machine().await;
    machine.say("9900802.00", 0).await;
    let status = machine.hear().await.text;
    assert!(status.starts_with("98NYNNNN"), "{status}");
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let told = machine.hear().await.text;
    assert!(told.starts_with("120"), "{told}");
    machine.say(&checkin("LL000001"), 2).await;
    let told = machine.hear().await.text;
    assert!(told.starts_with("101"), "{told}");
    let facts = bench.lending.facts();
    assert!(matches!(
        facts[..],
        [ref back] if matches!(back.fact(), Fact::LoanCheckin(_))
    ));
    bench.stop().await;
}

#[tokio::test]
async fn what_was_lent_in_a_long_break_comes_back_here_also_once_the_break_is_over() {
    let mut bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    machine.hear().await;
    bench.lending.settle(1);
    bench.lending.lending.reach("LL000001").await.unwrap();
    bench.lending.wait(Duration::from_secs(2 * 3_600));
    bench.come_back();
    let mut library = bench.library().await;
    library.proves_itself().await;
    bench.wait_for(|status| status.library_system).await;
    machine.say(&checkin("LL000001"), 2).await;
    assert!(machine.hear().await.text.starts_with("101Y"));
    library.hears_nothing().await;
    bench.stop().await;
}

#[tokio::test]
async fn a_refused_return_of_what_was_lent_here_is_taken_here_and_of_anything_else_is_handed_on() {
    let mut bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    machine.hear().await;
    bench.come_back();
    let mut library = bench.library().await;
    library.proves_itself().await;
    bench.wait_for(|status| status.library_system).await;
    bench.lending.settle(1);
    bench.lending.lending.reach("LL000001").await.unwrap();
    bench.lending.wait(LendingSection::default().told_within);
    for (item, sequence, told) in [("LL000001", 2, "101Y"), ("LL000002", 3, "100N")] {
        machine.say(&checkin(item), sequence).await;
        let asked = library.hear().await;
        assert!(asked.text.contains(item), "{}", asked.text);
        let refused = format!("100NUN{}AOLL|AB{item}|AQ|AF此书未借出|", date());
        library.say(&refused, asked.sequence).await;
        let heard = machine.hear().await.text;
        assert!(heard.starts_with(told), "{heard}");
    }
    let facts = bench.facts(2).await;
    let modes = [&facts[0], &facts[1]].map(|event| match event.fact() {
        Fact::LoanCheckin(back) => (back.mode, back.outcome.ok),
        other => panic!("a return expected, found {other:?}"),
    });
    assert_eq!(modes, [(Mode::Offline, true), (Mode::Online, false)]);
    bench.stop().await;
}
