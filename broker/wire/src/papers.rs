//! The papers with which a device may lend while it is off-line: whom to seal readers to, whom to
//! lend nothing, where the bus is to stop, and what came back to this device as a conflict.
//!
//! They come over mutual TLS from [`LOAN_PAPERS_PATH`] and never over MQTT.

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Due, EventId, Label};

/// Where a device gets its [`LoanPapers`], by GET over mutual TLS; answered with an ETag.
pub const LOAN_PAPERS_PATH: &str = "/api/v1/device/loan-papers";

/// HPKE's `info` for a reader: what is sealed for one purpose does not open as another's.
pub const READER_SEAL_INFO: &[u8] = b"lujiang person v1";

/// What the HMAC of a blocked reader is taken over before the reader.
pub const BLOCKED_READER_INFO: &[u8] = b"lujiang blocked reader v1\0";

/// Bytes of an HMAC-SHA-256 that stand in a block list: 10,000 readers in 160 kB, and one in 2^115
/// who is refused for another.
pub const BLOCKED_READER_BYTES: usize = 16;

/// What a device needs to lend off-line. Debug shows no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoanPapers {
    /// Names this state; another state has another. It is the ETag, too.
    pub revision: Label,
    /// Whom readers are sealed to.
    pub desk: DeskKey,
    /// Whom nothing is lent.
    pub blocks: BlockList,
    /// Where the bus is to stop, for its crew to choose from.
    #[serde(default)]
    pub stops: Vec<PlannedStop>,
    /// What the library system disputes of this device's facts and staff has not settled.
    #[serde(default)]
    pub conflicts: Vec<ReturnedConflict>,
}

/// The public half of the loan desk's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskKey {
    /// Its name; it stands beside everything sealed to it, and is HPKE's associated data.
    pub kid: Label,
    /// X25519, base64url without padding.
    pub public: KeyText,
}

/// Readers nothing is lent to, as HMAC-SHA-256 under a key of this device's own, cut to
/// [`BLOCKED_READER_BYTES`], over [`BLOCKED_READER_INFO`] and the normalised reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BlockList {
    /// The key, base64url without padding.
    pub key: KeyText,
    /// As of when the library system said so; none where no list was ever imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Timestamp>,
    /// The readers, base64url without padding.
    pub readers: Vec<String>,
}

/// 32 bytes as base64url without padding. Debug shows none of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct KeyText([u8; 32]);

/// A stop the bus is to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlannedStop {
    /// Its name; the facts of the stop carry it.
    pub stop: Label,
    /// On which day, in the library's time zone.
    pub date: Date,
    /// Whom it serves (流动服务单位).
    pub unit: Label,
    /// On what occasion (活动内容).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occasion: Option<Label>,
    /// Where (活动地点).
    pub place: Label,
}

/// A fact of this device that the library system disputes. It names no reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnedConflict {
    /// The fact.
    pub fact: EventId,
    /// The item's barcode.
    pub item: Label,
    /// When it happened, corrected.
    pub time: Timestamp,
    /// What kind of conflict, as a word for machines: `on-loan-to-another`.
    pub kind: Label,
    /// When the item had been promised back, where it was lent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
}

impl KeyText {
    /// Wraps 32 bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to compute with, never shown.
    #[must_use]
    pub fn reveal(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for KeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<KeyText> for String {
    fn from(key: KeyText) -> Self {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key.0)
    }
}

impl TryFrom<String> for KeyText {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        use base64::Engine as _;
        let expected = "expected 32 bytes as base64url without padding";
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| expected)?;
        bytes.try_into().map(Self).map_err(|_| expected)
    }
}

/// The one form of a reader's identity that is sealed, compared and hashed: blanks around it
/// gone, full-width forms as ASCII, letters upper case (the check character `X` of an identity
/// number is read in either case).
#[must_use]
pub fn normalise_reader(reader: &str) -> String {
    let half_width = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - 0xfee0).expect("ASCII, moved up by 0xfee0")
        }
        '\u{3000}' => ' ',
        other => other,
    };
    let ascii: String = reader.chars().map(half_width).collect();
    ascii.trim().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_the_same_reader_however_it_was_typed() {
        for typed in [
            "43022319900101123x",
            " 43022319900101123X ",
            "４３０２２３１９９００１０１１２３ｘ",
        ] {
            assert_eq!(normalise_reader(typed), "43022319900101123X");
        }
    }

    #[test]
    fn keys_are_read_back_and_never_shown() {
        let key = KeyText::new([7; 32]);
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<KeyText>(&text).unwrap(), key);
        assert_eq!(format!("{key:?}"), "[redacted]");
        assert!(serde_json::from_str::<KeyText>("\"AAAA\"").is_err());
    }
}
