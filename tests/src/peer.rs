//! Foreign peers: clients that are not ours, run as their users run them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::papers::Papers;
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
    run_paho(json!({
        "host": door.ip().to_string(), "port": door.port(), "version": version,
        "user": issued.device, "password": issued.password, "publishes": publishes,
    }))
    .await
}

/// As [`paho`], by a certificate; also subscribes first, and gives back
/// `{"granted": [codes], "answers": […]}`.
///
/// # Errors
/// As [`paho`].
pub async fn paho_by_certificate(
    door: SocketAddr,
    papers: &Papers,
    version: u16,
    filters: &[&str],
    publishes: &[(&str, &str)],
) -> anyhow::Result<Value> {
    let publishes: Vec<Value> = publishes
        .iter()
        .map(|(topic, payload)| json!({"topic": topic, "payload": payload}))
        .collect();
    run_paho(json!({
        "host": door.ip().to_string(), "port": door.port(), "version": version,
        "tls": {"ca": papers.roots, "certificate": papers.certificate, "key": papers.key},
        "filters": filters, "publishes": publishes,
    }))
    .await
}

async fn run_paho(task: Value) -> anyhow::Result<Value> {
    run_python("paho_publish.py", task).await
}

/// One visit to a library system with the SIP2 client of PyPI; gives back what it understood of
/// each answer.
///
/// # Errors
/// Where Python or the client are missing, or an answer was beyond it.
pub async fn sip2_desk(
    ils: SocketAddr,
    login: (&str, &str),
    patron: &str,
    item: &str,
) -> anyhow::Result<Value> {
    run_python(
        "sip2_desk.py",
        json!({
            "host": ils.ip().to_string(), "port": ils.port(), "user": login.0, "password": login.1,
            "patron": patron, "item": item,
        }),
    )
    .await
}

/// Runs one of the scripts: a JSON object in, a JSON value out.
async fn run_python(script: &str, task: Value) -> anyhow::Result<Value> {
    let path = folder().join("peers").join(script);
    let mut child = Command::new(python())
        .arg(path)
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
        .with_context(|| format!("telling {script} what to do"))?;
    drop(stdin);
    let done = tokio::time::timeout(PATIENCE * 2, child.wait_with_output())
        .await
        .with_context(|| format!("{script} took too long"))??;
    let errors = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout).with_context(|| format!("{script} said: {errors}"))
}

