//! BX: which of the standard's requests a library system answers.

use crate::error::Command;
use crate::field::FieldValue;

/// The requests in the order of the flags in BX. `97` is among them, `94` is not: a flag is of
/// what the SC sends.
const ORDER: [&[u8; 2]; 16] = [
    b"23", b"11", b"09", b"01", b"99", b"97", b"93", b"63", b"35", b"37", b"17", b"19", b"25",
    b"15", b"29", b"65",
];

/// Sixteen flags, one for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SupportedMessages(u16);

impl SupportedMessages {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self(u16::MAX)
    }

    /// Those of the list; what has no flag is passed over.
    #[must_use]
    pub fn of(commands: &[Command]) -> Self {
        let flag = |command: &Command| ORDER.iter().position(|request| **request == command.0);
        Self(
            commands
                .iter()
                .filter_map(flag)
                .fold(0, |flags, place| flags | 1 << place),
        )
    }

    /// Whether that request is answered.
    #[must_use]
    pub fn includes(self, command: Command) -> bool {
        let place = ORDER.iter().position(|request| **request == command.0);
        place.is_some_and(|place| self.0 & 1 << place != 0)
    }
}

/// Some systems send fewer flags, or more: the missing ones are off, the further ones mean nothing.
impl FieldValue for SupportedMessages {
    fn from_text(text: &str) -> Option<Self> {
        let flags = text.bytes().take(ORDER.len()).enumerate();
        let on = flags.filter(|(_, flag)| matches!(flag, b'Y' | b'y'));
        Some(Self(on.fold(0, |flags, (place, _)| flags | 1 << place)))
    }

    fn to_text(&self) -> String {
        (0..ORDER.len())
            .map(|place| if self.0 & 1 << place == 0 { 'N' } else { 'Y' })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_is_one_request() {
        let checkout = Command(*b"11");
        let only = SupportedMessages::of(&[checkout]);
        assert_eq!(only.to_text(), "NYNNNNNNNNNNNNNN");
        assert!(only.includes(checkout));
        assert!(!only.includes(Command(*b"09")));
        assert!(
            !SupportedMessages::all().includes(Command(*b"98")),
            "98 is nobody's request"
        );
    }

    #[test]
    fn short_and_long_lists_are_read() {
        let short = SupportedMessages::from_text("YY").unwrap();
        assert!(short.includes(Command(*b"11")) && !short.includes(Command(*b"65")));
        assert_eq!(
            SupportedMessages::from_text(&"Y".repeat(40)),
            Some(SupportedMessages::all())
        );
    }
}
