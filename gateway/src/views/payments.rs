//! Payments nobody confirmed: one record each, for people to look into.

use lujiang_wire::{DeviceId, Label};

use crate::entry::EntryNumber;
use crate::views::calendar::instant;
use crate::views::codec::{Decoder, Encoder};
use crate::views::key::{DeviceKeys, Key};
use crate::views::lent::label;
use crate::views::pages::{Damage, Pages, read_all};
use crate::views::record::{Record, Tally};
use crate::views::report::UnresolvedPayment;

/// A payment as it is kept; its entry stands in the key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct PaymentSheet(pub(crate) Option<Payment>);

/// What is known of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payment {
    /// When: the second, corrected; of unknown time, when it was received.
    pub(crate) at: i64,
    /// Whether that is when it happened.
    pub(crate) is_dated: bool,
    /// How much, as the machine said.
    pub(crate) amount: Option<Label>,
    /// In which currency.
    pub(crate) currency: Option<Label>,
    /// The session at the machine.
    pub(crate) session: Label,
}

impl Record for PaymentSheet {
    fn encode(&self, encoder: &mut Encoder) {
        let Some(payment) = &self.0 else {
            encoder.number(0);
            return;
        };
        encoder.number(1).signed(payment.at);
        encoder.number(u64::from(payment.is_dated));
        for label in [&payment.amount, &payment.currency] {
            encoder.text(label.as_ref().map_or("", Label::as_str));
        }
        encoder.text(payment.session.as_str());
    }

    fn decode(decoder: &mut Decoder<'_>) -> Option<Self> {
        if decoder.number()? == 0 {
            return Some(Self(None));
        }
        Some(Self(Some(Payment {
            at: decoder.signed()?,
            is_dated: decoder.number()? != 0,
            amount: label(decoder)?,
            currency: label(decoder)?,
            session: decoder.text()?.parse().ok()?,
        })))
    }
}

/// The latest of these payments, at most so many, the newest first.
pub(crate) fn unresolved_payments(
    pages: &dyn Pages,
    limit: usize,
) -> Result<Vec<UnresolvedPayment>, Damage> {
    let mut all = Vec::new();
    let tallies: Vec<(Key, Tally)> = read_all(pages, &Key::tallies())?;
    for (key, _) in tallies {
        let Key::Tally(device) = key else { continue };
        for (key, sheet) in read_all(pages, &Key::of_device(DeviceKeys::Payments, &device))? {
            if let (Key::Payment(_, entry), PaymentSheet(Some(payment))) = (key, sheet) {
                all.push(told(device.clone(), entry, payment));
            }
        }
    }
    all.sort_by_key(|payment| std::cmp::Reverse((payment.at, payment.number)));
    all.truncate(limit);
    Ok(all)
}

fn told(device: DeviceId, entry: u64, payment: Payment) -> UnresolvedPayment {
    UnresolvedPayment {
        number: EntryNumber(entry.cast_signed()),
        device,
        at: instant(payment.at),
        is_dated: payment.is_dated,
        amount: payment.amount,
        currency: payment.currency,
        session: payment.session,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_is_read_back_as_it_was_written() {
        let payment = Payment {
            at: -7,
            is_dated: true,
            amount: Some("3.50".parse().unwrap()),
            currency: None,
            session: "desk-1 4".parse().unwrap(),
        };
        for sheet in [PaymentSheet(None), PaymentSheet(Some(payment))] {
            assert_eq!(PaymentSheet::from_bytes(&sheet.to_bytes()), Some(sheet));
        }
    }
}
