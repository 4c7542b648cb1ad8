//! What intake needs within one transaction of a ledger.

use jiff::Timestamp;
use lujiang_wire::{Boot, ClockReport, DeviceId, Epoch, EventId, Place, Receipts, Stream};

use crate::entry::{EntryNumber, QuarantineReason};
use crate::ledger::{Digest, LedgerError, Outcome};
use crate::ruling::{AsideState, RulingReason};

/// An entry to be appended; the ledger gives it its number and checksum.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// Whose connection it came over.
    pub device: DeviceId,
    /// When the door read it.
    pub received: Timestamp,
    /// Where it stands in the outbox, where that could be read.
    pub place: Option<Place>,
    /// What was made of it.
    pub outcome: Outcome,
    /// Of the content as received.
    pub digest: Digest,
}

/// A quarantined element, beside its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The `type`, where it could be read.
    pub event_type: Option<String>,
    /// Why.
    pub reason: QuarantineReason,
    /// The attribute, or the path within `data`; empty for the whole.
    pub error_place: String,
    /// What was expected there; nothing of what was found.
    pub expected: String,
    /// The structure of the element without its values.
    pub excerpt: String,
    /// Its size as received, in bytes.
    pub bytes: u64,
    /// Of the bytes as received; keyed, as they may hold a reader id.
    pub raw: Digest,
    /// The bytes as received, sealed.
    pub sealed: Vec<u8>,
}

/// What a device's quarantine holds that nobody has decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QuarantineUse {
    /// Elements.
    pub rows: u64,
    /// Bytes as received.
    pub bytes: u64,
}

/// What stands at a place, beside some content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtPlace {
    /// Nothing.
    Nothing,
    /// This content, perhaps among others.
    Same,
    /// Other content alone.
    Other,
}

/// A quarantined element, for whoever decides on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Whose connection it came over.
    pub device: DeviceId,
    /// When the door read it.
    pub received: Timestamp,
    /// Where it stands in the outbox, where that could be read.
    pub place: Option<Place>,
    /// Where it stands.
    pub state: AsideState,
    /// The bytes as received, sealed; empty once erased.
    pub sealed: Vec<u8>,
}

/// A decision on a quarantined element, beside its entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decided {
    /// What was decided.
    pub state: AsideState,
    /// When, in whole microseconds.
    pub at: Timestamp,
    /// Who, as the audit names him.
    pub by: String,
    /// Why.
    pub why: RulingReason,
    /// The entry that counts in its place, where one does.
    pub admitted: Option<EntryNumber>,
}

/// A person of a fact, sealed to the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPerson {
    /// The sealed reader id, base64url: the encapsulated key and the ciphertext.
    pub sealed: String,
    /// The key it is sealed to.
    pub kid: String,
}

/// What was measured of a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measurement {
    /// The newest measurement of that boot.
    pub report: ClockReport,
    /// Whether no later boot of the device has been measured.
    pub is_newest_boot: bool,
}

/// One transaction. Everything read here includes what was written here.
pub trait LedgerTransaction {
    /// The digest of the entry that took this id, where the id does not follow from a place.
    ///
    /// # Errors
    /// As all methods here: where the database fails; the transaction is then undone.
    fn digest_of_id(
        &mut self,
        device: &DeviceId,
        id: &EventId,
    ) -> Result<Option<Digest>, LedgerError>;

    /// Whether something stands at this place, and whether it is this content.
    ///
    /// # Errors
    /// Where the database fails.
    fn at_place(
        &mut self,
        device: &DeviceId,
        place: &Place,
        digest: Digest,
    ) -> Result<AtPlace, LedgerError>;

    /// The entry that counts at this place.
    ///
    /// # Errors
    /// Where the database fails.
    fn counted_at(
        &mut self,
        device: &DeviceId,
        place: &Place,
    ) -> Result<Option<EntryNumber>, LedgerError>;

    /// The entry that took this id and counts, where the id does not follow from a place.
    ///
    /// # Errors
    /// Where the database fails.
    fn counted_as(
        &mut self,
        device: &DeviceId,
        id: &EventId,
    ) -> Result<Option<EntryNumber>, LedgerError>;

