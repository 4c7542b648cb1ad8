//! The files of metadata whose names say their version, as they were verified: what does not change
//! is not fetched again.
//!
//! They are believed no more than what comes over the line: each is verified anew whenever it is
//! read, and one that does not hold is thrown away and fetched. Roots are not among them: those
//! are kept for ever, by [`MetadataFolder`](super::MetadataFolder).

use std::io;
use std::path::PathBuf;

use super::is_root;
use crate::durable::replace;

/// The folder: of each role there is one file at the most.
#[derive(Debug, Clone)]
pub(super) struct KeptFiles(pub(super) PathBuf);

impl KeptFiles {
    /// The file of this name, where it is kept and not longer than this; what cannot be read is
    /// fetched.
    pub(super) fn read(&self, name: &str, max: u64) -> Option<Vec<u8>> {
        role(name)?;
        let place = self.0.join(name);
        let length = std::fs::metadata(&place).ok()?.len();
        (length <= max).then(|| std::fs::read(place).ok()).flatten()
    }

    /// Keeps a file, where its name says its version, in the place of the version before.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let Some(role) = role(name) else {
            return Ok(());
        };
        replace(&self.0.join(name), bytes)?;
        self.remove(|other| other != name && self::role(other) == Some(role))
    }

    /// Throws a file away, so that it is fetched.
    pub(super) fn throw_away(&self, name: &str) -> io::Result<()> {
        self.remove(|other| other == name)
    }

    fn remove(&self, is_it: impl Fn(&str) -> bool) -> io::Result<()> {
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            if is_it(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The role of a file whose name says its version: `targets.json` of `12.targets.json`.
fn role(name: &str) -> Option<&str> {
    let (version, role) = name.split_once('.')?;
    let is_version = !version.is_empty() && version.bytes().all(|it| it.is_ascii_digit());
    (is_version && !is_root(name)).then_some(role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_role_the_newest_is_kept_and_nothing_that_changes_under_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptFiles(folder.path().to_owned());
        let files = [
            "timestamp.json",
            "1.root.json",
            "9.targets.json",
            "9.notices.json",
            "10.targets.json",
        ];
        for name in files {
            kept.put(name, name.as_bytes()).unwrap();
        }
        let has: Vec<_> = files
            .iter()
            .map(|it| kept.read(it, 100).is_some())
            .collect();
        assert_eq!(has, [false, false, false, true, true]);
        assert_eq!(kept.read("10.targets.json", 3), None, "it is longer");
        kept.throw_away("10.targets.json").unwrap();
        assert_eq!(kept.read("10.targets.json", 100), None);
    }
}
