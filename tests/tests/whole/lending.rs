//! Loans of a bus on their way to a gateway: sealed for its desk alone, quickly where the line is
//! good, and each once where it is bad.

use std::time::{Duration, Instant};

use lujiang_agent::SystemClock;
use lujiang_agent::outbox::Stamp;
use lujiang_gateway::ledger::SealedPerson;
use lujiang_gateway::seal::Seals;
use lujiang_tests::bus::{Bus, loans_in};
use lujiang_tests::link::{Thin, Weather};
use lujiang_tests::packet::Version;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::subscriber::Subscriber;
use lujiang_wire::{EventId, Fact, KioskUsed, Metric};

/// A library with a bus that has its papers.
async fn library_with_bus(folder: &std::path::Path) -> (Library, Bus) {
    let mut library = Library::in_folder(folder, &folder.join("data")).unwrap();
    library.start().await.unwrap();
    let mut bus = Bus::enrolled(&library, "bus-1").await.unwrap();
    bus.start_with_papers().await.unwrap();
    (library, bus)
}

/// Every one of these facts is in the ledger once, in this order, and nothing else.
async fn each_once(library: &Library, facts: &[EventId]) {
    let loans = loans_in(library, "bus-1").await.unwrap();
    let ids: Vec<&EventId> = loans.iter().map(|event| &event.id).collect();
    assert_eq!(ids, facts.iter().collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_whom_the_bus_sealed_is_opened_by_the_gateways_desk_and_by_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (library, mut bus) = library_with_bus(folder.path()).await;
    // Offered by no link: what was sealed is looked at where it was written.
    library.secure_link().turn(Weather::Reset);
    bus.lend(7..8).await.unwrap();
    let outbox = rusqlite::Connection::open(bus.data().join("outbox.db")).unwrap();
    let text: String = outbox
        .query_row("SELECT text FROM fact WHERE stream = 'loan'", [], |row| {
            row.get(0)
        })
        .unwrap();
    let event: serde_json::Value = serde_json::from_str(&text).unwrap();
    let part = |name: &str| event["data"]["patron"][name].as_str().unwrap().to_owned();
    let person = SealedPerson {
        sealed: part("sealed"),
        kid: part("kid"),
    };

    let seals = Seals::open(&library.data().join("keys")).unwrap();
    assert_eq!(seals.open_person(&person).unwrap(), b"43022319900101007X");
    let other = Seals::open(folder.path()).unwrap();
    assert!(other.open_person(&person).is_err());
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_the_gateway_blocked_is_lent_nothing_once_the_bus_has_heard_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let (library, mut bus) = library_with_bus(folder.path()).await;
    let reader = bus.reader(7);
    bus.lending().may_borrow(&reader).unwrap();
    let list = folder.path().join("borrowers.csv");
    std::fs::write(
        &list,
        "cardnumber;debarred\n43022319900101007x;9999-12-31\n",
    )
    .unwrap();
    let list = list.to_str().unwrap();
    let import = ["loans", "blocks", "import", "--from", "koha", list];
    library.command(&import).await.unwrap();
    let lending = bus.lending().clone();
    lujiang_tests::wait::until("a block", PATIENCE, async || {
        let refused = lending.may_borrow(&reader).err();
        let expected = Some(lujiang_agent::lending::Refused::ReaderBlocked);
        anyhow::ensure!(refused == expected, "{refused:?}");
        Ok(())
    })
    .await
    .unwrap();
    lending.may_borrow(&bus.reader(8)).unwrap();
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_five_thousand_loans_is_with_the_gateway_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let (library, mut bus) = library_with_bus(folder.path()).await;
    library.secure_link().turn(Weather::Reset);
    let facts = bus.lend(0..5_000).await.unwrap();
    let before = bus.lending().waiting().await.unwrap();
    assert_eq!((before.facts, before.loans), (5_000, 5_000));
    assert!(before.oldest.unwrap() > Duration::ZERO);
    assert_eq!(before.estimate, None, "without a link nothing moves");

    library.secure_link().turn(Weather::Fair);
    let begun = Instant::now();
    bus.drained(6 * PATIENCE).await.unwrap();
    // A figure for docs/performance.md: how long it may take depends on who else is at work.
    println!("5,000 loans in {:?}", begun.elapsed());
    let after = bus.lending().waiting().await.unwrap();
    let last = after.synchronisation.unwrap();
    assert_eq!((last.settled, last.left), (5_000, 0));
    assert!(last.ended.is_some());
    each_once(&library, &facts).await;
    bus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_thin_line_that_is_cut_again_and_again_nothing_is_lost_or_doubled() {
    let folder = tempfile::tempdir().unwrap();
    let (library, mut bus) = library_with_bus(folder.path()).await;
    library.secure_link().turn(Weather::Reset);
    let mut facts = bus.lend(0..400).await.unwrap();
    let thin = Weather::Thin(Thin {
        bytes_per_second: 8_000,
        lost_percent: 20,
        seed: lujiang_tests::rounds::seed(17),
    });
    for (cut, at) in [(Weather::Reset, 400), (Weather::Freeze, 420)] {
        library.secure_link().turn(thin);
        let lending = bus.lending().clone();
        let before = lending.waiting().await.unwrap().facts;
        lujiang_tests::wait::until("some to arrive", PATIENCE, async || {
            let waiting = lending.waiting().await?;
            anyhow::ensure!(waiting.facts + 60 <= before, "{waiting:?}");
            Ok(())
        })
        .await
        .unwrap();
        let estimate = lending.waiting().await.unwrap().estimate;
        assert!(estimate.is_some_and(|left| left > Duration::from_secs(1)));
        library.secure_link().turn(cut);
        // The crew goes on lending; then the power fails.
        facts.extend(bus.lend(at..at + 20).await.unwrap());
        bus.kill();
        bus.start().await.unwrap();
    }
    library.secure_link().turn(thin);
    bus.drained(6 * PATIENCE).await.unwrap();
    each_once(&library, &facts).await;
    bus.stop().await;
}

/// A title used at a screen of the bus.
fn usage(number: usize) -> Fact {
    Fact::KioskUsed(KioskUsed {
        title: format!("title-{number}").parse().unwrap(),
        metric: Metric::TotalItemRequests,
        session: "s".parse().unwrap(),
    })
}

/// Where this stands in what was heard, first and last.
fn ends_of(heard: &[u8], text: &str) -> (usize, usize) {
    let at = |(index, window): (usize, &[u8])| (window == text.as_bytes()).then_some(index);
    let mut found = heard.windows(text.len()).enumerate().filter_map(at);
    let first = found
        .next()
        .unwrap_or_else(|| panic!("{text} was not heard"));
    (first, found.next_back().unwrap_or(first))
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_without_a_link_loans_come_first_then_usage_then_telemetry() {
    let folder = tempfile::tempdir().unwrap();
    let (library, mut bus) = library_with_bus(folder.path()).await;
    library.secure_link().turn(Weather::Reset);
    for number in 0..3 {
        let facts = (0..100).map(|n| usage(number * 100 + n)).collect();
        let outbox = bus.agent().outbox();
        let stamp = Stamp::now(&SystemClock::new().unwrap());
        outbox
            .with(move |outbox| outbox.record(&stamp, facts, None))
            .await
            .unwrap();
        bus.lend(number * 200..(number + 1) * 200).await.unwrap();
    }
    let reader = library
        .add_reader("desk", "library/v1/devices/bus-1/#")
        .await
        .unwrap();
    let (door, all) = (library.endpoints().mqtt, "library/v1/devices/bus-1/#");
    let mut listener = Subscriber::connect(door, &reader, Version::V5, all)
        .await
        .unwrap();

    library.secure_link().turn(Weather::Fair);
    bus.drained(PATIENCE).await.unwrap();
    listener
        .says("time", "outbox_size_bytes", PATIENCE)
        .await
        .unwrap();
    let heard = listener.everything(Duration::from_millis(300)).await;
    let loans = ends_of(&heard, "\"stream\":\"loan\"");
    let usages = ends_of(&heard, "\"stream\":\"usage\"");
    let telemetry = ends_of(&heard, "bus-1/telemetry");
    // It says since when they wait before it sends any of them.
    let oldest = ends_of(&heard, "\"oldest\":\"");
    assert!(oldest.0 < loans.0, "{oldest:?} {loans:?}");
    assert!(loans.1 < usages.0, "{loans:?} {usages:?}");
    assert!(usages.1 < telemetry.0, "{usages:?} {telemetry:?}");
    bus.stop().await;
}
