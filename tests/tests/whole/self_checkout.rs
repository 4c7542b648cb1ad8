//! A self-checkout with real processes: a machine, the agent's relay, a library system that comes
//! and goes, and the gateway that keeps what happened.

mod asks;
mod renewals;

use std::path::Path;

use anyhow::Context as _;
use lujiang_sip2::{
    AcsStatus, Checkin, CheckinResponse, Checkout, CheckoutResponse, Currency, EndPatronSession,
    FeePaid, PatronInformation, Private, Profile, Renew, RenewResponse, Response, ScStatus,
    ScStatusCode, Sequence, SipDate, Summary,
};
use lujiang_tests::desk::LoanHouse;
use lujiang_tests::ils::{Deed, Fault, Habits, Ils, IlsHandle, Item, Kind, Patron, RenewalBase};
use lujiang_tests::machine::Machine;
use lujiang_tests::self_checkout::SelfCheckout;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::Value;
use tempfile::TempDir;

use asks::*;

/// Identity-card numbers, as readers here borrow by: nobody's, and in no file and no log.
const READER: &str = "430281200001010018";
const OTHER: &str = "43028119991231002X";
const BLOCKED: &str = "430281198001010019";

#[tokio::test(flavor = "multi_thread")]
async fn a_day_at_a_self_checkout_is_in_the_ledger_with_who_decided() {
    let mut stage = Stage::set().await;
    let mut machine = stage.machine().await;

    assert!(status(&mut machine).await.online_status);
    assert!(checkout(&mut machine, READER, "B000001").await.ok);
    assert!(checkout(&mut machine, READER, "B000002").await.ok);
    assert!(
        !checkout(&mut machine, OTHER, "B000002").await.ok,
        "it is out to another"
    );
    assert!(checkin(&mut machine, "B000001").await.ok);
    assert_eq!(has(&mut machine, READER).await, ["B000002"]);
    end_session(&mut machine, READER).await;

    stage.ils.stop().await;
    stage.desk.is_served(false).await.unwrap();
    let told = status(&mut machine).await;
    assert!(
        !told.online_status && told.checkin_ok && told.checkout_ok,
        "{told:?}"
    );
    let lent = checkout(&mut machine, OTHER, "B000003").await;
    assert!(lent.ok && lent.due_date.read().is_some(), "{lent:?}");
    assert!(checkin(&mut machine, "B000002").await.ok);
    assert!(
        !checkout(&mut machine, BLOCKED, "B000004").await.ok,
        "a block list is there"
    );
    assert!(
        !checkout(&mut machine, READER, OTHER).await.ok,
        "a card scanned as an item"
    );
    end_session(&mut machine, OTHER).await;

    stage.ils.restart().await.unwrap();
    stage.desk.is_served(true).await.unwrap();
    assert!(
        status(&mut machine).await.online_status,
        "on the same line as before"
    );
    assert!(checkout(&mut machine, READER, "B000005").await.ok);

    let facts = stage.facts(7).await;
    let granted: Vec<_> = facts
        .iter()
        .filter(|fact| fact.ok)
        .map(Fact::words)
        .collect();
    assert_eq!(
        granted,
        [
            "checkout B000001 online",
            "checkout B000002 online",
            "checkin B000001 online",
            "checkout B000003 offline",
            "checkin B000002 offline",
            "checkout B000005 online",
        ]
    );
    let refused = facts.iter().find(|fact| !fact.ok).unwrap();
    assert_eq!(refused.words(), "checkout B000002 online");
    assert_eq!(
        stage.deeds(),
        [
            "checkout B000001",
            "checkout B000002",
            "checkin B000001",
            "checkout B000005",
        ]
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_twice_is_done_once_also_where_the_answer_was_lost() {
    let stage = Stage::set().await;
    let mut machine = stage.machine().await;
    assert!(status(&mut machine).await.online_status);

    let request = loan(READER, "B000001").into();
    let sequence = Sequence::new(7).unwrap();
    let mut answers = Vec::new();
    for _ in 0..2 {
        machine.send(&request, sequence).await.unwrap();
        answers.push(machine.answer().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);

    // The library system did it and died before it could say so: the machine is answered, the
    // fact is one, and nobody says it a second time.
    stage.ils.set_fault_of("11", Fault::DropAfter);
    assert!(checkout(&mut machine, READER, "B000002").await.ok);
    until(
        "the library system to be reached again",
        PATIENCE,
        async || {
            let is_online = status(&mut machine).await.online_status;
            anyhow::ensure!(is_online, "still off-line");
            Ok(())
        },
    )
    .await
    .unwrap();

    let facts = stage.facts(2).await;
    let words: Vec<_> = facts.iter().map(Fact::words).collect();
    assert_eq!(
        words,
        ["checkout B000001 online", "checkout B000002 offline"]
    );
    assert_eq!(stage.deeds(), ["checkout B000001", "checkout B000002"]);
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_given_off_line_outlives_the_agent() {
    let mut stage = Stage::set().await;
    stage.ils.stop().await;
    let mut machine = stage.machine().await;
    for round in 1..=3 {
        let item = format!("B00000{round}");
        assert!(
            checkout(&mut machine, READER, &item).await.ok,
            "{}",
            stage.desk.log()
        );
        stage.desk.kill().await.unwrap();
        stage.desk.start().unwrap();
        machine = stage.machine().await;
    }
    let facts = stage.facts(3).await;
    let words: Vec<_> = facts.iter().map(Fact::words).collect();
    assert_eq!(
        words,
        [
            "checkout B000001 offline",
            "checkout B000002 offline",
            "checkout B000003 offline"
        ]
    );
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lent_without_the_library_system_reaches_it_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut house = LoanHouse::open(folder.path(), ils(), "koha", "")
        .await
        .unwrap();
    let added = house.library.add_device("desk-1", "self-checkout", "main");
    let issued = added.await.unwrap();
    let enrolling = SelfCheckout::enrolled(&house.library, &issued, house.ils.addr, "[lending]");
    let mut desk = enrolling.await.unwrap();
    desk.start().unwrap();
    let mut machine = desk.machine(Profile::default()).await.unwrap();
    assert!(checkout(&mut machine, OTHER, "B000009").await.ok);

    house.ils.stop().await;
    desk.is_served(false).await.unwrap();
    assert!(checkout(&mut machine, READER, "B000001").await.ok);
    assert!(checkin(&mut machine, "B000001").await.ok);
    let lent = checkout(&mut machine, OTHER, "B000001").await;
    assert!(checkout(&mut machine, READER, "B000002").await.ok);
    assert!(checkin(&mut machine, "B000009").await.ok);
    house.ils.restart().await.unwrap();

    house.outcomes(5).await.unwrap();
    let executed = |item: &str| {
        let all = house.executed().into_iter();
        all.filter(|deed| deed.contains(item)).collect::<Vec<_>>()
    };
    assert_eq!(
        executed("B000001"),
        [
            format!("checkout B000001 {READER}"),
            "checkin B000001".to_owned(),
            format!("checkout B000001 {OTHER}"),
        ]
    );
    assert_eq!(executed("B000002"), [format!("checkout B000002 {READER}")]);
    assert_eq!(executed("B000009").len(), 2);
    let state = house.ils.ils().state();
    assert_eq!(
        state["B000001"].due.date(),
        lent.due_date.read().unwrap().when.date()
    );
    desk.stop().await.unwrap();
    house.ils.stop().await;
    house.library.stop().await.unwrap();
    holds_no_reader(folder.path(), &mut 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_machine_says_of_its_printer_and_a_payment_nobody_confirmed_reach_the_technicians() {
    let stage = Stage::set().await;
    let mut machine = stage.machine().await;
    for (code, alarm) in [
        (ScStatusCode::OutOfPaper, Some("self-checkout-out-of-paper")),
        (
            ScStatusCode::ShuttingDown,
            Some("self-checkout-out-of-service"),
        ),
        (ScStatusCode::Ok, None),
    ] {
        let said = ScStatus {
            status_code: code,
            max_print_width: 80,
            ..ScStatus::default()
        };
        machine.ask(said).await.unwrap();
        stage.alarms_are(alarm.as_slice()).await;
    }

    stage.ils.set_fault_of("37", Fault::DropAfter);
    let payment = FeePaid {
        transaction_date: now(),
        currency_type: Currency::CNY,
        fee_amount: "3.50".to_owned(),
        patron_identifier: Private::new(READER),
        ..FeePaid::default()
    };
    let Response::FeePaid(answer) = machine.ask(payment).await.unwrap() else {
        panic!("another answer");
    };
    assert!(!answer.payment_accepted, "nobody knows");
    stage.desk.is_served(true).await.unwrap();
    stage.alarms_are(&["payment-unresolved"]).await;
    let listed = async || {
        let page = stage.library.get("/api/v1/payments").await?;
        let payments = page["payments"].as_array().unwrap();
        anyhow::ensure!(payments.len() == 1, "{page}");
        Ok(payments[0].clone())
    };
    let payment = until("the payment", PATIENCE, listed).await.unwrap();
    assert_eq!(payment["amount"], "3.50");
    assert_eq!(payment["currency"], "CNY");
    assert_eq!(payment["device"], "desk-1");
    stage.end().await;
}

/// All parts, running.
struct Stage {
    folder: TempDir,
    library: Library,
    ils: IlsHandle,
    desk: SelfCheckout,
}

/// One loan fact as the ledger has it.
struct Fact {
    kind: String,
    item: String,
    mode: String,
    ok: bool,
}

impl Stage {
    async fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
        library.start().await.unwrap();
        let list = folder.path().join("blocked.csv");
        std::fs::write(&list, format!("reader\n{BLOCKED}\n")).unwrap();
        let import = [
            "loans",
            "blocks",
            "import",
            "--from",
            "csv",
            list.to_str().unwrap(),
        ];
        library.command(&import).await.unwrap();
        // It is looked for in all files at the end.
        std::fs::remove_file(&list).unwrap();
        let issued = library
            .add_device("desk-1", "self-checkout", "main")
            .await
            .unwrap();
        let ils = IlsHandle::start(ils(), Profile::default()).await.unwrap();
        let mut desk = SelfCheckout::enrolled(&library, &issued, ils.addr, "[lending]")
            .await
            .unwrap();
        desk.start().unwrap();
        let papers = desk.data().join("loan-papers.json");
        until("its papers to lend by", PATIENCE, async || {
            anyhow::ensure!(papers.exists(), "{}", desk.log());
            Ok(())
        })
        .await
        .unwrap();
        Self {
            folder,
            library,
            ils,
            desk,
        }
    }

    /// Waits until these alarms, and no others, are on the device's page.
    async fn alarms_are(&self, expected: &[&str]) {
        let seen = async || {
            let device = self.library.get("/api/v1/devices/desk-1").await?;
            let alarms = device["alarms"].as_array().context("alarms")?;
            let kinds: Vec<_> = alarms.iter().map(|alarm| &alarm["kind"]).collect();
            anyhow::ensure!(kinds == expected, "{kinds:?}");
            Ok(())
        };
        until(&format!("{expected:?}"), PATIENCE, seen)
            .await
            .unwrap();
    }

    async fn machine(&self) -> Machine {
        self.desk.machine(Profile::default()).await.unwrap()
    }

    /// What was executed, without when.
    fn deeds(&self) -> Vec<String> {
        let deeds = self.ils.ils().journal().deeds();
        deeds
            .iter()
            .map(|deed| match deed {
                Deed::Checkout { item, .. } => format!("checkout {item}"),
                Deed::Renew { item, .. } => format!("renew {item}"),
                Deed::Checkin { item, .. } => format!("checkin {item}"),
                Deed::Block { .. } | Deed::FeePaid { .. } => panic!("nobody asked for {deed:?}"),
            })
            .collect()
    }

    /// The facts about loans, in the order of the device, once there are so many.
    async fn facts(&self, count: usize) -> Vec<Fact> {
        let facts = async || {
            let entries = self.library.entries().await?;
            let mut events: Vec<_> = entries.iter().map(|entry| &entry["event"]).collect();
            events.retain(|event| event["stream"] == "loan");
            events.sort_by_key(|event| event["sequence"].to_string());
            let facts: Vec<_> = events.into_iter().map(Fact::of).collect();
            anyhow::ensure!(facts.len() == count, "{} facts", facts.len());
            Ok(facts)
        };
        until("the facts of the machine", PATIENCE, facts)
            .await
            .unwrap()
    }

    /// Ends all, and looks for readers where there must be none.
    async fn end(mut self) {
        self.desk.stop().await.unwrap();
        self.ils.stop().await;
        self.library.stop().await.unwrap();
        let mut files = 0;
        holds_no_reader(self.folder.path(), &mut files);
        assert!(files > 10, "only {files} files were looked at");
    }
}

impl Fact {
    fn of(event: &Value) -> Self {
        let data = &event["data"];
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if data["mode"] == "online" {
            assert_eq!(
                data.get("patron"),
                None,
                "the library system knows: {event}"
            );
        }
        Self {
            kind: word(&event["type"])
                .replace("library.loan.", "")
                .replace(".v1", ""),
            item: word(&data["item"]),
            mode: word(&data["mode"]),
            ok: data["outcome"]["ok"].as_bool().unwrap(),
        }
    }

    fn words(&self) -> String {
        format!("{} {} {}", self.kind, self.item, self.mode)
    }
}

/// Databases, logs, papers, keys: no byte of them tells who borrowed.
fn holds_no_reader(folder: &Path, files: &mut usize) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holds_no_reader(&path, files);
        } else if path.is_file() {
            *files += 1;
            let bytes = std::fs::read(&path).unwrap();
            for reader in [READER, OTHER, BLOCKED] {
                let found = bytes
                    .windows(reader.len())
                    .any(|part| part == reader.as_bytes());
                assert!(!found, "{reader} stands in {}", path.display());
            }
        }
    }
}

fn ils() -> Ils {
    let mut ils = Ils::new(Habits::of(Kind::Koha));
    for reader in [READER, OTHER] {
        ils.add_patron(Patron::new(reader, "读者"));
    }
    ils.add_patron(Patron {
        blocked: true,
        ..Patron::new(BLOCKED, "读者")
    });
    for number in 1..=9 {
        ils.add_item(Item::new(
            &format!("B{number:06}"),
            &format!("怪物大师 {number}"),
        ));
    }
    ils
}
