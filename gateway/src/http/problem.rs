//! Problem documents [RFC 9457]: every error of the API, told the same way.
//!
//! A handler returns a [`Problem`]; the frame around all routes writes it out, with the id of
//! the request as its `instance`.

mod kind;

use std::time::Duration;

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::ledger::LedgerError;
pub use kind::ProblemKind;

/// The media type [RFC 9457 §3].
pub const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error, as told to who asked.
#[derive(Debug, Clone)]
pub struct Problem(Box<Told>);

#[derive(Debug, Clone)]
struct Told {
    kind: ProblemKind,
    detail: String,
    parameter: Option<String>,
    found: Option<String>,
    expected: Option<String>,
    reasons: Vec<String>,
    retry_after: Option<Duration>,
}

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Names the sort of error, for programs: `/problems/<sort>`.
    #[serde(rename = "type")]
    #[schema(example = "/problems/bad-parameter")]
    pub kind: String,
    /// The sort of error, for people.
    pub title: String,
    /// The status of the answer.
    #[schema(example = 400)]
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// The id of the request, as in `x-request-id` and in the gateway's log.
    pub instance: String,
    /// The parameter, or the place in the body, that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub parameter: Option<String>,
    /// What stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub found: Option<String>,
    /// What should have stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub expected: Option<String>,
    /// All that is wrong, where it can be several things.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub reasons: Vec<String>,
}

/// The errors every route may answer with, for the OpenAPI document.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "describes; nobody makes one")]
pub(super) enum Problems {
    /// A parameter or the body is wrong; the members say which, what was found and expected.
    #[response(status = 400, content_type = "application/problem+json")]
    Wrong(ProblemDocument),
    /// Nobody is signed in, or the token or session is not good.
    #[response(status = 401, content_type = "application/problem+json")]
    NotSignedIn(ProblemDocument),
    /// Not allowed, or caused by another site.
    #[response(status = 403, content_type = "application/problem+json")]
    NotAllowed(ProblemDocument),
    /// No such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    /// Any other error.
    #[response(status = "default", content_type = "application/problem+json")]
    Other(ProblemDocument),
}

impl Problem {
    /// An error of this kind, with one sentence on what is wrong this time.
    #[must_use]
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Told {
            kind,
            detail: detail.into(),
            parameter: None,
            found: None,
            expected: None,
            reasons: Vec::new(),
            retry_after: None,
        }))
    }

    /// A parameter that is wrong, what stood there and what should have.
    #[must_use]
    pub fn parameter(name: &str, found: &str, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        let detail = format!("{name} is {found:?}; expected {expected}");
        let mut problem = Self::new(ProblemKind::BadParameter, detail);
        problem.0.parameter = Some(name.to_owned());
        problem.0.found = Some(found.chars().take(200).collect());
        problem.0.expected = Some(expected);
        problem
    }

    /// A parameter this route does not have.
    #[must_use]
    pub fn unknown_parameter(name: &str, detail: String, expected: String) -> Self {
        let mut problem = Self::new(ProblemKind::BadParameter, detail);
        problem.0.parameter = Some(name.chars().take(200).collect());
        problem.0.expected = Some(expected);
        problem
    }

    /// A thing that a parameter names and that is not there.
    #[must_use]
    pub fn missing(what: &str, name: &str) -> Self {
        let mut problem = Self::new(
            ProblemKind::NotFound,
            format!("there is no {what} {name:?}"),
        );
        problem.0.parameter = Some(what.to_owned());
        problem.0.found = Some(name.to_owned());
        problem
    }

    /// A place in the body that is wrong.
    #[must_use]
    pub fn body(place: &str, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        let detail = format!("at {place}: {expected}");
        let mut problem = Self::new(ProblemKind::BadBody, detail);
        problem.0.parameter = Some(place.to_owned());
        problem.0.expected = Some(expected);
        problem
    }

    /// Names the parameter, or the place in the body, that is wrong.
    #[must_use]
    pub fn at(mut self, place: &str) -> Self {
        self.0.parameter = Some(place.to_owned());
        self
    }

    /// Too many attempts: the next one is looked at after this wait.
    #[must_use]
    pub fn held(detail: &str, wait: Duration) -> Self {
        let mut problem = Self::new(ProblemKind::Held, detail);
        problem.0.retry_after = Some(wait);
        problem
    }

    /// A fault of the gateway: the cause goes to the log, under the id of the request.
    #[must_use]
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(
            ProblemKind::Internal,
            "the gateway's log names the cause under this request id",
        )
    }

    /// Adds all that is wrong.
    #[must_use]
    pub fn with_reasons(mut self, reasons: Vec<String>) -> Self {
        self.0.reasons = reasons;
        self
    }

    /// What sort of error it is.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.0.kind
    }

    /// Whether it may go away by itself.
    #[must_use]
    pub fn is_not_ready(&self) -> bool {
        self.0.kind == ProblemKind::NotReady
    }

    /// The document, for one request.
    #[must_use]
    pub fn document(&self, instance: &str) -> ProblemDocument {
        let kind = self.0.kind;
        ProblemDocument {
            kind: format!("/problems/{}", kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: self.0.detail.clone(),
            instance: instance.to_owned(),
            parameter: self.0.parameter.clone(),
            found: self.0.found.clone(),
            expected: self.0.expected.clone(),
            reasons: self.0.reasons.clone(),
        }
    }

    /// The whole answer, for one request.
    #[must_use]
    pub fn answer(&self, instance: &str) -> Response {
        let mut response = (self.0.kind.status(), Json(self.document(instance))).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        if let Some(wait) = self.0.retry_after {
            // Whole seconds [RFC 9110 §10.2.3], rounded up.
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
        }
        response
    }
}

impl IntoResponse for Problem {
    /// A bare status that carries the problem to the frame, which writes it out.
    fn into_response(self) -> Response {
        let mut response = self.0.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Full => Self::new(
                ProblemKind::NoRoom,
                "nothing was changed; make room and try again",
            ),
            LedgerError::Database(_) | LedgerError::Damaged { .. } => Self::internal(&error),
        }
    }
}
