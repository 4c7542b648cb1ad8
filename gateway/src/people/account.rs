//! What an account may be called, and what may be its password.
//!
//! Length is the rule, as NIST SP 800-63B-4 §3.1.1 has it: no classes of characters, no expiry.

use std::fmt;

use super::Typed;

/// Characters of the shortest password.
const PASSWORD_MIN: usize = 12;
/// Characters of the longest password: a sentence, and no load for the hash.
const PASSWORD_MAX: usize = 256;
/// Characters of the longest name.
const NAME_MAX: usize = 80;
/// How the audit names those who are no person: no account may look like one of them.
const NOT_A_PERSON: [&str; 6] = [
    "address ",
    "admin token",
    "command line",
    "device ",
    "gateway",
    "token ",
];

/// The name of an account: what the audit says of who did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(String);

/// No name for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name has 1 to 80 characters, no control characters, and does not begin like \
     \"admin token\", \"command line\", \"token …\", \"device …\", \"address …\" or \"gateway\""
)]
pub struct NotAName;

/// No password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too few characters.
    #[error("a password has at least {PASSWORD_MIN} characters")]
    Short,
    /// Too many.
    #[error("a password has at most {PASSWORD_MAX} characters")]
    Long,
    /// The same character again and again.
    #[error("a password is not one character again and again")]
    Uniform,
    /// What everybody tries first.
    #[error("a password is not the name of the account or of the library")]
    Name,
}

impl AccountName {
    /// Reads a name as somebody typed it.
    ///
    /// # Errors
    /// Where it is none.
    pub fn read(text: &str) -> Result<Self, NotAName> {
        let name = text.trim();
        let fits = (1..=NAME_MAX).contains(&name.chars().count());
        let folded = name.to_lowercase();
        let is_taken = NOT_A_PERSON.iter().any(|taken| folded.starts_with(taken));
        match fits && !is_taken && !name.chars().any(char::is_control) {
            true => Ok(Self(name.to_owned())),
            false => Err(NotAName),
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// That this may be the password of that account in that library.
///
/// # Errors
/// Which rule it breaks.
pub(super) fn check_password(
    password: &Typed,
    name: &AccountName,
    library: &str,
) -> Result<(), WeakPassword> {
    let password = password.reveal();
    let length = password.chars().count();
    let folded = password.trim().to_lowercase();
    let mut characters = password.chars();
    let first = characters.next();
    if length < PASSWORD_MIN {
        Err(WeakPassword::Short)
    } else if length > PASSWORD_MAX {
        Err(WeakPassword::Long)
    } else if characters.all(|character| Some(character) == first) {
        Err(WeakPassword::Uniform)
    } else if folded == name.as_str().to_lowercase() || folded == library.trim().to_lowercase() {
        Err(WeakPassword::Name)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_no_name() {
        let name = AccountName::read("Zhang Xiaoming").unwrap();
        let check = |password: &str| {
            check_password(&Typed::new(password), &name, "株洲市图书馆渌江书院分馆")
        };
        for (password, verdict) in [
            ("elevenchars", Err(WeakPassword::Short)),
            ("twelve chars", Ok(())),
            ("白日依山尽黄河入海流欲穷", Ok(())),
            ("zhang xiaoming", Err(WeakPassword::Name)),
            ("株洲市图书馆渌江书院分馆", Err(WeakPassword::Name)),
            ("aaaaaaaaaaaaaaaa", Err(WeakPassword::Uniform)),
        ] {
            assert_eq!(check(password), verdict, "{password}");
        }
        assert_eq!(check(&"ab".repeat(128)), Ok(()));
        assert_eq!(check(&"ab".repeat(129)), Err(WeakPassword::Long));
    }

    #[test]
    fn a_name_is_of_a_person() {
        for name in ["admin", "张晓明", " Li Wei ", "Tokenaga", "x"] {
            assert_eq!(AccountName::read(name).unwrap().as_str(), name.trim());
        }
        for name in [
            "",
            "  ",
            "a\nb",
            "token ci",
            "Admin Token",
            "command line, uid 0",
        ] {
            assert_eq!(AccountName::read(name), Err(NotAName), "{name:?}");
        }
        assert!(AccountName::read(&"x".repeat(81)).is_err());
    }
}
