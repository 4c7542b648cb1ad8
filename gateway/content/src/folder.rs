//! A folder of books, read: each file hashed, understood, and its cover put aside.
//!
//! A thin shell: what the files mean is for [`crate::Draft`] to say. Blocking.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use lujiang_wire::BlobHash;
use sha2::{Digest as _, Sha256};

use crate::book::{Book, BookLimits};
use crate::draft::FoundFile;
use crate::release_parts::BlobOrigin;

/// Files in a folder at most: ten times a month's worth of every month of ten years.
const FILES_MAX: usize = 20_000;

/// Folders within each other at most.
const DEPTH_MAX: usize = 16;

/// Bytes hashed at a time.
const PART_BYTES: usize = 128 * 1024;

/// What operating systems leave in folders, and nobody means.
const LEFT_BY_SYSTEMS: [&str; 3] = ["thumbs.db", "desktop.ini", "__macosx"];

/// Why a folder cannot be read. A file that cannot is no reason: it is told of by the draft.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The folder or a cover's file.
    #[error("{path} cannot be read")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Too many.
    #[error("{0} has more than {FILES_MAX} files, or folders more than {DEPTH_MAX} deep")]
    Large(PathBuf),
    /// A name no licence can name.
    #[error("{0:?} has a name that is not UTF-8")]
    Name(PathBuf),
    /// It was called off.
    #[error("called off")]
    CalledOff,
}

/// What is read of a folder, and where covers go.
#[derive(Debug)]
pub struct FolderReading<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// A file within it that is no book: the licences.
    pub licences: Option<&'a Path>,
    /// Where covers are put, by their hashes.
    pub covers: &'a Path,
    /// What a file may take.
    pub limits: BookLimits,
}

impl FolderReading<'_> {
    /// Reads all files. `told` hears how many bytes of how many are read, and says whether to go
    /// on.
    ///
    /// # Errors
    /// Where the folder cannot be read, or it was called off.
    pub fn read(
        &self,
        mut told: impl FnMut(u64, u64) -> bool,
    ) -> Result<Vec<FoundFile>, FolderError> {
        let mut files = Vec::new();
        self.list(self.folder, 0, &mut files)?;
        files.sort();
        let size = |file: &PathBuf| fs::metadata(file).map_or(0, |it| it.len());
        let total: u64 = files.iter().map(size).sum();
        let mut done = 0;
        let mut found = Vec::with_capacity(files.len());
        for file in files {
            let before = done;
            let read = self.file(&file, |bytes| {
                done = before + bytes;
                told(done, total)
            });
            found.push(read?);
        }
        Ok(found)
    }

    fn list(
        &self,
        folder: &Path,
        depth: usize,
        files: &mut Vec<PathBuf>,
    ) -> Result<(), FolderError> {
        let large = || FolderError::Large(self.folder.to_owned());
        let failed = |source| FolderError::Io {
            path: folder.to_owned(),
            source,
        };
        if depth > DEPTH_MAX {
            return Err(large());
        }
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| FolderError::Name(path.clone()))?;
            let is_left = LEFT_BY_SYSTEMS.contains(&name.to_ascii_lowercase().as_str());
            if name.starts_with('.') || is_left || self.is_licences(&path) {
                continue;
            }
            // A link is neither: it may lead anywhere, and round in circles.
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                self.list(&path, depth + 1, files)?;
            } else if kind.is_file() {
                files.push(path);
            }
            if files.len() > FILES_MAX {
                return Err(large());
            }
        }
        Ok(())
    }

    fn is_licences(&self, path: &Path) -> bool {
        let same = |other: &Path| match (fs::canonicalize(path), fs::canonicalize(other)) {
            (Ok(path), Ok(other)) => path == other,
            (Ok(_), Err(_)) | (Err(_), _) => false,
        };
        self.licences.is_some_and(same)
    }

    fn file(&self, file: &Path, told: impl FnMut(u64) -> bool) -> Result<FoundFile, FolderError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| FolderError::Io { path, source }
        };
        let within = file.strip_prefix(self.folder).unwrap_or(file);
        let name = within
            .to_str()
            .ok_or_else(|| FolderError::Name(file.to_owned()))?;
        let (blob, size) = hash(file, told).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => FolderError::CalledOff,
            _ => failed(file)(error),
        })?;
        let book = Book::read(file, &self.limits);
        let cover = book
            .as_ref()
            .ok()
            .and_then(|book| book.cover.as_ref().ok()?.as_ref());
        let cover = cover.map(|cover| self.put_cover(&cover.bytes));
        Ok(FoundFile {
            name: name.to_owned(),
            origin: BlobOrigin {
                blob,
                size,
                file: file.to_owned(),
            },
            cover: cover.transpose().map_err(failed(self.covers))?,
            book,
        })
    }

    fn put_cover(&self, bytes: &[u8]) -> io::Result<BlobOrigin> {
        let blob = BlobHash::new(Sha256::digest(bytes).into());
        let file = self.covers.join(blob.to_string());
        // It is gone when the command ends; what counts is brought to the gateway by then.
        File::create(&file)?.write_all(bytes)?;
        Ok(BlobOrigin {
            blob,
            size: bytes.len() as u64,
            file,
        })
    }
}

/// The SHA-256 of a file and its bytes. Called off, it is interrupted.
fn hash(file: &Path, mut told: impl FnMut(u64) -> bool) -> io::Result<(BlobHash, u64)> {
    let mut file = File::open(file)?;
    let mut digest = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    let mut size = 0;
    loop {
        let count = match file.read(&mut part) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(&part[..count]);
        size += count as u64;
        if !told(size) {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
    Ok((BlobHash::new(digest.finalize().into()), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_by_name_and_what_nobody_means_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let covers = tempfile::tempdir().unwrap();
        let put = |name: &str| fs::write(folder.path().join(name), name).unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        for name in [
            "b.epub",
            "sub/a.pdf",
            ".DS_Store",
            "Thumbs.db",
            "licences.csv",
        ] {
            put(name);
        }
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("c.epub")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("round")).unwrap();
        let licences = folder.path().join("licences.csv");
        let reading = FolderReading {
            folder: folder.path(),
            licences: Some(&licences),
            covers: covers.path(),
            limits: BookLimits::default(),
        };
        let mut last = (0, 0);
        let found = reading.read(|done, total| {
            last = (done, total);
            true
        });
        let found = found.unwrap();
        let names: Vec<_> = found.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["b.epub", "sub/a.pdf"]);
        assert_eq!(last, (15, 15));
        let expected = BlobHash::new(Sha256::digest("b.epub").into());
        assert_eq!((found[0].origin.blob, found[0].origin.size), (expected, 6));
        assert!(matches!(
            reading.read(|_, _| false),
            Err(FolderError::CalledOff)
        ));
    }
}
