//! How many facts a second are taken, and how long one waits: ours durable before its PUBACK,
//! mosquitto's not. Rounds of both alternate, so that what else the machine does meets both.

use std::time::Duration;

use anyhow::ensure;
use serde::Serialize;

use super::Scale;
use super::broker::Bench;
use super::load::{Outcome, Work};
use super::table::{median, milliseconds, print};

/// Facts under way of each client, when the question is how many.
const IN_FLIGHT: u16 = 16;

/// Figures of one broker: of how many, and of how long.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// Which broker.
    pub broker: &'static str,
    /// Acknowledged facts a second with everybody sending as fast as answered; of each round.
    pub per_second: Vec<f64>,
    /// The 99th percentile of their delays, in milliseconds.
    pub saturated_p99_ms: Vec<f64>,
    /// Processor time the broker used for one of them, in microseconds.
    pub saturated_cpu_us: Vec<f64>,
    /// The same of the load.
    pub load_cpu_us: Vec<f64>,
    /// Acknowledged facts a second when so many were sent; of each round.
    pub paced_per_second: Vec<f64>,
    /// The median delay at that pace, in milliseconds.
    pub paced_p50_ms: Vec<f64>,
    /// The 99th percentile, in milliseconds.
    pub paced_p99_ms: Vec<f64>,
}

struct Plan {
    rounds: usize,
    connections: usize,
    paced_connections: usize,
    per_second: u32,
    warm_up: Duration,
    length: Duration,
}

impl Plan {
    fn of(scale: &Scale) -> Self {
        match scale.is_quick {
            false => Self {
                rounds: 3,
                connections: 50,
                paced_connections: 500,
                per_second: 5_000,
                warm_up: Duration::from_secs(2),
                length: Duration::from_secs(8),
            },
            true => Self {
                rounds: 1,
                connections: 10,
                paced_connections: 20,
                per_second: 200,
                warm_up: Duration::from_millis(200),
                length: Duration::from_secs(3),
            },
        }
    }
}

/// Measures and prints; every acknowledged fact must be in the ledger at the end.
///
/// # Errors
/// Where a broker fails, or a fact is missing.
pub async fn measure(scale: &Scale) -> anyhow::Result<Vec<Figures>> {
    let plan = Plan::of(scale);
    let ours = Bench::gateway(scale, plan.paced_connections).await?;
    let theirs = Bench::mosquitto(scale, &ours).await?;
    let brokers = [&ours, &theirs];
    let mut figures = brokers.map(|bench| Figures {
        broker: bench.name,
        ..Figures::default()
    });
    let mut acknowledged = [0_u64; 2];
    for round in 0..plan.rounds {
        for (place, bench) in brokers.into_iter().enumerate() {
            let (outcome, used) = saturate(bench, &plan, round).await?;
            acknowledged[place] += outcome.acknowledged_ever;
            let figures = &mut figures[place];
            figures.saturated_cpu_us.push(outcome.share(used));
            figures.load_cpu_us.push(outcome.share(outcome.cpu));
            figures.per_second.push(outcome.rate());
            figures.saturated_p99_ms.push(milliseconds(outcome.p99));
        }
    }
    for round in 0..plan.rounds {
        for (place, bench) in brokers.into_iter().enumerate() {
            let outcome = pace(bench, &plan, round).await?;
            acknowledged[place] += outcome.acknowledged_ever;
            let figures = &mut figures[place];
            figures.paced_per_second.push(outcome.rate());
            figures.paced_p50_ms.push(milliseconds(outcome.p50));
            figures.paced_p99_ms.push(milliseconds(outcome.p99));
        }
    }
    let kept = ours.kept().await?;
    ensure!(
        kept == Some(acknowledged[0]),
        "{} facts acknowledged, {kept:?} in the ledger",
        acknowledged[0]
    );
    ours.end().await?;
    theirs.end().await?;
    report(&plan, &figures)?;
    Ok(figures.into())
}

/// What came of it, and the processor time the broker used once everybody was connected: a
/// password costs more than thousands of facts.
async fn saturate(bench: &Bench, plan: &Plan, round: usize) -> anyhow::Result<(Outcome, Duration)> {
    let work = Work::Saturate {
        in_flight: IN_FLIGHT,
        round: format!("s{round}"),
        warm_up: plan.warm_up,
        length: plan.length,
    };
    let load = bench.load(plan.connections, work).await?;
    let before = bench.cpu()?;
    let outcome = load.end().await?;
    Ok((outcome, bench.cpu()?.saturating_sub(before)))
}

async fn pace(bench: &Bench, plan: &Plan, round: usize) -> anyhow::Result<Outcome> {
    let work = Work::Paced {
        per_second: plan.per_second,
        round: format!("p{round}"),
        warm_up: plan.warm_up,
        length: plan.length,
    };
    bench.load(plan.paced_connections, work).await?.end().await
}

fn report(plan: &Plan, figures: &[Figures]) -> anyhow::Result<()> {
    let saturated = format!("{} x {IN_FLIGHT}: facts/s", plan.connections);
    let paced = format!("paced {}/s: p50 ms", plan.per_second);
    let head = [
        "",
        &saturated,
        "p99 ms",
        "CPU us/fact",
        "load's",
        &paced,
        "p99 ms",
    ];
    let rows: Vec<_> = figures
        .iter()
        .map(|of| {
            vec![
                of.broker.to_owned(),
                format!("{:.0}", median(of.per_second.clone())),
                format!("{:.1}", median(of.saturated_p99_ms.clone())),
                format!("{:.1}", median(of.saturated_cpu_us.clone())),
                format!("{:.1}", median(of.load_cpu_us.clone())),
                format!("{:.1}", median(of.paced_p50_ms.clone())),
                format!("{:.1}", median(of.paced_p99_ms.clone())),
            ]
        })
        .collect();
    print(&head, &rows)
}
