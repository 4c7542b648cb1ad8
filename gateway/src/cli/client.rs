//! Asks a running gateway over its HTTP API.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::data_dir::AdminToken;

/// Longest wait for an answer: a change waits for one commit, nothing here for more.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Longest wait for a file to be taken: gigabytes onto a slow disk.
const FILE_TIMEOUT: Duration = Duration::from_secs(3_600);

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

    /// As [`Client::post`], with a body that is no JSON.
    pub(super) async fn post_text<A: DeserializeOwned>(
        &self,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> anyhow::Result<A> {
        let request = self.request(Method::POST, path);
        let request = request.header(CONTENT_TYPE, media_type).body(body);
        let answer = self.answer(request).await?;
        answer
            .json()
            .await
            .context("reading the answer of the gateway")
    }

    /// As [`Client::get`]; none where there is no such thing.
    pub(super) async fn find<A: DeserializeOwned>(&self, path: &str) -> anyhow::Result<Option<A>> {
        let request = self.request(Method::GET, path);
        let answer = request.send().await;
        let answer = answer.with_context(|| format!("asking the gateway at {}", self.address))?;
        if answer.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let answer = self.judge(answer).await?;
        let found = answer.json().await;
        found.context("reading the answer of the gateway").map(Some)
    }

    /// Brings a file; it may take as long as it is large.
    pub(super) async fn put<A: DeserializeOwned>(
        &self,
        path: &str,
        body: reqwest::Body,
    ) -> anyhow::Result<A> {
        let request = self.request(Method::PUT, path).timeout(FILE_TIMEOUT);
        let answer = self.answer(request.body(body)).await?;
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
        let request = self.request(method, path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.answer(request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        let request = self.http.request(method, &url);
        request.bearer_auth(self.token.as_str())
    }

    async fn answer(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let answer = request
            .send()
            .await
            .with_context(|| format!("asking the gateway at {}", self.address))?;
        self.judge(answer).await
    }

    async fn judge(&self, answer: Response) -> anyhow::Result<Response> {
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

/// A text as one part of a path.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}
