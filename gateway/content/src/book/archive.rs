//! The ZIP file an EPUB is [OCF 3.3 §4.3], opened within bounds. The crate `zip` is named here
//! only.
//!
//! What the directory declares is judged before anything is expanded, and what expands is held to
//! what was declared.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::BookLimits;

/// Bytes that may be read to find and read the directory: 10,000 entries take 2 MB.
const DIRECTORY_BYTES_MAX: u64 = 4 << 20;

/// Longest name of an entry in bytes.
const NAME_BYTES_MAX: usize = 512;

/// A whole book's expansion is not looked at below this: a small book of empty pages is no bomb.
const EXPANSION_FREE_BYTES: u64 = 10 << 20;

/// An opened archive.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<Metered>>,
    /// Entries by name, and what each declares.
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    index: usize,
    size: u64,
}

/// Why an archive is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    /// It cannot be understood.
    #[error("a broken ZIP file: {reason}")]
    Broken {
        /// The reader's words.
        reason: String,
    },
    /// Its directory is nowhere to be found, or has no end.
    #[error("the directory of the ZIP file takes more than {DIRECTORY_BYTES_MAX} bytes")]
    Directory,
    /// Too many files in it.
    #[error("{found} files within it, and at most {allowed} are taken")]
    Entries {
        /// So many.
        found: usize,
        /// Allowed.
        allowed: usize,
    },
    /// A name that is no name within a book.
    #[error("{name:?} is no file name within a book")]
    Name {
        /// The name, cut.
        name: String,
    },
    /// Two of one name.
    #[error("two files within it share a name")]
    SameName,
    /// Files that share bytes, as bombs do.
    #[error("files within it lie over each other")]
    Overlap,
    /// Compressed in a way no EPUB may be.
    #[error("{name:?} is compressed in a way EPUB does not know")]
    Compression {
        /// The entry.
        name: String,
    },
    /// Locked by the ZIP file itself.
    #[error("{name:?} is locked by a password of the ZIP file")]
    Locked {
        /// The entry.
        name: String,
    },
    /// It would expand to too much.
    #[error("it expands to {found} bytes, and at most {allowed} are taken")]
    Expanded {
        /// As declared.
        found: u64,
        /// Allowed.
        allowed: u64,
    },
    /// An entry is larger than a document of its kind may be.
    #[error("{name:?} has {found} bytes, and at most {allowed} are taken")]
    Document {
        /// The entry.
        name: String,
        /// As declared.
        found: u64,
        /// Allowed.
        allowed: u64,
    },
    /// There is no such entry.
    #[error("{name} is missing")]
    Missing {
        /// Its name.
        name: String,
    },
}

impl Archive {
    /// Opens the archive of a file, and judges its directory.
    pub(super) fn open(file: File, bytes: u64, limits: &BookLimits) -> Result<Self, ArchiveFault> {
        let left = Rc::new(Cell::new(DIRECTORY_BYTES_MAX));
        let metered = Metered {
            file,
            left: Rc::clone(&left),
        };
        let opened = ZipArchive::new(BufReader::new(metered));
        let spent = left.get() == 0;
        let mut zip = opened.map_err(|error| match spent {
            true => ArchiveFault::Directory,
            false => broken(&error),
        })?;
        left.set(u64::MAX);
        let found = zip.len();
        if found > limits.entries {
            let allowed = limits.entries;
            return Err(ArchiveFault::Entries { found, allowed });
        }
        if zip.has_duplicate_names() {
            return Err(ArchiveFault::SameName);
        }
        let mut entries = BTreeMap::new();
        let mut expanded = 0_u64;
        for index in 0..found {
            let entry = zip.by_index_raw(index).map_err(|error| broken(&error))?;
            let Some(name) = entry.name().ok().filter(|name| is_name_within(name)) else {
                let name = String::from_utf8_lossy(entry.name_raw());
                let name = name.chars().take(80).collect();
                return Err(ArchiveFault::Name { name });
            };
            let name = name.into_owned();
            if entry.is_symlink() {
                return Err(ArchiveFault::Name { name });
            }
            if entry.encrypted() {
                return Err(ArchiveFault::Locked { name });
            }
            let known = [CompressionMethod::Stored, CompressionMethod::Deflated];
            if !known.contains(&entry.compression()) {
                return Err(ArchiveFault::Compression { name });
            }
            let size = entry.size();
            expanded = expanded.saturating_add(size);
            entries.insert(name, Entry { index, size });
        }
        let by_size = bytes
            .saturating_mul(limits.expansion)
            .max(EXPANSION_FREE_BYTES);
        let allowed = limits.expanded_bytes.min(by_size);
        if expanded > allowed {
            let found = expanded;
            return Err(ArchiveFault::Expanded { found, allowed });
        }
        let allowed = limits.part_bytes;
        if let Some((name, entry)) = entries.iter().find(|(_, entry)| entry.size > allowed) {
            let (name, found) = (name.clone(), entry.size);
            return Err(ArchiveFault::Document {
                name,
                found,
                allowed,
            });
        }
        match zip.has_overlapping_files() {
            Ok(false) => Ok(Self { zip, entries }),
            Ok(true) => Err(ArchiveFault::Overlap),
            Err(error) => Err(broken(&error)),
        }
    }

