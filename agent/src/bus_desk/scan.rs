//! A scan as it comes, from a scanner or from fingers: one form for what is written in many ways
//! (full-width digits, blanks, the line ends of scanners), and the commands that stand on the
//! printed card among the keys.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;

/// Longest code in characters, as on the wire; a scanner that stutters for ever is cut here.
const LENGTH_MAX: usize = 200;

/// What all commands begin with: no barcode of a library does.
const COMMAND_PREFIX: &str = "LJ-";

/// One scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scan {
    /// A command of the printed card.
    Command(Command),
    /// A reader's card or an item.
    Code(Code),
}

/// What a code says; which sort it is of is for the lending rules to know. It may be a reader's,
/// so it is not shown in logs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Code(String);

/// What the keys do; each has a barcode of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// F1: lend.
    Lend,
    /// F2: take back.
    Return,
    /// F3: lend on.
    Renew,
    /// F4: undo the last.
    Undo,
    /// Let the next reader come.
    NextReader,
}

impl Command {
    /// All of them, in the order of the keys.
    pub(crate) const ALL: [Self; 5] = [
        Self::Lend,
        Self::Return,
        Self::Renew,
        Self::Undo,
        Self::NextReader,
    ];

    /// What its barcode says.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Lend => "LJ-LEND",
            Self::Return => "LJ-RETURN",
            Self::Renew => "LJ-RENEW",
            Self::Undo => "LJ-UNDO",
            Self::NextReader => "LJ-READER",
        }
    }
}

impl Scan {
    /// Reads a scan; none where nothing is left of it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let code = normalise(text);
        if code.is_empty() {
            return None;
        }
        let upper = code.to_ascii_uppercase();
        let command = Command::ALL.into_iter().find(|it| it.code() == upper);
        Some(command.map_or(Self::Code(Code(code)), Self::Command))
    }
}

impl Code {
    /// The code itself, for whoever decides about it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it looks like a command that is none.
    pub(crate) fn is_unknown_command(&self) -> bool {
        let upper = self.0.to_ascii_uppercase();
        upper.starts_with(COMMAND_PREFIX)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// NFKC, no control characters, no blank at either end, cut to what a label holds.
pub(crate) fn normalise(text: &str) -> String {
    let printed: String = text.chars().filter(|c| !c.is_control()).collect();
    let one_form = ComposingNormalizerBorrowed::new_nfkc().normalize(&printed);
    let cut: String = one_form.trim().chars().take(LENGTH_MAX).collect();
    cut.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(text: &str) -> String {
        match Scan::read(text) {
            Some(Scan::Code(code)) => code.reveal().to_owned(),
            Some(Scan::Command(command)) => panic!("{command:?}"),
            None => String::new(),
        }
    }

    #[test]
    fn full_width_forms_blanks_and_line_ends_are_the_same_code() {
        for text in [
            "０２３０４１７",
            " 0230417\r\n",
            "\u{3000}0230417",
            "0230417\t",
            "\u{2}0230417\u{3}",
        ] {
            assert_eq!(code(text), "0230417", "{text:?}");
        }
        assert_eq!(code("ｘ１"), "x1");
    }

    #[test]
    fn nothing_is_no_scan() {
        for text in ["", " ", "\r\n", "\u{3000}"] {
            assert_eq!(Scan::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn commands_are_read_in_either_case_and_unknown_ones_are_known_as_such() {
        for command in Command::ALL {
            for text in [
                command.code().to_owned(),
                command.code().to_lowercase() + "\n",
            ] {
                assert_eq!(Scan::read(&text), Some(Scan::Command(command)));
            }
        }
        let Some(Scan::Code(unknown)) = Scan::read("LJ-DANCE") else {
            panic!("a code");
        };
        assert!(unknown.is_unknown_command());
    }

    #[test]
    fn a_code_is_never_shown() {
        let scan = Scan::read("430223199001011234").unwrap();
        assert!(!format!("{scan:?}").contains("4302"));
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_as_itself_and_fits_a_label(text in any::<String>()) {
            if let Some(Scan::Code(read)) = Scan::read(&text) {
                prop_assert_eq!(code(read.reveal()), read.reveal());
                prop_assert!(read.reveal().parse::<lujiang_wire::Label>().is_ok());
            }
        }
    }
}
