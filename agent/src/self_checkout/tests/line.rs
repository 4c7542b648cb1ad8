//! The lines of machines: one holds no other, and each is its own.

use std::time::Duration;

use lujiang_config::SelfCheckoutSection;

use super::bench::{Bench, date};
use super::checkin;
use crate::lending::test_lending::TestLending;

#[tokio::test]
async fn a_line_with_a_wrong_sum_is_asked_for_again() {
    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.write(b"09NxAY1AZ0000\r").await;
    assert_eq!(machine.hear().await.bytes, b"96AZFEF6");
    bench.stop().await;
}

#[tokio::test]
async fn a_machine_that_waits_holds_no_other() {
    let both = ["desk", "side_room"];
    let bench = Bench::with_machines(TestLending::start(), true, &both, |section| {
        section.acs.answer_timeout = Duration::from_secs(60);
    })
    .await;
    let (mut first, mut second) = (bench.machine().await, bench.machine_at("side_room").await);
    first.say(&checkin("LL000001"), 1).await;
    second.say(&checkin("LL000002"), 1).await;
    // Each machine has its own connection; which is whose, what is asked there tells.
    let answer = format!("101YNN{}AOLL|ABLL000002|AQ总馆|", date());
    let mut connections = Vec::new();
    for _ in both {
        let mut library = bench.library().await;
        let asked = library.hear().await;
        if asked.text.contains("LL000002") {
            library.say(&answer, asked.sequence).await;
        }
        connections.push(library);
    }
    assert_eq!(second.hear().await.text, answer);
    first.hears_nothing().await;
    bench.die().await;
}

#[tokio::test]
async fn what_a_machine_says_of_itself_is_known() {
    let bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.say("9910802.00", 1).await;
    machine.hear().await;
    bench
        .wait_for(|status| status.connected && status.out_of_paper && !status.library_system)
        .await;
    machine.say("9920802.00", 2).await;
    machine.hear().await;
    bench
        .wait_for(|status| status.shutting_down && !status.out_of_paper)
        .await;
    drop(machine);
    bench.wait_for(|status| !status.connected).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_machine_that_has_said_nothing_for_long_counts_as_gone_until_it_speaks() {
    let bench = Bench::with(TestLending::start(), false, |section| {
        section.silent_after = Duration::from_millis(1_500);
    })
    .await;
    let mut machine = bench.machine().await;
    for turn in [1, 2] {
        machine.say("9900802.00", turn).await;
        machine.hear().await;
        bench.wait_for(|status| status.connected).await;
        // Its line stays open, as that of a machine without power does.
        bench.wait_for(|status| !status.connected).await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_machine_on_a_serial_line_that_says_nothing_counts_as_gone_until_it_speaks() {
    let silent = |section: &mut SelfCheckoutSection| {
        section.silent_after = Duration::from_millis(1_500);
    };
    // An open port says nothing of who hangs on it.
    let (bench, mut machine) = Bench::on_serial_line(TestLending::start(), silent).await;
    bench.wait_for(|status| !status.connected).await;
    machine.say("9900802.00", 1).await;
    machine.hear().await;
    bench.wait_for(|status| status.connected).await;
    bench.stop().await;
}

#[tokio::test]
async fn a_line_without_end_costs_its_own_connection_only() {
    let bench = Bench::away(TestLending::start()).await;
    let mut machine = bench.machine().await;
    machine.write(&[b'1'; 40_000]).await;
    machine.is_hung_up_on().await;
    let mut machine = bench.machine().await;
    machine.say("9900802.00", 1).await;
    assert!(machine.hear().await.text.starts_with("98"));
    bench.stop().await;
}

#[tokio::test]
async fn whoever_comes_from_elsewhere_is_not_the_machine() {
    let both = ["desk", "side_room"];
    let bench = Bench::with_machines(TestLending::start(), false, &both, |section| {
        let machine = section.machines.get_mut("desk").unwrap();
        machine.from = Some("192.168.1.31".parse().unwrap());
    })
    .await;
    bench.machine().await.is_hung_up_on().await;
    let mut machine = bench.machine_at("side_room").await;
    machine.say("9900802.00", 1).await;
    assert!(machine.hear().await.text.starts_with("98"));
    bench.stop().await;
}

#[tokio::test]
async fn a_machine_on_a_serial_line_is_served() {
    let (bench, mut machine) = Bench::on_serial_line(TestLending::start(), |_| ()).await;
    machine.say("9900802.00", 1).await;
    assert!(machine.hear().await.text.starts_with("98NY"));
    machine.say(&checkin("LL000001"), 2).await;
    assert!(machine.hear().await.text.starts_with("101Y"));
    bench.facts(1).await;
    bench.stop().await;
}
