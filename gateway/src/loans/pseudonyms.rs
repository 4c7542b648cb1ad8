//! Pseudonyms: by which facts of one reader are known as one reader's, within a year. They are
//! HMACs under a key of that year, which is destroyed in time; then nobody can make them again.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::seal::{SealError, mac, secret};

/// What the files of the keys are called: this, the year, `.key`.
const PREFIX: &str = "pseudonym-";

/// The keys, each made when it is first needed.
pub(super) struct Pseudonyms {
    folder: PathBuf,
}

impl Pseudonyms {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Who a reader is in the year of this moment; none once that year's key is due to be
    /// destroyed: it is not made again for what comes late.
    ///
    /// # Errors
    /// Where the key cannot be read or made.
    pub(super) fn of(
        &self,
        reader: &[u8],
        moment: Timestamp,
        now: Timestamp,
        retention: Duration,
        zone: &TimeZone,
    ) -> Result<Option<[u8; 32]>, SealError> {
        let year = moment.to_zoned(zone.clone()).year();
        if is_over(year, now, retention, zone) {
            return Ok(None);
        }
        let key = secret(&self.path(year))?;
        Ok(Some(mac(&key, &[b"lujiang pseudonym v1\0", reader])))
    }

    /// Destroys the keys of the years that are over for as long; says of which.
    ///
    /// # Errors
    /// Where a key cannot be destroyed.
    pub(super) fn destroy(
        &self,
        now: Timestamp,
        retention: Duration,
        zone: &TimeZone,
    ) -> Result<Vec<i16>, SealError> {
        let failed = |source| SealError::File {
            path: self.folder.clone(),
            source,
        };
        let mut destroyed = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if let Some(year) = year_of(&path)
                && is_over(year, now, retention, zone)
            {
                overwrite(&path).map_err(failed)?;
                destroyed.push(year);
            }
        }
        if !destroyed.is_empty() {
            let folder = fs::File::open(&self.folder).map_err(failed)?;
            folder.sync_all().map_err(failed)?;
        }
        destroyed.sort_unstable();
        Ok(destroyed)
    }

    fn path(&self, year: i16) -> PathBuf {
        self.folder.join(format!("{PREFIX}{year}.key"))
    }
}

/// Whether a year has been over for that long.
fn is_over(year: i16, now: Timestamp, retention: Duration, zone: &TimeZone) -> bool {
    let next = year
        .checked_add(1)
        .map(|next| date(next.clamp(-9998, 9999), 1, 1));
    let end = next.and_then(|next| next.to_zoned(zone.clone()).ok());
    end.is_some_and(|end| super::later(end.timestamp(), retention) <= now)
}

fn year_of(path: &Path) -> Option<i16> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix(PREFIX)?
        .strip_suffix(".key")?
        .parse()
        .ok()
}

/// Noughts in its place, then no file: a disk that copies on write may still have it.
fn overwrite(path: &Path) -> std::io::Result<()> {
    let length = fs::metadata(path)?.len();
    let mut file = fs::OpenOptions::new().write(true).open(path)?;
    file.write_all(&vec![b'0'; usize::try_from(length).unwrap_or(0)])?;
    file.sync_all()?;
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: Duration = Duration::from_secs(366 * 86_400);

    #[test]
    fn a_reader_is_one_within_a_year_and_another_in_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let pseudonyms = Pseudonyms::new(folder.path().to_owned());
        let of = |reader: &str, moment: &str| {
            let (moment, now) = (at(moment), at("2027-02-01T00:00:00Z"));
            let made = pseudonyms.of(reader.as_bytes(), moment, now, YEAR, &TimeZone::UTC);
            made.unwrap().unwrap()
        };
        let first = of("R1", "2026-03-01T00:00:00Z");
        assert_eq!(of("R1", "2026-12-31T23:59:59Z"), first);
        assert_ne!(of("R1", "2027-01-01T00:00:00Z"), first);
        assert_ne!(of("R2", "2026-03-01T00:00:00Z"), first);
    }

    #[test]
    fn a_key_that_was_destroyed_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let pseudonyms = Pseudonyms::new(folder.path().to_owned());
        let moment = at("2024-03-01T00:00:00Z");
        let of = |now| {
            pseudonyms
                .of(b"R1", moment, at(now), YEAR, &TimeZone::UTC)
                .unwrap()
        };
        assert!(of("2024-03-01T00:00:00Z").is_some());
        let destroy = |now| pseudonyms.destroy(at(now), YEAR, &TimeZone::UTC).unwrap();
        assert_eq!(destroy("2025-12-31T00:00:00Z"), Vec::<i16>::new());
        assert_eq!(destroy("2026-01-02T00:00:00Z"), [2024]);
        assert!(of("2026-01-02T00:00:00Z").is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }
}
