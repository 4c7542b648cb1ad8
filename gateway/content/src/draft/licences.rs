//! Which licence is whose.

use std::collections::BTreeMap;

use lujiang_wire::{BlobHash, Publication};

use super::FoundFile;
use super::problem::{Fault, Problem};
use crate::isbn::Isbn;
use crate::licence::{Licence, LicenceList, Subject};

/// The licences of a list by what they are about; each is used or told of.
pub(super) struct Licences {
    list: Vec<Licence>,
    is_used: Vec<bool>,
    by_subject: BTreeMap<Subject, usize>,
}

impl Licences {
    /// The licences, and what of the list is not understood or said twice.
    pub(super) fn of(list: LicenceList) -> (Self, Vec<Problem>) {
        let told = list.problems.into_iter().map(|problem| Problem {
            about: format!("{}, {}", problem.place, problem.column),
            fault: Fault::Cell(problem.fault),
        });
        let mut problems: Vec<_> = told.collect();
        let mut by_subject = BTreeMap::new();
        for (at, licence) in list.licences.iter().enumerate() {
            if let Some(first) = by_subject.insert(licence.subject.clone(), at) {
                by_subject.insert(licence.subject.clone(), first);
                let first: &Licence = &list.licences[first];
                problems.push(Problem {
                    about: licence.subject.to_string(),
                    fault: Fault::TwoLicences(format!("{} and {}", first.place, licence.place)),
                });
            }
        }
        let licences = Self {
            is_used: vec![false; list.licences.len()],
            list: list.licences,
            by_subject,
        };
        (licences, problems)
    }

    /// The licence of a file: by its name, its hash or its number, and by one line only.
    pub(super) fn of_file(&mut self, file: &FoundFile) -> Result<Option<Licence>, Fault> {
        let isbn = file.book.as_ref().ok().and_then(|book| book.isbn);
        let mut subjects = vec![
            Subject::File(file.name.clone()),
            Subject::Blob(file.origin.blob),
        ];
        // Whoever sorts files into folders does not always write the folders down.
        if let Some((_, name)) = file.name.rsplit_once('/') {
            subjects.push(Subject::File(name.to_owned()));
        }
        subjects.extend(isbn.map(Subject::Isbn));
        self.one_of(&subjects)
    }

    /// The licence of a title on the shelf: by its number, or the hash of its file.
    pub(super) fn of_title(&mut self, title: &Publication) -> Result<Option<Licence>, Fault> {
        let blob: Option<BlobHash> = title.acquisition().and_then(|link| link.blob());
        let isbn: Option<Isbn> = title.metadata.identifier.as_str().parse().ok();
        let subjects = isbn
            .map(Subject::Isbn)
            .into_iter()
            .chain(blob.map(Subject::Blob));
        self.one_of(&subjects.collect::<Vec<_>>())
    }

    /// A file that is told of: its line has nothing more to be told.
    pub(super) fn pass_over(&mut self, file: &FoundFile) {
        // Only that it is used counts here.
        let _ = self.of_file(file);
    }

    /// Lines about what is nowhere.
    pub(super) fn leftovers(&self) -> Vec<Problem> {
        let unused = |(at, licence): (usize, &Licence)| {
            let first = self.by_subject.get(&licence.subject) == Some(&at);
            (first && !self.is_used[at]).then(|| Problem {
                about: licence.place.to_string(),
                fault: Fault::NoTitle(licence.subject.to_string()),
            })
        };
        self.list.iter().enumerate().filter_map(unused).collect()
    }

    fn one_of(&mut self, subjects: &[Subject]) -> Result<Option<Licence>, Fault> {
        let found = subjects
            .iter()
            .filter_map(|it| self.by_subject.get(it).copied());
        let mut found: Vec<_> = found.collect();
        found.sort_unstable();
        found.dedup();
        for at in &found {
            self.is_used[*at] = true;
        }
        match found[..] {
            [] => Ok(None),
            [at] => Ok(Some(self.list[at].clone())),
            _ => {
                let places: Vec<_> = found
                    .iter()
                    .map(|at| self.list[*at].place.to_string())
                    .collect();
                Err(Fault::TwoLicences(places.join(" and ")))
            }
        }
    }
}
