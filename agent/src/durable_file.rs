//! A small file that is replaced whole: after a crash at any moment the old one or the new one is
//! there, never half of one. New file, synced, renamed, folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

/// Mode of every file here: what an agent writes concerns nobody else.
const MODE: u32 = 0o600;

/// How far a replacement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing is written.
    Begun,
    /// The new file stands beside the old, perhaps not on disk yet.
    Written,
    /// The new file is on disk, beside the old.
    Synced,
    /// The new file has the name of the old.
    Renamed,
}

/// Replaces the file at this path.
///
/// # Errors
/// Where the system refuses a step; then the old file is untouched, or the new one is in place.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    replace_in_steps(path, contents, |_| Ok(()))
}

/// As [`replace`]; the file belongs to whom its folder belongs to, so that what an administrator
/// leaves there can be read by the agent that is run as somebody else.
///
/// # Errors
/// As [`replace`]; also where the folder is another's and the system lets us give nothing away.
pub(crate) fn replace_for_owner(path: &Path, contents: &[u8]) -> io::Result<()> {
    let owner = fs::metadata(folder(path))?;
    let owner = Some((owner.uid(), owner.gid()));
    replace_as(path, contents, owner, |_| Ok(()))
}

/// As [`replace`], asking before each step: the tests pull the plug there.
pub(crate) fn replace_in_steps(
    path: &Path,
    contents: &[u8],
    reach: impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    replace_as(path, contents, None, reach)
}

fn replace_as(
    path: &Path,
    contents: &[u8],
    owner: Option<(u32, u32)>,
    mut reach: impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let beside = beside(path);
    reach(Step::Begun)?;
    // One that a crash left may have another mode.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(MODE)
        .open(&beside)?;
    if let Some((user, group)) = owner
        && file.metadata()?.uid() != user
    {
        // The handle and not the name: whom the folder belongs to can change what has the name.
        fchown(&file, Some(user), Some(group))?;
    }
    file.write_all(contents)?;
    reach(Step::Written)?;
    file.sync_all()?;
    reach(Step::Synced)?;
    fs::rename(&beside, path)?;
    reach(Step::Renamed)?;
    File::open(folder(path))?.sync_all()
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    folder.unwrap_or(Path::new("."))
}

/// What the name of a new file ends in until it is renamed.
const HALF: &str = ".new";

/// Whether a file of this name was being written when its agent was killed. The next one of the
/// same name replaces it; where no name comes twice, somebody has to take it away.
pub(crate) fn is_half(name: &str) -> bool {
    name.ends_with(HALF)
}

/// Where the new file stands until it is renamed.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(HALF);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_step_the_plug_is_pulled_at_one_whole_file_is_there_and_the_next_one_replaces_it() {
        for stop in [Step::Begun, Step::Written, Step::Synced, Step::Renamed] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            replace(&path, b"old").unwrap();
            replace_in_steps(&path, b"new", |step| {
                if step == stop {
                    Err(io::Error::other("no power"))
                } else {
                    Ok(())
                }
            })
            .unwrap_err();
            let expected = if stop == Step::Renamed { "new" } else { "old" };
            assert_eq!(fs::read_to_string(&path).unwrap(), expected, "{stop:?}");
            replace(&path, b"newer").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), "newer", "{stop:?}");
        }
    }
}
