//! What surrounds every answer: an id, a time limit, a problem document where there is an error,
//! the security headers, and a line in the log.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::Instrument;

use super::problem::{Problem, ProblemKind};
use crate::metrics::Metrics;

/// Nothing but what the page is made of, all of it from here, nothing inline; and no frame, no
/// form that leaves the page, no other base.
const CONTENT_SECURITY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// Where the body is a file, which takes as long as the line needs: each piece of it has to come
/// within the time for an answer instead.
const UPLOAD_ROUTES: [&str; 2] = [
    "/api/v1/content/blobs/{blob}",
    "/api/v1/content/drafts/{draft}/files/{file}",
];

/// Where gigabytes of books are read before there is an answer.
const READING_ROUTE: &str = "/api/v1/content/drafts/{draft}/understanding";

/// The longest time to read a draft, and those before it: each byte is hashed and expanded once.
const READING_TIME_MAX: Duration = Duration::from_secs(1_800);

/// The longest time for a file: a gigabyte at 1 Mbit/s takes two and a half hours.
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(12 * 3_600);

/// The header that carries the id of a request back.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the frame needs to know.
#[derive(Clone)]
pub(super) struct Frame {
    pub(super) request_timeout: Duration,
    pub(super) metrics: Metrics,
}

/// Goes around every request, the unknown ones included.
pub(super) async fn surround(State(frame): State<Frame>, request: Request, next: Next) -> Response {
    let id = request_id();
    let method = request.method().clone();
    // The query is left out of the log: it may hold the token of a sign-in link.
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", id, %method, path);
    let began = Instant::now();
    let is_upload = method == Method::PUT && UPLOAD_ROUTES.contains(&route.as_str());
    let limit = match is_upload {
        true => UPLOAD_TIME_MAX,
        false if route == READING_ROUTE => READING_TIME_MAX,
        false => frame.request_timeout,
    };
    let mut response = async {
        match tokio::time::timeout(limit, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Problem::new(
                ProblemKind::TooSlow,
                format!("there was no answer within {limit:?}"),
            )
            .into_response(),
        }
    }
    .instrument(span.clone())
    .await;
    response = told(response, &id);
    secure(&mut response, &id);
    let (status, took) = (response.status().as_u16(), began.elapsed());
    frame.metrics.answered(&method, &route, status, took);
    span.in_scope(|| tracing::debug!(status, ?took, "answered"));
    response
}

/// What is answered when a handler panics.
pub(super) fn panicked(cause: Box<dyn Any + Send + 'static>) -> Response {
    let cause = cause
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| cause.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    Problem::internal(&format!("a handler panicked: {cause}")).into_response()
}

/// Writes out the problem that a handler, an extractor or the router stands for.
fn told(response: Response, id: &str) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_page(&response) {
        return response;
    }
    let problem = response.extensions().get::<Problem>().cloned();
    let problem = problem.unwrap_or_else(|| bare(status));
    let mut answer = problem.answer(id);
    *answer.status_mut() = status;
    for name in [ALLOW, CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

fn bare(status: StatusCode) -> Problem {
    let kind = ProblemKind::of(status);
    let detail = match kind {
        ProblemKind::NotFound => "there is nothing at this address",
        ProblemKind::MethodNotAllowed => "the Allow header names the methods this address takes",
        _ => status.canonical_reason().unwrap_or("no reason is known"),
    };
    Problem::new(kind, detail)
}

/// A page for people tells of its errors itself.
fn is_page(response: &Response) -> bool {
    response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

fn secure(response: &mut Response, id: &str) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, CONTENT_SECURITY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // With `no-referrer` a browser would send `Origin: null` with our own forms.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=()"),
    );
    // The page's files say themselves how long they may be kept; figures are never kept.
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    let id = HeaderValue::from_str(id).expect("an id is hexadecimal digits");
    headers.insert(REQUEST_ID, id);
}

fn request_id() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    hex::encode(bytes)
}
