//! Answers a browser may keep: with a strong ETag, and "not modified" where it has the same.

use axum::body::Body;
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use axum::response::{IntoResponse, Response};

/// How an answer is named and kept.
#[derive(Debug)]
pub(super) struct Kept {
    /// In quotes.
    pub(super) etag: String,
    pub(super) media_type: String,
    pub(super) age: Age,
}

/// How long an answer is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// Its address changes when it does.
    ForEver,
    /// It is asked each time whether it is the same still.
    Asked,
}

impl Kept {
    /// The answer; the body is made only where it is needed.
    pub(super) fn answer(&self, asked: &HeaderMap, body: impl FnOnce() -> Body) -> Response {
        let known = asked.get_all(IF_NONE_MATCH).into_iter();
        let mut known = known
            .filter_map(|it| it.to_str().ok())
            .flat_map(|it| it.split(','));
        let is_known =
            known.any(|it| it.trim().trim_start_matches("W/") == self.etag || it.trim() == "*");
        let age = match self.age {
            Age::ForEver => HeaderValue::from_static("public, max-age=31536000, immutable"),
            Age::Asked => HeaderValue::from_static("no-cache"),
        };
        let etag = HeaderValue::from_str(&self.etag);
        let headers = [
            (ETAG, etag.expect("a hash in quotes")),
            (CACHE_CONTROL, age),
        ];
        if is_known {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        let kind = HeaderValue::from_str(&self.media_type);
        let kind = kind.unwrap_or(HeaderValue::from_static("application/octet-stream"));
        (headers, [(CONTENT_TYPE, kind)], body()).into_response()
    }
}
