//! How long a certificate is still good, and when somebody must be told.
//!
//! A chain that the operator brings is replaced by the operator's own tools, usually with a third
//! of its life left; where that did not happen, there is still time to do it by hand.

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Validity;

/// The alarm is raised when less than one part in so many of its life is left.
const LAST_PART: i32 = 6;

/// The alarm is raised so long before the end at the earliest: a year's certificate needs no two
/// months of warning.
const WARNING_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How it stands with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is good for a while.
    Good,
    /// It ends soon, and should have been replaced.
    EndsSoon,
    /// It has ended: whoever looks at dates refuses it.
    Ended,
    /// It has not begun: so too.
    NotBegun,
}

impl Standing {
    /// As the API and the log name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::EndsSoon => "ends-soon",
            Self::Ended => "ended",
            Self::NotBegun => "not-begun",
        }
    }
}

impl Validity {
    /// How it stands now.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        let life = self.not_after.duration_since(self.not_before);
        let warning = (life / LAST_PART).min(WARNING_MAX);
        match self.not_after.duration_since(now) {
            _ if now < self.not_before => Standing::NotBegun,
            left if left < SignedDuration::ZERO => Standing::Ended,
            left if left < warning => Standing::EndsSoon,
            _ => Standing::Good,
        }
    }

    /// When the whole chain is good: from its youngest certificate's begin to the first end. None
    /// where it cannot be read.
    pub(super) fn of_chain(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let each = chain.iter().map(|der| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            let validity = certificate.validity();
            Some(Self {
                not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
                not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
            })
        });
        let each = each.collect::<Option<Vec<_>>>()?;
        each.into_iter().reduce(|one, other| Self {
            not_before: one.not_before.max(other.not_before),
            not_after: one.not_after.min(other.not_after),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stands(from: &str, to: &str, now: &str) -> Standing {
        let (not_before, not_after) = (at(from), at(to));
        let validity = Validity {
            not_before,
            not_after,
        };
        validity.standing(at(now))
    }

    #[test]
    fn the_alarm_is_raised_in_the_last_sixth_and_a_month_before_the_end_at_the_earliest() {
        // Ninety days: fifteen before the end, and not at thirty, when it is to be replaced.
        let ninety = |now| stands("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z", now);
        assert_eq!(ninety("2025-12-31T23:59:59Z"), Standing::NotBegun);
        assert_eq!(ninety("2026-03-02T00:00:00Z"), Standing::Good);
        assert_eq!(ninety("2026-03-17T00:00:00Z"), Standing::Good);
        assert_eq!(ninety("2026-03-17T00:00:01Z"), Standing::EndsSoon);
        assert_eq!(ninety("2026-04-01T00:00:00Z"), Standing::EndsSoon);
        assert_eq!(ninety("2026-04-01T00:00:01Z"), Standing::Ended);
        let years = |now| stands("2026-01-01T00:00:00Z", "2029-01-01T00:00:00Z", now);
        assert_eq!(years("2028-12-02T00:00:00Z"), Standing::Good);
        assert_eq!(years("2028-12-02T00:00:01Z"), Standing::EndsSoon);
        let six_days = |now| stands("2026-01-01T00:00:00Z", "2026-01-07T00:00:00Z", now);
        assert_eq!(six_days("2026-01-05T23:00:00Z"), Standing::Good);
        assert_eq!(six_days("2026-01-06T00:00:01Z"), Standing::EndsSoon);
    }
}
