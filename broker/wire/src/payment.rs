//! `library.payment.unresolved.v1`: a payment at a self-checkout that the library system was told
//! of and never confirmed. Nobody knows whether it was taken down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Label;

/// Longest amount, in characters: an identity-card number in its place is longer.
const AMOUNT_LENGTH_MAX: usize = 12;

/// A payment whose fate is unknown. It names no reader: whose it is, the machine's slip and the
/// library system say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentUnresolved {
    /// How much, in digits and at most one point, as the machine said it; none where it said
    /// something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Label>,
    /// The currency, three letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Label>,
    /// The session at the device; it begins with the machine's name, and names nobody.
    pub session: Label,
}

impl PaymentUnresolved {
    /// What may stand as an amount.
    #[must_use]
    pub fn is_amount(text: &str) -> bool {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let is_number =
            |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        text.len() <= AMOUNT_LENGTH_MAX && is_number(whole) && is_number(part)
    }

    /// What may stand as a currency.
    #[must_use]
    pub fn is_currency(text: &str) -> bool {
        text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    /// Checks what the types cannot say; the error is the place below `data` and the reason.
    pub(crate) fn validate(&self) -> Result<(), (String, String)> {
        let is_good = |text: &Option<Label>, is: fn(&str) -> bool| {
            text.as_ref().is_none_or(|text| is(text.as_str()))
        };
        let wrong = |place: &str, reason: &str| Err((place.to_owned(), reason.to_owned()));
        if !is_good(&self.amount, Self::is_amount) {
            return wrong(
                "amount",
                "expected at most 12 digits with at most one point",
            );
        }
        if !is_good(&self.currency, Self::is_currency) {
            return wrong("currency", "expected three letters A-Z");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_and_too_short_for_an_identity_card() {
        for amount in ["0", "3.50", "12", "123456789.10"] {
            assert!(PaymentUnresolved::is_amount(amount), "{amount}");
        }
        for other in [
            "",
            ".5",
            "3.",
            "3,50",
            "-1",
            "1.2.3",
            "430281200001010018",
            "1e3",
        ] {
            assert!(!PaymentUnresolved::is_amount(other), "{other}");
        }
    }
}
