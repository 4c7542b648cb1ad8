//! Asks a running gateway over its HTTP API.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::{Method, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::data_dir::AdminToken;

/// Longest wait for an answer: a change waits for one commit, nothing here for more.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A running gateway.
pub(super) struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    token: AdminToken,
}

impl Client {
    pub(super) fn new(address: SocketAddr, token: AdminToken) -> anyhow::Result<Self> {
        // It listens on this machine: no proxy of the environment leads there.
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_TIMEOUT)
            .build()
            .context("making an HTTP client")?;
        Ok(Self {
            http,
            address,
            token,
        })
    }

    pub(super) async fn get<A: DeserializeOwned>(&self, path: &str) -> anyhow::Result<A> {
        let answer = self.send(Method::GET, path, None::<&()>).await?;
        answer
            .json()
            .await
            .context("reading the answer of the gateway")
    }

    pub(super) async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<A> {
        let answer = self.send(Method::POST, path, Some(body)).await?;
        answer
            .json()
            .await
            .context("reading the answer of the gateway")
    }

    /// Sends and does not look at what is answered.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<()> {
        self.send(method, path, body).await.map(drop)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> anyhow::Result<Response> {
        let url = format!("http://{}{path}", self.address);
        let mut request = self
            .http
            .request(method, &url)
            .bearer_auth(self.token.as_str());
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request
            .send()
            .await
            .with_context(|| format!("asking the gateway at {}", self.address))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        // A problem document (RFC 9457) says what is wrong in `detail`, or at least in `title`.
        let problem: Value = answer.json().await.unwrap_or_default();
        let told = ["detail", "title"]
            .into_iter()
            .find_map(|name| problem[name].as_str());
        Err(match told {
            Some(told) => anyhow!("{told}"),
            None => anyhow!("the gateway answered {status}"),
        })
    }
}
