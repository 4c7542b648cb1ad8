//! Views: figures folded from the ledger, kept in sled, rebuilt whenever in doubt.
//!
//! A view never judges: it adds up what the ledger holds. It is missing, damaged, of another
//! version or of another ledger: then it is rebuilt beside and swapped, by itself, and a question
//! asked meanwhile is answered by [`ViewError::Rebuilding`] rather than by a wrong figure.

pub mod report;

mod answers;
mod calendar;
mod codec;
mod error;
mod fold;
mod generations;
mod key;
mod lent;
mod loans;
mod pages;
mod payments;
mod record;
mod shelf;
mod spans;
mod stays;
mod stops;
mod streams;
mod taken_back;
mod units;
mod visits;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lujiang_config::ViewsSection;
use lujiang_wire::{DeviceId, Epoch, Stream};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::entry::{Entry, EntryNumber};
use crate::ledger::{Head, LedgerError, LedgerReader};
use crate::places::Places;
use crate::views::calendar::Calendar;
use crate::views::fold::fold;
use crate::views::generations::Generations;
use crate::views::pages::{Damage, Draft, Records, Sum};
use crate::views::shelf::{Shelf, ShelfError};
use crate::views::taken_back::TakenBack;
use crate::views::units::NoReport;

pub use crate::views::error::ViewError;

/// How long to wait before a ledger that could not be read, or a folder that could not be
/// written, is tried again: long enough not to fill a log, short enough for a disk made free.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What is folded is given to the system at most this long after: it is what a killed process
/// folds again.
const FLUSH_AFTER: Duration = Duration::from_secs(10);

/// Between two looks at the ledger: what was committed meanwhile is folded at once, and a record
/// that many entries change is written once. Figures are older by it at most.
const FOLD_AGAIN: Duration = Duration::from_millis(100);

/// Where devices stand now, asked for at each question.
pub type PlacesSource = Arc<dyn Fn() -> Arc<Places> + Send + Sync>;

/// What a device last said it wrote: the life of its outbox, and per stream the last number.
pub type Written<'a> = &'a dyn Fn(&DeviceId) -> Option<(Epoch, BTreeMap<Stream, u64>)>;

/// The figures. Clones share one store.
#[derive(Clone)]
pub struct Views(Arc<Inner>);

struct Inner {
    generations: Generations,
    reader: Arc<dyn LedgerReader>,
    places: PlacesSource,
    section: ViewsSection,
    calendar: Calendar,
    /// Name of the zone the calendar cuts in.
    zone: String,
    state: RwLock<State>,
    /// Held by whoever folds or rebuilds; with it, when figures were last given to the system.
    writing: Mutex<Instant>,
    /// Somebody asking met damage.
    damaged: Notify,
    rebuilds: AtomicU64,
    folded: watch::Sender<EntryNumber>,
}

/// What questions are answered from.
enum State {
    /// A generation in order.
    Ready(Shelf),
    /// None: entries folded into the next, of so many.
    Rebuilding(u64, u64),
}

/// What one batch came to.
enum Step {
    /// There may be more.
    Folded,
    /// Everything committed is folded.
    AtHead,
    /// The present generation cannot be used.
    Rebuild,
}

impl Views {
    /// Opens the views below `dir` and checks every record of theirs. Blocking.
    ///
    /// # Errors
    /// Where the folder cannot be used, or the ledger cannot be read. Damage is no error: the
    /// views are rebuilt by [`Views::follow`].
    pub fn open(
        dir: &Path,
        reader: Arc<dyn LedgerReader>,
        places: PlacesSource,
        section: ViewsSection,
    ) -> Result<Self, ViewError> {
        let generations = Generations::below(dir).map_err(folder)?;
        let zone = places().zone.clone();
        let (folded, _) = watch::channel(EntryNumber::NONE);
        let views = Self(Arc::new(Inner {
            generations,
            reader,
            places,
            section,
            zone: name_of(&zone),
            calendar: Calendar::new(zone),
            state: RwLock::new(State::Rebuilding(0, 0)),
            writing: Mutex::new(Instant::now()),
            damaged: Notify::new(),
            rebuilds: AtomicU64::new(0),
            folded,
        }));
        views.0.begin()?;
        Ok(views)
    }

