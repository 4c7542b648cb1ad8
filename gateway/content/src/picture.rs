//! What a picture's own first bytes say of it: its kind, and its size in pixels.
//!
//! Nothing is decoded: a picture of a few bytes may unfold to gigabytes, which is what the size is
//! asked for. What the name or the sender says of it counts for nothing.

/// A picture, as its bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// What kind it is.
    pub kind: PictureKind,
    /// Its width and height in pixels; none where it does not tell them.
    pub size: Option<(u32, u32)>,
}

/// The kinds every browser shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// JPEG [ITU-T T.81].
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP [RFC 9649].
    WebP,
}

impl PictureKind {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }
}

impl Picture {
    /// What the bytes say; none where they are no picture.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, size) = match bytes {
            [0xff, 0xd8, 0xff, ..] => (PictureKind::Jpeg, jpeg_size(bytes)),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => {
                (PictureKind::Png, png_size(bytes))
            }
            [b'G', b'I', b'F', b'8', ..] => (PictureKind::Gif, gif_size(bytes)),
            [b'R', b'I', b'F', b'F', ..] if bytes.get(8..12) == Some(b"WEBP") => {
                (PictureKind::WebP, webp_size(bytes))
            }
            _ => return None,
        };
        Some(Self { kind, size })
    }

    /// Width times height, where it tells them.
    #[must_use]
    pub fn pixels(&self) -> Option<u64> {
        let (width, height) = self.size?;
        Some(u64::from(width) * u64::from(height))
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at| part(bytes, at).map(u32::from_be_bytes);
    Some((number(16)?, number(20)?))
}

fn gif_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at| part(bytes, at).map(u16::from_le_bytes);
    Some((number(6)?.into(), number(8)?.into()))
}

/// From the first frame header (SOF) [ITU-T T.81 B.2.2].
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |at| part(bytes, at).map(u16::from_be_bytes);
    let mut at = 2;
    loop {
        let [0xff, marker] = part(bytes, at)? else {
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

/// From the first chunk, which is one of three [RFC 9649 §2.5 to 2.7].
fn webp_size(bytes: &[u8]) -> Option<(u32, u32)> {
    match &part::<4>(bytes, 12)? {
        b"VP8 " => {
            // A key frame's start code, then 14 bits each [RFC 6386 §9.1].
            let side = |at| part(bytes, at).map(|it| u32::from(u16::from_le_bytes(it) & 0x3fff));
            (part(bytes, 23)? == [0x9d, 0x01, 0x2a]).then_some((side(26)?, side(28)?))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(part(bytes, 21)?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => {
            let side = |at| {
                let [a, b, c] = part(bytes, at)?;
                Some(u32::from_le_bytes([a, b, c, 0]) + 1)
            };
            Some((side(24)?, side(27)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webp(chunk: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP".as_slice(), chunk].concat()
    }

    #[test]
    fn each_kind_tells_its_size_by_its_own_bytes() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x07\x80\0\0\x04\x38";
        let gif = b"GIF89a\x80\x07\x38\x04";
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc2\0\x0b\x08\x04\x38\x07\x80";
        let lossy = webp(b"VP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x80\x07\x38\x04");
        let bits: u32 = 1_919 | 1_079 << 14;
        let lossless = webp(&[b"VP8L\0\0\0\0\x2f".as_slice(), &bits.to_le_bytes()].concat());
        let extended = webp(b"VP8X\0\0\0\0\0\0\0\0\x7f\x07\0\x37\x04\0");
        let all = [
            (png.to_vec(), PictureKind::Png),
            (gif.to_vec(), PictureKind::Gif),
            (jpeg.to_vec(), PictureKind::Jpeg),
            (lossy, PictureKind::WebP),
            (lossless, PictureKind::WebP),
            (extended, PictureKind::WebP),
        ];
        for (bytes, kind) in all {
            let size = Some((1_920, 1_080));
            assert_eq!(Picture::read(&bytes), Some(Picture { kind, size }));
        }
    }

    #[test]
    fn a_picture_cut_anywhere_is_read_without_a_fall() {
        let whole = webp(b"VP8X\0\0\0\0\0\0\0\0\x7f\x07\0\x37\x04\0");
        for end in 0..whole.len() {
            let read = Picture::read(&whole[..end]);
            assert!(read.is_none_or(|it| it.size.is_none()), "{end}");
        }
        assert_eq!(Picture::read(b"<svg onload=alert(1)>"), None);
    }
}
