//! The names of records in the store, such that what is asked for together lies together.

use std::str::FromStr;

use lujiang_wire::{DeviceId, Epoch, Label, Stream};

use crate::views::report::Bucket;

/// The key of the cursor: before all others.
pub(crate) const CURSOR: &[u8] = &[0];

/// Sequence numbers in one record: bounds its size whatever a device sends.
pub(crate) const BLOCK: u64 = 4_096;

/// The name of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Key {
    /// Counts and coverage of a device on the day that begins at this second.
    Day(DeviceId, i64),
    /// Counts of a device whose period fits in no day.
    Wide(DeviceId, WideUnit, i64),
    /// What there is of a device.
    Tally(DeviceId),
    /// Flags of a device on the day that begins at this second.
    Flags(DeviceId, i64),
    /// One life of an outbox.
    Life(DeviceId, Epoch),
    /// Sequence numbers received, this block of [`BLOCK`] of them.
    Received(DeviceId, Epoch, Stream, u64),
    /// Sequence numbers given up, by the entry that says so.
    GivenUp(DeviceId, Epoch, Stream, u64),
    /// What a device lent on the day that begins at this second.
    Loans(DeviceId, i64),
    /// Who borrowed of it on that day, by session.
    Borrower(DeviceId, i64, Label),
    /// A stop of the bus.
    Stop(DeviceId, Label),
    /// A payment nobody confirmed, by its entry.
    Payment(DeviceId, u64),
}

/// A unit larger than a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum WideUnit {
    /// A month.
    Month,
    /// A year.
    Year,
    /// No unit at all; the second is where the period is looked for.
    Beyond,
}

impl WideUnit {
    /// The bucket of this size, if there is one.
    pub(crate) fn bucket(self) -> Option<Bucket> {
        match self {
            Self::Month => Some(Bucket::Month),
            Self::Year => Some(Bucket::Year),
            Self::Beyond => None,
        }
    }

    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Month, Self::Year, Self::Beyond];
}

impl Key {
    /// The bytes; they sort by device, then by the rest in order.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Day(device, start) => named(b'd', device).second(*start).0,
            Self::Wide(device, unit, start) => {
                named(b'w', device).byte(wide_code(*unit)).second(*start).0
            }
            Self::Tally(device) => named(b't', device).0,
            Self::Flags(device, start) => named(b'f', device).second(*start).0,
            Self::Life(device, epoch) => named(b'l', device).text(epoch.as_str()).0,
            Self::Loans(device, day) => named(b'o', device).second(*day).0,
            Self::Borrower(device, day, session) => {
                named(b'p', device).second(*day).text(session.as_str()).0
            }
            Self::Stop(device, stop) => named(b's', device).text(stop.as_str()).0,
            Self::Payment(device, entry) => named(b'y', device).number(*entry).0,
            Self::Received(device, epoch, stream, block) => {
                named(b'r', device)
                    .text(epoch.as_str())
                    .byte(stream_code(*stream))
                    .number(*block)
                    .0
            }
            Self::GivenUp(device, epoch, stream, entry) => {
                named(b'g', device)
                    .text(epoch.as_str())
                    .byte(stream_code(*stream))
                    .number(*entry)
                    .0
            }
        }
    }

    /// The key of these bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first()?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        let device = parsed(&rest[..end])?;
        let mut rest = Rest(&rest[end + 1..]);
        let key = match kind {
            b'd' => Self::Day(device, rest.second()?),
            b'w' => {
                let code = rest.byte()?;
                let unit = WideUnit::ALL.into_iter().find(|u| wide_code(*u) == code)?;
                Self::Wide(device, unit, rest.second()?)
            }
            b't' => Self::Tally(device),
            b'f' => Self::Flags(device, rest.second()?),
            b'l' => Self::Life(device, parsed(rest.take(EPOCH_BYTES)?)?),
            b'r' => {
                let (epoch, stream) = rest.stream()?;
                Self::Received(device, epoch, stream, rest.number()?)
            }
            b'g' => {
                let (epoch, stream) = rest.stream()?;
                Self::GivenUp(device, epoch, stream, rest.number()?)
            }
            b'o' => Self::Loans(device, rest.second()?),
            b'p' => Self::Borrower(device, rest.second()?, rest.label()?),
            b's' => Self::Stop(device, rest.label()?),
            b'y' => Self::Payment(device, rest.number()?),
            _ => return None,
        };
        rest.0.is_empty().then_some(key)
    }

    /// Before the borrowers of a device on the day that begins at this second.
    pub(crate) fn borrowers(device: &DeviceId, day: i64) -> Vec<u8> {
        named(b'p', device).second(day).0
    }

    /// What all tallies begin with.
    pub(crate) fn tallies() -> Vec<u8> {
        vec![b't']
    }

    /// What the lives, received and given-up numbers, and flags of a device begin with.
    pub(crate) fn of_device(kind: DeviceKeys, device: &DeviceId) -> Vec<u8> {
        let letter = match kind {
            DeviceKeys::Lives => b'l',
            DeviceKeys::Received => b'r',
            DeviceKeys::GivenUp => b'g',
            DeviceKeys::Flags => b'f',
            DeviceKeys::Stops => b's',
            DeviceKeys::Payments => b'y',
        };
        named(letter, device).0
    }
}

