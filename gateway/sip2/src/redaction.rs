//! What of a message may stand in a log. A field is shown only where it is known to say nothing of
//! a person; what people read may name one, so it is not among them. A line that cannot be read is
//! told by its code and length.

use crate::error::Command;
use crate::field::FieldId;
use crate::message::Body;
use crate::profile::{FixedFields, Profile};
use crate::writer::Writer;
use crate::{ErrorDetection, Request, Response};

/// What stands for a value that is not shown.
const HIDDEN: &str = "***";

/// Fields of items, places, money and the machine itself.
const SHOWN: [FieldId; 31] = [
    FieldId::known("AB"),
    FieldId::known("AH"),
    FieldId::known("AM"),
    FieldId::known("AN"),
    FieldId::known("AO"),
    FieldId::known("AP"),
    FieldId::known("AQ"),
    FieldId::known("BG"),
    FieldId::known("BH"),
    FieldId::known("BI"),
    FieldId::known("BK"),
    FieldId::known("BL"),
    FieldId::known("BO"),
    FieldId::known("BS"),
    FieldId::known("BT"),
    FieldId::known("BV"),
    FieldId::known("BW"),
    FieldId::known("BX"),
    FieldId::known("BZ"),
    FieldId::known("CA"),
    FieldId::known("CB"),
    FieldId::known("CC"),
    FieldId::known("CF"),
    FieldId::known("CI"),
    FieldId::known("CJ"),
    FieldId::known("CK"),
    FieldId::known("CL"),
    FieldId::known("CM"),
    FieldId::known("CP"),
    FieldId::known("CQ"),
    FieldId::known("CV"),
];

/// So many digits in a row may be somebody's identity-card number: the old ones have 15, the new
/// ones 17 and a check character. Barcodes of items have 14 or fewer.
pub const IDENTITY_DIGITS: usize = 15;

/// The message as a log may show it.
#[must_use]
pub fn redacted<B: Body>(body: &B) -> String {
    shown(body, &|_| false)
}

fn shown<B: Body>(body: &B, is_reader: &dyn Fn(&str) -> bool) -> String {
    let mut writer = Writer::for_log(body.command(), is_reader);
    body.write(&mut writer);
    writer.into_log()
}

impl Profile {
    /// A received line as a log may show it, whatever it is.
    #[must_use]
    pub fn redacted(&self, line: &[u8]) -> String {
        self.redacted_knowing(line, &|_| false)
    }

    /// The same for whoever knows how readers' cards look here: what is one is shown nowhere.
    #[must_use]
    pub fn redacted_knowing(&self, line: &[u8], is_reader: &dyn Fn(&str) -> bool) -> String {
        let reader = Self {
            error_detection: ErrorDetection::Ignore,
            fixed_fields: FixedFields::Lenient,
            ..*self
        };
        if let Ok(message) = reader.decode::<Request>(line) {
            return shown(&message.body, is_reader);
        }
        if let Ok(message) = reader.decode::<Response>(line) {
            return shown(&message.body, is_reader);
        }
        match Command::of(line) {
            Some(command) => format!("{command} and {} bytes unread", line.len() - 2),
            None => format!("{} bytes unread", line.len()),
        }
    }
}

/// What a log shows of a field the standard has there. Somebody's identity card, or a card that is
/// known for one, scanned as an item is not shown either.
pub(crate) fn of_field<'a>(
    id: FieldId,
    value: &'a str,
    is_reader: &dyn Fn(&str) -> bool,
) -> &'a str {
    let is_card = || may_be_identity(value) || is_reader(value);
    if value.is_empty() || SHOWN.contains(&id) && !is_card() {
        value
    } else {
        HIDDEN
    }
}

/// What a log shows of a field that nobody knows.
pub(crate) fn of_unknown(value: &str) -> &str {
    if value.is_empty() { value } else { HIDDEN }
}

