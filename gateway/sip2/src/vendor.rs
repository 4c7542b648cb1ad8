//! A message of a vendor's own: two digits the standard does not have, and text that is handed on
//! as it is. Nobody here knows what stands in it, so nothing of it is ever shown.

use std::fmt;

use crate::error::{Command, DecodeError};
use crate::field::{DELIMITER, FieldId};
use crate::fixed::FixedPart;
use crate::message::{Body, sealed};
use crate::writer::Writer;

/// What stands for a byte that is no character.
const NO_CHARACTER: char = '\u{FFFD}';

/// A message of a vendor's own. Debug shows its code and length only.
#[derive(Clone, PartialEq, Eq)]
pub struct VendorMessage {
    command: Command,
    text: String,
}

impl VendorMessage {
    /// What the first field of this name says, where the fields begin after so many characters.
    #[must_use]
    pub fn field(&self, fixed_width: usize, id: FieldId) -> Option<&str> {
        let (start, _) = self
            .text
            .char_indices()
            .chain([(self.text.len(), DELIMITER)])
            .nth(fixed_width)?;
        let mut fields = self.text[start..].split(DELIMITER);
        fields.find_map(|field| field.strip_prefix(id.as_str()))
    }

    pub(crate) fn write(&self, out: &mut Writer) {
        out.opaque(&self.text);
    }
}

impl Body for VendorMessage {
    fn command(&self) -> Command {
        self.command
    }
}

impl sealed::Body for VendorMessage {
    #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
    fn read(command: Command, text: FixedPart<'_>, _strict: bool) -> Result<Self, DecodeError> {
        let text = text.rest().to_owned();
        // Any of it may be whom it is about: a wrong character could name somebody else.
        match text.contains(NO_CHARACTER) {
            true => Err(DecodeError::Opaque { command }),
            false => Ok(Self { command, text }),
        }
    }

    #[expect(private_interfaces, reason = "sealed: nobody else can name the trait")]
    fn write(&self, out: &mut Writer) {
        Self::write(self, out);
    }
}

impl fmt::Debug for VendorMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.command, self.text.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Charset, EncodeError, ErrorDetection, Profile, Request, Sequence, redacted};

    fn profile(charset: Charset, error_detection: ErrorDetection) -> Profile {
        Profile {
            charset,
            error_detection,
            ..Profile::default()
        }
    }

    fn id(text: [u8; 2]) -> FieldId {
        FieldId::new(text).unwrap()
    }

    #[test]
    fn what_a_vendor_says_reaches_the_other_side_in_its_own_charset_with_its_own_sum() {
        let machine = profile(Charset::Gbk, ErrorDetection::Off);
        let acs = profile(Charset::Utf8, ErrorDetection::Standard);
        let (line, _, _) = encoding_rs::GBK.encode("81YN20261125    101500AA4302|XK一卡通|");
        let said = machine.decode::<VendorMessage>(&line).unwrap();
        let sent = acs.encode(&said.body, Sequence::new(3)).unwrap();
        let heard = acs.decode::<VendorMessage>(&sent).unwrap();
        assert_eq!(heard.body, said.body);
        assert_eq!(heard.sequence, Sequence::new(3));
        assert_eq!(
            machine.encode(&heard.body, None).unwrap(),
            [&line[..], b"\r"].concat()
        );
    }

    #[test]
    fn a_field_is_found_behind_what_stands_before_the_fields() {
        let profile = profile(Charset::Utf8, ErrorDetection::Off);
        let line = "81YN20261125    101500AA4302|XK一卡通||XK2|";
        let said = profile
            .decode::<VendorMessage>(line.as_bytes())
            .unwrap()
            .body;
        assert_eq!(said.field(20, id(*b"AA")), Some("4302"));
        assert_eq!(said.field(20, id(*b"XK")), Some("一卡通"));
        assert_eq!(said.field(20, id(*b"ZZ")), None);
        assert_eq!(
            said.field(0, id(*b"AA")),
            None,
            "the first field begins later"
        );
        assert_eq!(said.field(10_000, id(*b"AA")), None);
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let profile = profile(Charset::Utf8, ErrorDetection::Off);
        let line = b"81YNAA430281200001010018|ABB000001|";
        let said = profile.decode::<VendorMessage>(line).unwrap().body;
        for shown in [
            redacted(&said),
            redacted(&Request::from(said.clone())),
            profile.redacted(line),
            format!("{said:?}"),
        ] {
            assert!(
                !shown.contains("4302") && !shown.contains("B000001"),
                "{shown}"
            );
            assert!(shown.starts_with("81"), "{shown}");
        }
    }

    #[test]
    fn what_the_other_side_has_no_characters_for_is_not_handed_on() {
        let utf8 = profile(Charset::Utf8, ErrorDetection::Off);
        let said = utf8.decode::<VendorMessage>("81AA王|".as_bytes()).unwrap();
        let cp850 = profile(Charset::Cp850, ErrorDetection::Off);
        let refused = cp850.encode(&said.body, None).unwrap_err();
        assert!(matches!(refused, EncodeError::Opaque { .. }), "{refused}");
        let refused = utf8.decode::<VendorMessage>(b"81AA\xFF|").unwrap_err();
        assert!(matches!(refused, DecodeError::Opaque { .. }), "{refused}");
    }
}
