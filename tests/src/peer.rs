//! Foreign peers: clients that are not ours, run as their users run them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::site::{Issued, PATIENCE};

/// Publishes with Eclipse Paho; gives back the reason code of each publish, and of a DISCONNECT.
///
/// # Errors
/// Where Python or Paho are missing, or the script fails.
pub async fn paho(
    door: SocketAddr,
    issued: &Issued,
    version: u16,
    publishes: &[(String, String)],
) -> anyhow::Result<Value> {
    let publishes: Vec<Value> = publishes
        .iter()
        .map(|(topic, payload)| json!({"topic": topic, "payload": payload}))
        .collect();
    let task = json!({
        "host": door.ip().to_string(), "port": door.port(), "version": version,
        "user": issued.device, "password": issued.password, "publishes": publishes,
    });
    let script = folder().join("peers/paho_publish.py");
    let mut child = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("starting {} (tests/run makes it)", python().display()))?;
    let mut stdin = child.stdin.take().context("standard input is piped")?;
    stdin
        .write_all(task.to_string().as_bytes())
        .await
        .context("telling paho what to do")?;
    drop(stdin);
    let done = tokio::time::timeout(PATIENCE * 2, child.wait_with_output())
        .await
        .context("paho took too long")??;
    let errors = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout).with_context(|| format!("paho said: {errors}"))
}

/// Publishes one message with mosquitto_pub and QoS 1; gives back its exit code.
///
/// # Errors
/// Where mosquitto_pub is missing.
pub async fn mosquitto_pub(
    door: SocketAddr,
    issued: &Issued,
    version: &str,
    topic: &str,
    payload: &str,
) -> anyhow::Result<i32> {
    let (host, port) = (door.ip().to_string(), door.port().to_string());
    let status = Command::new("mosquitto_pub")
        .args(["-h", &host, "-p", &port, "-V", version, "-q", "1"])
        .args([
            "-u",
            &issued.device,
            "-P",
            &issued.password,
            "-t",
            topic,
            "-m",
            payload,
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    let status = tokio::time::timeout(PATIENCE, status)
        .await
        .context("mosquitto_pub took too long")?
        .context("starting mosquitto_pub (package mosquitto-clients)")?;
    status.code().context("mosquitto_pub was killed")
}

/// This crate's folder.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Python with the peers in it.
fn python() -> PathBuf {
    std::env::var_os("LUJIANG_PEERS_PYTHON").map_or_else(
        || folder().join("../target/peers/bin/python"),
        PathBuf::from,
    )
}