/// Whether an identity-card number may stand in it, old or new, misread or with something before
/// it: [`IDENTITY_DIGITS`] in a row.
#[must_use]
pub fn may_be_identity(value: &str) -> bool {
    let mut digits = 0;
    value.chars().any(|char| {
        // A card reader may send full-width digits, and blanks between.
        digits = match char {
            ' ' | '-' => digits,
            char if char.is_numeric() => digits + 1,
            _ => 0,
        };
        digits >= IDENTITY_DIGITS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader's number in each field a person may stand in, and in a vendor's own.
    const CANARY: &str = "430281200001010018";

    /// What may stand in a log, field by field: what is not here is hidden, whoever adds it.
    const MAY_BE_SHOWN: &str = "AB AH AM AN AO AP AQ BG BH BI BK BL BO BS BT BV BW BX BZ CA CB CC CF \
                                CI CJ CK CL CM CP CQ CV";

    /// Every message of the standard: a field is known only in those that have it.
    const CODES: [&str; 31] = [
        "01", "09", "10", "11", "12", "15", "16", "17", "18", "19", "20", "23", "24", "25", "26",
        "29", "30", "35", "36", "37", "38", "63", "64", "65", "66", "93", "94", "96", "97", "98",
        "99",
    ];

    #[test]
    fn no_field_of_a_person_is_shown() {
        let profile = Profile {
            error_detection: ErrorDetection::Off,
            ..Profile::default()
        };
        let may_be_shown: Vec<&str> = MAY_BE_SHOWN.split_whitespace().collect();
        let letters = || (b'A'..=b'Z').map(char::from);
        let fields = letters().flat_map(|a| letters().map(move |b| format!("{a}{b}")));
        let hidden = fields.filter(|field| !may_be_shown.contains(&field.as_str()));
        // Nothing but the field itself gives these away; the last is for fields that hold a number.
        let said = ["Zoe", "A4302", "zoe@x.cn", "13907331234", "4302"];
        for field in hidden {
            for code in CODES {
                for value in said {
                    let line = format!("{code}00020170630    141540AOmain|{field}{value}|");
                    let shown = profile.redacted(line.as_bytes());
                    assert!(!shown.contains(value), "{line}: {shown}");
                    assert!(shown.starts_with(code), "{shown}");
                    // A line that cannot be read hides everything, and would prove nothing.
                    assert!(!shown.ends_with("unread"), "{line}: {shown}");
                }
            }
        }
    }

    #[test]
    fn an_identity_card_scanned_as_an_item_is_not_shown() {
        let profile = Profile {
            error_detection: ErrorDetection::Off,
            ..Profile::default()
        };
        for item in [
            CANARY,
            "43028120000101001X",
            "430281 20000101 0018",
            "４３０２８１２００００１０１００１８",
        ] {
            let shown =
                profile.redacted(format!("17{}AOmain|AB{item}|", " ".repeat(18)).as_bytes());
            assert!(shown.ends_with("AOmain|AB***|AC***|") || shown.ends_with("AOmain|AB***|"));
        }
        let shown =
            profile.redacted(format!("17{}AOmain|AB31234000012345|", " ".repeat(18)).as_bytes());
        assert!(shown.contains("AB31234000012345|"), "{shown}");
    }

    #[test]
    fn a_card_known_for_one_is_not_shown_where_an_item_should_be() {
        let profile = Profile {
            error_detection: ErrorDetection::Off,
            ..Profile::default()
        };
        let line = format!("17{}AOmain|AB0012345678|", " ".repeat(18));
        let is_reader = |value: &str| value.len() == 10;
        let shown = profile.redacted_knowing(line.as_bytes(), &is_reader);
        assert!(shown.contains("AOmain|AB***|"), "{shown}");
        assert!(profile.redacted(line.as_bytes()).contains("0012345678"));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_code_and_length() {
        let profile = Profile::default();
        assert_eq!(
            profile.redacted(b"23\xFFAOmain|AA\xFF430281|"),
            "23 and 18 bytes unread"
        );
        assert_eq!(profile.redacted(b"AA430281|"), "9 bytes unread");
        assert_eq!(profile.redacted(b""), "0 bytes unread");
        assert_eq!(profile.redacted(b"42AA430281|"), "42 and 9 bytes unread");
    }

    #[test]
    fn a_message_shows_what_it_does() {
        let checkout = crate::Checkout {
            institution_id: "main".to_owned(),
            patron_identifier: crate::Private::new("A4302"),
            item_identifier: "B001".to_owned(),
            ..crate::Checkout::default()
        };
        let blank = " ".repeat(36);
        assert_eq!(
            redacted(&Request::from(checkout.clone())),
            format!("11NN{blank}AOmain|AA***|ABB001|AC|")
        );
        assert!(!format!("{checkout:?}").contains("A4302"));
    }
}