    /// Whether there is an entry of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The whole of a small entry.
    pub(super) fn read(&mut self, name: &str, allowed: u64) -> Result<Vec<u8>, ArchiveFault> {
        let entry = self.entries.get(name).copied();
        let name = name.to_owned();
        let Some(Entry { index, size: found }) = entry else {
            return Err(ArchiveFault::Missing { name });
        };
        if found > allowed {
            return Err(ArchiveFault::Document {
                name,
                found,
                allowed,
            });
        }
        let mut bytes = Vec::new();
        self.expand(index, &name, |part| bytes.extend_from_slice(part))?;
        Ok(bytes)
    }

    /// Expands every entry once and keeps nothing: each must be as large as it declares, and fit
    /// its checksum.
    pub(super) fn check(&mut self) -> Result<(), ArchiveFault> {
        let entries = std::mem::take(&mut self.entries);
        for (name, entry) in &entries {
            self.expand(entry.index, name, |_| {})?;
        }
        self.entries = entries;
        Ok(())
    }

    /// Expands an entry. That it is exactly as large as it declares, and that its checksum fits,
    /// is for `zip` to see to while it is read; tests hold it to that.
    fn expand(
        &mut self,
        index: usize,
        name: &str,
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ArchiveFault> {
        let mut entry = self.zip.by_index(index).map_err(|error| broken(&error))?;
        let mut part = [0; 16 * 1024];
        loop {
            match entry.read(&mut part) {
                Ok(0) => return Ok(()),
                Ok(count) => take(&part[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let reason = format!("{name:?}: {error}");
                    return Err(ArchiveFault::Broken { reason });
                }
            }
        }
    }
}

/// A name that stays within the book, on every system [OCF 3.3 §4.2.3].
pub(super) fn is_name_within(name: &str) -> bool {
    let is_path = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.starts_with('/');
    // A directory entry ends in a slash; its last segment is empty.
    let segments = name.strip_suffix('/').unwrap_or(name).split('/');
    is_path
        && !name.contains(|c: char| {
            c.is_control() || matches!(c, '\\' | ':' | '"' | '<' | '>' | '|' | '?' | '*')
        })
        && segments
            .into_iter()
            .all(|it| !it.is_empty() && it != "." && it != "..")
}

fn broken(error: &ZipError) -> ArchiveFault {
    ArchiveFault::Broken {
        reason: error.to_string(),
    }
}

/// A file of which only so many bytes may be read.
struct Metered {
    file: File,
    left: Rc<Cell<u64>>,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 {
            return Err(io::Error::other("more than may be read"));
        }
        let room = into.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.file.read(&mut into[..room])?;
        self.left.set(left - count as u64);
        Ok(count)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
