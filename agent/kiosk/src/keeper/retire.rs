//! What goes when a release replaces another: the titles that only the one before had, each with a
//! receipt, and then the bytes that nobody names any more.

use std::collections::{BTreeMap, BTreeSet};

use lujiang_wire::{BlobHash, Copies, Label};

use super::{Keeper, display};
use crate::state::Installed;

impl Keeper {
    /// The titles that are on the disk for the proven release alone, once this one has replaced it.
    pub(super) fn retired_by(&self, fresh: &Installed) -> BTreeSet<Label> {
        let before = self.state.proven.as_ref().and_then(|it| self.ours(it));
        // Of what cannot be read nothing goes, and nothing is told.
        let (Some(before), Some(after)) = (before, self.ours(fresh)) else {
            return BTreeSet::new();
        };
        let has_gone = |(title, file): &(Label, BlobHash)| {
            !after.contains_key(title) && self.blobs.place(file).exists()
        };
        let gone = before.into_iter().filter(has_gone);
        gone.map(|(title, _)| title).collect()
    }

    /// The titles this device has copies of in a release, and their files.
    fn ours(&self, installed: &Installed) -> Option<BTreeMap<Label, BlobHash>> {
        let (catalogue, allotment) = self.documents(installed)?;
        let device = &self.options.device;
        let titles = catalogue.publications.iter().filter_map(|it| {
            let title = &it.metadata.identifier;
            let is_ours = allotment.copies(device, title) != Copies::None;
            let file = it.acquisition()?.blob()?;
            is_ours.then(|| (title.clone(), file))
        });
        Some(titles.collect())
    }

    /// Takes away what nothing on this disk names, nor this. Where it is not known what all is
    /// named, nothing goes.
    pub(super) fn sweep(&self, besides: &BTreeSet<BlobHash>) {
        let mut kept = match self.kept_blobs() {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(error, "nothing is taken away: what is kept cannot be read");
                return;
            }
        };
        kept.extend(besides);
        if let Err(error) = self.blobs.keep_only(&kept) {
            tracing::warn!(%error, "what nobody names could not be taken away");
        }
    }

    /// Every blob that something on this disk names; why that is not known, where it is not.
    fn kept_blobs(&self) -> Result<BTreeSet<BlobHash>, String> {
        let mut kept = BTreeSet::new();
        let releases = [&self.state.proven, &self.state.fresh];
        for installed in releases.into_iter().flatten() {
            let plan = self.plan(&installed.catalogue, &installed.allotment)?;
            kept.extend(plan.named);
        }
        if let Some(blob) = self.state.notices {
            kept.insert(blob);
            let said = display::read_notices(&self.blobs, &blob)?;
            let images = said.notices.iter().filter_map(|it| it.image.as_ref());
            kept.extend(images.map(|it| it.blob));
        }
        Ok(kept)
    }
}
