//! What the screens stand on together: the shelf, the sessions, the health of the screens, and the
//! facts of what is used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_config::{ScreenLanguage, ScreensSection};
use lujiang_wire::{Clock, Copies, Label, ReportedScreen, Screen, Uptime};
use tokio::sync::watch;

use super::health::Health;
use super::letters::Letters;
use super::{ScreenAddresses, ScreenParts};
use crate::book_view::{BookBounds, BookError, BookView};
use crate::pages::View;
use crate::playlist;
use crate::recorder::Recorder;
use crate::session::{IdleLimits, LentId, OpenBook, SessionId, Sessions};
use crate::shelf::{OnDisplay, Shelf, TitleOnShelf, TitleState};
use crate::usage::Act;

/// A page tells of touches every ten seconds; so long a session outlives what the page counts.
const HEARD_LATE: std::time::Duration = std::time::Duration::from_secs(12);

/// What the screens stand on.
pub(super) struct Desk {
    pub(super) section: ScreensSection,
    pub(super) zone: TimeZone,
    pub(super) addresses: ScreenAddresses,
    pub(super) clock: Arc<dyn Clock>,
    shelf: Shelf,
    recorder: Arc<dyn Recorder>,
    sessions: Mutex<Sessions<Opened>>,
    health: Mutex<Health>,
    reported: watch::Sender<Vec<ReportedScreen>>,
    unrecorded: watch::Sender<u64>,
    /// The notices of now, so that pages are told when they are others.
    notices: watch::Sender<Vec<Label>>,
    /// Counts whatever a page may have to show anew.
    news: watch::Sender<u64>,
}

/// A book as a session has it open.
#[derive(Debug, Clone)]
pub(super) struct Opened {
    /// The way to it on the origin of the books: random, and gone with the session.
    pub(super) key: String,
    pub(super) view: Arc<BookView>,
    /// The document that is read, from 0.
    pub(super) document: usize,
    pub(super) letters: Letters,
    pub(super) language: ScreenLanguage,
}

/// Why a title is not given.
#[derive(Debug)]
pub(super) enum Denied {
    /// There is none.
    Absent,
    /// Outside the licence.
    Lapsed,
    /// All copies are read.
    AllCopiesRead,
    /// Its file is faulty.
    Unreadable(BookError),
}

impl Desk {
    pub(super) fn new(parts: ScreenParts, addresses: ScreenAddresses) -> Self {
        let late = parts.section.countdown + HEARD_LATE;
        let limits = IdleLimits {
            shelf: parts.section.idle + late,
            book: parts.section.idle_in_book + late,
        };
        let sessions = Sessions::new(limits, parts.shelf.clone());
        Self {
            section: parts.section,
            zone: parts.zone,
            addresses,
            clock: parts.clock,
            shelf: parts.shelf,
            recorder: parts.recorder,
            sessions: Mutex::new(sessions),
            health: Mutex::default(),
            reported: watch::Sender::default(),
            unrecorded: watch::Sender::default(),
            notices: watch::Sender::default(),
            news: watch::Sender::default(),
        }
    }

    pub(super) fn shelf(&self) -> &Shelf {
        &self.shelf
    }

    pub(super) fn reported(&self) -> watch::Receiver<Vec<ReportedScreen>> {
        self.reported.subscribe()
    }

    pub(super) fn unrecorded(&self) -> watch::Receiver<u64> {
        self.unrecorded.subscribe()
    }

    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// For whom a page is made.
    pub(super) fn view<'a>(&'a self, language: ScreenLanguage, display: &'a OnDisplay) -> View<'a> {
        View {
            language,
            zone: &self.zone,
            now: self.clock.wall(),
            section: &self.section,
            release: display.release.as_ref(),
        }
    }

    /// The title of this name, where it may be read and is to be had.
    pub(super) fn title(&self, display: &OnDisplay, id: &Label) -> Result<TitleOnShelf, Denied> {
        let is_it = |title: &&TitleOnShelf| title.publication.metadata.identifier == *id;
        let title = display.titles.iter().find(is_it).ok_or(Denied::Absent)?;
        match (title.state, title.copies) {
            (TitleState::Lapsed, _) => Err(Denied::Lapsed),
            (TitleState::Readable, Copies::None) => Err(Denied::AllCopiesRead),
            (TitleState::Readable, Copies::Of(_) | Copies::Unlimited) => Ok(title.clone()),
        }
    }

