//! A request body: JSON, read strictly, with the place of what is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::problem::{Problem, ProblemKind};

/// A body that was read.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_kind(request.headers())?;
        let bytes =
            Bytes::from_request(request, state)
                .await
                .map_err(|error| match error.status() {
                    StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
                        ProblemKind::TooLarge,
                        "the body is larger than http.body_max",
                    ),
                    _ => Problem::new(ProblemKind::BadRequest, error.body_text()),
                })?;
        read(&bytes).map(Self)
    }
}

/// Refuses what does not call itself JSON.
pub(super) fn check_kind(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(CONTENT_TYPE);
    let is_json = kind
        .and_then(|kind| kind.to_str().ok())
        .and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    match is_json {
        true => Ok(()),
        false => Err(Problem::new(
            ProblemKind::MediaType,
            "expected Content-Type: application/json",
        )),
    }
}

/// Reads a whole body strictly.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let body = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let place = error.path().to_string();
        Problem::body(&place, error.into_inner().to_string())
    })?;
    reader
        .end()
        .map_err(|error| Problem::body(".", error.to_string()))?;
    Ok(body)
}
