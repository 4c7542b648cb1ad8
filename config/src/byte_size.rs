//! A size in bytes, written `64KiB` in configuration.

use std::fmt;
use std::str::FromStr;

/// A size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// This many bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// This many KiB.
    #[must_use]
    pub const fn kib(kib: u64) -> Self {
        Self(kib * 1024)
    }

    /// This many MiB.
    #[must_use]
    pub const fn mib(mib: u64) -> Self {
        Self::kib(mib * 1024)
    }

    /// The size in bytes.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The size in bytes, as an index.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1024 * 1024;
        match self.0 {
            bytes if bytes > 0 && bytes % MIB == 0 => write!(f, "{}MiB", bytes / MIB),
            bytes if bytes > 0 && bytes % 1024 == 0 => write!(f, "{}KiB", bytes / 1024),
            bytes => write!(f, "{bytes}B"),
        }
    }
}

impl FromStr for ByteSize {
    type Err = ();

    /// Reads a whole number with `B`, `KiB`, `MiB` or `GiB`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit {
            "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(()),
        };
        let number: u64 = number.parse().map_err(|_| ())?;
        number.checked_mul(factor).map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_without_a_unit_or_with_a_decimal_one_is_refused() {
        for text in [
            "",
            "64",
            "64kb",
            "64KB",
            "KiB",
            "-1B",
            "1.5MiB",
            "64 KiB",
            "99999999999GiB",
        ] {
            assert_eq!(text.parse::<ByteSize>(), Err(()), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(bytes in 0..u64::MAX) {
            let size = ByteSize::bytes(bytes);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}
