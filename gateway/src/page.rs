//! The page, embedded in the binary: the files that `build.rs` built.
//!
//! Whoever can reach the port may have them, for they say nothing about the library; the figures
//! come from the API, which asks who is there. Headers of the whole site (content security
//! policy, compression) are set by [`crate::http`].

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// Files below `assets/` carry a digest of their content in their names: they never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// May be kept, but asked about each time.
const ASK_EACH_TIME: &str = "no-cache";

#[derive(RustEmbed)]
#[folder = "$LUJIANG_PAGE"]
struct Files;

/// Serves the page. Its own places (`/devices/…`) answer with `index.html`; what is none of them
/// is not found, so that a wrong address of the API never looks like a page.
pub fn router() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/devices", get(index))
        .route("/devices/{device}", get(index))
        .route("/visits", get(index))
        .route("/loans", get(index))
        .route("/conflicts", get(index))
        .route("/bus", get(index))
        .route("/releases", get(index))
        .route("/notices", get(index))
        .route("/releases/new", get(index))
        .route("/rollouts", get(index))
        .route("/quarantine", get(index))
        .route("/tokens", get(index))
        .route("/audit", get(index))
        .route("/sign-in", get(index))
        .route("/favicon.svg", get(favicon))
        .route("/assets/{name}", get(asset))
}

async fn index(headers: HeaderMap) -> Response {
    file("index.html", ASK_EACH_TIME, &headers)
}

async fn favicon(headers: HeaderMap) -> Response {
    file("favicon.svg", ASK_EACH_TIME, &headers)
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&format!("assets/{name}"), FOR_EVER, &headers)
}

fn file(path: &str, keep: &'static str, headers: &HeaderMap) -> Response {
    let Some(file) = Files::get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    if is_known(headers, &etag) {
        return (
            StatusCode::NOT_MODIFIED,
            [(ETAG, etag), (CACHE_CONTROL, keep.to_owned())],
        )
            .into_response();
    }
    let kind = file.metadata.mimetype().to_owned();
    let head = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, keep.to_owned()),
        (ETAG, etag),
    ];
    (head, file.data).into_response()
}

/// Whether the browser has this very file. A compressing proxy marks its tags weak (`W/`), which
/// does not matter to this comparison [RFC 9110 §13.1.2].
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|known| {
            let known = known.trim();
            known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::{HeaderName, Request};
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_place_of_the_page_answers_with_the_page() {
        for place in [
            "/",
            "/devices",
            "/devices/main-north",
            "/visits",
            "/loans",
            "/conflicts",
            "/bus",
            "/releases",
            "/notices",
            "/releases/new",
            "/rollouts",
            "/quarantine",
            "/tokens",
            "/audit",
            "/sign-in",
        ] {
            let response = ask(place, None).await;
            assert_eq!(response.status(), StatusCode::OK, "{place}");
            assert_eq!(header(&response, CACHE_CONTROL), ASK_EACH_TIME);
            let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
            assert!(body.starts_with(b"<!doctype html>"), "{place}");
        }
    }

    #[tokio::test]
    async fn what_is_no_place_of_the_page_is_not_found() {
        for place in [
            "/api/v1/nothing",
            "/assets/none.js",
            "/devices/a/b",
            "/assets/..%2Findex.html",
        ] {
            assert_eq!(
                ask(place, None).await.status(),
                StatusCode::NOT_FOUND,
                "{place}"
            );
        }
    }

    #[tokio::test]
    async fn a_file_the_browser_has_is_not_sent_again() {
        let script = Files::iter().find(|name| name.ends_with(".js")).unwrap();
        let first = ask(&format!("/{script}"), None).await;
        assert_eq!(header(&first, CACHE_CONTROL), FOR_EVER);
        let etag = header(&first, ETAG);
        for known in [etag.clone(), format!("\"old\", W/{etag}")] {
            let again = ask(&format!("/{script}"), Some(&known)).await;
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(header(&again, ETAG), etag);
        }
        let other = ask(&format!("/{script}"), Some("\"old\"")).await;
        assert_eq!(other.status(), StatusCode::OK);
    }

    async fn ask(place: &str, known: Option<&str>) -> Response {
        let mut request = Request::builder().uri(place);
        if let Some(known) = known {
            request = request.header(IF_NONE_MATCH, known);
        }
        router()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    fn header(response: &Response, name: HeaderName) -> String {
        response.headers()[name].to_str().unwrap().to_owned()
    }
}
