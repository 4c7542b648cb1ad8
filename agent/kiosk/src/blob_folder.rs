//! The blobs of a kiosk on its disk, each by its hash: whatever release names it, it is there once.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use lujiang_wire::BlobHash;

use crate::durable::finish;

/// What the name of a blob that is still coming ends in.
const PART: &str = ".part";

/// What the name of the block list of such a blob ends in.
const BLOCKS: &str = ".blocks";

/// The folder. What has the plain name of a blob in it is whole, verified, and on disk.
#[derive(Debug, Clone)]
pub struct BlobFolder(PathBuf);

impl BlobFolder {
    /// Opens the folder, and makes it where there is none.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where a blob is, or will be.
    #[must_use]
    pub fn place(&self, blob: &BlobHash) -> PathBuf {
        self.0.join(blob.to_string())
    }

    /// Whether a blob of this size is there.
    #[must_use]
    pub fn has(&self, blob: &BlobHash, size: u64) -> bool {
        std::fs::metadata(self.place(blob)).is_ok_and(|it| it.is_file() && it.len() == size)
    }

    /// Bytes that have come of a blob, whole or not.
    #[must_use]
    pub fn come(&self, blob: &BlobHash) -> u64 {
        let length = |path: PathBuf| std::fs::metadata(path).map(|it| it.len());
        let whole = length(self.place(blob));
        whole.or_else(|_| length(self.part(blob))).unwrap_or(0)
    }

    pub(crate) fn part(&self, blob: &BlobHash) -> PathBuf {
        self.0.join(format!("{blob}{PART}"))
    }

    pub(crate) fn blocks(&self, blob: &BlobHash) -> PathBuf {
        self.0.join(format!("{blob}{BLOCKS}"))
    }

    /// The files that say they are this blob of this size, in these folders.
    pub(crate) fn elsewhere(blob: &BlobHash, size: u64, folders: &[PathBuf]) -> Vec<PathBuf> {
        let paths = folders.iter().map(|folder| folder.join(blob.to_string()));
        let is_it = |path: &PathBuf| {
            std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() == size)
        };
        paths.filter(is_it).collect()
    }

    /// Gives a part, which is whole, verified and on disk, the name of the blob.
    pub(crate) fn name(&self, blob: &BlobHash) -> io::Result<()> {
        finish(&self.part(blob), &self.place(blob))?;
        // Needed no more; one that stays is taken away with what nobody names.
        let _ = std::fs::remove_file(self.blocks(blob));
        Ok(())
    }

    /// Takes away everything that is not of these blobs; says which whole ones went.
    ///
    /// # Errors
    /// Where the folder cannot be read or changed.
    pub fn keep_only(&self, blobs: &BTreeSet<BlobHash>) -> io::Result<Vec<BlobHash>> {
        let mut gone = Vec::new();
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let plain = name
                .strip_suffix(PART)
                .or_else(|| name.strip_suffix(BLOCKS));
            let blob: Option<BlobHash> = plain.unwrap_or(&name).parse().ok();
            if blob.is_some_and(|blob| blobs.contains(&blob)) {
                continue;
            }
            std::fs::remove_file(entry.path())?;
            gone.extend(blob.filter(|_| plain.is_none()));
        }
        Ok(gone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_names_goes_and_what_is_half_there_is_no_blob() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = BlobFolder::open(folder.path()).unwrap();
        let [kept, gone] = [1, 2].map(|it| BlobHash::new([it; 32]));
        for blob in [&kept, &gone] {
            std::fs::write(blobs.place(blob), b"bytes").unwrap();
        }
        let half = BlobHash::new([3; 32]);
        std::fs::write(blobs.part(&half), b"byt").unwrap();
        assert!(blobs.has(&kept, 5) && !blobs.has(&kept, 6) && !blobs.has(&half, 3));
        assert_eq!(blobs.come(&half), 3);

        assert_eq!(blobs.keep_only(&[kept].into()).unwrap(), [gone]);

        assert!(blobs.has(&kept, 5));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
