//! A release as it is published: its titles, and who has how many copies of them.

use std::collections::BTreeMap;

use lujiang_content::Shelved;
use lujiang_wire::{Allotment, Label, allotment_target};

use super::{Content, ContentError};

/// Largest allotment that is read whole: two thousand titles on a hundred kiosks are 6 MB.
const ALLOTMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl Content {
    /// The titles of a release and their copies.
    ///
    /// # Errors
    /// Where there is no such release, or it cannot be read.
    pub async fn shelved(&self, release: &Label) -> Result<Shelved, ContentError> {
        let catalogue = self.catalogue(release).await?;
        let allotment = self.allotment(release).await?;
        Ok(Shelved {
            catalogue,
            allotment,
        })
    }

    /// What every title of every release in use is called; of the release published last, where
    /// several have it.
    ///
    /// # Errors
    /// Where a release cannot be read.
    pub async fn title_names(&self) -> Result<BTreeMap<Label, Label>, ContentError> {
        let mut names = BTreeMap::new();
        for release in self.releases() {
            let titles = self.catalogue(&release).await?.publications;
            names.extend(
                titles
                    .into_iter()
                    .map(|it| (it.metadata.identifier, it.metadata.title)),
            );
        }
        Ok(names)
    }

    /// Who has how many copies of the titles of a release.
    ///
    /// # Errors
    /// Where there is no such release, or it cannot be read.
    pub async fn allotment(&self, release: &Label) -> Result<Allotment, ContentError> {
        let unread = |reason: &str| ContentError::Catalogue {
            release: release.clone(),
            reason: format!("its allotment: {reason}"),
        };
        let blob = self.current()?.target(&allotment_target(release));
        let blob = blob.ok_or_else(|| ContentError::NoRelease(release.clone()))?;
        let bytes = self.read_blob(&blob, ALLOTMENT_BYTES_MAX).await?;
        let bytes = bytes.ok_or_else(|| unread("it is not here, or too large"))?;
        serde_json::from_slice(&bytes).map_err(|error| unread(&error.to_string()))
    }
}
