//! What is understood of a draft's files, by the same core that `content publish` asks: so what the
//! page shows is what whoever signs is shown.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use lujiang_content::{
    BookLimits, Draft, DraftSources, FolderReading, FoundFile, Kiosk, LICENCES_BYTES_MAX,
    LicenceList, Shelved,
};
use lujiang_wire::Catalogue;

use super::name::DraftId;
use super::{DraftError, Drafts, StoredDraft, at, blocking};
use crate::places::DeviceKind;

/// What was understood, and of what.
pub(super) struct Understood {
    of: State,
    draft: Arc<Draft>,
}

/// What a draft is understood by, besides the time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    changed: Timestamp,
    registry: i64,
    revision: u64,
}

impl Drafts {
    /// What is understood of a draft's files. One draft is read at a time, and none twice.
    ///
    /// # Errors
    /// Where its files cannot be read.
    pub async fn understand(&self, id: &DraftId) -> Result<Arc<Draft>, DraftError> {
        let _one = self.0.reading.lock().await;
        let draft = self.one(id).await?;
        let state = State {
            changed: draft.changed,
            registry: *self.0.registry.changes().borrow(),
            revision: *self.0.content.revision().borrow(),
        };
        if let Some(known) = self.known(id).filter(|(of, _)| *of == state) {
            return Ok(known.1);
        }
        let (before, earlier) = self.shelves(&draft).await?;
        let (drafts, folder) = (self.clone(), self.0.paths.draft_dir(id.as_str()));
        let made = blocking(move || drafts.make(&draft, folder, before, earlier));
        let made = Arc::new(made.await?);
        let understood = Understood {
            of: state,
            draft: Arc::clone(&made),
        };
        let mut all = self.0.understood.lock().expect("nobody falls holding it");
        all.insert(id.clone(), understood);
        Ok(made)
    }

    /// How many of the files it brings anew the releases have already: they come while somebody
    /// signs. Nothing before it was understood.
    ///
    /// # Errors
    /// Where the store of blobs fails.
    pub async fn brought(&self, id: &DraftId) -> Result<Option<(usize, usize)>, DraftError> {
        let Some((_, draft)) = self.known(id) else {
            return Ok(None);
        };
        let mut brought = 0;
        for blob in &draft.parts.blobs {
            let size = self.0.content.blob_size(&blob.blob).await?;
            brought += usize::from(size.is_some());
        }
        Ok(Some((brought, draft.parts.blobs.len())))
    }

    fn known(&self, id: &DraftId) -> Option<(State, Arc<Draft>)> {
        let all = self.0.understood.lock().expect("nobody falls holding it");
        let known = all.get(id)?;
        Some((known.of.clone(), Arc::clone(&known.draft)))
    }

    /// The release it goes on from, and the catalogues of the others.
    async fn shelves(
        &self,
        draft: &StoredDraft,
    ) -> Result<(Option<Shelved>, Vec<Catalogue>), DraftError> {
        let content = self.0.content.clone();
        let mut rows = blocking(move || Ok(content.release_rows()?)).await?;
        rows.retain(|it| it.withdrawn.is_none() && it.name != draft.release.as_str());
        rows.sort_by_key(|it| it.published);
        let newest = rows.pop();
        let named = |name: &str| name.parse().expect("a release has a name");
        let before = match newest {
            Some(row) => Some(self.0.content.shelved(&named(&row.name)).await?),
            None => None,
        };
        let mut earlier = Vec::new();
        for row in rows {
            earlier.push(self.0.content.catalogue(&named(&row.name)).await?);
        }
        Ok((before, earlier))
    }

    /// Reads all of it. Blocks.
    fn make(
        &self,
        draft: &StoredDraft,
        folder: PathBuf,
        before: Option<Shelved>,
        earlier: Vec<Catalogue>,
    ) -> Result<Draft, DraftError> {
        let licences = draft.licences().map(|it| folder.join(it.as_str()));
        let list = match &licences {
            Some(file) => self.licences(file)?,
            None => LicenceList::default(),
        };
        let registry = self.0.registry.listing();
        let is_kiosk = |kind: &str| kind.parse() == Ok(DeviceKind::Kiosk);
        let kiosks = registry
            .devices
            .into_iter()
            .filter(|it| it.enabled && is_kiosk(&it.kind))
            .filter_map(|it| {
                Some(Kiosk {
                    device: it.device,
                    site: it.site?,
                })
            });
        Ok(Draft::of(DraftSources {
            release: draft.release.clone(),
            now: self.0.clock.wall(),
            zone: self.0.zone.clone(),
            files: books(&folder, licences.as_deref())?,
            licences: list,
            before,
            earlier,
            kiosks: kiosks.collect(),
            sites: registry
                .sites
                .into_iter()
                .map(|it| (it.site, it.name))
                .collect(),
            retire: BTreeSet::new(),
        }))
    }

    fn licences(&self, file: &std::path::Path) -> Result<LicenceList, DraftError> {
        let opened = std::fs::File::open(file).map_err(at(file))?;
        let mut bytes = Vec::new();
        let mut part = opened.take(LICENCES_BYTES_MAX + 1);
        part.read_to_end(&mut bytes).map_err(at(file))?;
        if bytes.len() as u64 > LICENCES_BYTES_MAX {
            let name = file.file_name().unwrap_or_default();
            return Err(DraftError::Large {
                name: name.to_string_lossy().into_owned(),
                max: LICENCES_BYTES_MAX,
            });
        }
        Ok(LicenceList::read(&bytes, &self.0.zone))
    }
}

/// The files of a folder; covers are looked at and kept nowhere.
fn books(
    folder: &std::path::Path,
    licences: Option<&std::path::Path>,
) -> Result<Vec<FoundFile>, DraftError> {
    let covers = tempfile::tempdir().map_err(at(folder))?;
    let reading = FolderReading {
        folder,
        licences,
        covers: covers.path(),
        limits: BookLimits::default(),
    };
    Ok(reading.read(|_, _| true)?)
}
