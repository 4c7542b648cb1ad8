//! What of a release this device is to have: the files of the titles it is allotted copies of, and
//! their covers.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lujiang_wire::{Allotment, BlobHash, Catalogue, Copies, DeviceId, Publication, blob_target};

use crate::blob_folder::BlobFolder;
use crate::download::Wanted;
use crate::metadata::VerifiedTarget;

/// The blobs of a release for this device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What is to be there; the covers first, for a shelf without books is no shelf.
    pub(crate) blobs: Vec<Wanted>,
    /// All of them by name, with the documents.
    pub(crate) named: BTreeSet<BlobHash>,
    size: u64,
}

impl Plan {
    /// Reads the documents of a release, which are on the disk; says what is wrong with them.
    /// Without targets only the names and sizes are known. What is over by now is not fetched.
    pub(crate) fn read(
        blobs: &BlobFolder,
        device: &DeviceId,
        (catalogue, allotment): (&BlobHash, &BlobHash),
        target: impl Fn(&str) -> Option<VerifiedTarget>,
        now: Timestamp,
    ) -> Result<Self, String> {
        let read = |blob: &BlobHash| {
            let bytes = std::fs::read(blobs.place(blob));
            bytes.map_err(|error| format!("{blob} cannot be read: {error}"))
        };
        let unread = |error: serde_json::Error| format!("a document cannot be read: {error}");
        let document: Catalogue = serde_json::from_slice(&read(catalogue)?).map_err(unread)?;
        let allotted: Allotment = serde_json::from_slice(&read(allotment)?).map_err(unread)?;
        let mut plan = Self::default();
        plan.named.extend([*catalogue, *allotment]);
        let is_over = |title: &Publication| {
            let until = title.window().and_then(|window| window.until);
            until.is_some_and(|until| until <= now)
        };
        let is_ours = |title: &&Publication| {
            let copies = allotted.copies(device, &title.metadata.identifier);
            copies != Copies::None && !is_over(title)
        };
        let ours: Vec<_> = document.publications.iter().filter(is_ours).collect();
        let covers = ours.iter().flat_map(|title| &title.images);
        let files = ours.iter().filter_map(|title| title.acquisition());
        for link in covers.chain(files) {
            let blob = link
                .blob()
                .ok_or_else(|| format!("{} is no blob of ours", link.href))?;
            if !plan.named.insert(blob) {
                continue;
            }
            match target(&blob_target(&blob)) {
                Some(target) => {
                    plan.size += target.size;
                    plan.blobs.push(Wanted {
                        blob,
                        size: target.size,
                        blocks: target.blocks,
                    });
                }
                None => plan.size += link.size.unwrap_or(0),
            }
        }
        Ok(plan)
    }

    /// Bytes of all of it.
    pub(crate) fn bytes(&self) -> u64 {
        self.size
    }
}
