//! The gateway over HTTPS: one question, one answer, bounded in time and size. What is asked and
//! what the answer means is its callers' affair. Only this file knows the HTTP library.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use lujiang_wire::{DeviceId, EnrolmentToken};
use reqwest::header::{
    CONTENT_RANGE, DATE, ETAG, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::gateway_url::GatewayUrl;
use crate::identity::Identity;
use crate::measured_time::MeasuredTime;
use crate::tls::{self, PinnedGateway, Refusal, Trust};

/// Largest answer to a request that is read: a certificate, its issuer's and a few roots.
const ANSWER_BYTES_MAX: usize = 128 * 1024;

/// A document may take so many times as long as another answer: it is larger, and the line of a
/// bus slow. That something arrives is waited for no longer than elsewhere.
const DOCUMENT_PATIENCE: u32 = 20;

/// The longest that is shown of what a gateway says in its own words.
const WORDS_MAX: usize = 500;

/// Why the gateway gave no answer of use.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Another gateway than the one that made the token.
    #[error(
        "the gateway at {gateway} is not the one this token is from: no certificate it presents is the pinned one"
    )]
    Foreign {
        /// Who was asked.
        gateway: GatewayUrl,
    },
    /// The chain it presents does not hold.
    #[error("the gateway at {gateway} presents certificates that do not hold")]
    Unsound {
        /// Who was asked.
        gateway: GatewayUrl,
        /// Why.
        #[source]
        source: Box<rustls::Error>,
    },
    /// It takes our certificate no more.
    #[error("the gateway at {gateway} does not take our certificate")]
    Certificate {
        /// Who was asked.
        gateway: GatewayUrl,
        /// What it says.
        #[source]
        source: Box<rustls::Error>,
    },
    /// No answer.
    #[error("no answer from the gateway at {gateway}")]
    Silent {
        /// Who was asked.
        gateway: GatewayUrl,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// It says no.
    #[error("the gateway at {gateway} refuses: {words} (status {status})")]
    Refused {
        /// Who was asked.
        gateway: Box<GatewayUrl>,
        /// The HTTP status.
        status: u16,
        /// Its reason in its own words.
        words: String,
        /// When to ask again, where it says so.
        retry_after: Option<Duration>,
    },
    /// It says something else.
    #[error("the answer of {gateway} is not what was asked for (status {status})")]
    Answer {
        /// Who was asked.
        gateway: GatewayUrl,
        /// The HTTP status.
        status: u16,
    },
}

impl AskError {
    /// Whether asking again can help, without anybody doing something about it.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Foreign { .. } | Self::Certificate { .. } => true,
            Self::Refused { status, .. } => {
                (400..500).contains(status) && ![408, 425, 429].contains(status)
            }
            Self::Unsound { .. } | Self::Silent { .. } | Self::Answer { .. } => false,
        }
    }
}

/// A gateway that can be asked.
pub(crate) struct GatewayClient {
    gateway: GatewayUrl,
    client: Client,
    pinned: Option<Arc<PinnedGateway>>,
    deadline: Duration,
}

/// A document that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// It is as we have it.
    Same,
    /// It is another.
    New(Vec<u8>),
}

/// A file that is being read.
pub(crate) struct OpenedFile {
    /// Where its first byte belongs.
    pub(crate) offset: u64,
    /// Bytes of the whole, where the gateway says so.
    pub(crate) length: Option<u64>,
    /// Its ETag.
    pub(crate) etag: Option<String>,
    /// Its bytes from there on.
    pub(crate) body: FileBody,
}

/// The bytes of a file as they come.
pub(crate) type FileBody =
    BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

/// What a problem document [RFC 9457] says; we show it and go by the status.
#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

impl GatewayClient {
    /// The gateway a token is from, asked by a device without a certificate.
    pub(crate) fn of_token(
        gateway: GatewayUrl,
        token: &EnrolmentToken,
        deadline: Duration,
    ) -> Result<Self, AskError> {
        let pinned = Arc::new(PinnedGateway::new(token.pin));
        let config = tls::with_pin(pinned.clone());
        Self::new(gateway, config, Some(pinned), deadline)
    }

    /// The gateway a certificate is from, asked with it.
    pub(crate) fn of_identity(
        identity: &Identity,
        time: MeasuredTime,
        deadline: Duration,
    ) -> Result<Self, AskError> {
        let config = tls::with_identity(identity, time, Trust::default());
        Self::new(identity.gateway().clone(), config, None, deadline)
    }