    /// Appends an entry.
    ///
    /// # Errors
    /// Where the database fails.
    fn append(&mut self, draft: Draft) -> Result<EntryNumber, LedgerError>;

    /// Remembers an id that does not follow from a place.
    ///
    /// # Errors
    /// Where the database fails.
    fn keep_id(
        &mut self,
        device: &DeviceId,
        id: &EventId,
        digest: Digest,
        entry: EntryNumber,
    ) -> Result<(), LedgerError>;

    /// Remembers an id as [`LedgerTransaction::keep_id`], and takes it from an entry that does not
    /// count.
    ///
    /// # Errors
    /// Where the database fails.
    fn take_id(
        &mut self,
        device: &DeviceId,
        id: &EventId,
        digest: Digest,
        entry: EntryNumber,
    ) -> Result<(), LedgerError>;

    /// Keeps the person of a new fact, outside its record.
    ///
    /// # Errors
    /// Where the database fails.
    fn keep_person(&mut self, fact: EntryNumber, person: &SealedPerson) -> Result<(), LedgerError>;

    /// Whether these bytes of this device are in quarantine.
    ///
    /// # Errors
    /// Where the database fails.
    fn is_aside(&mut self, device: &DeviceId, raw: Digest) -> Result<bool, LedgerError>;

    /// How much of its quarantine a device uses: what nobody has decided on.
    ///
    /// # Errors
    /// Where the database fails.
    fn quarantine_use(&mut self, device: &DeviceId) -> Result<QuarantineUse, LedgerError>;

    /// Keeps a quarantined element beside its entry.
    ///
    /// # Errors
    /// Where the database fails.
    fn keep_aside(
        &mut self,
        entry: EntryNumber,
        device: &DeviceId,
        received: Timestamp,
        aside: &Aside,
    ) -> Result<(), LedgerError>;

    /// A quarantined element, for whoever decides on it.
    ///
    /// # Errors
    /// Where the database fails.
    fn quarantined(&mut self, entry: EntryNumber) -> Result<Option<Quarantined>, LedgerError>;

    /// Writes down what was decided on a quarantined element.
    ///
    /// # Errors
    /// Where the database fails.
    fn decide(&mut self, entry: EntryNumber, decided: &Decided) -> Result<(), LedgerError>;

    /// Up to where a stream has no hole; none where nothing of it is known.
    ///
    /// # Errors
    /// Where the database fails.
    fn through(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
    ) -> Result<Option<u64>, LedgerError>;

    /// Moves the end of what is settled, and says which entry is the newest of the stream; an older
    /// one than known changes nothing about that.
    ///
    /// # Errors
    /// Where the database fails.
    fn settle(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        through: u64,
        last: EntryNumber,
    ) -> Result<(), LedgerError>;

    /// Where the unbroken run of entries that begins right after `after` ends; `after` itself
    /// where there is none.
    ///
    /// # Errors
    /// Where the database fails.
    fn run_end(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        after: u64,
    ) -> Result<u64, LedgerError>;

    /// Remembers a range of a stream that its outbox gave up.
    ///
    /// # Errors
    /// Where the database fails.
    fn give_up(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        range: (u64, u64),
        entry: EntryNumber,
    ) -> Result<(), LedgerError>;

    /// The end of a given-up range this number lies in.
    ///
    /// # Errors
    /// Where the database fails.
    fn given_up_through(
        &mut self,
        device: &DeviceId,
        epoch: &Epoch,
        stream: Stream,
        number: u64,
    ) -> Result<Option<u64>, LedgerError>;

    /// What the ledger holds of a device's newest life; none without an entry that has a place.
    ///
    /// # Errors
    /// Where the database fails.
    fn receipts(&mut self, device: &DeviceId) -> Result<Option<Receipts>, LedgerError>;

    /// Keeps what a device measured of its clock.
    ///
    /// # Errors
    /// Where the database fails.
    fn keep_measurement(
        &mut self,
        device: &DeviceId,
        report: &ClockReport,
    ) -> Result<(), LedgerError>;

    /// What was measured of a boot.
    ///
    /// # Errors
    /// Where the database fails.
    fn measurement(
        &mut self,
        device: &DeviceId,
        boot: &Boot,
    ) -> Result<Option<Measurement>, LedgerError>;
}
