//! The shelf: what may be read now, for the pages to show; and whether somebody reads, for who
//! wants to change it.
//!
//! [`Shelf`] is the seam between taking a release and showing it: whoever keeps the content sets
//! what is on display, the pages watch it, and neither knows the other.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use lujiang_wire::{Copies, Label, Notice, Publication};
use tokio::sync::watch;

/// The shelf of a kiosk. Clones are the same shelf.
#[derive(Debug, Clone)]
pub struct Shelf {
    display: watch::Sender<Arc<OnDisplay>>,
    /// How many readings are open.
    readings: watch::Sender<usize>,
    /// The release a screen has last painted.
    painted: watch::Sender<Option<Label>>,
}

/// What the kiosk may show now. It is replaced whole.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OnDisplay {
    /// The release; none before the first.
    pub release: Option<Label>,
    /// When the shelf last changed.
    pub updated: Option<Timestamp>,
    /// The titles, in their order.
    pub titles: Vec<TitleOnShelf>,
    /// The notices of now, in their order.
    pub notices: Vec<NoticeOnDisplay>,
}

/// A title of the shelf.
#[derive(Debug, Clone, PartialEq)]
pub struct TitleOnShelf {
    /// What it is.
    pub publication: Publication,
    /// How many may read it at once here.
    pub copies: Copies,
    /// Its file, verified.
    pub file: PathBuf,
    /// Its cover, verified.
    pub cover: Option<PathBuf>,
    /// Whether it may be read.
    pub state: TitleState,
}

/// Whether a title may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TitleState {
    /// It may.
    Readable,
    /// Its licence window is over, or has not begun: it is not shown on the shelf, and whoever asks
    /// for it by name is told so (No_License).
    Lapsed,
}

/// A notice with its picture.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeOnDisplay {
    /// What it says.
    pub notice: Notice,
    /// Its picture, verified.
    pub image: Option<PathBuf>,
}

/// Somebody reads. While one of these lives, the shelf is not switched.
#[derive(Debug)]
pub struct Reading {
    readings: watch::Sender<usize>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            display: watch::Sender::default(),
            readings: watch::Sender::new(0),
            painted: watch::Sender::new(None),
        }
    }
}

impl Shelf {
    /// What is on display.
    #[must_use]
    pub fn now(&self) -> Arc<OnDisplay> {
        self.display.borrow().clone()
    }

    /// What is on display, and each change of it.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Arc<OnDisplay>> {
        self.display.subscribe()
    }

    /// Puts this on display.
    pub fn show(&self, display: OnDisplay) {
        self.display.send_replace(Arc::new(display));
    }

    /// Somebody begins to read.
    #[must_use]
    pub fn begin_reading(&self) -> Reading {
        self.readings.send_modify(|readings| *readings += 1);
        Reading {
            readings: self.readings.clone(),
        }
    }

    /// How many readings are open.
    #[must_use]
    pub fn readings(&self) -> watch::Receiver<usize> {
        self.readings.subscribe()
    }

    /// A screen has painted this release.
    pub fn was_painted(&self, release: Label) {
        self.painted.send_replace(Some(release));
    }

    /// There is another shelf, which no screen has painted yet: also where it goes by the same name.
    pub(crate) fn was_switched(&self) {
        self.painted.send_replace(None);
    }

    /// The release a screen has last painted.
    #[must_use]
    pub fn painted(&self) -> watch::Receiver<Option<Label>> {
        self.painted.subscribe()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.readings.send_modify(|readings| *readings -= 1);
    }
}