    /// Another device of the same gateway, asked with the device's certificate.
    pub(crate) fn of_fellow(
        identity: &Identity,
        fellow: DeviceId,
        address: GatewayUrl,
        time: MeasuredTime,
        deadline: Duration,
    ) -> Result<Self, AskError> {
        let config = tls::with_fellow(identity, time, fellow);
        Self::new(address, config, None, deadline)
    }

    fn new(
        gateway: GatewayUrl,
        config: ClientConfig,
        pinned: Option<Arc<PinnedGateway>>,
        deadline: Duration,
    ) -> Result<Self, AskError> {
        let client = Client::builder()
            .tls_backend_preconfigured(config)
            .https_only(true)
            // A gateway that sends us elsewhere is not the one we verified.
            .redirect(redirect::Policy::none())
            // MQTT goes straight to the gateway; what does not get through goes not at all.
            .no_proxy()
            .read_timeout(deadline)
            .build();
        match client {
            Ok(client) => Ok(Self {
                gateway,
                client,
                pinned,
                deadline,
            }),
            Err(source) => Err(AskError::Silent { gateway, source }),
        }
    }

    /// Sends a request, and reads the answer.
    pub(crate) async fn post<T: Serialize, A: DeserializeOwned>(
        &self,
        path: &str,
        request: &T,
    ) -> Result<A, AskError> {
        let request = self.client.post(self.gateway.at(path)).json(request);
        let request = request.timeout(self.deadline);
        let (status, body) = self.send(request, ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| self.odd(status))
    }

    /// Gets a document of which we have the one with this ETag, if any.
    pub(crate) async fn get(
        &self,
        path: &str,
        known: Option<&str>,
        bytes_max: usize,
    ) -> Result<Document, AskError> {
        let mut request = self.client.get(self.gateway.at(path));
        request = request.timeout(self.deadline * DOCUMENT_PATIENCE);
        // What cannot stand in a header is asked for as if it were not known.
        let tag = known.and_then(|tag| HeaderValue::from_str(&format!("\"{tag}\"")).ok());
        if let Some(tag) = tag {
            request = request.header(IF_NONE_MATCH, tag);
        }
        let (status, body) = self.send(request, bytes_max).await?;
        match status {
            StatusCode::OK => Ok(Document::New(body)),
            StatusCode::NOT_MODIFIED if known.is_some() => Ok(Document::Same),
            _ => Err(self.odd(status)),
        }
    }

