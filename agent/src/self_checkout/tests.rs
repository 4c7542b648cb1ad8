//! The relay over real sockets: a machine that writes bytes on one side, a library system that
//! reads and writes bytes on the other, lending with its outbox on disk in between.

mod bench;
mod cancelling;
mod card;
mod doubt;
mod latency;
mod line;
mod offline;

use std::path::Path;

use lujiang_config::{LendingSection, OutboxSection, Sip2Charset};
use lujiang_wire::{Due, Fact, LoanCheckout, LoanKind, Mode, Outcome};

use self::bench::{Bench, date, sum};
use crate::lending::OnlineLoan;
use crate::lending::test_lending::TestLending;

const READER: &str = "43022319900101123X";
const OTHER: &str = "430223198505054321";

/// What a machine and a library system say of one loan, without AY and AZ.
fn checkout(reader: &str, item: &str) -> String {
    let date = date();
    format!("11YN{date}{date}AOLL|AA{reader}|AB{item}|AC|AD4711|BON|")
}

fn granted(reader: &str, item: &str) -> String {
    let date = date();
    format!("121NUY{date}AOLL|AA{reader}|AB{item}|AJ醴陵窑|AH20261224    235959|AF借阅成功|")
}

fn checkin(item: &str) -> String {
    let date = date();
    format!("09N{date}{date}APLL|AOLL|AB{item}|AC|")
}

#[tokio::test]
async fn a_loan_is_handed_on_both_ways_and_becomes_a_fact_without_a_reader() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 3).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    assert_eq!(asked.text, checkout(READER, "LL000001"));
    library
        .say(&granted(READER, "LL000001"), asked.sequence)
        .await;
    let told = machine.hear().await;
    assert_eq!(told.text, granted(READER, "LL000001"));
    assert_eq!(told.sequence, Some(3), "AY is the machine's own");

    let facts = bench.facts(1).await;
    let Fact::LoanCheckout(loan) = facts[0].fact() else {
        panic!("a loan expected");
    };
    let LoanCheckout {
        patron,
        mode,
        due,
        outcome,
        ..
    } = loan;
    assert_eq!((patron, *mode, outcome.ok), (&None, Mode::Online, true));
    assert_eq!(*due, Some("2026-12-24".parse::<Due>().unwrap()));
    bench.stop().await;
}

#[tokio::test]
async fn a_repeated_request_is_answered_from_memory_also_over_a_new_connection() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkin("LL000001"), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    let answer = format!("101YNN{}AOLL|ABLL000001|AQ总馆|", date());
    library.say(&answer, asked.sequence).await;
    let told = machine.hear().await;
    machine.say(&checkin("LL000001"), 1).await;
    assert_eq!(machine.hear().await, told);
    let mut machine = bench.machine().await;
    machine.say(&checkin("LL000001"), 1).await;
    assert_eq!(machine.hear().await, told);
    machine.say("97", None).await;
    assert_eq!(machine.hear().await, told);
    // As it comes back it looks how things are before it asks again.
    let mut machine = bench.machine().await;
    machine.say("9900802.00", 2).await;
    let asked = library.hear().await;
    let status = format!("98YYYYYN010003{}2.00AOLL|", date());
    library.say(&status, asked.sequence).await;
    machine.hear().await;
    machine.say(&checkin("LL000001"), 1).await;
    assert_eq!(machine.hear().await, told);
    library.hears_nothing().await;
    bench.facts(1).await;
    bench.stop().await;
}

