//! JSON Schemas (draft 2020-12) of everything on the wire, made from the types.
//!
//! They are for those who write a device without our agent: what they allow we read, but for
//! what a schema cannot say (a period ends after it begins; a reader stands in off-line loans
//! only), which stands in the descriptions.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::{
    Allotment, Boot, CardIssued, CarriedReceipts, CarriedWish, Catalogue, ClockMessage,
    ContentFailed, ContentInstalled, ContentRemoved, Desired, Due, Epoch, EventId, EventType,
    KioskUsed, Label, LoanCheckin, LoanCheckout, LoanPapers, LoanUndone, Notices, OutboxDropped,
    PaymentUnresolved, Receipts, Reported, Signed, Status, StopClosed, StopOpened, Telemetry,
    Uptime, VisitCounted,
};

/// A schema and the name of the file it belongs in, without `.json`.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedSchema {
    /// An event type, or a document.
    pub name: &'static str,
    /// The schema.
    pub schema: Value,
}

/// The schemas of all event types, and of the documents.
#[must_use]
pub fn schemas() -> Vec<NamedSchema> {
    let events = EventType::ALL.into_iter().map(|event_type| NamedSchema {
        name: event_type.as_str(),
        schema: event(event_type),
    });
    let documents = [
        document::<Status>("status"),
        document::<Telemetry>("telemetry"),
        document::<Receipts>("receipts"),
        document::<ClockMessage>("clock"),
        document::<Desired>("desired"),
        document::<LoanPapers>("loan-papers"),
        document::<Reported>("reported"),
        document::<Signed>("signed"),
        document::<CarriedReceipts>("carried-receipts"),
        document::<CarriedWish>("carried-wish"),
        document::<Catalogue>("catalogue"),
        document::<Allotment>("allotment"),
        document::<Notices>("notices"),
    ];
    events.chain(documents).collect()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().into_generator()
}

fn document<T: JsonSchema>(name: &'static str) -> NamedSchema {
    NamedSchema {
        name,
        schema: generator().into_root_schema_for::<T>().into(),
    }
}

/// The envelope with the data of one type.
fn event(event_type: EventType) -> Value {
    let mut generator = generator();
    let data = data(&mut generator, event_type);
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": event_type.as_str(),
        "description": "A CloudEvents 1.0 event. A null attribute is one that is not there; \
                        attributes not named here are kept.",
        "type": "object",
        "properties": {
            "specversion": { "const": "1.0" },
            "id": {
                "description": "Unique per device for ever; agents use \
                                <epoch>-<stream>-<sequence>. The same id with other content is \
                                kept aside and raises an alarm.",
                "type": "string",
                "minLength": 1,
                "maxLength": 200
            },
            "source": {
                "description": "The device; the one that is connected.",
                "type": "string",
                "pattern": "^/devices/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
            },
            "type": { "const": event_type.as_str() },
            "time": {
                "description": "When it happened, by the device's clock.",
                "type": "string",
                "format": "date-time"
            },
            "datacontenttype": {
                "description": "application/json, or another JSON media type.",
                "type": "string"
            },
            "dataschema": { "type": "string", "format": "uri", "minLength": 1 },
            "subject": { "type": "string", "minLength": 1 },
            "epoch": generator.subschema_for::<Epoch>(),
            "stream": {
                "description": "The stream of the outbox; it follows from the type.",
                "const": event_type.stream().as_str()
            },
            "sequence": {
                "description": "The number within the stream, contiguous from 1.",
                "type": "string",
                "pattern": "^[0-9]{20}$"
            },
            "boot": generator.subschema_for::<Boot>(),
            "uptime": generator.subschema_for::<Uptime>(),
            "data": data
        },
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "dependentRequired": {
            "epoch": ["stream", "sequence"],
            "stream": ["epoch", "sequence"],
            "sequence": ["epoch", "stream"],
            "boot": ["uptime"], "uptime": ["boot"]
        },
        "propertyNames": { "pattern": "^[a-z0-9]+$" },
        "additionalProperties": { "type": ["string", "boolean", "integer", "null"] }
    });
    schema.insert("$defs".to_owned(), generator.take_definitions(true).into());
    schema.into()
}

