//! The folder of the views: generations side by side, of which the newest finished one counts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The generations below a folder.
#[derive(Debug)]
pub(crate) struct Generations {
    dir: PathBuf,
}

impl Generations {
    /// The generations below `dir`, which is made if need be.
    pub(crate) fn below(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let dir = dir.to_owned();
        Ok(Self { dir })
    }

    /// All folders, newest first.
    pub(crate) fn newest_first(&self) -> io::Result<Vec<PathBuf>> {
        Ok(self.numbered()?.into_iter().rev().map(|(_, p)| p).collect())
    }

    /// A folder for the next generation.
    pub(crate) fn next(&self) -> io::Result<PathBuf> {
        let last = self.numbered()?.last().map_or(0, |(number, _)| *number);
        Ok(self.dir.join(format!("{:020}", last.saturating_add(1))))
    }

    /// Removes all but one.
    pub(crate) fn keep_only(&self, kept: Option<&Path>) -> io::Result<()> {
        for (_, folder) in self.numbered()? {
            if kept != Some(folder.as_path()) {
                fs::remove_dir_all(folder)?;
            }
        }
        Ok(())
    }

    fn numbered(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for file in fs::read_dir(&self.dir)? {
            let path = file?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if let Ok(number) = name.parse() {
                found.push((number, path));
            }
        }
        found.sort();
        Ok(found)
    }
}
