//! An e-book kiosk whose agent is a process of its own, so that it can be killed, and asked what it
//! costs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::enrolled::enrolled;
use crate::own_address::own_ports;
use crate::process::{Process, binary};
use crate::site::{Library, text};

/// The kiosk.
#[derive(Debug)]
pub struct KioskProcess {
    file: PathBuf,
    data: PathBuf,
    log: PathBuf,
    pages: SocketAddr,
    process: Option<Process>,
    http: reqwest::Client,
    cost: Cost,
}

/// Where its gateway is, as it sees it.
#[derive(Debug, Clone, Copy)]
pub struct Doors {
    /// MQTT behind TLS.
    pub mqtts: SocketAddr,
    /// HTTPS.
    pub https: SocketAddr,
}

/// What its processes have cost so far, all of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// The most memory one of them ever had resident, the pages of the program's file included: those
    /// are many in a build that is not optimised.
    pub resident_bytes_max: u64,
    /// The most of its own one of them had when it was looked at, at its end.
    pub own_bytes_max: u64,
    /// Processor time.
    pub processor: Duration,
    /// How many there were.
    pub processes: u32,
}

impl KioskProcess {
    /// Registers and enrols a kiosk, with more lines of `[kiosk.downloads]`; it does not run yet.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled(
        library: &Library,
        device: &str,
        doors: Doors,
        data: &Path,
        downloads: &str,
    ) -> anyhow::Result<Self> {
        // Who is killed comes back on the same port, as a browser expects.
        let [pages, books] = own_ports()?;
        let more = format!(
            "[kiosk.downloads]\n{downloads}\n\
             [kiosk.screens]\nlisten = \"{pages}\"\nlisten_books = \"{books}\"\n"
        );
        let ways = (doors.mqtts, doors.https);
        enrolled(library, device, "kiosk", data, ways, &more).await?;
        Ok(Self {
            file: library.folder().join(format!("{device}.toml")),
            data: data.to_owned(),
            log: library.folder().join(format!("{device}.log")),
            pages,
            process: None,
            http: reqwest::Client::new(),
            cost: Cost::default(),
        })
    }

    /// Starts its agent.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let arguments = ["run", "--config", text(&self.file)];
        self.process = Some(Process::start(
            &binary("lujiang-agent"),
            &arguments,
            &self.log,
        )?);
        self.cost.processes += 1;
        Ok(())
    }

    /// SIGKILL for its agent.
    ///
    /// # Errors
    /// Where it does not run.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        self.weigh()?;
        let process = self.process.take();
        process.context("the agent does not run")?.kill().await
    }

    /// Ends its agent; says what all of them have cost.
    ///
    /// # Errors
    /// Where it does not run, or ends otherwise.
    pub async fn stop(&mut self) -> anyhow::Result<Cost> {
        self.weigh()?;
        let process = self.process.take();
        let status = process.context("the agent does not run")?.end().await?;
        anyhow::ensure!(status.success(), "the agent ended with {status}");
        Ok(self.cost)
    }

    /// Adds what the running process has cost, at its end.
    fn weigh(&mut self) -> anyhow::Result<()> {
        let process = self.process.as_mut().context("the agent does not run")?;
        process.check_running().with_context(|| read(&self.log))?;
        let id = process.id()?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let bytes = |name: &str| {
            let said = status.lines().find_map(|it| it.strip_prefix(name));
            let said = said.and_then(|it| it.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            anyhow::Ok(said.context("a line of /proc/PID/status")? * 1_024)
        };
        let cost = &mut self.cost;
        cost.resident_bytes_max = cost.resident_bytes_max.max(bytes("VmHWM:")?);
        cost.own_bytes_max = cost.own_bytes_max.max(bytes("RssAnon:")?);
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // After the name, which may contain anything: utime and stime are the 12th and 13th.
        let after = stat.rsplit_once(") ").context("a stat")?.1;
        let words = after.split(' ').skip(11).take(2);
        let ticks: u64 = words.filter_map(|it| it.parse::<u64>().ok()).sum();
        // USER_HZ is 100 on every machine Linux runs on.
        self.cost.processor += Duration::from_millis(ticks * 10);
        Ok(())
    }

    /// Where what it has of content lies.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.data.join("content/blobs")
    }

    /// Bytes of bodies its agents have read, as they count them themselves; 0 before the first.
    #[must_use]
    pub fn read_bytes(&self) -> u64 {
        let count = read(&self.data.join("content-traffic"));
        count.trim().parse().unwrap_or_default()
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        read(&self.log)
    }

    /// How many titles are on its shelf.
    ///
    /// # Errors
    /// Where its pages do not answer.
    pub async fn titles(&self) -> anyhow::Result<usize> {
        let url = format!("http://{}/feed.json", self.pages);
        let feed: Value = self.http.get(url).send().await?.json().await?;
        Ok(feed["publications"].as_array().context("a feed")?.len())
    }

    /// What the left screen says after it has painted a release.
    ///
    /// # Errors
    /// Where the agent does not hear it.
    pub async fn paints(&self, release: &str) -> anyhow::Result<()> {
        let origin = format!("http://{}", self.pages);
        let said = json!({ "screen": "left", "shows": "shelf", "release": release });
        let heard = self.http.post(format!("{origin}/heartbeat"));
        // As a browser says where the page is from.
        let heard = heard.header("Origin", origin).json(&said);
        heard.send().await?.error_for_status()?;
        Ok(())
    }
}

fn read(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}