    /// Counts an act, and answers when the facts of it are on disk. Where they cannot be, the
    /// reader is served all the same, and it is said.
    pub(super) async fn count(&self, session: &SessionId, title: &Label, act: Act) {
        let now = self.clock.uptime();
        let facts = {
            let mut sessions = self.sessions();
            sessions.enter(session, now);
            sessions.count(session, title, act, now)
        };
        if facts.is_empty() {
            return;
        }
        if let Err(error) = self.recorder.record(facts).await {
            self.unrecorded.send_modify(|count| *count += 1);
            let unrecorded = *self.unrecorded.borrow();
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, unrecorded, "a use of the shelf is not kept");
        }
    }

    /// Opens a title in a session.
    pub(super) async fn open(
        &self,
        session: &SessionId,
        title: &TitleOnShelf,
        language: ScreenLanguage,
    ) -> Result<(), Denied> {
        let id = title.publication.metadata.identifier.clone();
        if !self.has_copy_left(session, title) {
            return Err(Denied::AllCopiesRead);
        }
        let media_type = title.publication.acquisition();
        let media_type = media_type.map_or(String::new(), |link| link.media_type.to_string());
        let bounds = BookBounds::of(&self.section);
        let file = title.file.clone();
        let opening = move || BookView::open(&file, &media_type, bounds);
        let view = tokio::task::spawn_blocking(opening).await;
        let view = view.expect("opening a book does not panic, and is not aborted");
        let view = view.map_err(Denied::Unreadable)?;
        let book = Opened {
            key: hex::encode(random()),
            view: Arc::new(view),
            document: 0,
            letters: Letters::default(),
            language,
        };
        let mut sessions = self.sessions();
        // Looked at once more under the lock: two may have come for the last copy, and its licence
        // may have ended meanwhile. What ends from here on is closed with the next look.
        let title = self.title(&self.shelf.now(), &id)?;
        if !is_copy_left(title.copies, sessions.others_with(session, &id)) {
            return Err(Denied::AllCopiesRead);
        }
        sessions.enter(session, self.clock.uptime());
        let book = OpenBook { title: id, book };
        sessions.open(session, book);
        Ok(())
    }

    /// Begins to give out a title's file: until what this answers is dropped, the copy is in use.
    pub(super) fn lend(
        self: &Arc<Self>,
        session: &SessionId,
        title: &TitleOnShelf,
    ) -> Result<Lending, Denied> {
        let id = &title.publication.metadata.identifier;
        let mut sessions = self.sessions();
        match is_copy_left(title.copies, sessions.others_with(session, id)) {
            false => Err(Denied::AllCopiesRead),
            true => Ok(Lending {
                lent: sessions.lend(session, id, self.clock.uptime()),
                desk: Arc::clone(self),
            }),
        }
    }

    /// Whether another may read it beside those who do.
    pub(super) fn has_copy_left(&self, session: &SessionId, title: &TitleOnShelf) -> bool {
        let id = &title.publication.metadata.identifier;
        is_copy_left(title.copies, self.sessions().others_with(session, id))
    }

    /// The book a session has open, if it may still be read.
    pub(super) fn open_book(&self, session: &SessionId) -> Option<(Label, Opened)> {
        let sessions = self.sessions();
        let open = sessions.book(session)?;
        Some((open.title.clone(), open.book.clone()))
    }

    /// Changes how a session reads its book.
    pub(super) fn turn(&self, session: &SessionId, turn: impl FnOnce(&mut Opened)) {
        let mut sessions = self.sessions();
        sessions.touch(session, self.clock.uptime());
        if let Some(open) = sessions.book_mut(session) {
            turn(&mut open.book);
        }
    }

    /// The open book behind a key of the other origin, with the session's place set to the document
    /// that is asked for, where it is one.
    pub(super) fn book_by_key(&self, key: &str, name: &str) -> Option<Opened> {
        let mut sessions = self.sessions();
        let open = sessions.books_mut().find(|it| it.book.key == key)?;
        if let BookView::Epub(epub) = &*open.book.view
            && let Some(document) = epub.spine().iter().position(|it| it == name)
        {
            open.book.document = document;
        }
        Some(open.book.clone())
    }

    pub(super) fn close(&self, session: &SessionId) {
        self.sessions().close(session);
    }

    /// Whether the book of a session was closed by its licence.
    pub(super) fn was_ended(&self, session: &SessionId) -> bool {
        self.sessions().was_ended(session)
    }

    pub(super) fn is_there(&self, session: &SessionId) -> bool {
        self.sessions().is_there(session)
    }

    pub(super) fn leave(&self, session: &SessionId) {
        self.sessions().leave(session);
    }

    /// A page says what it shows, and how long ago it was touched.
    pub(super) fn heard(&self, screen: Screen, shows: Label) {
        let (seen, at) = (self.clock.wall(), self.clock.uptime());
        let mut health = self.health();
        if health.heard(screen, shows, seen, at) {
            tracing::info!(?screen, "the screen is back");
        }
        self.reported.send_replace(health.reported());
    }

    /// A session was touched so many milliseconds ago.
    pub(super) fn touched(&self, session: &SessionId, ago: std::time::Duration) {
        let now = self.clock.uptime().as_duration();
        let at = Uptime::new(now.saturating_sub(ago));
        self.sessions().touch(session, at);
    }

    /// A page has painted the release on display.
    pub(super) fn painted(&self, release: &Label) {
        if self.shelf.now().release.as_ref() == Some(release)
            && self.shelf.painted().borrow().as_ref() != Some(release)
        {
            tracing::info!(%release, "a screen has painted the release");
            self.shelf.was_painted(release.clone());
        }
    }

    /// Books whose licence is over are closed, and the pages told.
    pub(super) fn shelf_changed(&self) {
        let display = self.shelf.now();
        self.sessions()
            .close_unless(|title| self.title(&display, title).is_ok());
        self.told();
    }

    /// A second has passed.
    pub(super) fn tick(&self) {
        let now = self.clock.uptime();
        self.sessions().end_idle(now);
        let mut health = self.health();
        let silent = health.fallen_silent(now);
        if !silent.is_empty() {
            self.reported.send_replace(health.reported());
        }
        drop(health);
        for ReportedScreen { screen, seen, .. } in silent {
            tracing::warn!(?screen, %seen, "a screen is silent: its page shows no life");
        }
        let notices = self.notices(self.clock.wall());
        let is_new = self.notices.send_if_modified(|known| {
            let is_new = *known != notices;
            *known = notices;
            is_new
        });
        if is_new {
            self.told();
        }
    }

    /// The kiosk ends, and with it every reading.
    pub(super) fn close_all(&self) {
        self.sessions().close_unless(|_| false);
    }

    fn told(&self) {
        self.news.send_modify(|news| *news = news.wrapping_add(1));
    }

    fn notices(&self, now: Timestamp) -> Vec<Label> {
        let display = self.shelf.now();
        let notices = playlist::now(&display, now).into_iter();
        notices.map(|item| item.notice.id.clone()).collect()
    }

    /// A panic while it was held leaves nothing half done: each call is whole.
    fn sessions(&self) -> MutexGuard<'_, Sessions<Opened>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that is being given out.
pub(super) struct Lending {
    desk: Arc<Desk>,
    lent: LentId,
}

impl Lending {
    /// More of it was taken.
    pub(super) fn taken(&self) {
        let now = self.desk.clock.uptime();
        self.desk.sessions().touch_lent(self.lent, now);
    }
}

impl Drop for Lending {
    fn drop(&mut self) {
        self.desk.sessions().give_back(self.lent);
    }
}

fn is_copy_left(copies: Copies, others: usize) -> bool {
    match copies {
        Copies::None => false,
        Copies::Of(most) => others < usize::try_from(most.get()).unwrap_or(usize::MAX),
        Copies::Unlimited => true,
    }
}

/// Sixteen bytes that nobody guesses.
pub(super) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}
