//! The books over HTTP, on an address of their own: the files of books that are open, each behind
//! a key that nobody guesses and that is gone when the book is closed. Nothing here runs, nothing
//! leaves, nothing is taken.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST,
    HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::fs::File;
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, Opened};
use super::letters::Letters;
use crate::book_view::{BookError, BookView, MediaType, with_house_style};
use crate::guard;

/// Where a PDF is behind its key.
const PDF: &str = "book.pdf";

/// The house's style of an open book; no file of a book has such a name, since none begins so.
const STYLE: &str = "lujiang-house.css";

/// The origin of the books.
#[derive(Clone)]
pub(super) struct Books {
    desk: Arc<Desk>,
    /// For documents of a book: nothing but pictures, styles, fonts and sounds of the book itself.
    documents: HeaderValue,
    /// For a PDF without what acts, which the browser's own viewer shows: see decision record 0028.
    pdf: HeaderValue,
}

impl Books {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let pages = desk.addresses.pages;
        let ancestors = format!("http://{pages} http://localhost:{}", pages.port());
        let policy = |text: &str| {
            let text = format!("{text}; frame-ancestors {ancestors}");
            HeaderValue::from_str(&text).expect("an address is plain text")
        };
        Self {
            desk,
            documents: policy(
                "default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
                 font-src 'self' data:; media-src 'self'; script-src 'none'; connect-src 'none'; \
                 object-src 'none'; frame-src 'none'; base-uri 'none'; form-action 'none'; sandbox",
            ),
            pdf: policy(
                "default-src 'none'; object-src 'self'; plugin-types application/pdf; \
                 style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
            ),
        }
    }

    /// Serves until the agent ends.
    pub(super) async fn run(self, listener: TcpListener, stop: CancellationToken) {
        let router = Router::new()
            .route("/{key}/{*name}", get(resource))
            .layer(axum::middleware::from_fn_with_state(self.clone(), surround))
            .with_state(self);
        let served = axum::serve(listener, router)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the books are not served any more");
        }
    }
}

/// Goes around every request.
async fn surround(State(books): State<Books>, request: Request, next: Next) -> Response {
    let is_ours = {
        let host = request.headers().get(HOST);
        let host = host.and_then(|host| host.to_str().ok());
        host.is_some_and(|host| guard::is_ours(host, books.desk.addresses.books))
    };
    let is_read = *request.method() == Method::GET;
    let mut response = if is_ours && is_read {
        next.run(request).await
    } else {
        StatusCode::MISDIRECTED_REQUEST.into_response()
    };
    let headers = response.headers_mut();
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(books.documents.clone());
    headers.extend([
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        // Nothing of a book stays in the browser when it is closed.
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("x-dns-prefetch-control"),
            HeaderValue::from_static("off"),
        ),
        // A sandboxed document is of no origin, so that even its own pictures come from another.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ),
    ]);
    response
}

async fn resource(
    State(books): State<Books>,
    Path((key, name)): Path<(String, String)>,
) -> Response {
    let Some(open) = books.desk.book_by_key(&key, &name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if name == STYLE {
        let style = open.letters.style(open.language);
        return (content_type("text/css; charset=utf-8"), style).into_response();
    }
    match &*open.view {
        BookView::Epub(_) => file_of(open, key, name).await,
        BookView::Pdf(pdf) if name == PDF => match File::open(pdf.still()).await {
            Ok(file) => {
                let mut headers = content_type("application/pdf");
                headers.insert(CONTENT_SECURITY_POLICY, books.pdf.clone());
                (headers, Body::from_stream(ReaderStream::new(file))).into_response()
            }
            Err(error) => {
                tracing::warn!(%error, "a PDF cannot be read");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        },
        BookView::Pdf(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A file of an EPUB.
async fn file_of(open: Opened, key: String, name: String) -> Response {
    let reading = move || {
        let BookView::Epub(epub) = &*open.view else {
            return Err(BookError::Absent(name));
        };
        let mut resource = epub.resource(&name)?;
        if resource.media_type == MediaType::Document {
            let style = style_address(&key, open.letters);
            resource.bytes = with_house_style(&name, resource.bytes, &style)?;
        }
        Ok(resource)
    };
    let read = tokio::task::spawn_blocking(reading).await;
    match read.expect("reading a book does not panic, and is not aborted") {
        Ok(resource) => {
            let mut headers = content_type(resource.media_type.as_str());
            if is_font(resource.media_type) {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            (headers, resource.bytes).into_response()
        }
        Err(BookError::Absent(_)) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "a file of a book is not shown");
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                content_type("text/plain; charset=utf-8"),
                "这一章的文件有误，不能显示。\nThis chapter's file is faulty.\n",
            )
                .into_response()
        }
    }
}

fn style_address(key: &str, letters: Letters) -> String {
    format!("/{key}/{STYLE}?letters={}", letters.step())
}

fn content_type(kind: &'static str) -> HeaderMap {
    [(CONTENT_TYPE, HeaderValue::from_static(kind))]
        .into_iter()
        .collect()
}

/// Fonts are asked for with the rules of other origins, which a sandboxed document has only.
fn is_font(kind: MediaType) -> bool {
    match kind {
        MediaType::Document => false,
        MediaType::Part(kind) => kind.starts_with("font/"),
    }
}
