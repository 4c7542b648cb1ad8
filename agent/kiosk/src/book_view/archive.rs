//! The zip of a book, with bounds: it is opened by its directory, each file by its exact name, and
//! nothing is ever written from it, so that a name cannot lead anywhere.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use lujiang_config::ScreensSection;
use zip::ZipArchive;

use super::BookError;

/// Where the end record of a zip may begin at the earliest: 22 bytes and a comment of 64 KiB.
const END_RECORD_BYTES_MAX: u64 = 22 + 0xffff;

/// What an end record begins with.
const END_RECORD: &[u8] = b"PK\x05\x06";

/// Most bytes of the directory for a file: its name, its dates, what tools add.
const DIRECTORY_BYTES_PER_FILE: u64 = 1_024;

/// The bounds of a book.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BookBounds {
    /// Most files.
    pub(crate) files_max: u64,
    /// Most bytes of one file, expanded.
    pub(crate) file_max: u64,
    /// Most bytes of all, expanded.
    pub(crate) book_max: u64,
}

/// An open zip.
#[derive(Debug)]
pub(super) struct Archive {
    /// One file is read at a time: there is one reader, and a disk is not faster for two.
    zip: Mutex<ZipArchive<File>>,
    names: HashMap<String, usize>,
    bounds: BookBounds,
}

impl BookBounds {
    /// As configured.
    pub(crate) fn of(section: &ScreensSection) -> Self {
        Self {
            files_max: section.book_files_max.into(),
            file_max: section.book_file_max.as_u64(),
            book_max: section.book_max.as_u64(),
        }
    }
}

impl Archive {
    /// Opens it, and looks at every name and size before anything is expanded.
    pub(super) fn open(path: &Path, bounds: BookBounds) -> Result<Self, BookError> {
        let mut file = File::open(path).map_err(BookError::Disk)?;
        check_directory(&mut file, bounds)?;
        let mut zip = ZipArchive::new(file).map_err(BookError::Zip)?;
        check("files in the book:", zip.len() as u64, bounds.files_max)?;
        if zip.has_duplicate_names() {
            return Err(BookError::Trick("two files of the same name".to_owned()));
        }
        if zip.has_overlapping_files().map_err(BookError::Zip)? {
            return Err(BookError::Trick("files within each other".to_owned()));
        }
        let mut names = HashMap::new();
        let mut expanded = 0_u64;
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(BookError::Zip)?;
            let name = entry.name().map_err(BookError::Zip)?.into_owned();
            if !is_honest(&name) || entry.is_symlink() {
                return Err(BookError::Trick(format!("a file named {name:?}")));
            }
            expanded = expanded.saturating_add(entry.size());
            check("bytes in the book:", expanded, bounds.book_max)?;
            if entry.is_file() {
                names.insert(name, index);
            }
        }
        Ok(Self {
            zip: Mutex::new(zip),
            names,
            bounds,
        })
    }

    /// Reads a file whole. What it says of its size is not believed.
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, BookError> {
        let absent = || BookError::Absent(name.to_owned());
        let index = *self.names.get(name).ok_or_else(absent)?;
        let most = self.bounds.file_max;
        // A panic while it was held leaves nothing half done: each read seeks for itself.
        let mut zip = self.zip.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = zip.by_index(index).map_err(BookError::Zip)?;
        check("bytes in a file:", entry.size(), most)?;
        let mut bytes = Vec::new();
        let mut expanding = entry.take(most + 1);
        expanding.read_to_end(&mut bytes).map_err(BookError::Disk)?;
        check("bytes in a file:", bytes.len() as u64, most)?;
        Ok(bytes)
    }

    /// Reads a text in UTF-8.
    pub(super) fn text(&self, name: &str) -> Result<String, BookError> {
        super::chapter::text(name, self.read(name)?)
    }
}

/// Looks at the size of the directory before anybody reads it: it is held in memory, and each of
/// its lines costs a few hundred bytes there.
fn check_directory(file: &mut File, bounds: BookBounds) -> Result<(), BookError> {
    let length = file.seek(SeekFrom::End(0)).map_err(BookError::Disk)?;
    let from = length.saturating_sub(END_RECORD_BYTES_MAX);
    file.seek(SeekFrom::Start(from)).map_err(BookError::Disk)?;
    let mut end = Vec::new();
    file.take(END_RECORD_BYTES_MAX)
        .read_to_end(&mut end)
        .map_err(BookError::Disk)?;
    let most = bounds.files_max * DIRECTORY_BYTES_PER_FILE;
    // Each record there may be the one that is believed: a comment can hold a second.
    for record in end.windows(22).filter(|it| it.starts_with(END_RECORD)) {
        let files = u16::from_le_bytes([record[10], record[11]]);
        let bytes = u32::from_le_bytes([record[12], record[13], record[14], record[15]]);
        // All ones is "see the larger record": 65,535 files or 4 GiB, and so refused as well.
        check("files in the book:", files.into(), bounds.files_max)?;
        check("bytes of the book's directory:", bytes.into(), most)?;
    }
    Ok(())
}

pub(super) fn check(what: &'static str, found: u64, most: u64) -> Result<(), BookError> {
    if found > most {
        return Err(BookError::TooLarge { what, found, most });
    }
    Ok(())
}

/// Nothing is unpacked by these names; one that would lead out of a folder is a trick all the same.
fn is_honest(name: &str) -> bool {
    let is_plain = !name.contains(['\\', '\0']) && !name.starts_with('/');
    is_plain && name.split('/').all(|part| part != ".." && part != ".")
}
