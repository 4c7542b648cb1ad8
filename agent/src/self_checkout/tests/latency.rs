//! What the relay adds to an answer.

use std::time::Duration;

use super::bench::{self, Bench, Party};
use super::{READER, checkout};
use crate::lending::test_lending::TestLending;

/// What a wait for a disk or for a delayed acknowledgement (40 ms) would come to. How much the relay
/// adds, target and figure, is the benchmark's to say (`lujiang-bench relay`).
const A_WAIT: Duration = Duration::from_millis(20);

#[tokio::test]
async fn an_answer_through_the_relay_waits_for_no_disk_and_no_timer() {
    let (mut machine, library) = bench::straight().await;
    let library = tokio::spawn(library.grant_all());
    let straight = median_of_loans(&mut machine).await;
    library.abort();

    let bench = Bench::start(TestLending::start()).await;
    let mut machine = bench.machine().await;
    let library = tokio::spawn(bench.library().await.grant_all());
    let relayed = median_of_loans(&mut machine).await;
    bench.facts(200).await;
    library.abort();
    bench.stop().await;
    println!("median of a loan: straight {straight:?}, through the relay {relayed:?}");
    let added = relayed.saturating_sub(straight);
    assert!(added < A_WAIT, "{added:?}");
}

/// Within this time half of forty loans are answered, in the calmest of five times forty: what else
/// the machine of a test does is no matter of the relay.
async fn median_of_loans(machine: &mut Party) -> Duration {
    let mut taken = Vec::new();
    for number in 0..200_u8 {
        let begun = std::time::Instant::now();
        let asked = checkout(READER, &format!("LL{number:06}"));
        machine.say(&asked, number % 10).await;
        assert!(machine.hear().await.text.starts_with("121"));
        taken.push(begun.elapsed());
    }
    let median = |forty: &mut [Duration]| {
        forty.sort();
        forty[20]
    };
    let medians = taken.chunks_mut(40).map(median);
    medians.min().expect("there are five")
}
