//! What is said of an item and of money, as numbers from the standard's lists. A number that the
//! lists do not have is kept: libraries have their own.

use crate::field::FieldValue;
use crate::fixed::{Codec, digits};

/// Where an item is in its circulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CirculationStatus {
    /// 01, and what its sender left blank.
    #[default]
    Other,
    /// 02.
    OnOrder,
    /// 03.
    Available,
    /// 04: on loan.
    Charged,
    /// 05: on loan, and not to be recalled before its earliest recall date.
    ChargedNotToBeRecalled,
    /// 06.
    InProcess,
    /// 07.
    Recalled,
    /// 08.
    WaitingOnHoldShelf,
    /// 09.
    WaitingToBeReshelved,
    /// 10.
    InTransit,
    /// 11.
    ClaimedReturned,
    /// 12.
    Lost,
    /// 13.
    Missing,
    /// A number of the library's own, 14 to 99, or 00.
    Local(u8),
}

impl CirculationStatus {
    fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Other,
            2 => Self::OnOrder,
            3 => Self::Available,
            4 => Self::Charged,
            5 => Self::ChargedNotToBeRecalled,
            6 => Self::InProcess,
            7 => Self::Recalled,
            8 => Self::WaitingOnHoldShelf,
            9 => Self::WaitingToBeReshelved,
            10 => Self::InTransit,
            11 => Self::ClaimedReturned,
            12 => Self::Lost,
            13 => Self::Missing,
            number => Self::Local(number),
        }
    }

    fn number(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::OnOrder => 2,
            Self::Available => 3,
            Self::Charged => 4,
            Self::ChargedNotToBeRecalled => 5,
            Self::InProcess => 6,
            Self::Recalled => 7,
            Self::WaitingOnHoldShelf => 8,
            Self::WaitingToBeReshelved => 9,
            Self::InTransit => 10,
            Self::ClaimedReturned => 11,
            Self::Lost => 12,
            Self::Missing => 13,
            Self::Local(number) => number.min(99),
        }
    }
}

impl Codec for CirculationStatus {
    type Value = Self;
    const WIDTH: usize = 2;

    fn read(text: &str) -> Option<Self> {
        two_digits(text).map(Self::from_number)
    }

    fn write(value: &Self, out: &mut String) {
        out.push_str(&format!("{:02}", value.number()));
    }
}

/// A number of two digits from one of the standard's lists.
macro_rules! two_digits {
    ($(#[$doc:meta])* $name:ident { $($(#[$constant_doc:meta])* $constant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $name(u8);

        impl $name {
            $($(#[$constant_doc])* pub const $constant: Self = Self($number);)*

            /// The number in the list; none beyond two digits.
            #[must_use]
            pub fn new(number: u8) -> Option<Self> {
                (number < 100).then_some(Self(number))
            }

            /// Its number.
            #[must_use]
            pub fn number(self) -> u8 {
                self.0
            }
        }

        impl Codec for $name {
            type Value = Self;
            const WIDTH: usize = 2;

            fn read(text: &str) -> Option<Self> {
                two_digits(text).map(Self)
            }

            fn write(value: &Self, out: &mut String) {
                out.push_str(&format!("{:02}", value.0));
            }
        }

        impl FieldValue for $name {
            fn from_text(text: &str) -> Option<Self> {
                two_digits(text).map(Self)
            }

            fn to_text(&self) -> String {
                format!("{:02}", self.0)
            }
        }
    };
}

two_digits! {
    /// How an item is marked against theft.
    SecurityMarker {
        /// Other.
        OTHER = 0,
        /// None.
        NONE = 1,
        /// A 3M Tattle-Tape strip.
        TATTLE_TAPE = 2,
        /// A 3M Whisper tape.
        WHISPER_TAPE = 3,
    }
}

two_digits! {
    /// What a fee is for.
    FeeType {
        /// Other, or unknown.
        OTHER = 1,
        /// Administrative.
        ADMINISTRATIVE = 2,
        /// Damage.
        DAMAGE = 3,
        /// Overdue.
        OVERDUE = 4,
        /// Processing.
        PROCESSING = 5,
        /// Rental.
        RENTAL = 6,
        /// Replacement.
        REPLACEMENT = 7,
        /// For the computer.
        COMPUTER_ACCESS = 8,
        /// For a hold.
        HOLD = 9,
    }
}

two_digits! {
    /// How a fee is paid.
    PaymentType {
        /// Cash.
        CASH = 0,
        /// A VISA card.
        VISA = 1,
        /// A credit card.
        CREDIT_CARD = 2,
    }
}

two_digits! {
    /// Why an item that was returned wants attention (CV).
    AlertType {
        /// Unknown.
        UNKNOWN = 0,
        /// On hold, to be picked up here.
        HOLD_HERE = 1,
        /// On hold, to be picked up at another branch.
        HOLD_ELSEWHERE = 2,
        /// On hold for another library.
        HOLD_INTERLIBRARY = 3,
        /// It belongs to another branch.
        OTHER_BRANCH = 4,
        /// Other.
        OTHER = 99,
    }
}

/// What kind of thing an item is (CK), three digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct MediaType(u16);

impl MediaType {
    /// Other.
    pub const OTHER: Self = Self(0);
    /// A book.
    pub const BOOK: Self = Self(1);
    /// A magazine.
    pub const MAGAZINE: Self = Self(2);

    /// The number in the standard's list; none beyond three digits.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number < 1_000).then_some(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }
}

impl FieldValue for MediaType {
    fn from_text(text: &str) -> Option<Self> {
        if text.len() == 3 {
            digits(text).map(Self)
        } else {
            None
        }
    }

    fn to_text(&self) -> String {
        format!("{:03}", self.0)
    }
}

/// Three capital letters of ISO 4217; blanks where its sender does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Renminbi.
    pub const CNY: Self = Self(*b"CNY");
    /// Not said.
    pub const UNKNOWN: Self = Self(*b"   ");

    /// Three capital letters.
    #[must_use]
    pub fn new(code: [u8; 3]) -> Option<Self> {
        code.iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(code))
    }

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of ASCII letters or blanks only")
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Codec for Currency {
    type Value = Self;
    const WIDTH: usize = 3;

    fn read(text: &str) -> Option<Self> {
        if text == "   " {
            Some(Self::UNKNOWN)
        } else {
            Self::from_text(text)
        }
    }

    fn write(value: &Self, out: &mut String) {
        out.push_str(value.as_str());
    }
}

impl FieldValue for Currency {
    fn from_text(text: &str) -> Option<Self> {
        Self::new(text.as_bytes().try_into().ok()?)
    }

    fn to_text(&self) -> String {
        self.as_str().to_owned()
    }
}

fn two_digits(text: &str) -> Option<u8> {
    let number = if text.len() == 2 { digits(text) } else { None };
    number.and_then(|number| u8::try_from(number).ok())
}
