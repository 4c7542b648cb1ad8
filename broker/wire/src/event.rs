//! The envelope: a CloudEvents 1.0 JSON event with our extensions.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{Boot, DeviceId, Epoch, EventType, Fact, Patron, Sequence, Stream, Uptime};

/// Longest event id in bytes.
const ID_BYTES_MAX: usize = 200;

/// The id of an event: unique per device for ever. Agents use `<epoch>-<stream>-<sequence>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

impl EventId {
    /// The id an agent gives the fact at this place.
    #[must_use]
    pub fn of_place(place: &Place) -> Self {
        Self(format!(
            "{}-{}-{}",
            place.epoch, place.stream, place.sequence
        ))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=ID_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!(
                "expected 1 to {ID_BYTES_MAX} bytes without control characters"
            ))
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a fact stands in its outbox.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The life of the outbox.
    pub epoch: Epoch,
    /// The stream within it.
    pub stream: Stream,
    /// The number within the stream.
    pub sequence: Sequence,
}

/// When a fact was written, by the clock nobody can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// The boot it was written in.
    pub boot: Boot,
    /// The time since that boot.
    pub uptime: Uptime,
}

/// A fact in its envelope.
#[derive(Debug, Clone, PartialEq)]
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

/// Why an event was not understood: where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct EventError {
    /// The attribute, or the path within `data`; empty for the whole.
    pub place: String,
    /// What was expected there.
    pub reason: String,
}

impl EventError {
    pub(crate) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }
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

    /// The CloudEvents JSON form, its members sorted by name at every depth: the same event is the same text,
    /// so its SHA-256 can be compared.
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

    /// Reads one event from JSON text.
    ///
    /// # Errors
    /// The first place that is not as the standard or our schema has it, and the reason.
    pub fn from_json(text: &str) -> Result<Self, EventError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| EventError::new("", error.to_string()))?;
        Self::from_value(value)
    }

    /// Reads one event from a JSON value.
    ///
    /// # Errors
    /// As [`Event::from_json`].
    pub fn from_value(value: Value) -> Result<Self, EventError> {
        let Value::Object(mut members) = value else {
            return Err(EventError::new("", "expected a JSON object"));
        };
        let specversion = text(&mut members, "specversion")?;
        if specversion != "1.0" {
            return Err(EventError::new("specversion", "expected \"1.0\""));
        }
        let id = parsed(&mut members, "id")?;
        let source = source(&text(&mut members, "source")?)?;
        let type_name = text(&mut members, "type")?;
        let event_type = EventType::from_name(&type_name)
            .ok_or_else(|| EventError::new("type", format!("{type_name:?} is not known here")))?;
        let time = time(&text(&mut members, "time")?)?;
        let place = place(&mut members, event_type)?;
        let moment = moment(&mut members)?;
        let data = members
            .remove("data")
            .ok_or_else(|| EventError::new("data", "missing"))?;
        let fact = Fact::read(event_type, &data)?;
        Ok(Self {
            id,
            source,
            time,
            place,
            moment,
            fact,
            data,
            extensions: members,
        })
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

/// Takes a text member out; an absent one is an error.
fn text(members: &mut Map<String, Value>, name: &str) -> Result<String, EventError> {
    optional_text(members, name)?.ok_or_else(|| EventError::new(name, "missing"))
}

fn optional_text(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, EventError> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(EventError::new(name, "expected a String")),
    }
}

fn parsed<T: FromStr<Err = String>>(
    members: &mut Map<String, Value>,
    name: &str,
) -> Result<T, EventError> {
    text(members, name)?
        .parse()
        .map_err(|reason| EventError::new(name, reason))
}

fn time(text: &str) -> Result<Timestamp, EventError> {
    text.parse()
        .map_err(|_| EventError::new("time", format!("expected an RFC 3339 time, found {text:?}")))
}

fn source(text: &str) -> Result<DeviceId, EventError> {
    text.strip_prefix("/devices/")
        .and_then(|device| device.parse().ok())
        .ok_or_else(|| EventError::new("source", "expected /devices/<device>"))
}

/// Reads epoch, stream and sequence: all three or none.
fn place(
    members: &mut Map<String, Value>,
    event_type: EventType,
) -> Result<Option<Place>, EventError> {
    let names = ["epoch", "stream", "sequence"];
    if names
        .iter()
        .all(|name| members.get(*name).is_none_or(Value::is_null))
    {
        names.iter().for_each(|name| drop(members.remove(*name)));
        return Ok(None);
    }
    let epoch: Epoch = text(members, "epoch")?
        .parse()
        .map_err(|error: crate::EpochError| EventError::new("epoch", error.to_string()))?;
    let stream: Stream = parsed(members, "stream")?;
    if stream != event_type.stream() {
        let reason = format!("{event_type} belongs to stream {}", event_type.stream());
        return Err(EventError::new("stream", reason));
    }
    let sequence = parsed(members, "sequence")?;
    Ok(Some(Place {
        epoch,
        stream,
        sequence,
    }))
}

/// Reads boot and uptime: both or none.
fn moment(members: &mut Map<String, Value>) -> Result<Option<Moment>, EventError> {
    let names = ["boot", "uptime"];
    if names
        .iter()
        .all(|name| members.get(*name).is_none_or(Value::is_null))
    {
        names.iter().for_each(|name| drop(members.remove(*name)));
        return Ok(None);
    }
    Ok(Some(Moment {
        boot: parsed(members, "boot")?,
        uptime: parsed(members, "uptime")?,
    }))
}
