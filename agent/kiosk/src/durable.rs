//! A small file that is replaced whole: new file, synced, renamed, folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Replaces the file at this path.
///
/// # Errors
/// Where the system refuses a step; then the old file is untouched, or the new one is in place.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = folder.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&beside)?;
    file.write_all(contents)?;
    file.sync_all()?;
    finish(&beside, path)
}

/// Gives a file that is on disk its name.
///
/// # Errors
/// As [`replace`].
pub(crate) fn finish(beside: &Path, path: &Path) -> io::Result<()> {
    fs::rename(beside, path)?;
    sync_folder(path)
}

/// Puts the folder of a file on disk.
///
/// # Errors
/// Where the system refuses.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
