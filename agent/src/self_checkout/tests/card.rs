//! Card machines: the messages that say that a card was issued, the standard's and a vendor's
//! own.

use lujiang_config::{CardSection, SelfCheckoutSection, VendorSection};
use lujiang_wire::{CardIssued, Fact, Mode};

use super::READER;
use super::bench::{self, Bench, date};
use crate::lending::test_lending::{TestLending, opened};

/// The number of a new card: another identity card, so that it has a reader's form.
const CARD: &str = "430223198505054321";

#[tokio::test]
async fn a_card_that_was_issued_is_a_fact_and_its_reader_is_sealed_where_nobody_was_asked() {
    let card = |section: &mut lujiang_config::SelfCheckoutSection| {
        section.card = Some(CardSection {
            value: "NEW".to_owned(),
            kind: "自助办证".to_owned(),
            ..CardSection::of_message("63", "XK")
        });
    };
    let date = date();
    let issued = format!("63019{date}          AOLL|AA{READER}|AC|XKNEW|");
    let other = format!("63019{date}          AOLL|AA{READER}|AC|XKOLD|");
    let bench = Bench::with(TestLending::start(), true, card).await;
    let mut machine = bench.machine().await;
    let mut library = None;
    for (asked, sequence) in [(&other, 1), (&issued, 2)] {
        machine.say(asked, sequence).await;
        let mut connected = match library.take() {
            Some(library) => library,
            None => bench.library().await,
        };
        let asked = connected.hear().await;
        let answer = format!(
            "64              019{date}000000000000000000000000AOLL|AA{READER}|AE钟南山|BLY|"
        );
        connected.say(&answer, asked.sequence).await;
        machine.hear().await;
        library = Some(connected);
    }
    let facts = bench.facts(1).await;
    let Fact::CardIssued(card_fact) = facts[0].fact() else {
        panic!()
    };
    assert_eq!((&card_fact.patron, card_fact.mode), (&None, Mode::Online));
    assert_eq!(card_fact.kind.as_ref().unwrap().as_str(), "自助办证");
    bench.stop().await;

    let bench = Bench::with(TestLending::start(), false, card).await;
    let mut machine = bench.machine().await;
    machine.say(&issued, 1).await;
    assert!(machine.hear().await.text.starts_with("64"));
    let facts = bench.facts(1).await;
    assert_eq!(opened(facts[0].fact()).as_deref(), Some(READER));
    bench.stop().await;
}

/// Messages of a rule of the standard's: what they say, what the machine hears, and of what outcome
/// the fact is, sealed or not.
async fn offline_card(lending: TestLending, message: &str, asked: &str) -> (String, CardIssued) {
    let card = |section: &mut SelfCheckoutSection| {
        section.card = Some(CardSection {
            value: "NEW".to_owned(),
            ..CardSection::of_message(message, "XK")
        });
    };
    let bench = Bench::with(lending, false, card).await;
    let mut machine = bench.machine().await;
    machine.say(asked, 1).await;
    let told = machine.hear().await.text;
    let facts = bench.facts(1).await;
    let Fact::CardIssued(card) = facts[0].fact() else {
        panic!("a card expected, found {:?}", facts[0].fact());
    };
    let card = card.clone();
    bench.stop().await;
    (told, card)
}

#[tokio::test]
async fn a_card_of_which_the_machine_was_told_no_counts_as_none() {
    let paid = format!("37{}0100CNYBV5.00|AOLL|AA{READER}|XKNEW|", date());
    let (told, card) = offline_card(TestLending::start(), "37", &paid).await;
    assert!(told.starts_with("38N"), "{told}");
    assert!(!card.outcome.ok);

    // Without papers nobody can be looked up, nor sealed.
    let issued = format!("63019{}          AOLL|AA{READER}|AC|XKNEW|", date());
    let (told, card) = offline_card(TestLending::without_papers(), "63", &issued).await;
    assert!(told.contains("|BLN|"), "{told}");
    assert!(!card.outcome.ok);
    assert_eq!((card.patron, card.mode), (None, Mode::Offline));
}

#[tokio::test]
async fn a_card_that_nobody_can_name_is_a_fact_for_somebody_to_look_at() {
    let ended = format!("35{}AOLL|AA00000|AC|XKNEW|", date());
    let (told, card) = offline_card(TestLending::start(), "35", &ended).await;
    assert!(told.starts_with("36Y"), "{told}");
    assert!(card.outcome.is_unresolved());
    assert_eq!(card.patron, None);
}

