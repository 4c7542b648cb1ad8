//! The line between a page and the desk: what a page says of itself every ten seconds, and that
//! there is something new to show, told to the pages that are open. What it is they ask for
//! themselves, so that what they show is made in one place.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use lujiang_wire::{Label, Screen};
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use super::Server;
use super::visitor::Visitor;

/// How soon a page tries again after the agent was away.
const RETRY: Duration = Duration::from_millis(500);

/// Longest a page may say it was not touched; beyond it, it is as good as for ever.
const IDLE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What a page says, after it has painted.
#[derive(Debug, Deserialize)]
pub(super) struct Heartbeat {
    screen: Screen,
    shows: Label,
    /// The release its titles are of.
    #[serde(default)]
    release: Option<Label>,
    /// Milliseconds since it was touched.
    #[serde(default)]
    idle: Option<u64>,
}

/// What it is answered.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// Where to go: what it shows is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    go: Option<&'static str>,
}

/// `POST /heartbeat`
pub(super) async fn heartbeat(
    State(server): State<Server>,
    visitor: Visitor,
    Json(heartbeat): Json<Heartbeat>,
) -> Json<Answer> {
    let desk = &server.desk;
    let is_reader = heartbeat.shows.as_str() == "reader";
    let session = visitor.session.filter(|it| desk.is_there(it));
    if let (Some(session), Some(idle)) = (&session, heartbeat.idle) {
        desk.touched(session, Duration::from_millis(idle).min(IDLE_MAX));
    }
    let has_book = session.is_some_and(|it| desk.open_book(&it).is_some());
    match heartbeat.screen {
        Screen::Left => {
            if let Some(release) = &heartbeat.release {
                desk.painted(release);
            }
        }
        Screen::Right => {}
    }
    desk.heard(heartbeat.screen, heartbeat.shows);
    // The page of a book that is closed says why.
    let go = (is_reader && !has_book).then_some("/read");
    Json(Answer { go })
}

/// A page that follows the desk.
struct Follower {
    news: watch::Receiver<u64>,
    stop: CancellationToken,
    /// Whether it was told of the desk as it is at the beginning.
    is_greeted: bool,
    _seat: OwnedSemaphorePermit,
}

/// `GET /events`: `news` at the beginning, and whenever a page may look otherwise.
pub(super) async fn events(
    State(server): State<Server>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, StatusCode> {
    let seat = server.live.clone().try_acquire_owned();
    let follower = Follower {
        news: server.desk.news(),
        stop: server.stop.clone(),
        is_greeted: false,
        _seat: seat.map_err(|_| StatusCode::TOO_MANY_REQUESTS)?,
    };
    let events = stream::unfold(follower, Follower::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let event = || Event::default().event("news").data("new");
        if !self.is_greeted {
            self.is_greeted = true;
            self.news.mark_unchanged();
            return Some((Ok(event().retry(RETRY)), self));
        }
        tokio::select! {
            () = self.stop.cancelled() => None,
            changed = self.news.changed() => {
                changed.ok()?;
                Some((Ok(event()), self))
            }
        }
    }
}
