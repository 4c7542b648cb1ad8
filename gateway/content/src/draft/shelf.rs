//! How one title comes onto the shelf: from a file of the folder, or from the release before.

use std::collections::BTreeMap;

use lujiang_wire::{Allotment, Copies, DeviceId, Label, Publication, TitleAllotment};

use super::problem::Fault;
use super::publication::{Named, identifier_of_file, license, made, window_of};
use super::{DraftTitle, Fate, FoundFile, Making};
use crate::book::BookFault;
use crate::isbn::Isbn;
use crate::licence::{Grant, Licence, day};
use crate::share::Share;

impl Making {
    /// Takes a file as a title.
    pub(super) fn take_file(&mut self, mut file: FoundFile) -> Result<(), Fault> {
        let licence = self.licences.of_file(&file);
        if matches!(file.book, Err(BookFault::Unknown)) && !file.calls_itself_a_book() {
            return Err(Fault::NoBook);
        }
        let book = std::mem::replace(&mut file.book, Err(std::io::Error::other("taken").into()))?;
        if let Some(protection) = book.protection {
            return Err(Fault::Protected(protection));
        }
        let licence = match licence? {
            Some(licence) => licence,
            // On the shelf already: it stays under the licence it has.
            None if self.on_shelf(&file).is_some() => return Ok(()),
            None => return Err(Fault::NoLicence),
        };
        self.refuse_over(&licence)?;
        let share = self.share(&licence.grant)?;
        let identifier = self.identifier(&file, book.isbn);
        let told = book.title.clone().or_else(|| licence.told.title.clone());
        if told.is_none() {
            self.tell(&file.name, Fault::NoName);
        }
        let title = told
            .or_else(|| file.stem())
            .unwrap_or_else(|| identifier.clone());
        if let Err(fault) = book.cover {
            self.tell(&file.name, Fault::Cover(fault));
        }
        let named = Named {
            identifier: identifier.clone(),
            title,
        };
        let allotted = self.allot(&file.name, &identifier, &share);
        let blob = Some(file.origin.blob);
        let fate = match self.shelf.get(&identifier) {
            Some(before) if before.acquisition().and_then(|it| it.blob()) == blob => Fate::Renewed,
            Some(before) => {
                let (before, after) = (&before.metadata.title, &named.title);
                if before != after {
                    let before = before.to_string();
                    self.tell(&file.name, Fault::AnotherTitle { before });
                }
                Fate::Replaced
            }
            None => Fate::New,
        };
        if fate == Fate::New {
            self.tell_earlier(&file);
        }
        let publication = made(&file, &book, &licence, named, share.total());
        for origin in [Some(file.origin), file.cover].into_iter().flatten() {
            self.blobs.insert(origin.blob, origin);
        }
        self.put(publication, allotted, fate, Some(file.name));
        Ok(())
    }

    /// Keeps a title of the release before, or lets it go.
    pub(super) fn keep(&mut self, mut publication: Publication, before: &Allotment) {
        let identifier = publication.metadata.identifier.clone();
        let allotted = before.titles.get(&identifier).cloned().unwrap_or_default();
        // Its line, if there is one, has nothing more to be told once it was looked for.
        let licence = self.licences.of_title(&publication);
        if self.sources.retire.contains(&identifier) {
            return self.put(publication, allotted, Fate::Retired, None);
        }
        let renewed = licence.and_then(|licence| match licence {
            None => Ok(None),
            Some(licence) => {
                self.refuse_over(&licence)?;
                let share = self.share(&licence.grant)?;
                Ok(Some((licence, share)))
            }
        });
        match renewed {
            Ok(Some((licence, share))) => {
                license(&mut publication, &licence, share.total());
                let allotted = self.allot(identifier.as_str(), &identifier, &share);
                return self.put(publication, allotted, Fate::Renewed, None);
            }
            Ok(None) => {}
            // A line that cannot be followed leaves the title as it was.
            Err(fault) => self.tell(identifier.as_str(), fault),
        }
        let until = window_of(&publication).until;
        let fate = match until.is_some_and(|until| until <= self.sources.now) {
            true => Fate::Ended,
            false => Fate::Kept,
        };
        let allotted = self.still_here(allotted);
        self.put(publication, allotted, fate, None);
    }

    fn put(
        &mut self,
        publication: Publication,
        allotted: TitleAllotment,
        fate: Fate,
        file: Option<String>,
    ) {
        let links = publication.links.iter().chain(&publication.images);
        let properties = publication
            .acquisition()
            .and_then(|it| it.properties.as_ref());
        self.titles.push(DraftTitle {
            identifier: publication.metadata.identifier.clone(),
            title: publication.metadata.title.clone(),
            file,
            fate,
            window: window_of(&publication),
            copies: properties
                .and_then(|it| it.copies.as_ref())
                .map(|it| it.total),
            allotted: allotted.clone(),
            bytes: links.filter_map(|link| link.size).sum(),
        });
        if fate.is_on_shelf() {
            self.taken.insert(publication.metadata.identifier.clone());
            self.made.push((publication, allotted));
        }
    }

