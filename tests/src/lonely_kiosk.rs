//! An e-book kiosk as it stands in a room: an enrolled agent that is a process of its own, its
//! line to the gateway through relays that can be cut, and `lujiang-agent content import` typed
//! beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

use crate::link::{Link, Weather};
use crate::process::{Process, Said, binary, output, said};
use crate::site::{Library, PATIENCE, text, write_password};
use crate::wait::until;

/// The kiosk.
#[derive(Debug)]
pub struct LonelyKiosk {
    folder: PathBuf,
    device: String,
    agent: Option<Process>,
    http: reqwest::Client,
    /// Its ways to the door and to the gateway's files.
    lines: [Link; 2],
}

impl LonelyKiosk {
    /// Registers and enrols a kiosk; its agent does not run yet.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled(library: &Library, device: &str) -> anyhow::Result<Self> {
        library.add_device(device, "kiosk", "main").await?;
        let endpoints = library.endpoints();
        let lines = [
            Link::to(endpoints.mqtts).await?,
            Link::to(endpoints.https).await?,
        ];
        let kiosk = Self {
            folder: library.folder().join(device),
            device: device.to_owned(),
            agent: None,
            http: reqwest::Client::new(),
            lines,
        };
        std::fs::create_dir_all(&kiosk.folder).context("making the kiosk's folder")?;
        let configured = format!(
            "[agent]\ndevice = \"{device}\"\ndata = \"{}\"\n\
             [uplink]\nhost = \"localhost\"\nport = {}\nbackoff_min = \"50ms\"\n\
             backoff_max = \"500ms\"\n\
             [kiosk.screens]\nlisten = \"127.0.0.1:0\"\nlisten_books = \"127.0.0.1:0\"\n",
            kiosk.data().display(),
            kiosk.lines[0].address().port(),
        );
        std::fs::write(kiosk.config(), configured).context("writing the configuration")?;
        let token = kiosk.folder.join("token");
        write_password(&token, &library.token(device).await?)?;
        let gateway = format!("https://localhost:{}", kiosk.lines[1].address().port());
        let config = kiosk.config();
        let mut enrol = vec!["enrol", "--config", text(&config), "--gateway", &gateway];
        enrol.extend(["--token-file", text(&token)]);
        output(&binary("lujiang-agent"), &enrol).await?;
        Ok(kiosk)
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The agent's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("agent.log")).unwrap_or_default()
    }

    fn config(&self) -> PathBuf {
        self.folder.join("agent.toml")
    }

    /// Carries it to where no line leads, or back.
    pub fn has_line(&self, has_line: bool) {
        for line in &self.lines {
            line.turn(match has_line {
                true => Weather::Fair,
                false => Weather::Reset,
            });
        }
    }

    /// The gateway came back on other ports.
    pub fn retarget(&self, library: &Library) {
        self.lines[0].retarget(library.endpoints().mqtts);
        self.lines[1].retarget(library.endpoints().https);
    }

    /// Starts its agent.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let config = self.config();
        let arguments = ["run", "--config", text(&config)];
        let log = self.folder.join("agent.log");
        self.agent = Some(Process::start(&binary("lujiang-agent"), &arguments, &log)?);
        Ok(())
    }

    /// SIGKILL for its agent.
    ///
    /// # Errors
    /// Where it does not run.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let mut agent = self.agent.take().context("the agent does not run")?;
        agent.kill().await
    }

    /// `lujiang-agent content import` of a stick, and what it said.
    ///
    /// # Errors
    /// Where it does not end.
    pub async fn import(&self, stick: &Path, more: &[&str]) -> anyhow::Result<Said> {
        let config = self.config();
        let mut arguments = vec!["content", "import", text(stick)];
        arguments.extend(["--config", text(&config)]);
        arguments.extend(more);
        said(&binary("lujiang-agent"), &arguments).await
    }

    /// `lujiang-agent status --json`.
    ///
    /// # Errors
    /// Where it does not end well.
    pub async fn status(&self) -> anyhow::Result<Value> {
        let config = self.config();
        let arguments = ["status", "--json", "--config", text(&config)];
        let told = output(&binary("lujiang-agent"), &arguments).await?;
        serde_json::from_str(&told).context("the agent's account")
    }

    async fn pages(&self) -> anyhow::Result<SocketAddr> {
        let status = self.status().await?;
        let pages = status["screens"].as_str().context("no screens yet")?;
        pages.parse().context("an address")
    }

    /// What one of its pages says.
    ///
    /// # Errors
    /// Where the pages are not served, or there is no such one.
    pub async fn text(&self, path: &str) -> anyhow::Result<String> {
        let url = format!("http://{}/{path}", self.pages().await?);
        let answer = self.http.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// What a browser on its screen can read now, in the order of the shelf.
    ///
    /// # Errors
    /// Where the pages are not served.
    pub async fn titles(&self) -> anyhow::Result<Vec<String>> {
        let feed: Value = serde_json::from_str(&self.text("feed.json").await?)?;
        let publications = feed["publications"].as_array().context("a feed")?;
        let title = |it: &Value| it["metadata"]["title"].as_str().map(str::to_owned);
        Ok(publications.iter().filter_map(title).collect())
    }

    /// Waits until its shelf has these titles, in whatever order.
    ///
    /// # Errors
    /// What it had instead, at the deadline.
    pub async fn shows(&self, titles: &[String]) -> anyhow::Result<()> {
        let mut expected = titles.to_vec();
        expected.sort();
        let what = format!("{} to show {expected:?}", self.device);
        until(&what, PATIENCE, async || {
            let mut shown = self.titles().await?;
            shown.sort();
            anyhow::ensure!(shown == expected, "it shows {shown:?}");
            Ok(())
        })
        .await
    }
}
