//! A release before anybody has consented to it: what is new, what stays, what ends, and every
//! problem by the file or line it comes from.
//!
//! A release is the whole shelf: a title of the release before stays while its licence goes on,
//! unless it is retired. A core: files are read and licences parsed before, and the time is an
//! argument.

mod licences;
mod problem;
mod publication;
mod shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_wire::{
    Allotment, BlobHash, Catalogue, CatalogueMetadata, DeviceId, Label, Publication, TitleAllotment,
};

use crate::book::{Book, BookFault, line};
use crate::licence::{LicenceList, Window};
use crate::release_parts::{BlobOrigin, ReleaseParts};
use crate::share::Kiosk;

use licences::Licences;
pub use problem::{Fault, Gravity, Problem};
pub use publication::identifier_of_file;

/// Everything a release is made of.
#[derive(Debug)]
pub struct DraftSources {
    /// Its name: `2026-11`.
    pub release: Label,
    /// Now.
    pub now: Timestamp,
    /// Of the library, for what is shown.
    pub zone: TimeZone,
    /// The files of the folder.
    pub files: Vec<FoundFile>,
    /// The licences.
    pub licences: LicenceList,
    /// The release it goes on from.
    pub before: Option<Shelved>,
    /// Other releases, for files that were there before.
    pub earlier: Vec<Catalogue>,
    /// Who shows books.
    pub kiosks: Vec<Kiosk>,
    /// The sites there are, with their names.
    pub sites: Vec<(DeviceId, String)>,
    /// Titles of the release before that are not to stay.
    pub retire: BTreeSet<Label>,
}

/// A file of the folder, read.
#[derive(Debug)]
pub struct FoundFile {
    /// Its name within the folder, with `/`.
    pub name: String,
    /// Its bytes.
    pub origin: BlobOrigin,
    /// What it is.
    pub book: Result<Book, BookFault>,
    /// Its cover, taken out of it.
    pub cover: Option<BlobOrigin>,
}

/// A release as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelved {
    /// The titles.
    pub catalogue: Catalogue,
    /// The copies.
    pub allotment: Allotment,
}

/// What was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What would be signed.
    pub parts: ReleaseParts,
    /// The titles of the release in the order of the shelf, then those that leave it.
    pub titles: Vec<DraftTitle>,
    /// What is wrong, the worst first.
    pub problems: Vec<Problem>,
}

/// A title of the release, or one that leaves the shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftTitle {
    /// What it is known by.
    pub identifier: Label,
    /// Its title.
    pub title: Label,
    /// The file of the folder it comes from.
    pub file: Option<String>,
    /// What becomes of it.
    pub fate: Fate,
    /// When it may be read.
    pub window: Window,
    /// Copies of its licence; none where it has no number.
    pub copies: Option<u32>,
    /// Who has how many.
    pub allotted: TitleAllotment,
    /// Bytes of its file and cover.
    pub bytes: u64,
}

/// What becomes of a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// It was not on the shelf.
    New,
    /// It was, and another file takes its place.
    Replaced,
    /// It stays, under a licence of this list.
    Renewed,
    /// It stays as it is.
    Kept,
    /// It leaves: its licence is over.
    Ended,
    /// It leaves: so it was asked.
    Retired,
}

impl Fate {
    /// All of them, in the order to tell them.
    pub const ALL: [Self; 6] = [
        Self::New,
        Self::Replaced,
        Self::Renewed,
        Self::Kept,
        Self::Ended,
        Self::Retired,
    ];

    /// The word for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Replaced => "replaced",
            Self::Renewed => "renewed",
            Self::Kept => "kept",
            Self::Ended => "ended",
            Self::Retired => "retired",
        }
    }

    /// Whether the release has it.
    #[must_use]
    pub fn is_on_shelf(self) -> bool {
        match self {
            Self::New | Self::Replaced | Self::Renewed | Self::Kept => true,
            Self::Ended | Self::Retired => false,
        }
    }
}

impl Draft {
    /// Makes the most of what there is. What is refused is not in the release, and told.
    #[must_use]
    pub fn of(sources: DraftSources) -> Self {
        let mut making = Making::begin(sources);
        making.take_files();
        making.keep_shelf();
        making.tell_leftovers();
        making.finish()
    }

    /// Whether something was refused: then it is published only by who says so.
    #[must_use]
    pub fn is_refused_in_part(&self) -> bool {
        self.problems
            .iter()
            .any(|it| it.gravity() == Gravity::Refused)
    }

    /// How many titles have this fate.
    #[must_use]
    pub fn count(&self, fate: Fate) -> usize {
        self.titles.iter().filter(|it| it.fate == fate).count()
    }

