//! Characters as bytes. A message is decoded before it is split: in GBK, 116 characters have the
//! delimiter's byte 0x7C as their second.

use std::borrow::Cow;

use encoding_rs::{EncoderResult, Encoding, GB18030, GBK, UTF_8};
use oem_cp::code_table::{DECODING_TABLE_CP850, ENCODING_TABLE_CP850};

/// What stands for a character that the charset does not have.
const SUBSTITUTE: u8 = b'?';

/// Which bytes a machine's characters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// GB18030, which has all that GBK and GB2312 have, and everything else in four bytes.
    Gb18030,
    /// GBK: at most two bytes a character, for machines that do not know GB18030.
    Gbk,
    /// Code page 850, which 3M's machines speak.
    Cp850,
}

impl Charset {
    /// Its name, as configurations write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Gbk => "gbk",
            Self::Cp850 => "cp850",
        }
    }

    /// The characters; U+FFFD for bytes that are none.
    #[must_use]
    pub fn decode(self, bytes: &[u8]) -> String {
        match self.multibyte() {
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            None => oem_cp::decode_string_complete_table(bytes, &DECODING_TABLE_CP850),
        }
    }

    /// The bytes; `?` for a character it does not have.
    #[must_use]
    pub fn encode(self, text: &str) -> Vec<u8> {
        match self.multibyte() {
            Some(encoding) => encode_multibyte(encoding, text),
            None => oem_cp::encode_string_lossy(text, &ENCODING_TABLE_CP850),
        }
    }

    /// Whether the text comes back from its bytes as it went.
    #[must_use]
    pub fn carries(self, text: &str) -> bool {
        text.is_ascii() || self.decode(&self.encode(text)) == text
    }

    /// The text with `?` for every character the charset cannot carry.
    pub(crate) fn fit(self, text: &str) -> Cow<'_, str> {
        if self.carries(text) {
            return Cow::Borrowed(text);
        }
        let mut one = [0; 4];
        Cow::Owned(
            text.chars()
                .map(|char| {
                    if self.carries(char.encode_utf8(&mut one)) {
                        char
                    } else {
                        '?'
                    }
                })
                .collect(),
        )
    }

    fn multibyte(self) -> Option<&'static Encoding> {
        match self {
            Self::Utf8 => Some(UTF_8),
            Self::Gb18030 => Some(GB18030),
            Self::Gbk => Some(GBK),
            Self::Cp850 => None,
        }
    }
}

/// As [`Encoding::encode`], but with `?` where that writes an HTML reference.
fn encode_multibyte(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let room = encoder
            .max_buffer_length_from_utf8_without_replacement(rest.len())
            .expect("a message is far shorter than memory");
        bytes.reserve(room);
        let (result, read) =
            encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return bytes,
            EncoderResult::OutputFull => {}
            EncoderResult::Unmappable(_) => bytes.push(SUBSTITUTE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_inside_a_character_is_none() {
        let bytes = Charset::Gbk.encode("AJ瘄|");
        assert!(
            bytes[..bytes.len() - 1].contains(&b'|'),
            "瘄 has the byte: {bytes:X?}"
        );
        assert_eq!(Charset::Gbk.decode(&bytes), "AJ瘄|");
        let such = (0x81..=0xFE_u8).filter(|lead| {
            let char = Charset::Gbk.decode(&[*lead, b'|']);
            char.chars().count() == 1 && char != "\u{FFFD}"
        });
        assert!(such.count() >= 116);
    }

    #[test]
    fn each_charset_carries_what_it_has_and_says_what_not() {
        assert!(Charset::Utf8.carries("渌江📖"));
        assert!(Charset::Gb18030.carries("渌江📖"));
        assert!(Charset::Gbk.carries("渌江"));
        assert!(!Charset::Gbk.carries("📖"));
        assert!(Charset::Cp850.carries("Bücher"));
        assert_eq!(Charset::Cp850.fit("Bücher 渌江"), "Bücher ??");
        assert_eq!(Charset::Gbk.encode("a📖b"), b"a?b");
    }

    #[test]
    fn bytes_that_are_no_characters_are_marked() {
        assert!(Charset::Utf8.decode(b"AJ\xE6\x80|").contains('\u{FFFD}'));
        assert!(Charset::Gb18030.decode(b"AJ\xFF").contains('\u{FFFD}'));
    }
}
