//! What must hold for everything we write and everything that comes: what we write we read back
//! equal, and what we cannot read we name by place and reason, without quoting it.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value, json};

use crate::{
    ClockMessage, Document, Event, EventId, EventType, Receipts, Status, Telemetry, Topic,
    TopicFilter, arbitrary, decode_events, encode_batch,
};

/// Stands for a reader's identity; never in a place or a reason.
const SECRET: &str = "430281199001011234";

proptest! {
    #[test]
    fn an_event_we_write_we_read_back_equal(event in arbitrary::event()) {
        let text = event.to_json();
        let read = Event::from_json(&text);
        prop_assert_eq!(read.as_ref(), Ok(&event));
        prop_assert_eq!(read.unwrap().to_json(), text);
    }

    #[test]
    fn the_id_of_a_place_tells_it_and_no_other_id_tells_one(event in arbitrary::event()) {
        if let Some(place) = &event.place {
            prop_assert_eq!(EventId::of_place(place).place(), Some(place.clone()));
        }
        let told = event.id.place().map(|place| EventId::of_place(&place));
        prop_assert!(told.is_none_or(|id| id == event.id));
    }

    #[test]
    fn a_batch_we_write_we_read_back_equal(events in prop::collection::vec(arbitrary::event(), 1..8)) {
        let texts: Vec<String> = events.iter().map(Event::to_json).collect();
        let elements = decode_events(&encode_batch(&texts)).unwrap();
        let raws: Vec<&String> = elements.iter().map(|element| &element.raw).collect();
        prop_assert_eq!(raws, texts.iter().collect::<Vec<_>>());
        let read: Result<Vec<Event>, _> = elements.into_iter().map(|element| element.event).collect();
        prop_assert_eq!(read, Ok(events));
    }

    #[test]
    fn topics_and_filters_we_write_we_read_back_equal(topic in arbitrary::topic(), filter in arbitrary::filter()) {
        prop_assert_eq!(topic.to_string().parse::<Topic>().unwrap(), topic);
        prop_assert_eq!(filter.to_string().parse::<TopicFilter>().unwrap(), filter);
    }

    #[test]
    fn documents_we_write_we_read_back_equal(
        status in arbitrary::status(),
        telemetry in arbitrary::telemetry(),
        receipts in arbitrary::receipts(),
        clock in arbitrary::clock(),
    ) {
        prop_assert_eq!(Status::from_json(&status.to_json()), Ok(status));
        prop_assert_eq!(Receipts::from_json(&receipts.to_json()), Ok(receipts));
        prop_assert_eq!(ClockMessage::from_json(&clock.to_json()), Ok(clock));
        prop_assert_eq!(Telemetry::from_json(&telemetry.to_json()), Ok(telemetry));
    }

    #[test]
    fn the_canonical_text_does_not_depend_on_order_or_blanks(event in arbitrary::event(), seed in any::<u64>()) {
        let canonical = event.to_json();
        let value: Value = serde_json::from_str(&canonical).unwrap();
        let shuffled = scattered(&value, &mut seed.clone());
        prop_assert_eq!(Event::from_json(&shuffled).unwrap().to_json(), canonical);
    }

    #[test]
    fn a_spoilt_event_is_read_or_named(event in arbitrary::event(), which in any::<Index>(), spoil in any::<Index>()) {
        let mut value: Value = serde_json::from_str(&event.to_json()).unwrap();
        spoil_one(&mut value, which, spoil);
        let read = Event::from_value(value.clone());
        prop_assert_eq!(&read, &Event::from_json(&value.to_string()), "as text it is the same");
        match read {
            Ok(read) => prop_assert_eq!(Event::from_json(&read.to_json()), Ok(read)),
            Err(error) => {
                prop_assert!(!error.place.is_empty() && !error.reason.is_empty());
                prop_assert!(!error.to_string().contains(SECRET), "{}", error);
            }
        }
    }

    #[test]
    fn a_spoilt_document_is_read_or_named(status in arbitrary::status(), telemetry in arbitrary::telemetry(), which in any::<Index>(), spoil in any::<Index>()) {
        let spoilt = |payload: Vec<u8>| {
            let mut value: Value = serde_json::from_slice(&payload).unwrap();
            spoil_one(&mut value, which, spoil);
            value.to_string().into_bytes()
        };
        let status = Status::from_json(&spoilt(status.to_json())).err();
        let telemetry = Telemetry::from_json(&spoilt(telemetry.to_json())).err();
        for error in status.into_iter().chain(telemetry) {
            prop_assert!(!error.place.is_empty() && !error.reason.is_empty());
            prop_assert!(!error.to_string().contains(SECRET), "{}", error);
        }
    }

    #[test]
    fn any_bytes_are_read_or_named(payload in prop::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]{}\",:0-9a-z ]{0,60}") {
        for payload in [&payload[..], text.as_bytes()] {
            match decode_events(payload) {
                Ok(elements) => prop_assert!(elements.iter().all(|element| element.event.is_err())),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn sealing_a_reader_leaves_the_rest(event in arbitrary::event(), patron in arbitrary::patron()) {
        let fact = event.fact().clone().with_patron(patron.clone());
        let has_reader = event.fact().patron().is_some();
        let sealed = event.clone().with_fact(fact);
        prop_assert_eq!(sealed.fact().patron(), has_reader.then_some(&patron));
        prop_assert_eq!(Event::from_json(&sealed.to_json()), Ok(sealed.clone()));
        if !has_reader {
            prop_assert_eq!(sealed, event);
        }
    }
}

#[test]
fn every_type_has_its_name_and_is_found_by_it() {
    for event_type in EventType::ALL {
        assert_eq!(EventType::from_name(event_type.as_str()), Some(event_type));
    }
}

/// Writes JSON with the members of each object in another order and blanks between.
fn scattered(value: &Value, seed: &mut u64) -> String {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    let blank = ["", " ", "\n\t"][usize::try_from((*seed >> 33) % 3).unwrap()];
    match value {
        Value::Object(members) => {
            let mut parts: Vec<String> = members
                .iter()
                .map(|(name, inner)| {
                    format!("{blank}{}:{blank}{}", json!(name), scattered(inner, seed))
                })
                .collect();
            let middle = usize::try_from(*seed >> 40).unwrap() % parts.len().max(1);
            parts.rotate_left(middle);
            format!("{{{}{blank}}}", parts.join(","))
        }
        Value::Array(elements) => {
            let parts: Vec<String> = elements
                .iter()
                .map(|inner| scattered(inner, seed))
                .collect();
            format!("[{blank}{}]", parts.join(","))
        }
        plain => plain.to_string(),
    }
}

/// Replaces, removes, renames or adds one thing anywhere within.
fn spoil_one(value: &mut Value, which: Index, spoil: Index) {
    let mut paths = vec![String::new()];
    collect(value, "", &mut paths);
    let path = which.get(&paths).clone();
    let junk = [
        json!(SECRET),
        json!(430_281_199_001_011_234_u64),
        json!(-1.5),
        json!(null),
        json!(true),
        json!([SECRET]),
        json!({ SECRET: SECRET }),
        json!(""),
    ];
    let action = spoil.index(junk.len() + 3);
    let target = value.pointer_mut(&path).unwrap();
    match (junk.get(action), target) {
        (Some(junk), target) => *target = junk.clone(),
        (None, Value::Object(members)) if !members.is_empty() => {
            let name = members
                .keys()
                .nth(spoil.index(members.len()))
                .unwrap()
                .clone();
            let inner = members.remove(&name).unwrap();
            if action == junk.len() {
                members.insert(SECRET.to_owned(), inner);
            } else if action == junk.len() + 1 {
                members.insert(name.to_uppercase(), inner);
            }
        }
        (None, target) => *target = Value::Object(Map::new()),
    }
}

fn collect(value: &Value, path: &str, paths: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, inner)| (name.clone(), inner))
            .collect(),
        Value::Array(elements) => {
            let numbered = elements.iter().enumerate();
            numbered
                .map(|(number, inner)| (number.to_string(), inner))
                .collect()
        }
        _ => return,
    };
    for (name, inner) in inner {
        let path = format!("{path}/{name}");
        paths.push(path.clone());
        collect(inner, &path, paths);
    }
}
