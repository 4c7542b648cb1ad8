//! Pictures for people: covers of titles and pictures of notices, by the names of their blobs.

use lujiang_content::Picture;
use lujiang_wire::BlobHash;

use super::{Content, ContentError};

/// A picture that a browser may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPicture {
    /// What its first bytes say it is.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Content {
    /// A blob that is a picture. A book is none, whoever asks for it by this way.
    ///
    /// # Errors
    /// Where there is none of that name, or it cannot be read.
    pub async fn picture(&self, blob: &BlobHash) -> Result<ShownPicture, ContentError> {
        // Nothing larger was let in as a picture: covers have a smaller bound of their own.
        let max = self
            .0
            .section
            .notice_image_max
            .as_u64()
            .max(COVER_BYTES_MAX);
        let bytes = self.read_blob(blob, max).await?;
        let bytes = bytes.ok_or(ContentError::NoPicture(*blob))?;
        let picture = Picture::read(&bytes).ok_or(ContentError::NoPicture(*blob))?;
        Ok(ShownPicture {
            media_type: picture.kind.media_type(),
            bytes,
        })
    }
}

/// Largest cover a release is made with.
const COVER_BYTES_MAX: u64 = 4 * 1024 * 1024;
