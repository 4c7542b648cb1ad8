//! A record: an entry in the form it is stored in, and the checksum over all of it.

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{DeviceId, Event, Place};
use sha2::{Digest as _, Sha256};

use crate::entry::{Entry, EntryNumber, FactTime, QuarantineReason, TimeQuality, Verdict};
use crate::ledger::LedgerError;
use crate::ruling::Ruling;

/// First byte of what the checksum is taken over; another form of the record gets another.
const FORM: u8 = 1;

/// Bytes of a record beside its event, mostly; more are taken where there are more.
const BESIDE_BODY: usize = 256;

/// The SHA-256 of some content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The SHA-256 of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// An entry as stored. Times are whole microseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its number.
    pub number: EntryNumber,
    /// Whose connection it came over.
    pub device: DeviceId,
    /// When the door read it.
    pub received: Timestamp,
    /// Where it stands in the outbox, where that could be read.
    pub place: Option<Place>,
    /// What was made of it.
    pub outcome: Outcome,
    /// Of the content as received: what a repeat must equal.
    pub digest: Digest,
    /// The checksum as stored.
    pub crc: u32,
}

/// What was made of an element, as stored.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It counts.
    Accepted {
        /// The sealed event, in its canonical JSON form.
        body: String,
        /// When it happened.
        time: FactTime,
    },
    /// A person let it in: it counts.
    Admitted {
        /// The sealed event, in its canonical JSON form.
        body: String,
        /// When it happened.
        time: FactTime,
        /// Who let it in, when, why, and what.
        ruling: Ruling,
    },
    /// It is kept aside.
    Quarantined {
        /// Why.
        reason: QuarantineReason,
    },
}

impl Outcome {
    /// The name of the verdict in the stored form and in exports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => ACCEPTED,
            Self::Admitted { .. } => ADMITTED,
            Self::Quarantined { reason } => reason.as_str(),
        }
    }

    /// The event and its time, where it counts.
    #[must_use]
    pub fn counted(&self) -> Option<(&str, FactTime)> {
        match self {
            Self::Accepted { body, time } | Self::Admitted { body, time, .. } => {
                Some((body, *time))
            }
            Self::Quarantined { .. } => None,
        }
    }
}

impl Record {
    /// The CRC32C over everything the record says, its number included.
    #[must_use]
    pub fn checksum(&self) -> u32 {
        let body = self.outcome.counted().map_or(0, |(body, _)| body.len());
        let mut bytes = Vec::with_capacity(BESIDE_BODY + body);
        bytes.push(FORM);
        bytes.extend(self.number.0.to_be_bytes());
        put(&mut bytes, self.device.as_str().as_bytes());
        bytes.extend(self.received.as_microsecond().to_be_bytes());
        match &self.place {
            None => bytes.push(0),
            Some(place) => {
                bytes.push(1);
                put(&mut bytes, place.epoch.as_str().as_bytes());
                put(&mut bytes, place.stream.as_str().as_bytes());
                bytes.extend(place.sequence.get().to_be_bytes());
            }
        }
        bytes.push(match &self.outcome {
            Outcome::Accepted { .. } => 1,
            Outcome::Quarantined { .. } => 2,
            Outcome::Admitted { .. } => 3,
        });
        if let Some((body, time)) = self.outcome.counted() {
            put(&mut bytes, body.as_bytes());
            bytes.extend(correction_micros(time.correction).to_be_bytes());
            put(&mut bytes, time.quality.as_str().as_bytes());
        }
        match &self.outcome {
            Outcome::Accepted { .. } => {}
            Outcome::Quarantined { reason } => put(&mut bytes, reason.as_str().as_bytes()),
            Outcome::Admitted { ruling, .. } => put(&mut bytes, ruling_json(ruling).as_bytes()),
        }
        bytes.extend(self.digest.0);
        crc32c::crc32c(&bytes)
    }

    /// The entry, once the record has proved to be what was written.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] where the checksum does not fit or the event cannot be read.
    pub fn into_entry(self) -> Result<Entry, LedgerError> {
        let damaged = |found: String| LedgerError::Damaged {
            number: self.number.0,
            found,
        };
        let computed = self.checksum();
        if computed != self.crc {
            let found = format!("its CRC is {computed:08x}, stored is {:08x}", self.crc);
            return Err(damaged(found));
        }
        let event = |body: &str| {
            let event = Event::from_json(body)
                .map_err(|error| damaged(format!("its event cannot be read: {error}")))?;
            Ok::<_, LedgerError>(Box::new(event))
        };
        let verdict = match &self.outcome {
            Outcome::Accepted { body, time } => Verdict::Accepted {
                event: event(body)?,
                time: *time,
            },
            Outcome::Admitted { body, time, ruling } => Verdict::Admitted {
                event: event(body)?,
                time: *time,
                ruling: ruling.clone(),
            },
            Outcome::Quarantined { reason } => Verdict::Quarantined { reason: *reason },
        };
        Ok(Entry {
            number: self.number,
            crc: self.crc,
            device: self.device,
            place: self.place,
            received: self.received,
            verdict,
        })
    }
}

/// A correction in whole microseconds, cut to what is stored: 292,000 years.
#[must_use]
pub(crate) fn correction_micros(correction: SignedDuration) -> i64 {
    let micros = correction.as_micros();
    let most = i128::from(i64::MAX);
    i64::try_from(micros.clamp(-most, most)).expect("just cut to the range")
}

/// The names of verdicts in the stored form: an accepted one, one let in by a person, or the
/// reason it is kept aside.
pub(crate) const ACCEPTED: &str = "accepted";
/// See [`ACCEPTED`].
pub(crate) const ADMITTED: &str = "admitted";

/// The stored form of a ruling; the checksum is taken over it.
pub(crate) fn ruling_json(ruling: &Ruling) -> String {
    serde_json::to_string(ruling).expect("a ruling is always JSON")
}

/// Reads a time quality by its stored name.
pub(crate) fn quality(name: &str) -> Option<TimeQuality> {
    TimeQuality::ALL
        .into_iter()
        .find(|quality| quality.as_str() == name)
}

/// Reads a reason by its stored name.
pub(crate) fn reason(name: &str) -> Option<QuarantineReason> {
    QuarantineReason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == name)
}

/// Appends a length and the bytes, so that no two records have the same form.
fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).expect("a payload is bounded to 256 KiB");
    bytes.extend(length.to_be_bytes());
    bytes.extend_from_slice(part);
}