    /// Copies of kiosks that are gone are nobody's until a licence is read anew.
    fn still_here(&self, allotted: TitleAllotment) -> TitleAllotment {
        let is_here = |device: &DeviceId| self.sources.kiosks.iter().any(|it| it.device == *device);
        let devices = allotted
            .devices
            .into_iter()
            .filter(|(device, _)| is_here(device));
        TitleAllotment {
            devices: devices.collect(),
            others: allotted.others,
        }
    }

    /// As it is known on the shelf; else by its number, unless another title of this release has it.
    fn identifier(&mut self, file: &FoundFile, isbn: Option<Isbn>) -> Label {
        let is_free = |known: &Label| !self.titles.iter().any(|it| it.identifier == *known);
        if let Some(known) = self.on_shelf(file).filter(is_free) {
            return known;
        }
        let by_hash = identifier_of_file(&file.origin.blob);
        let Some(isbn) = isbn.map(|isbn| isbn.urn()) else {
            return by_hash;
        };
        let Some(other) = self.titles.iter().find(|it| it.identifier == isbn) else {
            return isbn;
        };
        let other = other
            .file
            .clone()
            .unwrap_or_else(|| other.title.to_string());
        self.tell(&file.name, Fault::SameIsbn { other });
        by_hash
    }

    /// What these very bytes are known by on the shelf: two volumes of one set may share a number,
    /// and the second keeps the name it got then.
    fn on_shelf(&self, file: &FoundFile) -> Option<Label> {
        let blob = Some(file.origin.blob);
        let is_it = |it: &Publication| it.acquisition().and_then(|link| link.blob()) == blob;
        let found = self.shelf.iter().find(|(_, title)| is_it(title));
        found.map(|(identifier, _)| identifier.clone())
    }

    fn tell_earlier(&mut self, file: &FoundFile) {
        let blob = Some(file.origin.blob);
        let has = |title: &Publication| title.acquisition().and_then(|link| link.blob()) == blob;
        let earlier = self.sources.earlier.iter();
        let found = earlier.rev().find(|it| it.publications.iter().any(has));
        if let Some(found) = found {
            let release = found.metadata.identifier.to_string();
            self.tell(&file.name, Fault::Earlier { release });
        }
    }

    fn refuse_over(&self, licence: &Licence) -> Result<(), Fault> {
        match licence.window.until {
            Some(until) if until <= self.sources.now => {
                Err(Fault::Over(day::shown_end(until, &self.sources.zone)))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// A grant with its sites as the registry knows them: by id, or by name.
    fn share(&self, grant: &Grant) -> Result<Share, Fault> {
        let site = |label: &Label| {
            let sites = &self.sources.sites;
            let by_id = sites.iter().find(|(id, _)| id.as_str() == label.as_str());
            let found = by_id.or_else(|| sites.iter().find(|(_, name)| name == label.as_str()));
            let found = found.map(|(id, _)| id.clone());
            found.ok_or_else(|| Fault::NoSite(label.to_string()))
        };
        Ok(match grant {
            Grant::Everywhere(copies) => Share::Everywhere(*copies),
            Grant::Within { sites, copies } => {
                let sites: Result<_, _> = sites.iter().map(site).collect();
                Share::Within(sites?, *copies)
            }
            Grant::BySite(by_site) => {
                let mut known = BTreeMap::new();
                for (label, copies) in by_site {
                    if known.insert(site(label)?, *copies).is_some() {
                        return Err(Fault::SiteTwice(label.to_string()));
                    }
                }
                Share::BySite(known)
            }
        })
    }

    fn allot(&mut self, about: &str, identifier: &Label, share: &Share) -> TitleAllotment {
        let allotted = share.among(identifier, &self.sources.kiosks);
        let without = allotted
            .devices
            .values()
            .filter(|it| **it == Copies::None)
            .count();
        let kiosks = allotted.devices.len();
        match share.total() {
            // That there is no kiosk at all is told once.
            _ if self.sources.kiosks.is_empty() => {}
            _ if kiosks == without && allotted.others == Copies::None => {
                self.tell(about, Fault::NoKiosk);
            }
            Some(copies) if without > 0 => self.tell(about, Fault::FewCopies { copies, kiosks }),
            Some(_) | None => {}
        }
        allotted
    }
}