/// Records of one device that are read together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DeviceKeys {
    /// [`Key::Life`]
    Lives,
    /// [`Key::Received`]
    Received,
    /// [`Key::GivenUp`]
    GivenUp,
    /// [`Key::Flags`]
    Flags,
    /// [`Key::Stop`]
    Stops,
    /// [`Key::Payment`]
    Payments,
}

/// The first bytes after everything that begins with `prefix`.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut after = prefix.to_vec();
    let last = after.last_mut().expect("no prefix of ours is empty");
    *last += 1; // Kinds are letters and a device ends with 0: it never overflows.
    after
}

/// An epoch is this many hexadecimal digits.
const EPOCH_BYTES: usize = 32;

fn wide_code(unit: WideUnit) -> u8 {
    match unit {
        WideUnit::Month => 1,
        WideUnit::Year => 2,
        WideUnit::Beyond => 3,
    }
}

fn stream_code(stream: Stream) -> u8 {
    match stream {
        Stream::Loan => 1,
        Stream::Visit => 2,
        Stream::Receipt => 3,
        Stream::Usage => 4,
    }
}

fn parsed<T: FromStr>(bytes: &[u8]) -> Option<T> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
}

struct Bytes(Vec<u8>);

/// A kind and a device; a device id holds no 0, so what follows cannot be taken for it.
fn named(kind: u8, device: &DeviceId) -> Bytes {
    Bytes(vec![kind]).text(device.as_str()).byte(0)
}

impl Bytes {
    fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    fn text(mut self, text: &str) -> Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Signed, so that order of bytes is order of time, also before 1970.
    fn second(self, second: i64) -> Self {
        self.number(second.cast_unsigned() ^ (1 << 63))
    }
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn number(&mut self) -> Option<u64> {
        let bytes = self.take(size_of::<u64>())?.try_into().ok()?;
        Some(u64::from_be_bytes(bytes))
    }

    /// A label is all that is left.
    fn label(&mut self) -> Option<Label> {
        let all = self.0.len();
        parsed(self.take(all)?)
    }

    fn second(&mut self) -> Option<i64> {
        Some((self.number()? ^ (1 << 63)).cast_signed())
    }

    fn stream(&mut self) -> Option<(Epoch, Stream)> {
        let epoch = parsed(self.take(EPOCH_BYTES)?)?;
        let code = self.byte()?;
        let stream = Stream::ALL.into_iter().find(|s| stream_code(*s) == code)?;
        Some((epoch, stream))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back_and_sort_by_device_then_time() {
        let device: DeviceId = "gate-1".parse().unwrap();
        let longer: DeviceId = "gate-10".parse().unwrap();
        let epoch = Epoch::from_bits(7);
        let keys = [
            Key::Day(device.clone(), -86_400),
            Key::Day(device.clone(), 0),
            Key::Day(device.clone(), 86_400),
            Key::Day(longer.clone(), -5),
            Key::Flags(device.clone(), 3),
            Key::GivenUp(device.clone(), epoch.clone(), Stream::Visit, 5),
            Key::Life(device.clone(), epoch.clone()),
            Key::Loans(device.clone(), 0),
            Key::Borrower(device.clone(), 0, "会话 1".parse().unwrap()),
            Key::Received(device.clone(), epoch.clone(), Stream::Visit, 255),
            Key::Received(device.clone(), epoch, Stream::Visit, 256),
            Key::Stop(device.clone(), "stop 1".parse().unwrap()),
            Key::Tally(device.clone()),
            Key::Tally(longer),
            Key::Wide(device.clone(), WideUnit::Month, 1),
            Key::Wide(device.clone(), WideUnit::Beyond, 1),
            Key::Payment(device, 7),
        ];
        let bytes: Vec<_> = keys.iter().map(Key::encode).collect();
        assert!(bytes.is_sorted());
        for (key, bytes) in keys.iter().zip(&bytes) {
            assert_eq!(Key::decode(bytes).as_ref(), Some(key));
            assert!(bytes.as_slice() > CURSOR);
        }
    }
}
