//! The loan desk with a real gateway process and a library system over SIP2: everything is heard
//! once, whatever breaks; what is disputed is ruled on.

use lujiang_tests::desk::{LOGIN, LoanHouse, fact, minutes};
use lujiang_tests::ils::{ChargedItems, Fault, Habits, Ils, Kind, RenewalBase};
use lujiang_tests::packet::Version;
use lujiang_tests::publisher::Publisher;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::json;

fn stocked(kind: Kind) -> Ils {
    Ils::stocked(Habits::of(kind).with_login(LOGIN.0, LOGIN.1), 3, 9)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bus_lent_is_told_once_in_its_order_and_its_readers_are_erased() {
    let folder = tempfile::tempdir().unwrap();
    let house = LoanHouse::open(folder.path(), stocked(Kind::Koha), "koha", "")
        .await
        .unwrap();
    house.link_is("up").await.unwrap();
    let facts = [
        fact("1", "checkout", "B00001", Some("R0001"), minutes(30)),
        fact("2", "checkin", "B00001", None, minutes(20)),
        fact("3", "checkout", "B00001", Some("R0002"), minutes(10)),
        fact("4", "checkout", "B00002", Some("R0001"), minutes(9)),
        fact("5", "renew", "B00002", Some("R0001"), minutes(8)),
    ];
    house.send(&facts).await.unwrap();
    // Again, as a device does that did not hear the answer.
    house.send(&facts).await.unwrap();

    house.outcomes(5).await.unwrap();
    let mut executed = house.executed();
    executed.sort();
    let expected = [
        "checkin B00001",
        "checkout B00001 R0001",
        "checkout B00001 R0002",
        "checkout B00002 R0001",
        "renew B00002 R0001",
    ];
    assert_eq!(executed, expected);
    let state = house.ils.ils().state();
    assert_eq!(state["B00001"].patron, "R0002");
    let desk = house.link_is("up").await.unwrap();
    assert_eq!(desk["abilities"]["charged_items"], "proven", "{desk}");
    let database = rusqlite::Connection::open(house.library.data().join("ledger.db")).unwrap();
    let sql = "SELECT count(*), count(sealed), count(pseudonym) FROM person";
    let persons: (i64, i64, i64) = database
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(persons, (4, 0, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_between_request_and_answer_nothing_is_told_twice_or_not_at_all() {
    for fault in [
        Fault::DropBefore,
        Fault::DropAfter,
        Fault::DropWithin,
        Fault::SilentAfter,
        Fault::WrongChecksum,
        Fault::AskAgain,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let house = LoanHouse::open(folder.path(), stocked(Kind::Generic), "generic", "");
        let house = house.await.unwrap();
        // The first loan shows what this library system can answer.
        house
            .send(&[fact("0", "checkout", "B00009", Some("R0003"), minutes(60))])
            .await
            .unwrap();
        house.outcomes(1).await.unwrap();
        house.ils.set_fault_of("11", fault);
        house.ils.set_fault_of("09", fault);
        let facts = [
            fact("1", "checkout", "B00001", Some("R0001"), minutes(30)),
            fact("2", "checkin", "B00001", None, minutes(20)),
        ];
        house.send(&facts).await.unwrap();
        let outcomes = house.outcomes(3).await.unwrap();
        let told = |outcome: &String| {
            outcome.ends_with(" told")
                || outcome.ends_with("already-known")
                || outcome.ends_with("-since")
        };
        assert!(outcomes.iter().all(told), "{fault:?}: {outcomes:?}");
        let executed: Vec<_> = house.executed().split_off(1);
        assert_eq!(
            executed,
            ["checkout B00001 R0001", "checkin B00001"],
            "{fault:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_whose_answer_broke_off_is_told_again_only_where_its_date_shows_it_was_not_done()
{
    let held = "renew B00001 unresolved";
    let told = "renew B00001 told";
    for (base, fault, more, expected, times) in [
        // By its day: the loan of the same day is due as before, renewed or not.
        (RenewalBase::Today, Fault::DropAfter, "", held, 1),
        (RenewalBase::Today, Fault::DropBefore, "", held, 0),
        (RenewalBase::DueDate, Fault::DropAfter, "", told, 1),
        (RenewalBase::DueDate, Fault::DropBefore, "", held, 0),
        (
            RenewalBase::DueDate,
            Fault::DropBefore,
            "unmoved_due = \"not-renewed\"",
            told,
            1,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut ils = stocked(Kind::Generic);
        ils.habits_mut().renewal_base = base;
        let house = LoanHouse::open(folder.path(), ils, "generic", more);
        let house = house.await.unwrap();
        let lent = fact("1", "checkout", "B00001", Some("R0001"), minutes(30));
        house.send(&[lent]).await.unwrap();
        house.outcomes(1).await.unwrap();
        house.ils.set_fault_of("29", fault);
        let mut renewed = fact("2", "renew", "B00001", Some("R0001"), minutes(20));
        let due = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(60 * 24);
        renewed["data"]["due"] = json!(due.to_string());
        house.send(&[renewed]).await.unwrap();
        let outcomes = house.outcomes(2).await.unwrap();
        assert_eq!(outcomes[1], expected, "{base:?} {fault:?}");
        let executed = house.executed().into_iter();
        let renewals = executed.filter(|deed| deed.starts_with("renew")).count();
        assert_eq!(renewals, times, "{base:?} {fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_library_system_cannot_be_asked_about_is_disputed_and_stops_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut ils = stocked(Kind::Generic);
    ils.item_mut("B00002").unwrap().called = Some("00002".to_owned());
    let house = LoanHouse::open(folder.path(), ils, "generic", "");
    let house = house.await.unwrap();
    house.ils.fear("B00001");
    // The oldest are those that it cannot read, has under another name, or breaks off at.
    let odd = [
        fact("1", "checkout", "B|0001", Some("R0001"), minutes(50)),
        fact("2", "checkout", "B00001", Some("R0001"), minutes(49)),
        fact("3", "checkout", "B00002", Some("R0002"), minutes(48)),
    ];
    house.send(&odd).await.unwrap();
    let outcomes = async || {
        let page = house.library.get("/api/v1/loans?limit=1000").await?;
        let rows = page["rows"].as_array().cloned().unwrap_or_default();
        let told = |row: &serde_json::Value| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("item"), text("outcome"))
        };
        anyhow::Ok(rows.iter().map(told).collect::<Vec<_>>())
    };
    // Others come, and are told; the more of them, the surer it is whose fault it is.
    let mut number = 10;
    let unresolved = |item: &str| (item.to_owned(), "unresolved".to_owned());
    until(
        "the odd ones to be in front of staff",
        PATIENCE,
        async || {
            number += 1;
            let kind = if number % 2 == 1 {
                "checkout"
            } else {
                "checkin"
            };
            let reader = (kind == "checkout").then_some("R0003");
            let other = fact(&number.to_string(), kind, "B00009", reader, minutes(40));
            house.send(&[other]).await?;
            let outcomes = outcomes().await?;
            for item in ["B|0001", "B00001", "B00002"] {
                anyhow::ensure!(outcomes.contains(&unresolved(item)), "{item}: {outcomes:?}");
            }
            Ok(())
        },
    )
    .await
    .unwrap();
    let page = house.library.text("/api/v1/conflicts").await.unwrap();
    for words in [
        "field AB holds a character that would end it",
        "something else",
        "closed the connection",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("R000"), "{page}");
    house.link_is("up").await.unwrap();
    let executed = house.executed();
    assert!(
        executed.iter().all(|deed| deed.contains("B00009")),
        "{executed:?}"
    );
    assert!(executed.len() >= 2, "{executed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_whose_answer_was_asked_for_again_is_never_sent_again_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let mut ils = stocked(Kind::Generic);
    ils.habits_mut().knows_duplicates = false;
    ils.habits_mut().renewal_base = RenewalBase::DueDate;
    let house = LoanHouse::open(folder.path(), ils, "generic", "");
    let house = house.await.unwrap();
    let lent = fact("1", "checkout", "B00001", Some("R0001"), minutes(30));
    house.send(&[lent]).await.unwrap();
    house.outcomes(1).await.unwrap();
    // It renews; what it says of it is garbled, and it cannot read that it is to say it again.
    house.ils.set_fault_of("29", Fault::WrongChecksum);
    house.ils.set_fault_of("97", Fault::AskAgain);
    let mut renewed = fact("2", "renew", "B00001", Some("R0001"), minutes(20));
    let due = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(60 * 24);
    renewed["data"]["due"] = json!(due.to_string());
    house.send(&[renewed]).await.unwrap();
    let outcomes = house.outcomes(2).await.unwrap();
    assert_eq!(outcomes[1], "renew B00001 told");
    assert!(!house.ils.awaits_fault());
    assert_eq!(
        house.executed(),
        ["checkout B00001 R0001", "renew B00001 R0001"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_nobody_knows_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let house = LoanHouse::open(folder.path(), stocked(Kind::Generic), "generic", "");
    let house = house.await.unwrap();
    house.ils.set_fault_of("11", Fault::Stranger);
    let lent = fact("1", "checkout", "B00001", Some("R0001"), minutes(30));
    house.send(&[lent]).await.unwrap();
    assert_eq!(house.outcomes(1).await.unwrap(), ["checkout B00001 told"]);
    assert!(!house.ils.awaits_fault());
    assert_eq!(
        (house.ils.received_of("11"), house.ils.received_of("97")),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_between_intent_and_answer_asks_before_it_tells_again() {
    for fault in [Fault::SilentBefore, Fault::SilentAfter] {
        let folder = tempfile::tempdir().unwrap();
        let house = LoanHouse::open(folder.path(), stocked(Kind::Generic), "generic", "");
        let mut house = house.await.unwrap();
        house
            .send(&[fact("0", "checkout", "B00009", Some("R0003"), minutes(60))])
            .await
            .unwrap();
        house.outcomes(1).await.unwrap();
        house.ils.set_fault_of("11", fault);
        let before = house.ils.requests();
        house
            .send(&[fact("1", "checkout", "B00001", Some("R0001"), minutes(30))])
            .await
            .unwrap();
        // Asked for item and reader, then told: the third line is the deed, and has no answer.
        until("the deed", PATIENCE, async || {
            let requests = house.ils.requests();
            anyhow::ensure!(requests >= before + 3, "{requests} of {before}");
            Ok(())
        })
        .await
        .unwrap();
        house.library.kill().await.unwrap();
        house.library.start().await.unwrap();
        house.outcomes(2).await.unwrap();
        let executed = house.executed();
        assert_eq!(
            executed,
            ["checkout B00009 R0003", "checkout B00001 R0001"],
            "{fault:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_shown_with_its_story_ruled_on_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let house = LoanHouse::open(folder.path(), stocked(Kind::Generic), "generic", "");
    let house = house.await.unwrap();
    house.ils.ils().item_mut("B00001").unwrap().lost = true;
    house.ils.ils().item_mut("B00002").unwrap().lost = true;
    let facts = [
        fact("1", "checkout", "B00001", Some("R0001"), minutes(30)),
        fact("2", "checkout", "B00002", Some("R0002"), minutes(29)),
    ];
    house.send(&facts).await.unwrap();
    let outcomes = house.outcomes(2).await.unwrap();
    assert_eq!(
        outcomes,
        ["checkout B00001 item-lost", "checkout B00002 item-lost"]
    );
    let page = house.library.get("/api/v1/conflicts").await.unwrap();
    let conflict = &page["conflicts"][1];
    assert_eq!(conflict["kind"], "item-lost", "{page}");
    assert!(conflict["rulings"]["force"].is_string() && conflict["history"][0].is_object());
    assert!(!page.to_string().contains("R000"), "{page}");
    let told = house
        .library
        .command(&["loans", "conflicts"])
        .await
        .unwrap();
    assert!(
        told.contains("B00001") && told.contains("retry: "),
        "{told}"
    );

    // One is found, and told again; of the other nobody is told.
    house.ils.ils().item_mut("B00001").unwrap().lost = false;
    let number = |at: usize| page["conflicts"][at]["loan"]["number"].as_i64().unwrap();
    let path = |at: usize| format!("/api/v1/conflicts/{}/ruling", number(at));
    let retry = json!({"ruling": "retry", "reason": "it was behind the shelf"});
    house.library.post(&path(1), &retry).await.unwrap();
    let dismiss = json!({"ruling": "dismiss", "reason": "paid for"});
    let ruled = house.library.post(&path(0), &dismiss).await.unwrap();
    assert!(ruled["due"].is_string());
    let taken = house
        .library
        .command(&["loans", "take-back", &number(0).to_string()])
        .await;
    taken.unwrap();
    house.library.post(&path(0), &dismiss).await.unwrap();
    let settled = async || {
        let desk = house.library.get("/api/v1/loans?state=settled").await?;
        let rows = desk["rows"].as_array().map_or(0, Vec::len);
        anyhow::ensure!(rows == 2, "{desk}");
        Ok(())
    };
    until("both to be settled", PATIENCE, settled)
        .await
        .unwrap();
    let outcomes = house.outcomes(2).await.unwrap();
    assert_eq!(
        outcomes,
        ["checkout B00001 told", "checkout B00002 dismissed"]
    );
    assert_eq!(house.executed(), ["checkout B00001 R0001"]);
    let audit = house
        .library
        .text("/api/v1/audit?action=loans")
        .await
        .unwrap();
    assert!(audit.contains("loans.take-back") && audit.contains("behind the shelf"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_library_system_cannot_show_is_held_for_staff_and_never_told_again() {
    let lists = |listed| Habits {
        charged_items: listed,
        ..Habits::of(Kind::Generic)
    };
    let silent = Habits {
        tells_items: false,
        ..Habits::of(Kind::Generic)
    };
    for (habits, lacking, code) in [
        (lists(ChargedItems::Missing), "charged_items", "11"),
        (lists(ChargedItems::Titles), "charged_items", "11"),
        (silent, "circulation", "09"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ils = Ils::stocked(habits.with_login(LOGIN.0, LOGIN.1), 3, 9);
        let house = LoanHouse::open(folder.path(), ils, "generic", "");
        let house = house.await.unwrap();
        // The first two loans show what this library system cannot answer.
        let first = [
            fact("00", "checkout", "B00009", Some("R0003"), minutes(70)),
            fact("0", "checkout", "B00001", Some("R0003"), minutes(60)),
        ];
        house.send(&first).await.unwrap();
        house.outcomes(2).await.unwrap();
        house.ils.set_fault_of(code, Fault::DropAfter);
        let next = match code {
            "11" => fact("1", "checkout", "B00002", Some("R0001"), minutes(30)),
            _ => fact("1", "checkin", "B00001", None, minutes(30)),
        };
        house.send(&[next]).await.unwrap();
        let outcomes = house.outcomes(3).await.unwrap();
        assert!(outcomes[2].ends_with(" unresolved"), "{outcomes:?}");
        let desk = house.link_is("up").await.unwrap();
        assert_eq!(desk["abilities"][lacking], "lacking", "{desk}");
        assert_eq!(house.executed().len(), 3, "{:?}", house.executed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn between_an_answer_and_the_next_request_the_library_system_has_its_pause() {
    let folder = tempfile::tempdir().unwrap();
    let pause = std::time::Duration::from_millis(250);
    let pace = "request_interval = \"250ms\"";
    let house = LoanHouse::open(folder.path(), stocked(Kind::Generic), "generic", pace);
    let house = house.await.unwrap();
    house.link_is("up").await.unwrap();
    let before = house.ils.requests();
    let lent = fact("1", "checkout", "B00001", Some("R0001"), minutes(30));
    house.send(&[lent]).await.unwrap();
    assert_eq!(house.outcomes(1).await.unwrap(), ["checkout B00001 told"]);
    // The item, the reader, the loan, and what is shown of it.
    let received = house.ils.received().split_off(before);
    assert!(received.len() >= 4, "{}", received.len());
    for pair in received.windows(2) {
        assert!(pair[1] - pair[0] >= pause, "{:?}", pair[1] - pair[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_it_tells_nothing_and_without_a_library_system_facts_wait() {
    let folder = tempfile::tempdir().unwrap();
    let house = LoanHouse::open(folder.path(), stocked(Kind::Generic), "generic", "");
    let mut house = house.await.unwrap();
    house.link_is("up").await.unwrap();
    house.library.command(&["loans", "pause"]).await.unwrap();
    house.link_is("down").await.unwrap();
    house
        .send(&[fact("1", "checkout", "B00001", Some("R0001"), minutes(30))])
        .await
        .unwrap();
    let waits = async || {
        let sync = house.library.get("/api/v1/sync").await?;
        anyhow::ensure!(sync["devices"][0]["at_desk"] == 1, "{sync}");
        Ok(())
    };
    until("the fact to wait", PATIENCE, waits).await.unwrap();
    assert_eq!(house.executed(), Vec::<String>::new());
    house.ils.stop().await;
    house.library.command(&["loans", "resume"]).await.unwrap();
    let desk = house.link_is("down").await.unwrap();
    assert_eq!(desk["paused"], false, "{desk}");
    house.ils.restart().await.unwrap();
    assert_eq!(house.outcomes(1).await.unwrap(), ["checkout B00001 told"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_login_is_told_and_not_tried_again_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let ils = Ils::stocked(
        Habits::of(Kind::Generic).with_login("desk", "another"),
        1,
        1,
    );
    let house = LoanHouse::open(folder.path(), ils, "generic", "")
        .await
        .unwrap();
    let told = until("the refusal", PATIENCE, async || {
        let desk = house.library.get("/api/v1/loans/desk").await?;
        let problem = desk["problem"].as_str().unwrap_or_default().to_owned();
        anyhow::ensure!(problem.contains("login"), "{desk}");
        Ok(problem)
    })
    .await
    .unwrap();
    assert!(!told.contains(LOGIN.1) && !house.library.log().contains(LOGIN.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_went_out_is_written_again_only_if_somebody_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.configure("[loans]\npatience = \"1ms\"\n").unwrap();
    library.start().await.unwrap();
    let bus = library.add_device("bus-1", "bus", "main").await.unwrap();
    let door = library.endpoints().mqtt;
    let mut publisher = Publisher::connect(door, &bus, Version::V311).await.unwrap();
    let lent = fact("1", "checkout", "B00001", Some("R0001"), minutes(30));
    publisher.deliver("1", &lent).await.unwrap();
    let export = ["loans", "export", "koc"];
    let written = until("the loan to be exported", PATIENCE, async || {
        let written = library.command(&export).await?;
        anyhow::ensure!(written.contains("export  1"), "{written}");
        Ok(written)
    });
    let written = written.await.unwrap();
    assert!(!written.contains("R0001"), "{written}");

    let again = [&export[..], &["--again", "1"]].concat();
    let refused = library.command(&again).await.unwrap_err();
    assert!(format!("{refused:#}").contains("--yes"), "{refused:#}");
    let agreed = [&again[..], &["--yes"]].concat();
    assert_eq!(library.command(&agreed).await.unwrap(), written);
    let next = library.command(&export).await.unwrap();
    assert!(next.contains("nothing waits"), "{next}");
    library.stop().await.unwrap();
}
