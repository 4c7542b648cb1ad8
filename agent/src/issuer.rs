//! The gateway as an issuer of certificates: one question over HTTPS, one answer, bounded in time
//! and size. Only this file knows the HTTP library.

use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::{
    CertificateIssued, ENROLMENT_PATH, EnrolmentRequest, EnrolmentToken, RENEWAL_PATH,
    RenewalRequest,
};
use reqwest::{Client, Response, StatusCode, redirect};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::gateway_url::GatewayUrl;
use crate::identity::Identity;
use crate::measured_time::MeasuredTime;
use crate::tls::{self, PinnedGateway, Refusal};

/// Largest answer that is read: a certificate, its issuer's and a few roots.
const ANSWER_BYTES_MAX: usize = 128 * 1024;

/// The longest that is shown of what a gateway says in its own words.
const WORDS_MAX: usize = 500;

/// Why there is no certificate.
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
        gateway: GatewayUrl,
        /// The HTTP status.
        status: u16,
        /// Its reason in its own words.
        words: String,
    },
    /// It says something else.
    #[error("the answer of {gateway} is not a certificate as expected (status {status})")]
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

/// A gateway that can be asked for a certificate.
pub(crate) struct Issuer {
    gateway: GatewayUrl,
    client: Client,
    pinned: Option<Arc<PinnedGateway>>,
}

/// What a problem document [RFC 9457] says; we show it and go by the status.
#[derive(Deserialize)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

impl Issuer {
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
        let config = tls::with_identity(identity, time);
        Self::new(identity.gateway().clone(), config, None, deadline)
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
            .timeout(deadline)
            .build();
        match client {
            Ok(client) => Ok(Self {
                gateway,
                client,
                pinned,
            }),
            Err(source) => Err(AskError::Silent { gateway, source }),
        }
    }

    /// Asks for the first certificate.
    pub(crate) async fn enrol(
        &self,
        request: &EnrolmentRequest,
    ) -> Result<CertificateIssued, AskError> {
        self.ask(ENROLMENT_PATH, request).await
    }

    /// Asks for the next certificate.
    pub(crate) async fn renew(
        &self,
        request: &RenewalRequest,
    ) -> Result<CertificateIssued, AskError> {
        self.ask(RENEWAL_PATH, request).await
    }

    async fn ask<T: Serialize>(
        &self,
        path: &str,
        request: &T,
    ) -> Result<CertificateIssued, AskError> {
        let sent = self.client.post(self.gateway.at(path)).json(request);
        let mut answer = sent.send().await.map_err(|error| self.silent(error))?;
        let status = answer.status();
        let body = self.body(&mut answer, status).await?;
        if !status.is_success() {
            return Err(AskError::Refused {
                gateway: self.gateway.clone(),
                status: status.as_u16(),
                words: words(&body, status),
            });
        }
        serde_json::from_slice(&body).map_err(|_| self.odd(status))
    }

    async fn body(&self, answer: &mut Response, status: StatusCode) -> Result<Vec<u8>, AskError> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.silent(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.odd(status));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
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
