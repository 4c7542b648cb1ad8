//! What changed from one release to another.

use std::collections::BTreeMap;

use lujiang_wire::{Catalogue, Label, Publication};

use crate::draft::Shelved;

/// The difference between two releases, title by title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference<'a> {
    /// Titles of the second that the first does not have, in their order.
    pub added: Vec<&'a Publication>,
    /// Titles of the first that the second does not have.
    pub removed: Vec<&'a Publication>,
    /// Titles of both that are not the same, as the second has them.
    pub changed: Vec<(&'a Publication, Vec<Change>)>,
    /// How many are the same.
    pub same: usize,
}

/// What of a title is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Its file.
    File,
    /// Its cover.
    Cover,
    /// When it may be read.
    Window,
    /// How many copies its licence has.
    Copies,
    /// Who has how many of them.
    Allotment,
    /// Whether and where it may be borrowed on a phone.
    Phone,
    /// What is told of it.
    Words,
}

impl Change {
    /// The word for people and programs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Cover => "cover",
            Self::Window => "window",
            Self::Copies => "copies",
            Self::Allotment => "allotment",
            Self::Phone => "phone",
            Self::Words => "words",
        }
    }
}

impl<'a> Difference<'a> {
    /// What changed from `before` to `after`.
    #[must_use]
    pub fn between(before: &'a Shelved, after: &'a Shelved) -> Self {
        let titles = |catalogue: &'a Catalogue| -> BTreeMap<&'a Label, &'a Publication> {
            let titles = catalogue.publications.iter();
            titles.map(|it| (&it.metadata.identifier, it)).collect()
        };
        let (old, new) = (titles(&before.catalogue), titles(&after.catalogue));
        let mut difference = Self {
            added: Vec::new(),
            removed: Vec::new(),
            changed: Vec::new(),
            same: 0,
        };
        for title in &after.catalogue.publications {
            let Some(was) = old.get(&title.metadata.identifier) else {
                difference.added.push(title);
                continue;
            };
            let mut changes = changes(was, title);
            let allotted = |it: &'a Shelved| it.allotment.titles.get(&title.metadata.identifier);
            if allotted(before) != allotted(after) {
                changes.push(Change::Allotment);
            }
            match changes.is_empty() {
                true => difference.same += 1,
                false => difference.changed.push((title, changes)),
            }
        }
        let gone = before.catalogue.publications.iter();
        let gone = gone.filter(|it| !new.contains_key(&it.metadata.identifier));
        difference.removed = gone.collect();
        difference
    }
}

fn changes(was: &Publication, is: &Publication) -> Vec<Change> {
    let blob = |title: &Publication| title.acquisition().and_then(|link| link.blob());
    let properties = |title: &Publication| title.acquisition().and_then(|it| it.properties.clone());
    let copies = |title: &Publication| properties(title).and_then(|it| it.copies);
    let covers = |title: &Publication| {
        title
            .images
            .iter()
            .map(|it| it.href.clone())
            .collect::<Vec<_>>()
    };
    let phone = |title: &Publication| title.borrow_link().map(|link| link.href.clone());
    let found = [
        (blob(was) != blob(is), Change::File),
        (covers(was) != covers(is), Change::Cover),
        (was.window() != is.window(), Change::Window),
        (copies(was) != copies(is), Change::Copies),
        (phone(was) != phone(is), Change::Phone),
        (was.metadata != is.metadata, Change::Words),
    ];
    let found = found.into_iter().filter(|(is_different, _)| *is_different);
    found.map(|(_, change)| change).collect()
}
