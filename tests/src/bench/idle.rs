//! What a connection costs that says nothing: resident memory of the broker, with and without.

use serde::Serialize;

use super::Scale;
use super::broker::Bench;
use super::load::Work;
use super::table::{milliseconds, print};

/// Connections whose cost is paid before it is measured: threads, pools, the first pages.
const FIRST: usize = 20;

/// Figures of one broker.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Which broker.
    pub broker: &'static str,
    /// Connections held.
    pub connections: usize,
    /// Resident bytes of the broker for each.
    pub bytes_each: u64,
    /// From the first dial to the last CONNACK, in milliseconds.
    pub connecting_ms: f64,
}

/// Measures and prints.
///
/// # Errors
/// Where a broker fails.
pub async fn measure(scale: &Scale) -> anyhow::Result<Vec<Figures>> {
    let (connections, devices) = if scale.is_quick {
        (100, 5)
    } else {
        (2_000, 200)
    };
    let ours = Bench::gateway(scale, devices).await?;
    let theirs = Bench::mosquitto(scale, &ours).await?;
    let mut figures = Vec::new();
    for bench in [&ours, &theirs] {
        bench.load(FIRST, Work::Hold).await?.end().await?;
        let before = bench.resident()?;
        let load = bench.load(connections, Work::Hold).await?;
        let after = bench.resident()?;
        let connecting_ms = milliseconds(load.connected.connecting);
        load.end().await?;
        figures.push(Figures {
            broker: bench.name,
            connections,
            bytes_each: after.saturating_sub(before) / connections as u64,
            connecting_ms,
        });
    }
    ours.end().await?;
    theirs.end().await?;
    let rows: Vec<_> = figures
        .iter()
        .map(|of| {
            vec![
                of.broker.to_owned(),
                of.connections.to_string(),
                format!("{:.1}", of.bytes_each as f64 / 1_000.0),
                format!("{:.0}", of.connecting_ms),
            ]
        })
        .collect();
    print(&["", "connections", "kB each", "connecting ms"], &rows)?;
    Ok(figures)
}