    /// Bytes of all files and covers of the release.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let on_shelf = self.titles.iter().filter(|it| it.fate.is_on_shelf());
        on_shelf.map(|it| it.bytes).sum()
    }

    /// Bytes of what no release before had: what each kiosk fetches.
    #[must_use]
    pub fn new_bytes(&self) -> u64 {
        self.parts.blobs.iter().map(|it| it.size).sum()
    }
}

/// A draft being made.
struct Making {
    sources: DraftSources,
    licences: Licences,
    /// What the release before has, by identifier.
    shelf: BTreeMap<Label, Publication>,
    /// Blobs the gateway has from any release.
    known: BTreeSet<BlobHash>,
    made: Vec<(Publication, TitleAllotment)>,
    titles: Vec<DraftTitle>,
    taken: BTreeSet<Label>,
    blobs: BTreeMap<BlobHash, BlobOrigin>,
    problems: Vec<Problem>,
}

impl Making {
    fn begin(mut sources: DraftSources) -> Self {
        let (licences, problems) = Licences::of(std::mem::take(&mut sources.licences));
        let before = sources.before.iter().map(|it| &it.catalogue);
        let links = |title: &Publication| [title.links.clone(), title.images.clone()];
        let known = before.clone().chain(&sources.earlier);
        let known = known.flat_map(|it| it.publications.iter().flat_map(links).flatten());
        let known = known.filter_map(|link| link.blob()).collect();
        let shelf = before.flat_map(|it| &it.publications);
        let shelf = shelf
            .map(|it| (it.metadata.identifier.clone(), it.clone()))
            .collect();
        sources.files.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            licences,
            shelf,
            known,
            made: Vec::new(),
            titles: Vec::new(),
            taken: BTreeSet::new(),
            blobs: BTreeMap::new(),
            problems,
            sources,
        }
    }

    /// A problem with a file.
    fn tell(&mut self, about: &str, fault: Fault) {
        // A file may be called anything; what is shown is fit to be.
        let about = line(about).map_or_else(|| "a file".to_owned(), |it| it.to_string());
        self.problems.push(Problem { about, fault });
    }

    fn take_files(&mut self) {
        let mut seen: BTreeMap<BlobHash, String> = BTreeMap::new();
        for file in std::mem::take(&mut self.sources.files) {
            let name = file.name.clone();
            if let Some(other) = seen.insert(file.origin.blob, name.clone()) {
                self.licences.pass_over(&file);
                self.tell(&name, Fault::SameBytes { other });
            } else if let Err(fault) = self.take_file(file) {
                self.tell(&name, fault);
            }
        }
    }

    /// The titles of the release before: those that were not taken anew stay, or leave.
    fn keep_shelf(&mut self) {
        let before = self.sources.before.take();
        let Some(Shelved {
            catalogue,
            allotment,
        }) = before
        else {
            return;
        };
        for publication in catalogue.publications {
            if !self.taken.contains(&publication.metadata.identifier) {
                self.keep(publication, &allotment);
            }
        }
    }

    /// What was asked or licensed, and is nowhere.
    fn tell_leftovers(&mut self) {
        if self.sources.kiosks.is_empty() {
            self.tell("the registry", Fault::NoKiosks);
        }
        for identifier in std::mem::take(&mut self.sources.retire) {
            if !self.shelf.contains_key(&identifier) {
                self.tell(identifier.as_str(), Fault::NothingToRetire);
            }
        }
        self.problems.extend(self.licences.leftovers());
    }

    fn finish(mut self) -> Draft {
        self.problems.sort_by_key(Problem::gravity);
        // What leaves stands last; the rest is in the order of the shelf.
        self.titles.sort_by_key(|it| !it.fate.is_on_shelf());
        let release = self.sources.release;
        let (publications, allotted): (Vec<_>, Vec<_>) = self.made.into_iter().unzip();
        let names = publications.iter().map(|it| it.metadata.identifier.clone());
        let titles = names.zip(allotted).collect();
        let known = &self.known;
        let (at_hand, blobs) = self
            .blobs
            .into_values()
            .partition(|it| known.contains(&it.blob));
        Draft {
            parts: ReleaseParts {
                blobs,
                at_hand,
                catalogue: Catalogue {
                    metadata: CatalogueMetadata {
                        identifier: release.clone(),
                        title: release.clone(),
                        modified: self.sources.now,
                    },
                    links: Vec::new(),
                    publications,
                },
                allotment: Allotment { release, titles },
            },
            titles: self.titles,
            problems: self.problems,
        }
    }
}

impl FoundFile {
    /// Whether its name ends as a book's; what does may not be passed over lightly.
    fn calls_itself_a_book(&self) -> bool {
        let lower = self.name.to_ascii_lowercase();
        lower.ends_with(".epub") || lower.ends_with(".pdf")
    }

    /// Its name without folder and ending: a title where the file tells none.
    fn stem(&self) -> Option<Label> {
        let path = PathBuf::from(&self.name);
        line(&path.file_stem()?.to_string_lossy())
    }
}

#[cfg(test)]
mod tests;