#[tokio::test]
async fn a_card_in_which_the_library_system_fell_silent_is_in_doubt() {
    let card = |section: &mut SelfCheckoutSection| {
        section.card = Some(CardSection::of_message("63", "XK"));
    };
    let bench = Bench::with(TestLending::start(), true, card).await;
    let mut machine = bench.machine().await;
    let issued = format!("63019{}          AOLL|AA{READER}|AC|XKNEW|", date());
    machine.say(&issued, 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    drop(library);
    machine.hear().await;
    let facts = bench.facts(1).await;
    let Fact::CardIssued(card) = facts[0].fact() else {
        panic!()
    };
    assert!(card.outcome.is_unresolved());
    assert_eq!(opened(facts[0].fact()).as_deref(), Some(READER));
    bench.stop().await;
}

/// A card machine's manual of our own: 81 says that a card was issued, 82 that the library system
/// has it. Twenty characters come first.
fn vendors(section: &mut SelfCheckoutSection) {
    for machine in section.machines.values_mut() {
        machine.vendor_messages = vec![VendorSection {
            request: "81".to_owned(),
            answer: "82".to_owned(),
        }];
    }
    section.card = Some(CardSection {
        value: "NEW".to_owned(),
        kind: "自助办证".to_owned(),
        fixed_width: 20,
        card: "XC".to_owned(),
        answer_field: "XO".to_owned(),
        answer_value: "1".to_owned(),
        ..CardSection::of_message("81", "XK")
    });
}

fn issued(kind: &str) -> String {
    format!("81YN{}AA{READER}|XC{CARD}|XK{kind}|XN钟南山|", date())
}

fn taken_down(word: &str) -> String {
    format!("82YN{}AA{READER}|XC{CARD}|XO{word}|AF办证成功|", date())
}

#[tokio::test]
async fn a_vendors_own_message_goes_both_ways_unread_and_says_that_a_card_was_issued() {
    let bench = Bench::with(TestLending::start(), true, vendors).await;
    let mut machine = bench.machine().await;
    machine.say(&issued("OLD"), 1).await;
    let mut library = bench.library().await;
    for (number, kind, word) in [(1, "OLD", "1"), (2, "NEW", "1"), (3, "NEW", "0")] {
        if number > 1 {
            machine.say(&issued(kind), number).await;
        }
        let asked = library.hear().await;
        assert_eq!(asked.text, issued(kind));
        library.say(&taken_down(word), asked.sequence).await;
        let told = machine.hear().await;
        assert_eq!(told.text, taken_down(word));
        assert_eq!(told.sequence, Some(number), "AY is the machine's own");
    }
    let facts = bench.facts(2).await;
    let outcomes = facts.iter().map(|event| {
        let Fact::CardIssued(card) = event.fact() else {
            panic!("a card expected");
        };
        assert_eq!((&card.patron, card.mode), (&None, Mode::Online));
        assert_eq!(card.kind.as_ref().unwrap().as_str(), "自助办证");
        card.outcome.ok
    });
    assert_eq!(outcomes.collect::<Vec<_>>(), [true, false]);
    bench.stop().await;
}

#[tokio::test]
async fn a_card_whose_answer_never_came_is_in_doubt_and_its_number_sealed() {
    let bench = Bench::with(TestLending::start(), true, vendors).await;
    let mut machine = bench.machine().await;
    machine.say(&issued("NEW"), 1).await;
    let mut library = bench.library().await;
    library.hear().await;
    // It says nothing in time; what it says then is nobody's answer.
    library.is_hung_up_on().await;
    let facts = bench.facts(1).await;
    let Fact::CardIssued(card) = facts[0].fact() else {
        panic!("a card expected");
    };
    assert!(card.outcome.is_unresolved());
    assert_eq!(opened(facts[0].fact()).as_deref(), Some(CARD));
    machine.hears_nothing().await;
    // The machine's own retry is not handed on a second time.
    let mut library = bench.library().await;
    library.proves_itself().await;
    bench.wait_for(|status| status.unanswered == 1).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_vendors_own_message_is_unheard_where_the_machine_names_none_and_off_line() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say(&issued("NEW"), 1).await;
    machine.hears_nothing().await;
    bench
        .wait_for(|status| status.garbled_by_machine == 1)
        .await;
    bench.stop().await;

    let bench = Bench::with(TestLending::start(), false, vendors).await;
    let mut machine = bench.machine().await;
    machine.say(&issued("NEW"), 1).await;
    bench.wait_for(|status| status.unanswered == 1).await;
    machine.say("9900802.00", 2).await;
    assert!(machine.hear().await.text.starts_with("98"));
    assert_eq!(bench.lending.facts().len(), 0);
    bench.stop().await;
}

#[tokio::test]
async fn nothing_of_a_vendors_own_message_is_in_a_log() {
    let (logs, _guard) = bench::logs();
    let bench = Bench::with(TestLending::start(), true, vendors).await;
    let mut machine = bench.machine().await;
    machine.say(&issued("NEW"), 1).await;
    let mut library = bench.library().await;
    let asked = library.hear().await;
    library.say(&taken_down("1"), asked.sequence).await;
    machine.hear().await;
    bench.facts(1).await;
    bench.stop().await;
    let written = logs.text();
    assert!(written.contains("the machine says"), "{written}");
    for secret in [&READER[..17], CARD, "钟南山", "办证成功", "XKNEW"] {
        assert!(!written.contains(secret), "{secret}:\n{written}");
    }
}