    /// Begins to read a file, from this byte on where the gateway has the one with this ETag. It
    /// may take as long as it takes, as long as something comes.
    pub(crate) async fn open(
        &self,
        path: &str,
        from: u64,
        if_range: Option<&str>,
    ) -> Result<OpenedFile, AskError> {
        let mut request = self.client.get(self.gateway.at(path));
        let tag = if_range.and_then(|tag| HeaderValue::from_str(tag).ok());
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
            request = match tag {
                Some(tag) => request.header(IF_RANGE, tag),
                None => request,
            };
        }
        let asking = tokio::time::timeout(self.deadline, request.send()).await;
        let mut answer = match asking {
            Ok(answer) => answer.map_err(|error| self.silent(error))?,
            Err(_) => return Err(self.odd(StatusCode::REQUEST_TIMEOUT)),
        };
        let status = answer.status();
        if status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT {
            let body = self.body(&mut answer, status, ANSWER_BYTES_MAX).await?;
            return Err(self.refused(&answer, &body));
        }
        let text = |name| answer.headers().get(name)?.to_str().ok().map(str::to_owned);
        // `bytes 65536-99999/100000` [RFC 9110 §14.4].
        let range = text(CONTENT_RANGE);
        let range = range
            .as_deref()
            .and_then(|it| it.strip_prefix("bytes ")?.split_once('/'));
        let (offset, length) = match (status, range) {
            (StatusCode::PARTIAL_CONTENT, Some((part, whole))) => {
                let begin = part
                    .split_once('-')
                    .and_then(|(begin, _)| begin.parse().ok());
                (begin.ok_or_else(|| self.odd(status))?, whole.parse().ok())
            }
            (StatusCode::PARTIAL_CONTENT, None) => return Err(self.odd(status)),
            _ => (0, answer.content_length()),
        };
        let etag = text(ETAG);
        let body = answer.bytes_stream().map(|bytes| bytes.map_err(Into::into));
        Ok(OpenedFile {
            offset,
            length,
            etag,
            body: body.boxed(),
        })
    }

    /// The answer, where it is no refusal.
    async fn send(
        &self,
        request: RequestBuilder,
        bytes_max: usize,
    ) -> Result<(StatusCode, Vec<u8>), AskError> {
        let mut answer = request.send().await.map_err(|error| self.silent(error))?;
        let status = answer.status();
        let body = self.body(&mut answer, status, bytes_max).await?;
        if status.is_client_error() || status.is_server_error() {
            return Err(self.refused(&answer, &body));
        }
        Ok((status, body))
    }

    async fn body(
        &self,
        answer: &mut Response,
        status: StatusCode,
        bytes_max: usize,
    ) -> Result<Vec<u8>, AskError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.silent(error))? {
            if body.len() + chunk.len() > bytes_max {
                return Err(self.odd(status));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn refused(&self, answer: &Response, body: &[u8]) -> AskError {
        let status = answer.status();
        let said = |name| answer.headers().get(name)?.to_str().ok();
        let retry_after = said(RETRY_AFTER);
        AskError::Refused {
            gateway: Box::new(self.gateway.clone()),
            status: status.as_u16(),
            words: words(body, status),
            retry_after: retry_after.and_then(|it| pause(it, said(DATE))),
        }
    }

    fn odd(&self, status: StatusCode) -> AskError {
        AskError::Answer {
            gateway: self.gateway.clone(),
            status: status.as_u16(),
        }
    }

    /// No answer; the reason said as plainly as it is known.
    fn silent(&self, error: reqwest::Error) -> AskError {
        let gateway = self.gateway.clone();
        match self.pinned.as_ref().and_then(|pinned| pinned.refusal()) {
            Some(Refusal::Foreign) => return AskError::Foreign { gateway },
            Some(Refusal::Unsound(source)) => {
                return AskError::Unsound {
                    gateway,
                    source: Box::new(source),
                };
            }
            None => {}
        }
        match tls::error_within(&error).cloned().map(Box::new) {
            Some(source) if matches!(*source, rustls::Error::InvalidCertificate(_)) => {
                AskError::Unsound { gateway, source }
            }
            Some(source) if matches!(*source, rustls::Error::AlertReceived(_)) => {
                AskError::Certificate { gateway, source }
            }
            Some(_) | None => AskError::Silent {
                gateway,
                source: error,
            },
        }
    }
}

/// How long a `Retry-After` asks to wait: in seconds, or as a date [RFC 9110 §10.2.3]. A date is
/// seen from the gateway's own `Date`, for our clock may be any.
fn pause(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let retry_after = retry_after.trim();
    if retry_after.bytes().all(|it| it.is_ascii_digit()) {
        return retry_after.parse().ok().map(Duration::from_secs);
    }
    let at = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok();
    let wait = at(retry_after)?
        .timestamp()
        .duration_since(at(date?)?.timestamp());
    // What is over by now is no wait.
    Some(Duration::try_from(wait).unwrap_or(Duration::ZERO))
}

/// What a refusal says, for a person: bounded, and on one line.
fn words(body: &[u8], status: StatusCode) -> String {
    let said = match serde_json::from_slice(body) {
        Ok(Problem {
            title: Some(title),
            detail: Some(detail),
        }) => format!("{title}: {detail}"),
        Ok(Problem { title, detail }) => title.or(detail).unwrap_or_default(),
        Err(_) => String::new(),
    };
    let line: String = said
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(WORDS_MAX)
        .collect();
    if line.is_empty() {
        return status
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_owned();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_asked_for_in_seconds_or_until_a_date_of_the_same_clock() {
        let seconds = |it| Some(Duration::from_secs(it));
        assert_eq!(pause("120", None), seconds(120));
        let (at, date) = (
            "Wed, 21 Oct 2026 07:28:30 GMT",
            "Wed, 21 Oct 2026 07:28:00 GMT",
        );
        assert_eq!(pause(at, Some(date)), seconds(30));
        assert_eq!(pause(date, Some(at)), seconds(0));
        for (odd, date) in [
            (at, None),
            ("soon", Some(date)),
            ("", Some(date)),
            ("-3", None),
        ] {
            assert_eq!(pause(odd, date), None, "{odd}");
        }
    }
}
