//! A payload, read: each element on its own, as an event or as what it is not. Nothing here
//! knows the ledger; clear reader ids are sealed here, before anything is written or shown.

use jiff::Timestamp;
use lujiang_broker::Arrival;
use lujiang_wire::{DeviceId, Event, EventError, EventId, Patron, Place, decode_events};
use serde_json::Value;

use crate::entry::QuarantineReason;
use crate::intake::excerpt;
use crate::ledger::{Digest, SealedPerson};
use crate::seal::Seals;

/// Stands in a record where the sealed reader was: that one is kept beside it, erasable.
pub(crate) const WITHHELD: &str = "withheld";

/// A payload of one device.
#[derive(Debug, Clone)]
pub(crate) struct Payload {
    /// Whose connection it came over; of what a carrier brought, who signed it.
    pub(crate) device: DeviceId,
    /// When the door read it, in whole microseconds.
    pub(crate) received: Timestamp,
    /// At least one.
    pub(crate) elements: Vec<Candidate>,
}

/// An element: its bytes, and what they say.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// As received.
    pub(crate) raw: Vec<u8>,
    /// Understood or not.
    pub(crate) reading: Reading,
}

/// What the bytes say.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    /// An event.
    Event(Box<Sealed>),
    /// None that we know.
    Nothing(NotRead),
}

/// An event with nobody named in it.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    /// The event.
    pub(crate) event: Event,
    /// Its canonical JSON form.
    pub(crate) body: String,
    /// Of the canonical JSON form as received.
    pub(crate) digest: Digest,
    /// Who was named in it.
    pub(crate) person: Option<SealedPerson>,
}

/// Why there is no event, and what could be read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotRead {
    pub(crate) reason: QuarantineReason,
    pub(crate) place: Option<Place>,
    pub(crate) event_type: Option<String>,
    pub(crate) error_place: String,
    pub(crate) expected: String,
}

impl Sealed {
    /// Whether its id follows from its place, and so needs not be remembered.
    pub(crate) fn has_id_of_place(&self) -> bool {
        let place = self.event.place.as_ref();
        place.is_some_and(|place| EventId::of_place(place) == self.event.id)
    }
}

impl Payload {
    /// Reads what arrived.
    pub(crate) fn read(arrival: &Arrival, seals: &Seals) -> Self {
        let elements = match decode_events(&arrival.payload) {
            Ok(elements) => elements
                .into_iter()
                .map(|element| candidate(element.raw, element.event, seals))
                .collect(),
            Err(error) => vec![Candidate {
                raw: arrival.payload.to_vec(),
                reading: Reading::Nothing(NotRead {
                    reason: QuarantineReason::NotReadable,
                    place: None,
                    event_type: None,
                    error_place: String::new(),
                    expected: excerpt::batch_expectation(&error),
                }),
            }],
        };
        Self {
            device: arrival.device.clone(),
            received: whole_micros(arrival.received),
            elements,
        }
    }
}

impl Payload {
    /// What a carrier brought and nobody we know has signed: kept aside as it came, as the
    /// carrier's.
    pub(crate) fn not_signed(arrival: &Arrival, expected: String) -> Self {
        let not_read = NotRead {
            reason: QuarantineReason::NotSigned,
            place: None,
            event_type: None,
            error_place: String::new(),
            expected,
        };
        Self {
            device: arrival.device.clone(),
            received: whole_micros(arrival.received),
            elements: vec![Candidate {
                raw: arrival.payload.to_vec(),
                reading: Reading::Nothing(not_read),
            }],
        }
    }
}

fn candidate(raw: String, event: Result<Event, EventError>, seals: &Seals) -> Candidate {
    let reading = match event {
        Ok(event) => Reading::Event(Box::new(seal(event, seals))),
        Err(error) => Reading::Nothing(not_understood(&raw, &error)),
    };
    Candidate {
        raw: raw.into_bytes(),
        reading,
    }
}

/// What a plain device says of what a reader did is kept as far as it is understood: the rest
/// would stand in the ledger for ever, whoever it names. An agent names nobody but in its place.
fn without_strangers(event: Event) -> Event {
    let fact = event.fact();
    let is_plain = event.place.is_none() || fact.patron().is_some_and(Patron::is_clear);
    match is_plain && fact.event_type().is_of_reader() {
        true => event.understood(),
        false => event,
    }
}

/// Takes the person out of an event: the record and whoever is told get [`WITHHELD`] instead.
/// The digest is of what was received, so that a repeat is known as one; it is keyed where it
/// would otherwise give a short reader id away.
fn seal(event: Event, seals: &Seals) -> Sealed {
    let event = without_strangers(event);
    let received = event.to_json();
    let Some(patron) = event.fact().patron() else {
        return Sealed {
            digest: Digest::of(received.as_bytes()),
            event,
            body: received,
            person: None,
        };
    };
    let (digest, person) = match patron {
        Patron::Sealed { sealed, kid } => (
            Digest::of(received.as_bytes()),
            SealedPerson {
                sealed: sealed.clone(),
                kid: kid.as_str().to_owned(),
            },
        ),
        Patron::Clear { id } => (
            seals.keyed_digest(received.as_bytes()),
            seals.seal_person(id.reveal()),
        ),
    };
    let withheld = Patron::Sealed {
        sealed: WITHHELD.to_owned(),
        kid: person
            .kid
            .parse()
            .expect("the name of a key came as a label, or is 16 hexadecimal digits"),
    };
    let fact = event.fact().clone().with_patron(withheld);
    let event = event.with_fact(fact);
    Sealed {
        body: event.to_json(),
        event,
        digest,
        person: Some(person),
    }
}

/// What can be read of an element that is no event of ours: enough to know where it stands and
/// what it claims to be.
fn not_understood(raw: &str, error: &EventError) -> NotRead {
    let value: Value = serde_json::from_str(raw).unwrap_or(Value::Null);
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let place = || {
        Some(Place {
            epoch: text("epoch")?.parse().ok()?,
            stream: text("stream")?.parse().ok()?,
            sequence: text("sequence")?.parse().ok()?,
        })
    };
    NotRead {
        reason: QuarantineReason::NotUnderstood,
        place: place(),
        event_type: text("type").and_then(excerpt::event_type),
        error_place: excerpt::error_place(&error.place),
        expected: excerpt::expectation(&error.reason),
    }
}

/// A time in the unit it is stored in.
pub(crate) fn whole_micros(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
