//! The envelope: a CloudEvents 1.0 JSON event with our extensions.

mod read;

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{DeviceId, EventId, Fact, Moment, Patron, Place};

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

    /// The same event with another fact of the same type, as when a reader's name is sealed.
    /// Members of `data` that change are replaced whole. Members we do not know are kept, except
    /// beside a reader in clear, where they may name the reader too.
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
        let may_name_reader = self.fact.patron().is_some_and(Patron::is_clear);
        let data = match (self.data, before, after) {
            (Value::Object(mut data), Value::Object(before), Value::Object(after)) => {
                data.retain(|name, _| match before.get(name) {
                    Some(value) => after.get(name) == Some(value),
                    None => !may_name_reader,
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
        let mut members = self.extensions.clone();
        let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
        put("specversion", json!("1.0"));
        put("id", json!(self.id.as_str()));
        put("source", json!(format!("/devices/{}", self.source)));
        put("type", json!(self.fact.event_type().as_str()));
        put("time", json!(self.time.to_string()));
        put("data", self.data.clone());
        if let Some(place) = &self.place {
            put("epoch", json!(place.epoch.as_str()));
            put("stream", json!(place.stream.as_str()));
            put("sequence", json!(place.sequence.to_string()));
        }
        if let Some(moment) = &self.moment {
            put("boot", json!(moment.boot.as_str()));
            put("uptime", json!(moment.uptime.to_string()));
        }
        sorted(Value::Object(members)).to_string()
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

/// Sorts the members of every object within by name, whatever map serde_json was built with.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut pairs: Vec<_> = members.into_iter().collect();
            pairs.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(
                pairs
                    .into_iter()
                    .map(|(name, inner)| (name, sorted(inner)))
                    .collect(),
            )
        }
        Value::Array(elements) => Value::Array(elements.into_iter().map(sorted).collect()),
        plain => plain,
    }
}

#[cfg(test)]
mod tests;
