//! The picture on the front of a book.

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
        let media_type = match &bytes[..] {
            [0xff, 0xd8, 0xff, ..] => "image/jpeg",
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
            [b'G', b'I', b'F', b'8', ..] => "image/gif",
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => "image/webp",
            _ => return Err(CoverFault::Kind),
        };
        match pixels(&bytes) {
            Some(pixels) if pixels > COVER_PIXELS_MAX => Err(CoverFault::Pixels),
            // What does not tell its size harms nobody: it is not shown.
            Some(_) | None => Ok(Self { media_type, bytes }),
        }
    }
}

/// Width times height, where the file tells them.
fn pixels(bytes: &[u8]) -> Option<u64> {
    let size = match bytes.first()? {
        0x89 => {
            let number =
                |at: usize| Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
            (number(16)?, number(20)?)
        }
        b'G' => {
            let number =
                |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
            (number(6)?.into(), number(8)?.into())
        }
        0xff => jpeg_size(bytes)?,
        // A WebP picture has 16,383 by 16,383 at most, which a lossy one may be told in several
        // places; its bytes bound it well enough.
        _ => return None,
    };
    Some(u64::from(size.0) * u64::from(size.1))
}

/// From the first frame header (SOF) [ITU-T T.81 B.2.2].
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let mut at = 2;
    loop {
        let [0xff, marker] = *bytes.get(at..at + 2)? else {
            return None;
        };
        match marker {
            // Fill bytes, and markers without a length.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((number(at + 7)?.into(), number(at + 5)?.into()));
            }
            _ => at += 2 + usize::from(number(at + 2)?),
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
