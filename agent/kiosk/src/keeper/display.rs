//! What is put on display: the titles that may be read now by both clocks, and the notices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{Allotment, BlobHash, Catalogue, Copies, Label, Notices, Publication};
use tokio::time::Instant;

use super::{Keeper, LOOK_EVERY};
use crate::blob_folder::BlobFolder;
use crate::licence::{Clocks, Verdict};
use crate::recorder::RecordError;
use crate::shelf::{NoticeOnDisplay, OnDisplay, TitleOnShelf, TitleState};
use crate::state::{HasBytes, Installed};

/// What is to be said of the titles of a release.
#[derive(Default)]
struct Judged {
    titles: Vec<TitleOnShelf>,
    /// What is over, and where its bytes are, or were.
    over: BTreeMap<Label, PathBuf>,
    /// Whether every title this kiosk has of it is over; unknown where it cannot be read.
    is_over: Option<bool>,
    /// How long until a window opens or closes by one of the clocks.
    edge: Option<Duration>,
}

impl Keeper {
    /// Looks at every window, shows what may be read, and takes away the bytes of what is over.
    pub(super) async fn look(&mut self) -> Result<(), RecordError> {
        let clocks = Clocks {
            wall: self.options.clock.wall(),
            trusted: self.trusted_now(),
        };
        let said = self
            .state
            .notices
            .map(|blob| notices(&self.blobs, &blob))
            .unwrap_or_default();
        let withdrawn: BTreeSet<Label> = said.hidden.iter().map(|it| it.title.clone()).collect();
        let shown = self.options.shelf.now();
        let mut display = OnDisplay {
            notices: self.shown_notices(&said, clocks),
            ..OnDisplay::default()
        };
        let mut over = BTreeMap::new();
        let mut is_over = None;
        let before = self.state.clone();
        let mut edge = next_edge(
            said.notices.iter().flat_map(|it| [Some(it.from), it.until]),
            clocks,
        );
        if let Some(installed) = self.state.on_shelf().cloned() {
            display.release = Some(installed.release.clone());
            display.updated = Some(installed.at);
            let judged = self.judge(&installed, &withdrawn, clocks);
            display.titles = judged.titles;
            over = judged.over;
            is_over = judged.is_over;
            edge = [edge, judged.edge].into_iter().flatten().min();
        }
        self.look_at = Instant::now() + edge.map_or(LOOK_EVERY, |edge| edge.min(LOOK_EVERY));
        if *shown != display {
            self.options.shelf.show(display);
        }
        let bytes = |file: &PathBuf| match file.exists() {
            true => HasBytes::Yes,
            false => HasBytes::No,
        };
        let there = over
            .iter()
            .map(|(title, file)| (title.clone(), bytes(file)));
        let mut facts = self.state.remove(&there.collect());
        facts.extend(is_over.and_then(|is_over| self.state.tell_whole(is_over)));
        if !facts.is_empty() || before != self.state {
            let kept = self.keep(facts).await;
            if kept.is_err() {
                // Nothing is written down: the receipts are still to come, and the bytes stay.
                self.state.removed = before.removed;
                self.state.taking = before.taking;
            }
            kept?;
        }
        for file in over.values() {
            match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, file = %file.display(), "what is over cannot be taken away");
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The titles of a release as they may be read, and those whose bytes are to go.
    fn judge(
        &mut self,
        installed: &Installed,
        withdrawn: &BTreeSet<Label>,
        clocks: Clocks,
    ) -> Judged {
        let mut judged = Judged::default();
        let documents = self.documents(installed);
        let Some((catalogue, allotment)) = documents else {
            tracing::error!(release = %installed.release, "the catalogue on the disk cannot be read");
            return judged;
        };
        let windows = catalogue
            .publications
            .iter()
            .filter_map(Publication::window);
        judged.edge = next_edge(windows.flat_map(|it| [it.since, it.until]), clocks);
        let mut ours = BTreeSet::new();
        for publication in catalogue.publications {
            let title = publication.metadata.identifier.clone();
            let copies = allotment.copies(&self.options.device, &title);
            let Some(link) = publication.acquisition().filter(|_| copies != Copies::None) else {
                continue;
            };
            let Some(blob) = link.blob() else {
                continue;
            };
            ours.insert(title.clone());
            let verdict = self
                .state
                .hidden
                .judge(&title, publication.window(), withdrawn, clocks);
            let file = self.blobs.place(&blob);
            let state = match verdict {
                Verdict::Readable => TitleState::Readable,
                Verdict::Hidden => TitleState::Lapsed,
                Verdict::Withdrawn => continue,
                Verdict::Over => {
                    judged.over.insert(title, file.clone());
                    TitleState::Lapsed
                }
            };
            if state == TitleState::Readable && !file.exists() {
                continue;
            }
            let cover = publication.images.iter().find_map(|link| link.blob());
            let cover = cover
                .map(|blob| self.blobs.place(&blob))
                .filter(|it| it.exists());
            judged.titles.push(TitleOnShelf {
                publication,
                copies,
                file,
                cover,
                state,
            });
        }
        judged.is_over = Some(!ours.is_empty() && judged.over.len() == ours.len());
        if self.state.fresh.is_none() {
            // What left the shelf while it was hidden begins anew when it comes back.
            self.state.hidden.keep_only(&ours);
        }
        judged
    }

    pub(super) fn documents(&self, installed: &Installed) -> Option<(Catalogue, Allotment)> {
        let read = |blob: &BlobHash| std::fs::read(self.blobs.place(blob)).ok();
        let catalogue = serde_json::from_slice(&read(&installed.catalogue)?).ok()?;
        let allotment = serde_json::from_slice(&read(&installed.allotment)?).ok()?;
        Some((catalogue, allotment))
    }

    /// The notices of now, in their order. Their times are the wall's: a notice that is late hurts
    /// nobody.
    fn shown_notices(&self, said: &Notices, clocks: Clocks) -> Vec<NoticeOnDisplay> {
        let is_now = |from, until: Option<Timestamp>| {
            from <= clocks.wall && until.is_none_or(|until| clocks.wall < until)
        };
        let mut notices: Vec<_> = said
            .notices
            .iter()
            .filter(|it| is_now(it.from, it.until))
            .cloned()
            .collect();
        notices.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
        notices
            .into_iter()
            .map(|notice| {
                let image = notice.image.as_ref().map(|it| self.blobs.place(&it.blob));
                let image = image.filter(|it| it.exists());
                NoticeOnDisplay { notice, image }
            })
            .collect()
    }
}

/// How long until the first of these moments comes by one of the clocks.
fn next_edge(edges: impl Iterator<Item = Option<Timestamp>>, clocks: Clocks) -> Option<Duration> {
    let left = edges.flatten().flat_map(|edge| {
        [clocks.wall, clocks.trusted].map(|clock| Duration::try_from(edge.duration_since(clock)))
    });
    // What is past is no duration, or none at all.
    left.filter_map(Result::ok)
        .filter(|left| !left.is_zero())
        .min()
}

/// The document of the notices; nothing is said where it cannot be read.
pub(crate) fn notices(blobs: &BlobFolder, blob: &BlobHash) -> Notices {
    read_notices(blobs, blob).unwrap_or_default()
}

/// The document of the notices, or why it cannot be read.
pub(super) fn read_notices(blobs: &BlobFolder, blob: &BlobHash) -> Result<Notices, String> {
    let unread = |error: &dyn std::fmt::Display| format!("the notices {blob}: {error}");
    let bytes = std::fs::read(blobs.place(blob)).map_err(|error| unread(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| unread(&error))
}
