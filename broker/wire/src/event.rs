//! The envelope: a CloudEvents 1.0 JSON event with our extensions.

mod envelope;
mod read;

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{DeviceId, EventId, Fact, Moment, Place};

/// A fact in its envelope.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// Unique per device for ever.
    pub id: EventId,
    /// The device whose fact it is.
    pub source: DeviceId,
    /// The device's own time.
    pub time: Timestamp,
    /// Where it stands in its outbox; a plain device has none.
    pub place: Option<Place>,
    /// When it was written, monotonic; a plain device does not say.
    pub moment: Option<Moment>,
    fact: Fact,
    /// `data` as it came, unknown members included.
    data: Value,
    /// CloudEvents attributes we do not know, kept.
    extensions: Map<String, Value>,
}

impl Event {
    /// Puts a fact of an agent into its envelope; the id follows from the place.
    #[must_use]
    pub fn of_agent(
        source: DeviceId,
        place: Place,
        moment: Moment,
        time: Timestamp,
        fact: Fact,
    ) -> Self {
        Self {
            id: EventId::of_place(&place),
            source,
            time,
            place: Some(place),
            moment: Some(moment),
            data: fact.to_data(),
            fact,
            extensions: Map::new(),
        }
    }

    /// The fact inside.
    #[must_use]
    pub fn fact(&self) -> &Fact {
        &self.fact
    }

    /// The same event with nothing in it but what we understand. Whatever else a device says, in
    /// `data` or in attributes of its own, may name a reader.
    #[must_use]
    pub fn understood(self) -> Self {
        Self {
            data: self.fact.to_data(),
            extensions: Map::new(),
            ..self
        }
    }

    /// The same event with another fact of the same type, as when a reader's name is sealed.
    /// Members of `data` that change are replaced whole. Members we do not know are kept.
    ///
    /// # Panics
    /// If the fact is of another type: the id and the stream would be wrong.
    #[must_use]
    pub fn with_fact(self, fact: Fact) -> Self {
        assert_eq!(
            fact.event_type(),
            self.fact.event_type(),
            "the type of an event stays"
        );
        let (before, after) = (self.fact.to_data(), fact.to_data());
        let data = match (self.data, before, after) {
            (Value::Object(mut data), Value::Object(before), Value::Object(after)) => {
                data.retain(|name, _| match before.get(name) {
                    Some(value) => after.get(name) == Some(value),
                    None => true,
                });
                let is_new = |(name, value): &(String, Value)| before.get(name) != Some(value);
                data.extend(after.into_iter().filter(is_new));
                Value::Object(data)
            }
            (_, _, after) => after,
        };
        Self { fact, data, ..self }
    }

    /// The CloudEvents JSON form, its members sorted by name at every depth: the same event is the
    /// same text, so its SHA-256 can be compared.
    #[must_use]
    pub fn to_json(&self) -> String {
        let source = format!("/devices/{}", self.source);
        let time = self.time.to_string();
        let mut members: Vec<(&str, Member<'_>)> = vec![
            ("specversion", Member::Text("1.0")),
            ("id", Member::Text(self.id.as_str())),
            ("source", Member::Text(&source)),
            ("type", Member::Text(self.fact.event_type().as_str())),
            ("time", Member::Text(&time)),
            ("data", Member::Value(&self.data)),
        ];
        let place = self.place.as_ref();
        let place = place.map(|place| (place, place.sequence.to_string()));
        if let Some((place, sequence)) = &place {
            members.extend([
                ("epoch", Member::Text(place.epoch.as_str())),
                ("stream", Member::Text(place.stream.as_str())),
                ("sequence", Member::Text(sequence)),
            ]);
        }
        let moment = self.moment.as_ref();
        let moment = moment.map(|moment| (moment, moment.uptime.to_string()));
        if let Some((moment, uptime)) = &moment {
            members.extend([
                ("boot", Member::Text(moment.boot.as_str())),
                ("uptime", Member::Text(uptime)),
            ]);
        }
        let extensions = self.extensions.iter();
        members.extend(extensions.map(|(name, value)| (name.as_str(), Member::Value(value))));
        serde_json::to_string(&Sorted(members)).expect("names are text and values are plain")
    }
}

impl fmt::Debug for Event {
    /// What we understood; what else a device sent may name a reader.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("source", &self.source)
            .field("time", &self.time)
            .field("place", &self.place)
            .field("moment", &self.moment)
            .field("fact", &self.fact)
            .finish_non_exhaustive()
    }
}

/// The value of a member of the envelope.
enum Member<'a> {
    Text(&'a str),
    Value(&'a Value),
}

impl Serialize for Member<'_> {
    /// The members of every object within are sorted by name, whatever map serde_json was built
    /// with.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Value(Value::Object(members)) => {
                let members = members.iter();
                let members = members.map(|(name, value)| (name.as_str(), Member::Value(value)));
                Sorted(members.collect()).serialize(serializer)
            }
            Self::Value(Value::Array(elements)) => {
                serializer.collect_seq(elements.iter().map(Member::Value))
            }
            Self::Value(plain) => plain.serialize(serializer),
        }
    }
}

/// An object, written in the order of its members' names.
struct Sorted<'a>(Vec<(&'a str, Member<'a>)>);

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members: Vec<_> = self.0.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        serializer.collect_map(members.into_iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests;