fn data(generator: &mut SchemaGenerator, event_type: EventType) -> Schema {
    match event_type {
        EventType::VisitCounted => generator.subschema_for::<VisitCounted>(),
        EventType::LoanCheckout | EventType::LoanRenew => generator.subschema_for::<LoanCheckout>(),
        EventType::LoanCheckin => generator.subschema_for::<LoanCheckin>(),
        EventType::LoanUndone => generator.subschema_for::<LoanUndone>(),
        EventType::CardIssued => generator.subschema_for::<CardIssued>(),
        EventType::PaymentUnresolved => generator.subschema_for::<PaymentUnresolved>(),
        EventType::KioskUsed => generator.subschema_for::<KioskUsed>(),
        EventType::ContentInstalled => generator.subschema_for::<ContentInstalled>(),
        EventType::ContentRemoved => generator.subschema_for::<ContentRemoved>(),
        EventType::ContentFailed => generator.subschema_for::<ContentFailed>(),
        EventType::StopOpened => generator.subschema_for::<StopOpened>(),
        EventType::StopClosed => generator.subschema_for::<StopClosed>(),
        EventType::OutboxDropped => generator.subschema_for::<OutboxDropped>(),
    }
}

/// The schema of a type that is a text of a certain form.
macro_rules! text_schema {
    ($type:ident, $description:literal, $pattern:literal) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": $description,
                    "type": "string",
                    "pattern": $pattern
                })
            }
        }
    };
}

text_schema!(
    Epoch,
    "The name of one life of an outbox: 128 random bits.",
    "^[0-9a-f]{32}$"
);
text_schema!(
    Boot,
    "A random name of one boot of a device.",
    "^[a-z0-9-]{1,64}$"
);
text_schema!(
    Uptime,
    "Milliseconds since the boot, suspend included; at most 9223372036854775807.",
    "^[0-9]{1,19}$"
);

text_schema!(
    Due,
    "The end of a day in the library's time zone, or an RFC 3339 time.",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}($|[Tt ])"
);

impl JsonSchema for EventId {
    fn schema_name() -> Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The id of an event: unique per device for ever.",
            "type": "string",
            "minLength": 1,
            "maxLength": 200
        })
    }
}

impl JsonSchema for Label {
    fn schema_name() -> Cow<'static, str> {
        "Label".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A short text: no control character, no blank at either end.",
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "pattern": r"^\S([^\x00-\x1f\x7f-\x9f]*\S)?$"
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use proptest::prelude::*;

    use super::*;
    use crate::{Event, arbitrary};

    /// Set to write the schemas instead of comparing them.
    const WRITE: &str = "LUJIANG_WRITE_SCHEMAS";

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
    }

    #[test]
    fn the_schemas_kept_are_the_schemas_made() {
        for NamedSchema { name, schema } in schemas() {
            let path = folder().join(format!("{name}.json"));
            let made = serde_json::to_string_pretty(&schema).unwrap() + "\n";
            if std::env::var_os(WRITE).is_some() {
                std::fs::write(&path, &made).unwrap();
            }
            let kept = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(kept == made, "{}: run again with {WRITE}=1", path.display());
        }
        let kept = std::fs::read_dir(folder()).unwrap().count();
        assert_eq!(kept, schemas().len(), "no schema of what is gone");
    }

    proptest! {
        #[test]
        fn what_a_schema_requires_we_require(event in arbitrary::event()) {
            let schema = super::event(event.fact().event_type());
            let value: Value = serde_json::from_str(&event.to_json()).unwrap();
            let data = resolved(&schema, &schema["properties"]["data"]);
            for (part, schema) in [("", &schema), ("/data", data)] {
                let members = value.pointer(part).unwrap().as_object().unwrap();
                let properties = schema["properties"].as_object().unwrap();
                for name in members.keys() {
                    prop_assert!(properties.contains_key(name), "{name} has no schema");
                }
                for name in schema["required"].as_array().unwrap() {
                    let name = name.as_str().unwrap();
                    let mut without = value.clone();
                    let members = without.pointer_mut(part).unwrap().as_object_mut().unwrap();
                    prop_assert!(members.remove(name).is_some(), "{name} is not written");
                    let error = Event::from_value(without).unwrap_err().to_string();
                    prop_assert!(error.contains(name), "{error}");
                }
            }
        }
    }

    fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
        let path = schema["$ref"].as_str().unwrap().trim_start_matches('#');
        root.pointer(path).unwrap()
    }
}