/// The rows of the first sheet of an Excel workbook, as openpyxl reads them.
///
/// # Errors
/// Where Python or openpyxl are missing, or it is no workbook.
pub async fn read_workbook(file: &Path) -> anyhow::Result<Value> {
    let script = folder().join("peers/read_workbook.py");
    let done = Command::new(python())
        .arg(script)
        .arg(file)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(PATIENCE, done)
        .await
        .context("openpyxl took too long")?
        .with_context(|| format!("starting {} (tests/run makes it)", python().display()))?;
    let errors = String::from_utf8_lossy(&done.stderr);
    serde_json::from_slice(&done.stdout).with_context(|| format!("openpyxl said: {errors}"))
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

/// Publishes with mosquitto_pub over TLS; gives back its exit code and what it complained of.
///
/// # Errors
/// Where mosquitto_pub is missing.
pub async fn mosquitto_pub_by_certificate(
    door: SocketAddr,
    papers: &Papers,
    more: &[&str],
    topic: &str,
    payload: &str,
) -> anyhow::Result<(i32, String)> {
    let (host, port) = (door.ip().to_string(), door.port().to_string());
    let done = Command::new("mosquitto_pub")
        .args([
            "-h", &host, "-p", &port, "-q", "1", "-t", topic, "-m", payload,
        ])
        .arg("--cafile")
        .arg(&papers.roots)
        .arg("--cert")
        .arg(&papers.certificate)
        .arg("--key")
        .arg(&papers.key)
        .args(more)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(PATIENCE, done)
        .await
        .context("mosquitto_pub took too long")?
        .context("starting mosquitto_pub (package mosquitto-clients)")?;
    let code = done.status.code().context("mosquitto_pub was killed")?;
    Ok((code, String::from_utf8_lossy(&done.stderr).into_owned()))
}

/// `mosquitto_sub` over TLS, and what it prints.
#[derive(Debug)]
pub struct Listening {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// How mosquitto_sub says who it is.
#[derive(Debug, Clone, Copy)]
pub enum Login<'a> {
    /// By a certificate.
    Certificate(&'a Papers),
    /// By user name and password, towards a gateway of these roots.
    Password(&'a Issued, &'a Path),
}

impl Listening {
    /// Subscribes to these filters with QoS 1.
    ///
    /// # Errors
    /// Where mosquitto_sub is missing.
    pub fn start(door: SocketAddr, login: Login<'_>, filters: &[&str]) -> anyhow::Result<Self> {
        let (host, port) = (door.ip().to_string(), door.port().to_string());
        let mut command = Command::new("mosquitto_sub");
        command.args(["-v", "-q", "1", "-h", &host, "-p", &port]);
        for filter in filters {
            command.args(["-t", filter]);
        }
        match login {
            Login::Certificate(papers) => command
                .arg("--cafile")
                .arg(&papers.roots)
                .arg("--cert")
                .arg(&papers.certificate)
                .arg("--key")
                .arg(&papers.key),
            Login::Password(issued, roots) => command
                .args(["-u", &issued.device, "-P", &issued.password])
                .arg("--cafile")
                .arg(roots),
        };
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting mosquitto_sub (package mosquitto-clients)")?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let lines = BufReader::new(stdout).lines();
        Ok(Self { child, lines })
    }

    /// The next message, its topic and its payload, if one comes within `patience`.
    ///
    /// # Errors
    /// Where it ended instead.
    pub async fn next(&mut self, patience: Duration) -> anyhow::Result<Option<(String, String)>> {
        let Ok(line) = tokio::time::timeout(patience, self.lines.next_line()).await else {
            return Ok(None);
        };
        let line = line?.context("mosquitto_sub ended")?;
        let (topic, payload) = line.split_once(' ').context("a topic and a payload")?;
        Ok(Some((topic.to_owned(), payload.to_owned())))
    }

    /// Waits until it ends by itself, without another message; gives back its complaint.
    ///
    /// # Errors
    /// Where it goes on, hears something, or says nothing.
    pub async fn refused(mut self) -> anyhow::Result<String> {
        if let Ok(heard) = self.next(PATIENCE).await {
            anyhow::bail!("mosquitto_sub goes on, and heard {heard:?}");
        }
        let done = tokio::time::timeout(PATIENCE, self.child.wait_with_output()).await??;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        anyhow::ensure!(!said.is_empty(), "no complaint: {}", done.status);
        Ok(said)
    }
}

/// Sends these bytes through `openssl s_client`, which must believe the gateway; gives back the
/// first packet that comes, empty where the line ends without one.
///
/// # Errors
/// Where openssl is missing.
pub async fn openssl(
    door: SocketAddr,
    papers: &Papers,
    version: &str,
    bytes: &[u8],
) -> anyhow::Result<Vec<u8>> {
    let mut child = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", version])
        .args([
            "-connect",
            &door.to_string(),
            "-verify_ip",
            &door.ip().to_string(),
        ])
        .arg("-CAfile")
        .arg(&papers.roots)
        .arg("-cert")
        .arg(&papers.certificate)
        .arg("-key")
        .arg(&papers.key)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("starting openssl")?;
    let mut stdin = child.stdin.take().context("standard input is piped")?;
    let mut stdout = child.stdout.take().context("standard output is piped")?;
    // A refused handshake ends openssl before it has read this.
    let _ = stdin.write_all(bytes).await;
    let read = tokio::time::timeout(PATIENCE, crate::packet::read(&mut stdout))
        .await
        .context("openssl took too long")?;
    Ok(read.map_or_else(|_| Vec::new(), |(first, body)| [vec![first], body].concat()))
}

/// This crate's folder.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Python with the peers in it.
pub(crate) fn python() -> PathBuf {
    std::env::var_os("LUJIANG_PEERS_PYTHON").map_or_else(
        || folder().join("../target/peers/bin/python"),
        PathBuf::from,
    )
}
