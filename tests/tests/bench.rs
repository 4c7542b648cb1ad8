//! The benchmark works: each measurement in its quick form, and every acknowledged fact is there.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use lujiang_tests::process::{binary, output};
use serde_json::Value;

async fn quick(measurement: &str) -> Vec<Value> {
    let (table, figures) = measured(measurement).await;
    assert!(
        table.contains("lujiang") && table.contains("mosquitto"),
        "{table}"
    );
    figures
}

/// Measured once more where the machine stood still meanwhile, which ends a measurement.
async fn measured(measurement: &str) -> (String, Vec<Value>) {
    match figures_of(measurement).await {
        Ok(measured) => measured,
        Err(_) => figures_of(measurement).await.unwrap(),
    }
}

async fn figures_of(measurement: &str) -> anyhow::Result<(String, Vec<Value>)> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let arguments = [measurement, "--quick", "--json", file.to_str().unwrap()];
    let table = output(&binary("lujiang-bench"), &arguments).await?;
    let figures = std::fs::read(&file)?;
    Ok((table, serde_json::from_slice(&figures)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn ingest_has_figures_of_both_brokers() {
    for figures in quick("ingest").await {
        for figure in ["per_second", "paced_per_second", "paced_p99_ms"] {
            let value = figures[figure][0].as_f64().unwrap();
            assert!(value > 0.0, "{figures}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_and_storm_have_figures_of_both_brokers() {
    assert_eq!(quick("idle").await.len(), 2);
    for figures in quick("storm").await {
        assert!(figures["per_second"][0].as_f64().unwrap() > 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_has_figures_of_each_request_both_ways() {
    let (table, figures) = measured("relay").await;
    assert!(table.contains("11 checkout"), "{table}");
    assert_eq!(figures.len(), 3);
    for figures in figures {
        let straight = figures["straight_p50_ms"].as_f64().unwrap();
        assert!(
            figures["relayed_p50_ms"].as_f64().unwrap() > straight,
            "{figures}"
        );
    }
}
