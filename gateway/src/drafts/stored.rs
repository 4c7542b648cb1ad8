//! A draft as it is kept, and the rules on what may be added to it. A core: no file, no clock.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_config::ContentSection;
use lujiang_wire::Label;
use serde::{Deserialize, Serialize};

use super::DraftError;
use super::name::{FileKind, FileName};

/// Version of the stored form.
const VERSION: u32 = 1;

/// A published draft's files stay for this long: who looks at it sees that it is done.
const PUBLISHED_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// A draft of a release: its name, and the files that were brought for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDraft {
    version: u32,
    /// The release it is to be.
    pub release: Label,
    /// When it was begun.
    pub made: Timestamp,
    /// When a file came or went last.
    pub changed: Timestamp,
    /// Who began it.
    pub by: String,
    /// Its files with their bytes.
    pub files: BTreeMap<FileName, u64>,
}

impl StoredDraft {
    /// One without files.
    pub(super) fn new(release: Label, by: String, now: Timestamp) -> Self {
        Self {
            version: VERSION,
            release,
            made: now,
            changed: now,
            by,
            files: BTreeMap::new(),
        }
    }

    /// One as it is kept; none where a newer gateway wrote it.
    pub(super) fn read(body: &str) -> Result<Self, serde_json::Error> {
        use serde::de::Error as _;
        let draft: Self = serde_json::from_str(body)?;
        match draft.version == VERSION {
            true => Ok(draft),
            false => Err(serde_json::Error::custom(format!(
                "a form of version {}, expected {VERSION}",
                draft.version
            ))),
        }
    }

    /// The file with the licences, where there is one.
    #[must_use]
    pub fn licences(&self) -> Option<&FileName> {
        self.files
            .keys()
            .find(|name| name.kind() == FileKind::Licences)
    }

    /// Bytes of all its files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.values().sum()
    }

    /// Bytes that a file of this name may have.
    ///
    /// # Errors
    /// Where none of that name may be added.
    pub(super) fn room_for(
        &self,
        name: &FileName,
        section: &ContentSection,
    ) -> Result<u64, DraftError> {
        let is_new = !self.files.contains_key(name);
        if is_new && self.files.len() >= section.draft_files_max {
            return Err(DraftError::Files(section.draft_files_max));
        }
        if let Some(other) = self.licences().filter(|it| *it != name)
            && name.kind() == FileKind::Licences
        {
            return Err(DraftError::TwoLicences(other.as_str().to_owned()));
        }
        let before = self.files.get(name).copied().unwrap_or(0);
        let others = self.bytes() - before;
        let left = section.draft_max.as_u64().saturating_sub(others);
        Ok(left.min(section.blob_max.as_u64()))
    }

    /// When it goes by itself: some time after its last change, or after it was published.
    #[must_use]
    pub fn expires(&self, kept: Duration, published: Option<Timestamp>) -> Timestamp {
        let (from, kept) = match published {
            Some(published) => (published, PUBLISHED_KEPT),
            None => (self.changed, kept),
        };
        let end = jiff::SignedDuration::try_from(kept).unwrap_or(jiff::SignedDuration::MAX);
        from.checked_add(end).unwrap_or(Timestamp::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        text.parse().unwrap()
    }

    fn draft() -> StoredDraft {
        let now = Timestamp::from_second(1_000).unwrap();
        StoredDraft::new("2026-12".parse().unwrap(), "test".to_owned(), now)
    }

    #[test]
    fn a_file_has_the_room_that_is_left_of_the_draft_and_no_more_than_a_blob() {
        let section = ContentSection {
            blob_max: lujiang_config::ByteSize::mib(5),
            draft_max: lujiang_config::ByteSize::mib(6),
            draft_files_max: 2,
            ..ContentSection::default()
        };
        let mut draft = draft();
        let mib = 1024 * 1024;
        assert_eq!(draft.room_for(&name("a.epub"), &section).unwrap(), 5 * mib);
        draft.files.insert(name("a.epub"), 4 * mib);
        assert_eq!(draft.room_for(&name("b.epub"), &section).unwrap(), 2 * mib);
        // Brought again, it takes its own place.
        assert_eq!(draft.room_for(&name("a.epub"), &section).unwrap(), 5 * mib);
        draft.files.insert(name("b.epub"), mib);
        let third = draft.room_for(&name("c.epub"), &section);
        assert!(matches!(third, Err(DraftError::Files(2))), "{third:?}");
    }

    #[test]
    fn a_draft_has_one_list_of_licences() {
        let section = ContentSection::default();
        let mut draft = draft();
        draft.files.insert(name("a.csv"), 1);
        assert!(draft.room_for(&name("a.csv"), &section).is_ok());
        let second = draft.room_for(&name("b.json"), &section);
        assert!(
            matches!(second, Err(DraftError::TwoLicences(_))),
            "{second:?}"
        );
    }

    #[test]
    fn a_draft_goes_after_its_time_and_sooner_once_it_is_published() {
        let draft = draft();
        let day = |n: u64| Duration::from_secs(n * 24 * 3_600);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(draft.expires(day(30), None), at(1_000 + 30 * 86_400));
        assert_eq!(draft.expires(day(30), Some(at(5_000))), at(5_000 + 86_400));
    }
}
