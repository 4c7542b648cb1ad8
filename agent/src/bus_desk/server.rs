//! The page over HTTP, on this machine only: which address shows what, and what each form does.
//! A form that did something answers with where to look next, so that reloading a page does
//! nothing twice.

mod blocks;
mod forms;
mod live;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::tz::TimeZone;
use lujiang_config::DeskLanguage;
use lujiang_kiosk::guard::{self, PAGE_POLICY, Turned};
use lujiang_wire::Clock;
use maud::Markup;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use super::asset;
use super::attendant::Counter;
use super::page::{self, Reading};
use super::said::Tone;
use crate::lending::Lending;

/// Longest form: ten thousand barcodes with room to spare.
const FORM_BYTES_MAX: usize = 1024 * 1024;

/// Longest wait for an answer: a thousand loans on a slow card take a second or two.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Pages that follow the desk at once; there is one screen on the bus.
const LIVE_MAX: usize = 16;

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) counter: Counter,
    pub(super) lending: Lending,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) zone: TimeZone,
    pub(super) language: DeskLanguage,
    pub(super) has_bus_card: bool,
    pub(super) listen: SocketAddr,
    pub(super) live: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

/// How many pages may follow the desk.
pub(super) fn live_seats() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LIVE_MAX))
}

impl Server {
    /// Serves until the agent ends.
    pub(super) async fn run(self, listener: TcpListener) {
        let stop = self.stop.clone();
        let served = axum::serve(listener, self.router())
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the bus desk's page is not served any more");
        }
    }

    fn router(self) -> Router {
        let timed = Router::new()
            .route("/", get(forms::desk))
            .route("/scan", post(forms::scan))
            .route("/command", post(forms::command))
            .route("/undo", post(forms::undo))
            .route("/open", post(forms::open))
            .route("/close", get(forms::closing).post(forms::close))
            .route("/language", post(forms::language))
            .route("/blocks", get(blocks::desk).post(blocks::check))
            .route("/blocks/draft/{draft}", get(blocks::draft))
            .route("/blocks/confirm", post(blocks::confirm))
            .route("/blocks/receipt/{block}", get(blocks::receipt))
            .route("/blocks/undo", post(blocks::undo_item))
            .route("/sync", get(sync))
            .route("/commands", get(commands))
            .route("/{asset}", get(asset))
            .layer(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                ANSWER_MAX,
            ));
        timed
            .route("/events", get(live::events))
            .fallback(nothing)
            .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
            .layer(axum::middleware::from_fn_with_state(self.clone(), surround))
            .with_state(self)
    }

    /// For whom a page is made.
    fn reading(&self, headers: &HeaderMap) -> Reading {
        Reading {
            language: forms::language_of(headers).unwrap_or(self.language),
            zone: self.zone.clone(),
            now: self.clock.wall(),
        }
    }
}

/// Goes around every request.
async fn surround(State(server): State<Server>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let reading = server.reading(&headers);
    let labels = reading.labels();
    let mut response = match guard::check(&method, &headers, server.listen) {
        Ok(()) => next.run(request).await,
        Err(Turned::Away) => {
            (StatusCode::MISDIRECTED_REQUEST, "this is not your host\n").into_response()
        }
        Err(Turned::CrossSite) => told(&reading, StatusCode::FORBIDDEN, labels.not_from_here),
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response = told(&reading, StatusCode::SERVICE_UNAVAILABLE, labels.took_long);
    }
    guard::secure(response.headers_mut(), PAGE_POLICY);
    response
}

async fn sync(State(server): State<Server>, headers: HeaderMap) -> Html<String> {
    let reading = server.reading(&headers);
    shown(page::sync::page(&reading, &server.counter.shown()))
}

async fn commands(State(server): State<Server>, headers: HeaderMap) -> Html<String> {
    let reading = server.reading(&headers);
    shown(page::commands::page(&reading, &server.counter.shown()))
}

/// The files of the page. Their names change with their content, so they are kept for a year.
async fn asset(State(server): State<Server>, request: Request) -> Response {
    let path = request.uri().path();
    let Some(asset) = asset::at(path) else {
        return nothing(State(server), request.headers().clone()).await;
    };
    let etag = asset.etag();
    let is_known = request
        .headers()
        .get(IF_NONE_MATCH)
        .is_some_and(|it| it == etag.as_str());
    let etag = HeaderValue::from_str(&etag).expect("a hash in quotes");
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    let headers = [(ETAG, etag), (CACHE_CONTROL, kept)];
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let kind = [(CONTENT_TYPE, HeaderValue::from_static(asset.media_type()))];
    (headers, kind, asset.text()).into_response()
}

async fn nothing(State(server): State<Server>, headers: HeaderMap) -> Response {
    let reading = server.reading(&headers);
    told(&reading, StatusCode::NOT_FOUND, reading.labels().not_found)
}

/// A page that says one thing.
fn told(reading: &Reading, status: StatusCode, fact: &str) -> Response {
    let notice = page::frame::notice(Tone::Bad, fact, "");
    let page = page::frame::sheet(reading, reading.labels().desk, maud::html! {}, notice);
    (status, shown(page)).into_response()
}

fn shown(page: Markup) -> Html<String> {
    Html(page.into_string())
}

/// The desk closes as the agent ends.
fn closed(server: &Server, headers: &HeaderMap) -> Response {
    let reading = server.reading(headers);
    told(
        &reading,
        StatusCode::SERVICE_UNAVAILABLE,
        reading.labels().no_answer,
    )
}

fn look_at(address: &str) -> Response {
    Redirect::to(address).into_response()
}