    /// Folds what is committed, as it is committed, and rebuilds what is damaged, until cancelled
    /// or until nobody can commit any more.
    pub async fn follow(&self, mut heads: watch::Receiver<Head>, cancel: CancellationToken) {
        loop {
            heads.mark_unchanged();
            let (views, token) = (self.clone(), cancel.clone());
            let caught_up = tokio::task::spawn_blocking(move || views.catch_up(&token)).await;
            let is_retry = match caught_up {
                Ok(Ok(())) => false,
                Ok(Err(error)) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "the views cannot follow the ledger; trying again");
                    true
                }
                Err(error) => {
                    tracing::error!(%error, "folding the views panicked; trying again");
                    true
                }
            };
            let pause = if is_retry { RETRY_AFTER } else { FOLD_AGAIN };
            tokio::select! {
                () = cancel.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            if is_retry {
                continue;
            }
            tokio::select! {
                () = cancel.cancelled() => break,
                () = self.0.damaged.notified() => {}
                changed = heads.changed() => {
                    if changed.is_err() {
                        break;
                    }
                }
            }
        }
        let views = self.clone();
        let flushed =
            tokio::task::spawn_blocking(move || views.0.flush(&mut views.0.write())).await;
        if let Err(error) = flushed {
            tracing::error!(%error, "flushing the views panicked");
        }
    }

    /// Folds everything committed, and rebuilds first what cannot be used. Blocking.
    ///
    /// # Errors
    /// Where the ledger cannot be read or the folder cannot be written. Once cancelled it ends
    /// early without an error.
    pub fn catch_up(&self, cancel: &CancellationToken) -> Result<(), ViewError> {
        let mut writing = self.0.write();
        self.0.match_ledger()?;
        loop {
            if cancel.is_cancelled() {
                return Ok(());
            }
            match self.0.step()? {
                Step::Folded => {}
                Step::AtHead => break,
                Step::Rebuild => self.0.rebuild(&mut |_, _| {}, cancel)?,
            }
        }
        if writing.elapsed() >= FLUSH_AFTER {
            self.0.flush(&mut writing);
        }
        Ok(())
    }

    /// Rebuilds the views from the ledger beside the present ones, which answer meanwhile, and
    /// swaps them. `progress` is told the entries folded and how many there are. Blocking.
    ///
    /// # Errors
    /// Where the ledger cannot be read or the folder cannot be used.
    pub fn rebuild(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<(), ViewError> {
        let _writing = self.0.write();
        self.0.rebuild(progress, &CancellationToken::new())
    }

    /// How often the views were rebuilt since they were opened.
    #[must_use]
    pub fn rebuilds(&self) -> u64 {
        // Relaxed: a figure for people.
        self.0.rebuilds.load(Ordering::Relaxed)
    }

    /// The last entry the figures hold; changes as they do.
    #[must_use]
    pub fn folded(&self) -> watch::Receiver<EntryNumber> {
        self.0.folded.subscribe()
    }
}

impl Inner {
    /// Opens the newest finished generation, or makes an empty one for an empty ledger.
    fn begin(&self) -> Result<(), ViewError> {
        let newest = self.generations.newest_first().map_err(folder)?;
        let finished = newest.iter().find(|folder| Shelf::is_finished(folder));
        let Some(path) = finished else {
            if self.reader.head()?.number == EntryNumber::NONE {
                let shelf = self.create()?;
                shelf.finish().map_err(folder)?;
                self.put(shelf);
            }
            return Ok(());
        };
        match Shelf::open(path, self.section.cache) {
            Ok(shelf) if shelf.cursor().zone == self.zone => self.put(shelf),
            Ok(_) => tracing::info!("the views are of another time zone: rebuilding"),
            Err(error @ ShelfError::InUse) => return Err(folder(error)),
            Err(error @ (ShelfError::Damage(_) | ShelfError::Folder(_))) => {
                tracing::warn!(%error, "the views cannot be used: rebuilding");
            }
        }
        self.match_ledger()
    }

