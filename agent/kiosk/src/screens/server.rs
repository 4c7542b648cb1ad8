//! The pages over HTTP, on this machine only: which address shows what, and what each form does.
//! A form that did something answers with where to look next, so that reloading a page does
//! nothing twice.

mod documents;
mod kept;
mod live;
mod reading;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use lujiang_wire::Label;
use maud::Markup;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use super::asset;
use super::desk::{Denied, Desk};
use crate::guard::{self, Turned};
use crate::pages::find::Wanted;
use crate::pages::shelf::Place;
use crate::pages::{self, View, announcements, frame};
use crate::playlist;
use crate::usage::Act;
use kept::{Age, Kept};
use visitor::Visitor;

/// Longest form: a title's name and a place of the shelf.
const FORM_BYTES_MAX: usize = 16 * 1024;

/// Longest wait for an answer: a large book on a slow card takes a second or two to open.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Pages that follow the desk at once; there are two screens.
const LIVE_MAX: usize = 16;

/// What every handler needs.
#[derive(Clone)]
pub(super) struct Server {
    desk: Arc<Desk>,
    live: Arc<Semaphore>,
    stop: CancellationToken,
    policy: HeaderValue,
}

/// A place of the shelf, as it stands in an address.
#[derive(Debug, Default, Deserialize)]
struct PlaceQuery {
    #[serde(default)]
    q: String,
    #[serde(rename = "in")]
    language: Option<String>,
    #[serde(default)]
    page: Option<usize>,
}

impl From<PlaceQuery> for Place {
    fn from(query: PlaceQuery) -> Self {
        Self {
            wanted: Wanted::new(&query.q, query.language.as_deref()),
            page: query.page.unwrap_or(1),
        }
    }
}

