//! What the carrier serves to a device on its route: releases under the gateway's own paths, its
//! letters, and a place for its facts. All of it is signed or named by its hash: nobody has to
//! believe the carrier.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE, RETRY_AFTER,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lujiang_kiosk::{MetadataName, OnBoard, Resource, Source as _, SourceError};
use lujiang_wire::{
    BlobHash, CARRIED_BYTES_MAX, CARRIER_FACTS_PATH, CARRIER_RECEIPTS_PATH, CARRIER_WISH_PATH,
    CONTENT_BLOBS_PATH, CONTENT_BLOCKS_PATH, CONTENT_METADATA_PATH, Signed,
};

use super::letters::{Letter, Letters};
use super::listener::Caller;
use super::satchel::{Satchel, SatchelError};

/// Largest request: a payload with base64 and a chain around it.
const REQUEST_BYTES_MAX: usize = 2 * CARRIED_BYTES_MAX;

/// A device whose facts find no room asks again after so long: by then something may be brought.
const FULL_RETRY_SECONDS: HeaderValue = HeaderValue::from_static("300");

/// What every handler needs.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) on_board: OnBoard,
    pub(super) letters: Letters,
    pub(super) satchel: Satchel,
}

impl Server {
    pub(super) fn router(self) -> Router {
        let at = |path: &str, name: &str| format!("{path}{{{name}}}");
        let known = from_fn_with_state(self.letters.clone(), is_known);
        let given = Router::new()
            .route(&at(CONTENT_METADATA_PATH, "file"), get(metadata))
            .route(&at(CONTENT_BLOBS_PATH, "blob"), get(blob))
            .route(&at(CONTENT_BLOCKS_PATH, "blob"), get(blocks))
            .route(CARRIER_RECEIPTS_PATH, get(receipts))
            .route(CARRIER_WISH_PATH, get(wish))
            .layer(known);
        // Facts are the gateway's to judge, whoever brings them.
        given
            .route(CARRIER_FACTS_PATH, post(facts))
            .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
            .with_state(self)
    }

    /// A resource from a byte on, as the gateway would give it.
    async fn give(&self, resource: Resource, headers: &HeaderMap) -> Response {
        let from = from_byte(headers);
        // A blob is what it is called: there is no other state of it.
        let etag = match &resource {
            Resource::Blob(blob) => HeaderValue::from_str(&format!("\"{blob}\"")).ok(),
            Resource::Metadata(_) | Resource::Blocks(_) => None,
        };
        let opened = match self.on_board.open(&resource, from, None).await {
            Ok(opened) => opened,
            Err(SourceError::Absent(_)) => return StatusCode::NOT_FOUND.into_response(),
            Err(error) => {
                tracing::warn!(%error, "what is on board cannot be given");
                return StatusCode::SERVICE_UNAVAILABLE.into_response();
            }
        };
        let size = opened.length.unwrap_or(opened.offset);
        if from > 0 && from >= size {
            let range = header(format!("bytes */{size}"));
            return (StatusCode::RANGE_NOT_SATISFIABLE, [(CONTENT_RANGE, range)]).into_response();
        }
        let mut answer = Response::new(Body::from_stream(opened.body));
        let head = answer.headers_mut();
        let kind = HeaderValue::from_static("application/octet-stream");
        head.insert(CONTENT_TYPE, kind);
        head.insert(CONTENT_LENGTH, HeaderValue::from(size - opened.offset));
        head.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        etag.map(|etag| head.insert(ETAG, etag));
        if from > 0 {
            let range = format!("bytes {from}-{}/{size}", size.saturating_sub(1));
            head.insert(CONTENT_RANGE, header(range));
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        answer
    }

    async fn letter(&self, caller: Caller, letter: Letter) -> Response {
        let letters = self.letters.clone();
        let reading = move || letters.read(&caller.device, letter);
        match tokio::task::spawn_blocking(reading).await {
            Ok(Ok(Some(signed))) => {
                let kind = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, kind)], signed).into_response()
            }
            Ok(Ok(None)) => StatusCode::NOT_FOUND.into_response(),
            Ok(Err(_)) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
}

/// Nothing is given to a device that is shut out, as far as the bus has heard.
async fn is_known(
    State(letters): State<Letters>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let device = caller.device.clone();
    let is_out = tokio::task::spawn_blocking(move || letters.is_shut_out(&device)).await;
    match is_out {
        Ok(false) => next.run(request).await,
        Ok(true) | Err(_) => {
            tracing::info!(device = %caller.device, "a device that is shut out is given nothing");
            let said = "the gateway does not know this device any more; enrol it again";
            (StatusCode::FORBIDDEN, said).into_response()
        }
    }
}

async fn metadata(
    State(server): State<Server>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    match MetadataName::new(&file) {
        Some(name) => server.give(Resource::Metadata(name), &headers).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn blob(
    State(server): State<Server>,
    Path(blob): Path<String>,
    headers: HeaderMap,
) -> Response {
    match blob.parse::<BlobHash>() {
        Ok(blob) => server.give(Resource::Blob(blob), &headers).await,
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn blocks(
    State(server): State<Server>,
    Path(blob): Path<String>,
    headers: HeaderMap,
) -> Response {
    match blob.parse::<BlobHash>() {
        Ok(blob) => server.give(Resource::Blocks(blob), &headers).await,
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn receipts(
    State(server): State<Server>,
    ConnectInfo(caller): ConnectInfo<Caller>,
) -> Response {
    server.letter(caller, Letter::Receipts).await
}

async fn wish(State(server): State<Server>, ConnectInfo(caller): ConnectInfo<Caller>) -> Response {
    server.letter(caller, Letter::Wish).await
}

/// Takes facts along; on disk before it says so.
async fn facts(
    State(server): State<Server>,
    ConnectInfo(caller): ConnectInfo<Caller>,
    body: Bytes,
) -> Response {
    // Whose they are the gateway judges by the signature; what is none at all is not carried.
    if let Err(error) = Signed::from_json(&body) {
        return (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response();
    }
    let satchel = server.satchel.clone();
    let taken = tokio::task::spawn_blocking(move || satchel.take(&body)).await;
    match taken {
        Ok(Ok(())) => {
            tracing::debug!(device = %caller.device, address = %caller.address, "facts are taken along");
            axum::Json(serde_json::json!({})).into_response()
        }
        Ok(Err(error @ SatchelError::Full { .. })) => {
            tracing::warn!(device = %caller.device, %error, "facts are left where they are");
            let head = [(RETRY_AFTER, FULL_RETRY_SECONDS)];
            (StatusCode::SERVICE_UNAVAILABLE, head, error.to_string()).into_response()
        }
        Ok(Err(error)) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "facts cannot be taken along"
            );
            StatusCode::INSUFFICIENT_STORAGE.into_response()
        }
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// The byte it is to begin with; any other form of a range is not looked at [RFC 9110 §14.2].
fn from_byte(headers: &HeaderMap) -> u64 {
    let range = headers.get(RANGE).and_then(|it| it.to_str().ok());
    let from = range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    from.unwrap_or(0)
}

fn header(text: String) -> HeaderValue {
    HeaderValue::from_str(&text).expect("digits and ASCII words are a header")
}