    /// Gives up a generation that was folded from another ledger, or from entries a restored one
    /// no longer has.
    fn match_ledger(&self) -> Result<(), ViewError> {
        let head = match &*self.read() {
            State::Ready(shelf) => shelf.cursor().head,
            State::Rebuilding(..) => return Ok(()),
        };
        let crc = self.reader.crc_of(head.number)?;
        if head.number != EntryNumber::NONE && crc != Some(head.crc) {
            tracing::warn!(
                entry = head.number.0,
                "the views are of another ledger: rebuilding"
            );
            *self.state() = State::Rebuilding(0, 0);
        }
        Ok(())
    }

    /// Folds one batch.
    fn step(&self) -> Result<Step, ViewError> {
        let (folded_in, entries, drafted) = match &*self.read() {
            State::Rebuilding(..) => return Ok(Step::Rebuild),
            State::Ready(shelf) => {
                let entries = self.entries_after(shelf.cursor().head.number)?;
                if entries.is_empty() {
                    return Ok(Step::AtHead);
                }
                let before = TakenBack::of(self.reader.as_ref(), &entries)?;
                let drafted = draft(shelf, &self.calendar, &entries, &before);
                (shelf.folder().to_owned(), entries, drafted)
            }
        };
        // Only the holder of `writing` changes the generation, so it is still the one drafted on.
        let written = drafted.and_then(|(records, sum)| match &mut *self.state() {
            State::Ready(shelf) => shelf.write(records, sum, head_of(&entries)),
            State::Rebuilding(..) => Err(Damage("damaged meanwhile".to_owned())),
        });
        match written {
            Ok(()) => {
                self.folded.send_replace(head_of(&entries).number);
                Ok(Step::Folded)
            }
            Err(damage) => {
                self.give_up(&damage, &folded_in);
                Ok(Step::Rebuild)
            }
        }
    }

