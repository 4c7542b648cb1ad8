//! The members of an envelope as they come, before anything is made of them. What a fact carries
//! is kept as a value; attributes stay where they stand in the text, so that reading them costs
//! nothing but looking.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The members not yet read. Of two with the same name the last counts.
#[derive(Default)]
pub(super) struct Envelope<'a> {
    /// CloudEvents attributes, in their order.
    attributes: Vec<(Cow<'a, str>, Attribute<'a>)>,
    /// The fact.
    pub(super) data: Option<Value>,
}

/// What an attribute can be in the JSON format.
pub(super) enum Attribute<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    /// An array or an object: none that an attribute can be.
    Compound,
}

impl<'a> Envelope<'a> {
    /// Takes an attribute out. JSON format 2.2: one that is null is one that is not there.
    pub(super) fn take(&mut self, name: &str) -> Option<Attribute<'a>> {
        let mut taken = None;
        self.attributes.retain_mut(|(known, attribute)| {
            let is_kept = known != name;
            if !is_kept {
                taken = Some(std::mem::replace(attribute, Attribute::Null));
            }
            is_kept
        });
        taken.filter(|attribute| !matches!(attribute, Attribute::Null))
    }

    /// An attribute, left where it is.
    pub(super) fn get(&self, name: &str) -> Option<&Attribute<'a>> {
        let mut attributes = self.attributes.iter();
        let found = attributes.rfind(|(known, _)| known == name);
        let found = found.map(|(_, attribute)| attribute);
        found.filter(|attribute| !matches!(attribute, Attribute::Null))
    }

    /// What is left, by name.
    pub(super) fn into_rest(self) -> Map<String, Value> {
        let named = |(name, attribute): (Cow<'a, str>, Attribute<'a>)| {
            (name.into_owned(), attribute.into())
        };
        let mut rest: Map<_, _> = self.attributes.into_iter().map(named).collect();
        rest.retain(|_, value| !value.is_null());
        rest
    }
}

impl From<Attribute<'_>> for Value {
    fn from(attribute: Attribute<'_>) -> Self {
        match attribute {
            Attribute::Null => Self::Null,
            Attribute::Bool(truth) => Self::Bool(truth),
            Attribute::Number(number) => Self::Number(number),
            Attribute::Text(text) => Self::String(text.into_owned()),
            Attribute::Compound => Self::Object(Map::new()),
        }
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Text(name)) = members.next_key()? {
            if name == "data" {
                envelope.data = Some(members.next_value()?);
            } else {
                envelope.attributes.push((name, members.next_value()?));
            }
        }
        Ok(envelope)
    }
}

/// A text that stays where it is, unless something in it is escaped.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Attribute<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Attribute<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Attribute::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Attribute::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Attribute::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Attribute::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        // JSON knows no number that is not finite.
        Ok(Number::from_f64(number).map_or(Attribute::Null, Attribute::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Attribute::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Attribute::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Attribute::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Attribute::Compound)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Attribute::Compound)
    }
}
