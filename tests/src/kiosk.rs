//! An e-book kiosk: an enrolled agent in this process with its screens on free ports, so that a
//! test can be the browser on them.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use lujiang_agent::{Agent, AgentOptions};
use lujiang_config::AgentConfig;
use serde_json::{Value, json};

use crate::enrolled::{data_of, enrolled};
use crate::site::{Library, PATIENCE};
use crate::wait::until;

/// The kiosk.
pub struct Kiosk {
    config: AgentConfig,
    agent: Option<Agent>,
    http: reqwest::Client,
}

impl Kiosk {
    /// Registers and enrols a kiosk; its agent does not run yet.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled(library: &Library, device: &str) -> anyhow::Result<Self> {
        let mqtt = library.secure_link().address();
        let ways = (mqtt, library.endpoints().https);
        Self::enrolled_by(library, device, ways, "").await
    }

    /// As [`Kiosk::enrolled`], with ways of its own to the gateway by MQTT and by HTTPS, and with
    /// more in its configuration.
    ///
    /// # Errors
    /// Where it is not enrolled.
    pub async fn enrolled_by(
        library: &Library,
        device: &str,
        ways: (SocketAddr, SocketAddr),
        more: &str,
    ) -> anyhow::Result<Self> {
        let screens = "[kiosk.screens]\nlisten = \"127.0.0.1:0\"\nlisten_books = \"127.0.0.1:0\"\n";
        let config = enrolled(
            library,
            device,
            "kiosk",
            &data_of(library, device),
            ways,
            &format!("{screens}{more}"),
        )
        .await?;
        Ok(Self {
            config,
            agent: None,
            http: reqwest::Client::new(),
        })
    }

    /// Starts its agent.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start(&mut self) -> anyhow::Result<()> {
        let agent = Agent::start(self.config.clone(), AgentOptions::system()?).await?;
        self.agent = Some(agent);
        Ok(())
    }

    /// Pulls the plug of its agent.
    pub fn kill(&mut self) {
        self.agent = None;
    }

    /// Ends its agent.
    ///
    /// # Panics
    /// Where it does not run.
    pub async fn stop(&mut self) {
        self.agent.take().expect("it runs").stop().await;
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.config.agent.data.clone()
    }

    /// Its agent.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().expect("it runs")
    }

    /// Where its pages are.
    ///
    /// # Errors
    /// Where it does not say.
    pub async fn pages(&self) -> anyhow::Result<SocketAddr> {
        let status = self.agent().status().await?;
        status.screens.context("the agent serves screens")
    }

    /// What may be read now, as its feed says: titles in the order of the shelf.
    ///
    /// # Errors
    /// Where the feed cannot be read.
    pub async fn titles(&self) -> anyhow::Result<Vec<String>> {
        let feed: Value = self.get("feed.json").await?.json().await?;
        let publications = feed["publications"].as_array().context("a feed")?;
        let title = |it: &Value| it["metadata"]["title"].as_str().map(str::to_owned);
        Ok(publications.iter().filter_map(title).collect())
    }

    /// Something of its pages.
    ///
    /// # Errors
    /// Where there is no such thing.
    pub async fn get(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        let url = format!("http://{}/{path}", self.pages().await?);
        Ok(self.http.get(url).send().await?.error_for_status()?)
    }

    /// What the left screen says after it has painted a release.
    ///
    /// # Errors
    /// Where the agent does not hear it.
    pub async fn paints(&self, release: &str) -> anyhow::Result<()> {
        let pages = self.pages().await?;
        let said = json!({ "screen": "left", "shows": "shelf", "release": release });
        let origin = format!("http://{pages}");
        // As a browser says where the page is from.
        let heard = self.http.post(format!("{origin}/heartbeat"));
        let heard = heard.header("Origin", origin).json(&said);
        heard.send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits until its shelf has a release, and paints it.
    ///
    /// # Errors
    /// Where it does not come.
    pub async fn shows(&self, release: &str) -> anyhow::Result<()> {
        let shelf = self.agent().shelf().context("a kiosk has a shelf")?.clone();
        until("the release on the shelf", PATIENCE, async || {
            let shown = shelf.now().release.clone();
            let shown = shown.context("nothing is on the shelf")?;
            anyhow::ensure!(shown.as_str() == release, "{shown} is on the shelf");
            Ok(())
        })
        .await?;
        self.paints(release).await
    }
}
