//! The screens of the kiosk: what the browsers on both are served, on this machine only.
//!
//! ```text
//! left page ─┐                  ┌─ Shelf: what is on display, who reads, what was painted
//! right page ┼─ server ── Desk ─┼─ Sessions (core): who is there, what counts
//! a book ────┴─ books  ────┘    ├─ Health (core): which screen says what
//!                               └─ Recorder: facts, on disk before the page answers
//! ```
//!
//! Two addresses, so that a book is of another origin than the pages: `server` knows the pages and
//! takes changes from them alone, `books` gives out files of open books and takes nothing.

pub(crate) mod asset;
mod books;
mod desk;
mod health;
pub(crate) mod letters;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use lujiang_config::ScreensSection;
use lujiang_wire::{Clock, ReportedScreen};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::recorder::Recorder;
use crate::shelf::Shelf;
use books::Books;
use desk::Desk;
use server::Server;

/// How often it is looked at who is idle, which notice begins, which screen is silent.
const TICK: Duration = Duration::from_secs(1);

/// The screens, bound and not yet served.
pub struct Screens {
    desk: Arc<Desk>,
    server: (TcpListener, Server),
    books: (TcpListener, Books),
    addresses: ScreenAddresses,
}

/// Where the screens really are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenAddresses {
    /// The pages: `/` for the left screen, `/announcements` for the right one.
    pub pages: SocketAddr,
    /// The books.
    pub books: SocketAddr,
}

/// What the screens stand on.
pub struct ScreenParts {
    /// `[kiosk.screens]`
    pub section: ScreensSection,
    /// Where days are cut and clocks are shown.
    pub zone: TimeZone,
    /// What is on display.
    pub shelf: Shelf,
    /// Where uses are kept.
    pub recorder: Arc<dyn Recorder>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Why there are no screens.
#[derive(Debug, thiserror::Error)]
#[error("kiosk.screens.{key} = \"{address}\": cannot listen there")]
pub struct ScreensError {
    /// The key.
    pub key: &'static str,
    /// Its value.
    pub address: SocketAddr,
    /// What the system says.
    #[source]
    pub source: std::io::Error,
}

impl Screens {
    /// Binds both addresses.
    ///
    /// # Errors
    /// Where one of them is not to be had.
    pub async fn open(parts: ScreenParts) -> Result<Self, ScreensError> {
        let (pages, on_pages) = bind("listen", parts.section.listen).await?;
        let (books, on_books) = bind("listen_books", parts.section.listen_books).await?;
        let addresses = ScreenAddresses {
            pages: on_pages,
            books: on_books,
        };
        let desk = Arc::new(Desk::new(parts, addresses));
        Ok(Self {
            server: (pages, Server::new(desk.clone())),
            books: (books, Books::new(desk.clone())),
            desk,
            addresses,
        })
    }

    /// Where they really are.
    #[must_use]
    pub fn addresses(&self) -> ScreenAddresses {
        self.addresses
    }

    /// What each screen says of itself, and each change of it. A screen that hangs says nothing
    /// more: when it was last seen tells.
    #[must_use]
    pub fn reported(&self) -> watch::Receiver<Vec<ReportedScreen>> {
        self.desk.reported()
    }

    /// How many uses no fact could be kept of, since the start.
    #[must_use]
    pub fn unrecorded(&self) -> watch::Receiver<u64> {
        self.desk.unrecorded()
    }

    /// Serves until the agent ends. Books that are open are closed then.
    pub async fn run(self, stop: CancellationToken) {
        let ScreenAddresses { pages, books } = self.addresses;
        tracing::info!(%pages, %books, "the screens are served");
        let (listener, server) = self.server;
        let (books_listener, books) = self.books;
        tokio::join!(
            server.run(listener, stop.clone()),
            books.run(books_listener, stop.clone()),
            keep(&self.desk, stop),
        );
        self.desk.close_all();
    }
}

async fn bind(
    key: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), ScreensError> {
    let failed = |source| ScreensError {
        key,
        address,
        source,
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// Looks after the desk: with each change of the shelf, and each second.
async fn keep(desk: &Desk, stop: CancellationToken) {
    let mut changes = desk.shelf().changes();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // The desk holds the shelf, so it cannot be gone.
            _ = changes.changed() => desk.shelf_changed(),
            _ = ticks.tick() => desk.tick(),
        }
    }
}

#[cfg(test)]
mod tests;
