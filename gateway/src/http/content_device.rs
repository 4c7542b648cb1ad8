//! `/content/v1`: what a device fetches, known by its certificate. A blob is its own ETag, never
//! changes, and is given from any byte on [RFC 9110 §14].

use std::ops::Range;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    RANGE, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use lujiang_wire::BlobHash;

use super::ApiState;
use super::listener::PeerCertificate;
use super::peer::Peer;
use super::problem::{Problem, ProblemKind, Problems};
use crate::content::Refused;

/// Blobs are named by what they hold: whoever has one has it for ever.
const FOR_EVER: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// For devices: metadata of the repository (TUF), by file name (HTTPS only)
#[utoipa::path(
    get, path = "/content/v1/metadata/{file}", tag = "content", security(()),
    params(("file" = String, Path, description = "As TUF names it: `timestamp.json`")),
    responses((status = 200, description = "The file", body = serde_json::Value), Problems)
)]
pub(super) async fn metadata(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    state.device_of(peer, certificate).await?;
    let bytes = state.content.metadata(&file);
    let bytes = bytes.ok_or_else(|| Problem::missing("metadata", &file))?;
    let head = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    Ok((head, bytes).into_response())
}

/// For devices: a blob, whole or from a byte on (HTTPS only)
#[utoipa::path(
    get, path = "/content/v1/blobs/{blob}", tag = "content", security(()),
    params(
        ("blob" = String, Path, description = "Its SHA-256"),
        ("range" = Option<String>, Header, description = "`bytes=65536-` or `bytes=0-65535`; \
            any other form is not looked at"),
        ("if-range" = Option<String>, Header, description = "Its ETag"),
    ),
    responses(
        (status = 200, description = "All of it", content_type = "application/octet-stream"),
        (status = 206, description = "The part", content_type = "application/octet-stream"),
        (status = 416, description = "The part lies beyond its end"),
        (status = 503, description = "Too many are fetched at once; `Retry-After` says how long \
            to wait"),
        Problems
    )
)]
pub(super) async fn blob(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    Path(blob): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    state.device_of(peer, certificate).await?;
    let blob = given(&state, &blob)?;
    let etag = etag(&blob);
    let wanted = wanted(&headers, &etag);
    let given = state
        .content
        .download(&blob, |size| wanted.within(size))
        .await;
    let download = match given {
        Ok(download) => download,
        Err(Refused::Absent) => return Err(Problem::missing("blob", &blob.to_string())),
        Err(Refused::Beyond { size }) => {
            let range = header(format!("bytes */{size}"));
            return Ok(
                (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, range)]).into_response(),
            );
        }
        Err(Refused::Busy) => {
            let wait = header(state.content.retry_after().as_secs().to_string());
            let problem = Problem::new(ProblemKind::NotReady, "too many blobs are fetched at once");
            return Ok(([(RETRY_AFTER, wait)], problem).into_response());
        }
        Err(Refused::Failed(error)) => return Err(error.into()),
    };
    let (part, size) = (download.part, download.size);
    let status = match wanted {
        Wanted::All => StatusCode::OK,
        Wanted::From(_) | Wanted::Part(..) => StatusCode::PARTIAL_CONTENT,
    };
    let mut answer = Response::new(Body::from_stream(download.body));
    *answer.status_mut() = status;
    let head = answer.headers_mut();
    head.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    head.insert(CONTENT_LENGTH, HeaderValue::from(part.end - part.start));
    head.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head.insert(ETAG, etag);
    head.insert(CACHE_CONTROL, FOR_EVER);
    if status == StatusCode::PARTIAL_CONTENT {
        let last = part.end.saturating_sub(1);
        head.insert(
            CONTENT_RANGE,
            header(format!("bytes {}-{last}/{size}", part.start)),
        );
    }
    Ok(answer)
}