impl Server {
    pub(super) fn new(desk: Arc<Desk>) -> Self {
        let books = desk.addresses.books;
        // All of a page comes from here, nothing is inline; only the books stand in a frame, and a
        // book that would go anywhere else in it is stopped by this very line.
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
             connect-src 'self'; frame-src http://{books}; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'"
        );
        Self {
            desk,
            live: Arc::new(Semaphore::new(LIVE_MAX)),
            stop: CancellationToken::new(),
            policy: HeaderValue::from_str(&policy).expect("an address is plain text"),
        }
    }

    /// Serves until the agent ends.
    pub(super) async fn run(mut self, listener: TcpListener, stop: CancellationToken) {
        self.stop = stop.clone();
        let served = axum::serve(listener, self.router())
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the screens are not served any more");
        }
    }

    fn router(self) -> Router {
        let timed = Router::new()
            .route("/", get(shelf))
            .route("/titles/{title}", get(title))
            .route("/read", get(reading::page).post(reading::open))
            .route("/read/contents", get(reading::contents))
            .route("/read/previous", get(reading::previous))
            .route("/read/next", get(reading::next))
            .route("/close", post(reading::close))
            .route("/leave", post(leave))
            .route("/language", post(language))
            .route("/announcements", get(right))
            .route("/feed.json", get(documents::feed))
            .route("/playlist.json", get(documents::playlist))
            .route("/covers/{title}", get(documents::cover))
            .route("/files/{title}", get(documents::file))
            .route("/notices/{notice}", get(documents::notice_image))
            .route("/heartbeat", post(live::heartbeat))
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

    /// A page made of what is on display.
    fn page(&self, visitor: &Visitor, make: impl FnOnce(&View<'_>) -> Markup) -> Html<String> {
        let display = self.desk.shelf().now();
        let view = self.desk.view(visitor.language(&self.desk), &display);
        Html(make(&view).into_string())
    }

    /// A page that says one thing.
    fn told(&self, visitor: &Visitor, status: StatusCode, words: Words) -> Response {
        let page = self.page(visitor, |view| {
            let (fact, remedy) = words(view.labels());
            frame::message(view, fact, remedy)
        });
        (status, page).into_response()
    }
}

/// What is said, with what to do then.
type Words = fn(&'static pages::words::Labels) -> (&'static str, &'static str);

/// Goes around every request.
async fn surround(State(server): State<Server>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let visitor = Visitor::of(&headers);
    let mut response = match guard::check(&method, &headers, server.desk.addresses.pages) {
        Ok(()) => next.run(request).await,
        Err(Turned::Away) => {
            (StatusCode::MISDIRECTED_REQUEST, "this is not your host\n").into_response()
        }
        Err(Turned::CrossSite) => server.told(&visitor, StatusCode::FORBIDDEN, |labels| {
            (labels.not_from_here, labels.again)
        }),
    };
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response = server.told(&visitor, StatusCode::SERVICE_UNAVAILABLE, |labels| {
            (labels.took_long, labels.again)
        });
    }
    guard::secure(response.headers_mut(), server.policy.clone());
    response
}

async fn shelf(
    State(server): State<Server>,
    visitor: Visitor,
    Query(place): Query<PlaceQuery>,
) -> Html<String> {
    let display = server.desk.shelf().now();
    server.page(&visitor, |view| {
        pages::shelf::page(view, &display, &place.into())
    })
}

/// A title's page is an investigation, and counted as one before it is shown.
async fn title(
    State(server): State<Server>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(place): Query<PlaceQuery>,
) -> Response {
    let Ok(id) = id.parse::<Label>() else {
        return denied(&server, &visitor, &Denied::Absent);
    };
    let display = server.desk.shelf().now();
    let found = server.desk.title(&display, &id);
    let session = visitor.session(&server.desk);
    if let Some(act) = act_of(&found, Act::Investigate) {
        server.desk.count(&session, &id, act).await;
    }
    let response = match found {
        Ok(title) => server
            .page(&visitor, |view| {
                pages::title::page(view, &title.publication, &place.into())
            })
            .into_response(),
        Err(why) => denied(&server, &visitor, &why),
    };
    visitor::remembering(&session, response)
}

/// What is counted: what was wanted, or why it was denied. A title that is not there is nothing.
fn act_of<T>(found: &Result<T, Denied>, wanted: Act) -> Option<Act> {
    match found {
        Ok(_) => Some(wanted),
        Err(Denied::Lapsed) => Some(Act::OutsideLicence),
        Err(Denied::AllCopiesRead) => Some(Act::NoCopyLeft),
        Err(Denied::Absent | Denied::Unreadable(_)) => None,
    }
}

fn denied(server: &Server, visitor: &Visitor, why: &Denied) -> Response {
    let (status, words): (StatusCode, Words) = match why {
        Denied::Absent => (StatusCode::NOT_FOUND, |it| (it.not_found, "")),
        Denied::Lapsed => (StatusCode::GONE, |it| (it.lapsed, it.lapsed_remedy)),
        Denied::AllCopiesRead => (StatusCode::CONFLICT, |it| {
            (it.all_copies_read, it.all_copies_read_remedy)
        }),
        Denied::Unreadable(_) => (StatusCode::INTERNAL_SERVER_ERROR, |it| {
            (it.unreadable, it.unreadable_remedy)
        }),
    };
    server.told(visitor, status, words)
}

async fn leave(State(server): State<Server>, visitor: Visitor) -> Response {
    if let Some(session) = &visitor.session {
        server.desk.leave(session);
    }
    visitor::forgetting(Redirect::to("/").into_response())
}

#[derive(Debug, Deserialize)]
struct LanguageForm {
    language: String,
    #[serde(default)]
    back: String,
}

async fn language(axum::Form(form): axum::Form<LanguageForm>) -> Response {
    // Only a path of our own, so that the form leads nowhere else.
    let is_path = form.back.starts_with('/') && !form.back.starts_with("//");
    let is_plain = form
        .back
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let back = if is_path && is_plain { &form.back } else { "/" };
    visitor::speaking(&form.language, Redirect::to(back).into_response())
}

async fn right(State(server): State<Server>, visitor: Visitor) -> Html<String> {
    let display = server.desk.shelf().now();
    let items = playlist::now(&display, server.desk.clock.wall());
    server.page(&visitor, |view| announcements::page(view, &items))
}

/// The files of the pages. Their names change with their content, so they are kept for a year.
async fn asset(State(server): State<Server>, visitor: Visitor, request: Request) -> Response {
    let path = request.uri().path();
    let Some(asset) = asset::at(path) else {
        return nothing(State(server), visitor).await;
    };
    let kept = Kept {
        etag: asset.etag(),
        media_type: asset.media_type().to_owned(),
        age: Age::ForEver,
    };
    kept.answer(request.headers(), || asset.text().into())
}

async fn nothing(State(server): State<Server>, visitor: Visitor) -> Response {
    denied(&server, &visitor, &Denied::Absent)
}

/// The headers of a request, for who only looks at them.
impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let headers: &HeaderMap = &parts.headers;
        Ok(Self::of(headers))
    }
}
