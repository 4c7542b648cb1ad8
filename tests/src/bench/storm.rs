//! Everybody comes back at once, as after a power cut: how fast are they in, and is every fact
//! there that was acknowledged?

use anyhow::ensure;
use serde::Serialize;

use super::Scale;
use super::broker::Bench;
use super::load::Work;
use super::table::{median, milliseconds, print};

/// Figures of one broker.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Which broker.
    pub broker: &'static str,
    /// Connections cut and made again.
    pub connections: usize,
    /// Reconnections a second, from the first dial to the last CONNACK; of each round.
    pub per_second: Vec<f64>,
    /// From the first dial to the last PUBACK, in milliseconds; of each round.
    pub until_acknowledged_ms: Vec<f64>,
}

/// Measures and prints; every acknowledged fact must be in the ledger.
///
/// # Errors
/// Where a broker fails, or a fact is missing.
pub async fn measure(scale: &Scale) -> anyhow::Result<Vec<Figures>> {
    let (connections, devices, rounds) = match scale.is_quick {
        true => (100, 5, 1),
        false => (2_000, 200, 3),
    };
    let ours = Bench::gateway(scale, devices).await?;
    let theirs = Bench::mosquitto(scale, &ours).await?;
    let mut figures = [&ours, &theirs].map(|bench| Figures {
        broker: bench.name,
        connections,
        per_second: Vec::new(),
        until_acknowledged_ms: Vec::new(),
    });
    for round in 0..rounds {
        for (bench, figures) in [&ours, &theirs].into_iter().zip(&mut figures) {
            let round = format!("w{round}");
            let load = bench.load(connections, Work::Storm { round }).await?;
            let outcome = load.end().await?;
            ensure!(
                outcome.acknowledged_ever == connections as u64,
                "{outcome:?}"
            );
            let seconds = outcome.connecting.as_secs_f64();
            figures.per_second.push(connections as f64 / seconds);
            figures
                .until_acknowledged_ms
                .push(milliseconds(outcome.length));
        }
    }
    let expected = (connections * rounds) as u64;
    let kept = ours.kept().await?;
    ensure!(
        kept == Some(expected),
        "{expected} acknowledged, {kept:?} kept"
    );
    ours.end().await?;
    theirs.end().await?;
    let rows: Vec<_> = figures
        .iter()
        .map(|of| {
            vec![
                of.broker.to_owned(),
                of.connections.to_string(),
                format!("{:.0}", median(of.per_second.clone())),
                format!("{:.0}", median(of.until_acknowledged_ms.clone())),
            ]
        })
        .collect();
    let head = [
        "",
        "connections",
        "reconnections/s",
        "all facts acknowledged after ms",
    ];
    print(&head, &rows)?;
    Ok(figures.into())
}