/// For devices: the block list of a blob, the SHA-256 of each 64 KiB of it (HTTPS only)
#[utoipa::path(
    get, path = "/content/v1/blocks/{blob}", tag = "content", security(()),
    params(("blob" = String, Path, description = "The blob's SHA-256")),
    responses(
        (status = 200, description = "The list", content_type = "application/octet-stream"),
        Problems
    )
)]
pub(super) async fn blocks(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    Path(blob): Path<String>,
) -> Result<Response, Problem> {
    state.device_of(peer, certificate).await?;
    let blob = given(&state, &blob)?;
    let list = state.content.block_list(&blob).await?;
    let list = list.ok_or_else(|| Problem::missing("blob", &blob.to_string()))?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, FOR_EVER)], list).into_response())
}

/// Which part is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// All of it.
    All,
    /// From this byte on.
    From(u64),
    /// From this byte to that one, both included.
    Part(u64, u64),
}

impl Wanted {
    /// The bytes, where they lie within.
    fn within(self, size: u64) -> Option<Range<u64>> {
        match self {
            Self::All => Some(0..size),
            Self::From(from) => (from < size).then_some(from..size),
            Self::Part(from, last) => (from < size).then(|| from..size.min(last.saturating_add(1))),
        }
    }
}

/// A range of another blob, of several parts, or that we do not understand, is not looked at: the
/// whole is always right [RFC 9110 §14.2].
fn wanted(headers: &HeaderMap, etag: &HeaderValue) -> Wanted {
    if headers.get(IF_RANGE).is_some_and(|it| it != etag) {
        return Wanted::All;
    }
    let range = headers.get(RANGE).and_then(|it| it.to_str().ok());
    let parts = range.and_then(|it| it.strip_prefix("bytes=")?.split_once('-'));
    let Some((from, last)) = parts else {
        return Wanted::All;
    };
    match (from.parse(), last.parse()) {
        (Ok(from), Ok(last)) if from <= last => Wanted::Part(from, last),
        (Ok(from), Err(_)) if last.is_empty() => Wanted::From(from),
        _ => Wanted::All,
    }
}

/// A blob that devices may have: something that is signed names it.
fn given(state: &ApiState, text: &str) -> Result<BlobHash, Problem> {
    let blob: Option<BlobHash> = text.parse().ok();
    let blob = blob.filter(|blob| state.content.is_given(blob));
    blob.ok_or_else(|| Problem::missing("blob", text))
}

fn etag(blob: &BlobHash) -> HeaderValue {
    header(format!("\"{blob}\""))
}

fn header(text: String) -> HeaderValue {
    HeaderValue::from_str(&text).expect("digits and ASCII words are a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_what_was_asked_for_and_lies_within() {
        let etag = etag(&BlobHash::new([1; 32]));
        let asked = |range: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RANGE, HeaderValue::from_static(range));
            wanted(&headers, &etag)
        };
        assert_eq!(asked("bytes=5-").within(10), Some(5..10));
        assert_eq!(asked("bytes=5-7").within(10), Some(5..8));
        assert_eq!(asked("bytes=5-700").within(10), Some(5..10));
        assert_eq!(asked("bytes=10-").within(10), None);
        for odd in [
            "bytes=-5",
            "bytes=7-5",
            "bytes=0-1,4-5",
            "lines=1-",
            "bytes=x-",
        ] {
            assert_eq!(asked(odd), Wanted::All, "{odd}");
        }
        let last = format!("bytes=0-{}", u64::MAX);
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_str(&last).unwrap());
        assert_eq!(wanted(&headers, &etag).within(10), Some(0..10));
    }

    #[test]
    fn a_part_of_what_was_another_is_given_whole() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=5-"));
        headers.insert(IF_RANGE, etag(&BlobHash::new([2; 32])));
        assert_eq!(
            wanted(&headers, &etag(&BlobHash::new([1; 32]))),
            Wanted::All
        );
        assert_eq!(
            wanted(&headers, &etag(&BlobHash::new([2; 32]))),
            Wanted::From(5)
        );
    }
}