#[tokio::test]
async fn an_agent_that_stops_waits_for_the_answer_it_owes() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "LL000001"), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    let answer = async {
        library
            .say(&granted(READER, "LL000001"), asked.sequence)
            .await;
        machine.hear().await
    };
    let (lending, told) = tokio::join!(bench.stop(), answer);
    assert_eq!(told.text, granted(READER, "LL000001"));
    assert_eq!(lending.facts().len(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_down_is_given_all_the_same_and_counted() {
    let small = OutboxSection {
        size_max: lujiang_config::ByteSize::kib(100),
        ..OutboxSection::default()
    };
    let lending = TestLending::with(LendingSection::default(), small);
    // Facts as those to come, until one more has no room.
    loop {
        let loan = OnlineLoan {
            kind: LoanKind::Checkout,
            item: "XX000000".parse().unwrap(),
            due: Some("2026-12-24".parse().unwrap()),
            session: "s".parse().unwrap(),
            outcome: Outcome {
                ok: true,
                reason: None,
            },
            cancels: None,
        };
        if lending.lending.record_online(loan).await.is_err() {
            break;
        }
    }
    let bench = Bench::start(lending).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(READER, "XX000001"), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    library
        .say(&granted(READER, "XX000001"), asked.sequence)
        .await;
    assert!(machine.hear().await.text.starts_with("121"));
    bench.wait_for(|status| status.unrecorded == 1).await;
    bench.stop().await;
}

#[tokio::test]
async fn nothing_of_a_reader_is_in_a_log_or_on_the_disk() {
    const NAME: &str = "钟南山";
    const PASSWORD: &str = "canary-4711";
    const OLD: &str = "430223900101123";
    let (logs, _guard) = bench::logs();
    let mut bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine
        .say(&format!("9300CNkiosk|CO{PASSWORD}|CP|"), 0)
        .await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    library.say("941", asked.sequence).await;
    machine.hear().await;
    let date = date();
    machine
        .say(
            &format!("63019{date}          AOLL|AA{READER}|AC|AD{PASSWORD}|"),
            1,
        )
        .await;
    let asked = library.hear().await;
    let answer = format!(
        "64              019{date}000000000000000000000000AOLL|AA{READER}|AE{NAME}|BD{NAME}|AF{NAME}|"
    );
    library.say(&answer, asked.sequence).await;
    assert!(machine.hear().await.text.contains(NAME));
    // Held in place of an item, a card is no item that is noted; nor is the number of an old one, a
    // misread one, or one with a scanner's prefix.
    let held = [READER, OLD, &READER[..17], &format!("]C0{READER}")];
    for (item, sequence) in held.into_iter().zip(2..) {
        machine.say(&checkout(READER, item), sequence).await;
        let asked = library.hear().await;
        let refused = format!("120NUN{date}AOLL|AA{READER}|AB{item}|AJ|AH|AF{NAME}|");
        library.say(&refused, asked.sequence).await;
        machine.hear().await;
    }
    // And a line that is no message at all.
    machine
        .write(format!("ZZ{READER}{PASSWORD}\r").as_bytes())
        .await;
    machine.hear().await;
    bench.go_away();
    // What became of this one nobody knows; it stands nowhere all the same.
    machine.say(&checkin(held[3]), 6).await;
    library.hear().await;
    drop(library);
    assert!(machine.hear().await.text.starts_with("100"));
    machine.say(&checkout(READER, "LL000001"), 7).await;
    assert!(machine.hear().await.text.starts_with("121"));
    bench.facts(1).await;
    let lending = bench.stop().await;
    let written = logs.text();
    assert!(
        written.contains("the machine says") && written.contains("LL000001"),
        "{written}"
    );
    for secret in [&READER[..17], OLD, NAME, PASSWORD] {
        assert!(
            !written.contains(secret),
            "{secret} stands in the log:\n{written}"
        );
        stands_in_no_file(&lending.folder(), secret);
    }
}

fn stands_in_no_file(folder: &Path, secret: &str) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let mut windows = bytes.windows(secret.len());
        let found = windows.any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} stands in {}", path.display());
    }
}

#[tokio::test]
async fn a_short_card_held_in_place_of_an_item_is_in_no_log_and_no_fact() {
    const CARD: &str = "0012345678";
    let section = LendingSection {
        reader_pattern: "[0-9]{10}".parse().unwrap(),
        item_pattern: "LL[0-9]{6}".parse().unwrap(),
        ..LendingSection::default()
    };
    let (logs, _guard) = bench::logs();
    let lending = TestLending::with(section, OutboxSection::default());
    let bench = Bench::start(lending).await;
    let mut machine = bench.machine().await;
    machine.say(&checkout(CARD, CARD), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    let refused = format!("120NUN{}AOLL|AA{CARD}|AB{CARD}|AJ|AH|", date());
    library.say(&refused, asked.sequence).await;
    assert!(machine.hear().await.text.contains(CARD));
    let lending = bench.stop().await;
    assert!(lending.facts().is_empty());
    let written = logs.text();
    assert!(written.contains("the machine is told"), "{written}");
    assert!(!written.contains(CARD), "{written}");
}

#[tokio::test]
async fn an_answer_the_machine_has_no_letters_for_is_not_asked_for_twice() {
    let bench = Bench::with(TestLending::start(), true, |section| {
        let desk = section.machines.get_mut("desk").unwrap();
        desk.profile.charset = Sip2Charset::Cp850;
    })
    .await;
    let mut machine = bench.machine().await;
    machine.say(&checkin("LL000001"), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    let answer = format!("101YNN{}AO渌江|ABLL000001|AQ|", date());
    library.say(&answer, asked.sequence).await;
    bench.wait_for(|status| status.unwritable == 1).await;
    machine.say(&checkin("LL000001"), 1).await;
    bench.wait_for(|status| status.unwritable == 2).await;
    library.hears_nothing().await;
    bench.facts(1).await;
    bench.stop().await;
}

#[test]
fn a_sum_is_the_standards() {
    assert_eq!(sum("9900802.00", Some(1)), "9900802.00AY1AZFCA0");
}
