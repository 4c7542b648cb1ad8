//! The envelope, read as CloudEvents 1.0 and its JSON format have it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::{Map, Value};

use super::Event;
use super::envelope::{Attribute, Envelope};
use crate::event_error::{self, EventError};
use crate::{DeviceId, Epoch, EventId, EventType, Fact, Moment, Place, Stream, time};

impl Event {
    /// Reads one event from JSON text.
    ///
    /// # Errors
    /// The first place that is not as the standard or our schema has it, and the reason.
    pub fn from_json(text: &str) -> Result<Self, EventError> {
        let envelope = serde_json::from_str(text).map_err(|error| match error.is_data() {
            true => no_object(),
            false => EventError::no_json("event", &error),
        })?;
        Self::from_envelope(envelope)
    }

    /// Reads one event from a JSON value.
    ///
    /// # Errors
    /// As [`Event::from_json`].
    pub fn from_value(value: Value) -> Result<Self, EventError> {
        // Whatever is within an object is taken as it is.
        let envelope = Envelope::deserialize(value).map_err(|_| no_object())?;
        Self::from_envelope(envelope)
    }

    fn from_envelope(mut envelope: Envelope<'_>) -> Result<Self, EventError> {
        envelope.specversion()?;
        envelope.content()?;
        let id = envelope.parsed::<EventId>("id")?;
        let source = envelope.source()?;
        let event_type = envelope.event_type()?;
        let time = envelope.time()?;
        let place = envelope.place(event_type)?;
        let moment = envelope.moment()?;
        let data = envelope.data.take();
        let extensions = envelope.extensions()?;
        let data = data.ok_or_else(|| EventError::new("data", "missing"))?;
        let fact = Fact::read(event_type, &data)?;
        Ok(Self {
            id,
            source,
            time,
            place,
            moment,
            fact,
            data,
            extensions,
        })
    }
}

fn no_object() -> EventError {
    EventError::new("event", "expected a JSON object")
}

impl<'a> Envelope<'a> {
    fn specversion(&mut self) -> Result<(), EventError> {
        match &*self.text("specversion")? {
            "1.0" => Ok(()),
            _ => Err(EventError::new("specversion", "expected \"1.0\"")),
        }
    }

    /// Refuses what is not JSON within; what describes the data is kept with the extensions.
    fn content(&self) -> Result<(), EventError> {
        if self.get("data_base64").is_some() {
            let reason = "binary data is not read here: expected JSON in `data`";
            return Err(EventError::new("data_base64", reason));
        }
        match self.get("datacontenttype") {
            None => Ok(()),
            Some(Attribute::Text(media)) if is_json(media) => Ok(()),
            Some(_) => Err(EventError::new(
                "datacontenttype",
                "expected application/json, another JSON media type, or none",
            )),
        }
    }

    fn source(&mut self) -> Result<DeviceId, EventError> {
        self.text("source")?
            .strip_prefix("/devices/")
            .and_then(|device| device.parse().ok())
            .ok_or_else(|| EventError::new("source", "expected /devices/<device>"))
    }

    fn event_type(&mut self) -> Result<EventType, EventError> {
        let name = self.text("type")?;
        EventType::from_name(&name).ok_or_else(|| {
            let known = EventType::ALL.map(EventType::as_str).join(", ");
            EventError::new("type", format!("not known here, expected one of {known}"))
        })
    }

    fn time(&mut self) -> Result<Timestamp, EventError> {
        time::parse(&self.text("time")?).map_err(|reason| EventError::new("time", reason))
    }

    /// Reads epoch, stream and sequence: all three or none.
    fn place(&mut self, event_type: EventType) -> Result<Option<Place>, EventError> {
        let names = ["epoch", "stream", "sequence"];
        if names.iter().all(|name| self.get(name).is_none()) {
            return Ok(None);
        }
        let epoch: Epoch = self
            .text("epoch")?
            .parse()
            .map_err(|error: crate::EpochError| EventError::new("epoch", error.to_string()))?;
        let stream: Stream = self.parsed("stream")?;
        if stream != event_type.stream() {
            let reason = format!("{event_type} belongs to stream {}", event_type.stream());
            return Err(EventError::new("stream", reason));
        }
        let sequence = self.parsed("sequence")?;
        Ok(Some(Place {
            epoch,
            stream,
            sequence,
        }))
    }

    /// Reads boot and uptime: both or none.
    fn moment(&mut self) -> Result<Option<Moment>, EventError> {
        let names = ["boot", "uptime"];
        if names.iter().all(|name| self.get(name).is_none()) {
            return Ok(None);
        }
        Ok(Some(Moment {
            boot: self.parsed("boot")?,
            uptime: self.parsed("uptime")?,
        }))
    }

    /// What is left: attributes we do not know, as the standard allows them.
    fn extensions(self) -> Result<Map<String, Value>, EventError> {
        let rest = self.into_rest();
        for (name, value) in &rest {
            let well = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let refused = |reason| Err(EventError::new(event_error::name(name), reason));
            if name.is_empty() || !name.bytes().all(well) {
                return refused("expected an attribute name of lower-case letters and digits");
            }
            let is_named_text = ["subject", "dataschema"].contains(&name.as_str());
            match value {
                Value::String(text) if is_named_text && text.is_empty() => {
                    return refused("expected a String that is not empty");
                }
                Value::String(_) => {}
                Value::Bool(_) if !is_named_text => {}
                Value::Number(number) if !is_named_text && is_integer(number) => {}
                Value::Null | Value::Bool(_) | Value::Number(_) => {
                    return refused("expected a String, a Boolean or an Integer of 32 bits");
                }
                Value::Array(_) | Value::Object(_) => {
                    return refused("expected a String, a Boolean or an Integer of 32 bits");
                }
            }
        }
        Ok(rest)
    }

    /// Takes a text out.
    fn text(&mut self, name: &str) -> Result<Cow<'a, str>, EventError> {
        match self.take(name) {
            None => Err(EventError::new(name, "missing")),
            Some(Attribute::Text(text)) => Ok(text),
            Some(_) => Err(EventError::new(name, "expected a String")),
        }
    }

    fn parsed<T: std::str::FromStr<Err = String>>(&mut self, name: &str) -> Result<T, EventError> {
        self.text(name)?
            .parse()
            .map_err(|reason| EventError::new(name, reason))
    }
}

/// CloudEvents 3.1: the whole numbers of an attribute are 32 bits wide.
fn is_integer(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|n| i32::try_from(n).is_ok())
}

/// JSON format 3.1: a media type with the subtype `json`, or the suffix `+json`.
fn is_json(media: &str) -> bool {
    let essence = media.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence
        .split_once('/')
        .is_some_and(|(kind, sub)| !kind.is_empty() && (sub == "json" || sub.ends_with("+json")))
}
