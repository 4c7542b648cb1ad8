//! Any value of any message, for property tests: made from bytes that the test chooses, so that
//! its seed gives the same one again.

use crate::charset::Charset;
use crate::date::{SipDate, VariableDate, Zone};
use crate::field::{Field, FieldId, Private};
use crate::item::{
    AlertType, CirculationStatus, Currency, FeeType, MediaType, PaymentType, SecurityMarker,
};
use crate::language::Language;
use crate::patron::{HoldMode, PatronStatus, Summary};
use crate::supported::SupportedMessages;
use crate::terminal::{Algorithm, Retries, ScStatusCode, Timeout, Version};

/// Characters that have been trouble: two bytes in GBK of which the second is the delimiter's or a
/// letter's, four bytes in GB18030, letters that begin a trailer, and what cp850 has.
const CHARACTERS: [char; 20] = [
    'A', 'Y', 'Z', '4', 'é', 'ü', '░', '瘄', '渌', '江', '怪', '亅', '々', '📖', '嬨', ' ', '*',
    '0', '乗', '渋',
];

/// Bytes to choose by; when they are used up, every choice is the first.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    bytes: std::slice::Iter<'a, u8>,
    carried: Vec<char>,
}

/// A type of which any value can be made.
pub(crate) trait Sample {
    fn sample(source: &mut Source<'_>) -> Self;
}

impl<'a> Source<'a> {
    /// Texts are of characters that `charset` carries.
    pub(crate) fn new(bytes: &'a [u8], charset: Charset) -> Self {
        let carried = CHARACTERS
            .into_iter()
            .filter(|char| charset.carries(&char.to_string()));
        Self {
            bytes: bytes.iter(),
            carried: carried.collect(),
        }
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.bytes.next().copied().unwrap_or(0)) % end
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub(crate) fn text(&mut self) -> String {
        (0..self.below(9))
            .map(|_| {
                let place = self.below(self.carried.len());
                self.carried[place]
            })
            .collect()
    }

    /// Fields that the message does not know.
    pub(crate) fn other_fields(&mut self, known: &[&str]) -> Vec<Field> {
        let foreign = [*b"KC", *b"KQ", *b"KP", *b"zz", *b"11", *b"PB"];
        assert!(
            foreign
                .iter()
                .all(|id| !known.iter().any(|known| known.as_bytes() == id))
        );
        (0..self.below(4))
            .map(|_| {
                let id = FieldId::new(self.one_of(&foreign)).unwrap();
                Field {
                    id,
                    value: self.text(),
                }
            })
            .collect()
    }
}

impl Sample for bool {
    fn sample(source: &mut Source<'_>) -> Self {
        source.below(2) == 1
    }
}

impl Sample for u16 {
    fn sample(source: &mut Source<'_>) -> Self {
        source.one_of(&[0, 1, 12, 80, 999])
    }
}

impl Sample for String {
    fn sample(source: &mut Source<'_>) -> Self {
        source.text()
    }
}

impl Sample for Private {
    fn sample(source: &mut Source<'_>) -> Self {
        Self::new(source.text())
    }
}

impl<T: Sample> Sample for Option<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        bool::sample(source).then(|| T::sample(source))
    }
}

impl<T: Sample> Sample for Vec<T> {
    fn sample(source: &mut Source<'_>) -> Self {
        (0..source.below(4)).map(|_| T::sample(source)).collect()
    }
}

impl Sample for SipDate {
    fn sample(source: &mut Source<'_>) -> Self {
        let date = jiff::civil::date(
            source.one_of(&[0, 1996, 2026, 9_999]),
            source.one_of(&[1, 2, 12]),
            source.one_of(&[1, 28]),
        );
        let when = date.at(source.one_of(&[0, 9, 23]), source.one_of(&[0, 59]), 5, 0);
        Self {
            when,
            zone: source.one_of(&[Zone::Local, Zone::Utc]),
        }
    }
}

impl Sample for VariableDate {
    fn sample(source: &mut Source<'_>) -> Self {
        match source.below(3) {
            0 => Self::new(source.text()),
            1 => Self::new("2017-10-28"),
            _ => SipDate::sample(source).into(),
        }
    }
}

impl Sample for PatronStatus {
    fn sample(source: &mut Source<'_>) -> Self {
        Self {
            charge_privileges_denied: bool::sample(source),
            renewal_privileges_denied: bool::sample(source),
            recall_privileges_denied: bool::sample(source),
            hold_privileges_denied: bool::sample(source),
            card_reported_lost: bool::sample(source),
            too_many_items_charged: bool::sample(source),
            too_many_items_overdue: bool::sample(source),
            too_many_renewals: bool::sample(source),
            too_many_claims_of_items_returned: bool::sample(source),
            too_many_items_lost: bool::sample(source),
            excessive_outstanding_fines: bool::sample(source),
            excessive_outstanding_fees: bool::sample(source),
            recall_overdue: bool::sample(source),
            too_many_items_billed: bool::sample(source),
        }
    }
}

impl Sample for SupportedMessages {
    fn sample(source: &mut Source<'_>) -> Self {
        source.one_of(&[Self::default(), Self::all()])
    }
}

/// One of these.
macro_rules! choices {
    ($($type:ty: $($value:expr),+;)*) => {
        $(impl Sample for $type {
            fn sample(source: &mut Source<'_>) -> Self {
                source.one_of(&[$($value),+])
            }
        })*
    };
}

choices! {
    Algorithm: Algorithm::NONE;
    AlertType: AlertType::UNKNOWN, AlertType::OTHER;
    CirculationStatus: CirculationStatus::Other, CirculationStatus::Charged,
        CirculationStatus::Missing, CirculationStatus::Local(0), CirculationStatus::Local(99);
    Currency: Currency::CNY, Currency::new(*b"USD").unwrap();
    FeeType: FeeType::OTHER, FeeType::HOLD;
    HoldMode: HoldMode::Add, HoldMode::Delete, HoldMode::Change;
    Language: Language::CHINESE, Language::ENGLISH, Language::UNKNOWN;
    MediaType: MediaType::OTHER, MediaType::BOOK;
    PaymentType: PaymentType::CASH, PaymentType::VISA;
    Retries: Retries::Times(0), Retries::Times(998), Retries::Unknown;
    ScStatusCode: ScStatusCode::Ok, ScStatusCode::OutOfPaper, ScStatusCode::ShuttingDown;
    SecurityMarker: SecurityMarker::OTHER, SecurityMarker::TATTLE_TAPE;
    Summary: Summary::HoldItems, Summary::ChargedItems, Summary::FeeItems;
    Timeout: Timeout::Offline, Timeout::Tenths(1), Timeout::Tenths(998), Timeout::Unknown;
    Version: Version::TWO;
}
