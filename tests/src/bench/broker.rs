//! What the load connects to: our gateway, or mosquitto, each a real process.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::Scale;
use super::cpu;
use super::load::{Outcome, Task, Who, Work};
use crate::chain::Chain;
use crate::papers::Papers;
use crate::process::Process;
use crate::site::{Issued, Library, PATIENCE};
use crate::wait::until;

/// Registrations under way at once: each costs a password hash.
const REGISTERING_AT_ONCE: usize = 4;

/// One of the two.
pub enum Broker {
    /// Ours.
    Gateway(Box<Library>),
    /// Debian's, without persistence.
    Mosquitto(Box<Process>),
}

/// A broker and how to reach it.
pub struct Bench {
    /// The process.
    pub broker: Broker,
    /// Its name in tables.
    pub name: &'static str,
    door: SocketAddr,
    roots: Option<PathBuf>,
    /// Who may connect; mosquitto lets them all in.
    pub devices: Vec<Known>,
}

/// A device, and by what it is known.
#[derive(Debug, Clone)]
pub struct Known {
    issued: Issued,
    papers: Option<Papers>,
}

impl Bench {
    /// Our gateway with so many devices, its limits raised.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn gateway(scale: &Scale, devices: usize) -> anyhow::Result<Self> {
        let folder = scale.folder.join("gateway");
        std::fs::create_dir_all(&folder).context("making the gateway's folder")?;
        let mut library = Library::in_folder(&folder, &folder.join("data"))?;
        library.configure_as(CONFIGURATION)?;
        library.run_as(std::env::current_exe().context("this program's path")?);
        let endpoints = library.start().await?;
        let registering = stream::iter(0..devices).map(|number| {
            let library = &library;
            async move {
                let id = format!("bench-{number}");
                let body = json!({"id": id, "kind": "gate", "site": "main"});
                let issued = library.post("/api/v1/devices", &body).await?;
                let issued = serde_json::from_value(issued).context("a new device")?;
                let papers = match scale.is_tls {
                    true => Some(Papers::of(library, &id).await?),
                    false => None,
                };
                anyhow::Ok(Known { issued, papers })
            }
        });
        let devices = registering
            .buffered(REGISTERING_AT_ONCE)
            .try_collect()
            .await?;
        let door = match scale.is_tls {
            true => endpoints.mqtts,
            false => endpoints.mqtt,
        };
        let roots = scale.is_tls.then(|| library.authority_file());
        Ok(Self {
            broker: Broker::Gateway(Box::new(library)),
            name: "lujiang",
            door,
            roots,
            devices,
        })
    }

    /// Mosquitto, where it is installed.
    ///
    /// # Errors
    /// Where it is not, or does not start.
    pub async fn mosquitto(scale: &Scale, ours: &Self) -> anyhow::Result<Self> {
        let folder = scale.folder.join("mosquitto");
        std::fs::create_dir_all(&folder).context("making mosquitto's folder")?;
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut configuration = format!(
            "listener {} 127.0.0.1\nallow_anonymous true\npersistence false\n\
             log_type error\nlog_dest stderr\nuser root\nset_tcp_nodelay true\n",
            door.port()
        );
        let chain = Chain::make(&folder)?;
        if let Some(authority) = &ours.roots {
            configuration += &format!(
                "certfile {}\nkeyfile {}\ncafile {}\nrequire_certificate true\n",
                chain.certificate.display(),
                chain.key.display(),
                authority.display()
            );
        }
        let file = folder.join("mosquitto.conf");
        std::fs::write(&file, configuration).context("writing mosquitto's configuration")?;
        let arguments = ["-c", crate::site::text(&file)];
        let program = Path::new("/usr/sbin/mosquitto");
        let process = Process::start(program, &arguments, &folder.join("log"))?;
        until("mosquitto to listen", PATIENCE, async || {
            Ok(tokio::net::TcpStream::connect(door).await?)
        })
        .await?;
        Ok(Self {
            broker: Broker::Mosquitto(Box::new(process)),
            name: "mosquitto",
            door,
            roots: scale.is_tls.then_some(chain.roots),
            devices: ours.devices.clone(),
        })
    }

    /// So many clients, spread over the devices.
    #[must_use]
    pub fn clients(&self, count: usize) -> Vec<Who> {
        let of = |number: usize| {
            let Known { issued, papers } = &self.devices[number % self.devices.len()];
            Who {
                device: issued.device.clone(),
                client_id: format!("{}-{number}", issued.device),
                password: issued.password.clone(),
                papers: papers.clone(),
            }
        };
        (0..count).map(of).collect()
    }

    /// Lets so many clients do this, from a process of their own.
    ///
    /// # Errors
    /// Where the load cannot be started or a client fails.
    pub async fn load(&self, clients: usize, work: Work) -> anyhow::Result<Load> {
        let task = Task {
            door: self.door,
            roots: self.roots.clone(),
            clients: self.clients(clients),
            work,
        };
        Load::start(&task).await
    }

    /// Resident memory of the broker, in bytes.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn resident(&self) -> anyhow::Result<u64> {
        let id = self.process_id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: u64 = kib.context("VmRSS")?.trim().parse()?;
        Ok(kib * 1024)
    }

    /// Processor time of the broker so far.
    ///
    /// # Errors
    /// Where the process is gone.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        cpu::used(&self.process_id()?.to_string())
    }

    fn process_id(&self) -> anyhow::Result<u32> {
        match &self.broker {
            Broker::Gateway(library) => library.process_id(),
            Broker::Mosquitto(process) => process.id(),
        }
    }

    /// Facts in the ledger; nothing for mosquitto, which keeps none.
    ///
    /// # Errors
    /// Where the API does not answer.
    pub async fn kept(&self) -> anyhow::Result<Option<u64>> {
        match &self.broker {
            Broker::Mosquitto(_) => Ok(None),
            Broker::Gateway(library) => {
                let metrics = library.text("/metrics").await?;
                let accepted = metrics
                    .lines()
                    .find_map(|line| line.strip_prefix("lujiang_facts_accepted_total "));
                let accepted: f64 = accepted.context("the metric of facts")?.parse()?;
                Ok(Some(accepted as u64))
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// Where it does not end cleanly.
    pub async fn end(self) -> anyhow::Result<()> {
        match self.broker {
            Broker::Gateway(mut library) => library.stop().await,
            Broker::Mosquitto(mut process) => process.kill().await,
        }
    }
}

/// Everything that holds one client back is raised: what is measured is the machine.
const CONFIGURATION: &str = "[mqtt]
listen = \"127.0.0.1:0\"
connections_max = 20000
sessions_max = 10000
attempts_per_minute_max = 1000000
connect_timeout = \"1m\"
messages_per_second = 1000000
messages_burst = 1000000
bytes_per_second = \"1024MiB\"
bytes_burst = \"1024MiB\"
[tls]
mqtt_listen = \"127.0.0.1:0\"
http_listen = \"127.0.0.1:0\"
handshake_timeout = \"1m\"
[http]
listen = \"127.0.0.1:0\"
[log]
filter = \"warn\"
";

/// Clients at work in another process.
pub struct Load {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// What connecting took.
    pub connected: Outcome,
}

impl Load {
    async fn start(task: &Task) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("load")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("starting the load")?;
        let mut stdin = child.stdin.take().context("standard input is piped")?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut task = serde_json::to_string(task)?;
        task.push('\n');
        stdin.write_all(task.as_bytes()).await?;
        let mut load = Self {
            child,
            stdin,
            lines: BufReader::new(stdout).lines(),
            connected: Outcome::default(),
        };
        load.connected = load.outcome().await.context("connecting")?;
        Ok(load)
    }

    /// Waits for the end of the work; what only holds is told to end.
    ///
    /// # Errors
    /// Where a client failed.
    pub async fn end(mut self) -> anyhow::Result<Outcome> {
        self.stdin.write_all(b"\n").await?;
        let outcome = self.outcome().await?;
        let status = self.child.wait().await?;
        anyhow::ensure!(status.success(), "the load ended with {status}");
        Ok(outcome)
    }

    async fn outcome(&mut self) -> anyhow::Result<Outcome> {
        let line = self.lines.next_line().await?;
        let line = line.context("the load failed; it says why on standard error")?;
        serde_json::from_str(&line).context("what the load said")
    }
}
