//! The picture on the front of a book.

use crate::picture::Picture;

/// Bytes of a cover at most: a kiosk shows nine at once.
pub(super) const COVER_BYTES_MAX: u64 = 4 << 20;

/// Pixels of a cover at most: what a browser needs to show it is four bytes each.
const COVER_PIXELS_MAX: u64 = 40_000_000;

/// A cover: a picture as its first bytes, not its name, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// `image/jpeg`, `image/png`, `image/gif` or `image/webp`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why a cover is not taken. The book is, without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CoverFault {
    /// The book names one it does not have.
    #[error("its cover is missing")]
    Missing,
    /// Too large a file.
    #[error("its cover has more than {COVER_BYTES_MAX} bytes")]
    Large,
    /// Too many pixels.
    #[error("its cover has more than {COVER_PIXELS_MAX} pixels")]
    Pixels,
    /// No picture a browser shows.
    #[error("its cover is no JPEG, PNG, GIF or WebP picture")]
    Kind,
}

impl Cover {
    /// The cover of these bytes.
    pub(super) fn of(bytes: Vec<u8>) -> Result<Self, CoverFault> {
        if bytes.len() as u64 > COVER_BYTES_MAX {
            return Err(CoverFault::Large);
        }
        let picture = Picture::read(&bytes).ok_or(CoverFault::Kind)?;
        let media_type = picture.kind.media_type();
        match picture.pixels() {
            Some(pixels) if pixels > COVER_PIXELS_MAX => Err(CoverFault::Pixels),
            // What does not tell its size harms nobody: it is not shown.
            Some(_) | None => Ok(Self { media_type, bytes }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_a_few_bytes_and_a_billion_pixels_is_refused() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(40_000_u32.to_be_bytes());
        png.extend(40_000_u32.to_be_bytes());
        assert_eq!(Cover::of(png), Err(CoverFault::Pixels));

        let mut jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc2\0\x0b\x08".to_vec();
        jpeg.extend(65_535_u16.to_be_bytes());
        jpeg.extend(65_535_u16.to_be_bytes());
        assert_eq!(Cover::of(jpeg), Err(CoverFault::Pixels));
    }

    #[test]
    fn a_page_that_calls_itself_a_picture_is_none() {
        assert_eq!(
            Cover::of(b"<svg onload=alert(1)>".to_vec()),
            Err(CoverFault::Kind)
        );
        assert_eq!(Cover::of(Vec::new()), Err(CoverFault::Kind));
    }
}
