//! What happens at the desk, told to the pages that are open: that there is something new, and
//! not what. A page then asks for itself, so that what it shows is made in one place.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::bus_desk::shown::Shown;

/// How soon a page tries again after the agent was away.
const RETRY: Duration = Duration::from_millis(500);

/// A page that follows the desk.
struct Follower {
    changes: watch::Receiver<Arc<Shown>>,
    stop: CancellationToken,
    /// Whether it was told of the desk as it is at the beginning.
    is_greeted: bool,
    _seat: OwnedSemaphorePermit,
}

/// `GET /events`: `desk` at the beginning, and whenever the page would look otherwise.
pub(super) async fn events(
    State(server): State<Server>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, StatusCode> {
    let seat = server.live.clone().try_acquire_owned();
    let follower = Follower {
        changes: server.counter.changes(),
        stop: server.stop.clone(),
        is_greeted: false,
        _seat: seat.map_err(|_| StatusCode::TOO_MANY_REQUESTS)?,
    };
    let events = stream::unfold(follower, Follower::next);
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

impl Follower {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        let event = || Event::default().event("desk").data("new");
        if !self.is_greeted {
            self.is_greeted = true;
            self.changes.mark_unchanged();
            return Some((Ok(event().retry(RETRY)), self));
        }
        tokio::select! {
            () = self.stop.cancelled() => None,
            changed = self.changes.changed() => {
                changed.ok()?;
                Some((Ok(event()), self))
            }
        }
    }
}