    /// Folds the whole ledger into the next generation and swaps. One that does not come to its
    /// end, and one given up before, takes no room from the ledger.
    fn rebuild(
        &self,
        progress: &mut dyn FnMut(u64, u64),
        cancel: &CancellationToken,
    ) -> Result<(), ViewError> {
        self.tidy();
        match self.fold_anew(progress, cancel) {
            Ok(Some(shelf)) => {
                let entries = shelf.cursor().head.number.0;
                tracing::info!(entries, "the views are rebuilt");
                // Relaxed: a figure for people.
                self.rebuilds.fetch_add(1, Ordering::Relaxed);
                self.put(shelf);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => {
                self.tidy();
                Err(error)
            }
        }
    }

    /// The next generation, finished; none where it was cancelled.
    fn fold_anew(
        &self,
        progress: &mut dyn FnMut(u64, u64),
        cancel: &CancellationToken,
    ) -> Result<Option<Shelf>, ViewError> {
        let mut shelf = self.create()?;
        while !cancel.is_cancelled() {
            let done = shelf.cursor().head.number;
            self.tell(done, progress)?;
            let entries = self.entries_after(done)?;
            if entries.is_empty() {
                shelf.finish().map_err(folder)?;
                return Ok(Some(shelf));
            }
            let before = TakenBack::of(self.reader.as_ref(), &entries)?;
            let drafted = draft(&shelf, &self.calendar, &entries, &before);
            let (records, sum) = drafted.map_err(folder)?;
            let written = shelf.write(records, sum, head_of(&entries));
            written.map_err(folder)?;
        }
        Ok(None)
    }

    /// Removes all generations but the one answered from.
    fn tidy(&self) {
        let kept = match &*self.read() {
            State::Ready(shelf) => Some(shelf.folder().to_owned()),
            State::Rebuilding(..) => None,
        };
        if let Err(error) = self.generations.keep_only(kept.as_deref()) {
            tracing::warn!(%error, "older views could not be removed");
        }
    }

    /// Says how far a rebuild is.
    fn tell(&self, done: EntryNumber, progress: &mut dyn FnMut(u64, u64)) -> Result<(), ViewError> {
        let head = self.reader.head()?.number;
        let (done, total) = (done.0.unsigned_abs(), head.0.unsigned_abs());
        if let State::Rebuilding(known_done, known_total) = &mut *self.state() {
            (*known_done, *known_total) = (done, total);
        }
        progress(done, total);
        Ok(())
    }

    fn create(&self) -> Result<Shelf, ViewError> {
        let path = self.generations.next().map_err(folder)?;
        Shelf::create(&path, self.section.cache, self.zone.clone()).map_err(folder)
    }

    /// Answers from this generation from now on, and removes all others.
    fn put(&self, shelf: Shelf) {
        let number = shelf.cursor().head.number;
        let before = std::mem::replace(&mut *self.state(), State::Ready(shelf));
        // Closed outside the lock: it may have much to write.
        drop(before);
        self.folded.send_replace(number);
        self.tidy();
    }

    fn ask<T>(&self, f: impl FnOnce(&Shelf) -> Result<T, NoReport>) -> Result<T, ViewError> {
        let (asked, answer) = match &*self.read() {
            State::Rebuilding(done, total) => return Err(rebuilding(*done, *total)),
            State::Ready(shelf) => (shelf.folder().to_owned(), f(shelf)),
        };
        match answer {
            Ok(answer) => Ok(answer),
            Err(NoReport::Question(question)) => Err(ViewError::Question(question)),
            Err(NoReport::Damage(damage)) => {
                self.give_up(&damage, &asked);
                Err(rebuilding(0, 0))
            }
        }
    }

    /// Never answers from this generation again; another may have taken its place meanwhile.
    fn give_up(&self, damage: &Damage, generation: &Path) {
        let mut state = self.state();
        if matches!(&*state, State::Ready(shelf) if shelf.folder() == generation) {
            tracing::warn!(%damage, "the views are damaged: rebuilding");
            *state = State::Rebuilding(0, 0);
        }
        drop(state);
        self.damaged.notify_one();
    }

    fn flush(&self, flushed: &mut Instant) {
        let (folder, outcome) = match &*self.read() {
            State::Ready(shelf) => (shelf.folder().to_owned(), shelf.flush()),
            State::Rebuilding(..) => return,
        };
        *flushed = Instant::now();
        if let Err(damage) = outcome {
            self.give_up(&damage, &folder);
        }
    }

    fn entries_after(&self, number: EntryNumber) -> Result<Vec<Entry>, LedgerError> {
        self.reader.entries_after(number, self.section.batch.max(1))
    }

    /// A panic elsewhere leaves nothing half-changed behind these locks: each holds one value that
    /// is replaced as a whole.
    fn write(&self) -> MutexGuard<'_, Instant> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> std::sync::RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What these entries change in this generation.
fn draft(
    shelf: &Shelf,
    calendar: &Calendar,
    entries: &[Entry],
    before: &TakenBack,
) -> Result<(Records, Sum), Damage> {
    let mut draft = Draft::new(shelf);
    let folded = |entry: &Entry| fold(entry, before.by(entry), calendar);
    for change in entries.iter().flat_map(folded) {
        draft.apply(&change)?;
    }
    Ok(draft.finish(shelf.cursor().sum))
}

fn head_of(entries: &[Entry]) -> Head {
    let last = entries.last();
    Head {
        number: last.map_or(EntryNumber::NONE, |entry| entry.number),
        crc: last.map_or(0, |entry| entry.crc),
    }
}

fn name_of(zone: &TimeZone) -> String {
    zone.iana_name()
        .map_or_else(|| format!("{zone:?}"), str::to_owned)
}

fn rebuilding(done: u64, total: u64) -> ViewError {
    ViewError::Rebuilding { done, total }
}

fn folder(error: impl std::fmt::Display) -> ViewError {
    ViewError::Folder(error.to_string())
}

#[cfg(test)]
mod tests;
