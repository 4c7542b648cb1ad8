use serde_json::{Value, json};

use super::Event;
use crate::{EventError, Fact, Patron};

const VISIT: &str = r#"{"specversion":"1.0","id":"a-1","source":"/devices/gate-1",
    "type":"library.visit.counted.v1","time":"2026-11-22T18:00:00+08:00",
    "data":{"from":"2026-11-22T09:59:00Z","to":"2026-11-22T10:00:00Z","in":3,"out":2}}"#;

fn with(changes: &Value) -> Result<Event, EventError> {
    let mut value: Value = serde_json::from_str(VISIT).unwrap();
    let members = value.as_object_mut().unwrap();
    for (name, change) in changes.as_object().unwrap() {
        members.insert(name.clone(), change.clone());
    }
    Event::from_value(value)
}

#[test]
fn a_plain_device_leaves_the_extensions_out() {
    let event = Event::from_json(VISIT).unwrap();
    assert_eq!((&event.place, &event.moment), (&None, &None));
    assert_eq!(event.time.to_string(), "2026-11-22T10:00:00Z");
}

#[test]
fn a_null_attribute_is_one_that_is_not_there() {
    let nulls = json!({"epoch": null, "stream": null, "sequence": null, "boot": null,
        "uptime": null, "subject": null, "datacontenttype": null, "traceparent": null,
        "data_base64": null});
    assert_eq!(with(&nulls), Event::from_json(VISIT));
    assert_eq!(
        with(&json!({"id": null})).unwrap_err().to_string(),
        "id: missing"
    );
}

#[test]
fn what_the_standard_does_not_allow_is_named() {
    for (changes, said) in [
        (
            json!({"specversion": "0.3"}),
            "specversion: expected \"1.0\"",
        ),
        (
            json!({"id": ""}),
            "id: expected 1 to 200 bytes without control characters",
        ),
        (
            json!({"source": "gate-1"}),
            "source: expected /devices/<device>",
        ),
        (json!({"time": 5}), "time: expected a String"),
        (
            json!({"Time": "x"}),
            "Time: expected an attribute name of lower-case letters and digits",
        ),
        (
            json!({"trace": {}}),
            "trace: expected a String, a Boolean or an Integer of 32 bits",
        ),
        (
            json!({"trace": 2_147_483_648_u64}),
            "trace: expected a String, a Boolean or an Integer of 32 bits",
        ),
        (
            json!({"subject": ""}),
            "subject: expected a String that is not empty",
        ),
        (
            json!({"data_base64": "AA=="}),
            "data_base64: binary data is not read here: expected JSON in `data`",
        ),
        (
            json!({"datacontenttype": "text/xml"}),
            "datacontenttype: expected application/json, another JSON media type, or none",
        ),
        (json!({"epoch": "0".repeat(32)}), "stream: missing"),
        (json!({"boot": "b"}), "uptime: missing"),
        (
            json!({"boot": "b", "uptime": 5}),
            "uptime: expected a String",
        ),
        (
            json!({"data": null}),
            "data: invalid type: null, expected struct VisitCounted",
        ),
    ] {
        assert_eq!(with(&changes).unwrap_err().to_string(), said);
    }
}

#[test]
fn what_the_standard_allows_is_kept() {
    let changes = json!({"datacontenttype": "application/cloud+json; charset=utf-8",
        "dataschema": "https://example.org/visit", "subject": "north door",
        "traceparent": "00-0af7", "retry": true, "partition": -5});
    let text = with(&changes).unwrap().to_json();
    let read: Value = serde_json::from_str(&text).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        assert_eq!(&read[name], value);
    }
}

#[test]
fn members_stand_sorted_at_every_depth() {
    let event = with(
        &json!({"traceparent": "00-0af7", "epoch": "0".repeat(32), "stream": "visit",
        "sequence": "00000000000000000001", "boot": "b", "uptime": "5",
        "data": {"to": "2026-11-22T10:00:00Z", "from": "2026-11-22T09:59:00Z", "out": 2, "in": 3,
            "b": [{"d": 1.0, "c": null}], "a": "\u{1}\"é"}}),
    )
    .unwrap();
    let expected = r#"{"boot":"b","data":{"a":"\u0001\"é","b":[{"c":null,"d":1.0}],"#.to_owned()
        + r#""from":"2026-11-22T09:59:00Z","in":3,"out":2,"to":"2026-11-22T10:00:00Z"},"epoch":""#
        + &"0".repeat(32)
        + r#"","id":"a-1","sequence":"00000000000000000001","source":"/devices/gate-1","#
        + r#""specversion":"1.0","stream":"visit","time":"2026-11-22T10:00:00Z","#
        + r#""traceparent":"00-0af7","type":"library.visit.counted.v1","uptime":"5"}"#;
    assert_eq!(event.to_json(), expected);
}

#[test]
fn a_fact_in_another_stream_is_refused() {
    let changes = json!({"epoch": "0".repeat(32), "stream": "loan",
        "sequence": "00000000000000000001"});
    let error = with(&changes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "stream: library.visit.counted.v1 belongs to stream visit"
    );
}

#[test]
fn members_of_data_we_do_not_know_are_kept() {
    let event = with(
        &json!({"data": {"from": "2026-11-22T09:59:00Z", "to": "2026-11-22T10:00:00Z",
        "in": 3, "out": 2, "height_cm": [170, 120]}}),
    )
    .unwrap();
    let Fact::VisitCounted(mut visit) = event.fact().clone() else {
        panic!("a visit");
    };
    visit.entered = 4;
    let read: Value =
        serde_json::from_str(&event.with_fact(Fact::VisitCounted(visit)).to_json()).unwrap();
    assert_eq!(read["data"]["height_cm"], json!([170, 120]));
    assert_eq!(read["data"]["in"], json!(4));
}

fn loan(data: &Value) -> Result<Event, EventError> {
    with(&json!({"type": "library.loan.checkout.v1", "data": data}))
}

#[test]
fn of_a_reader_in_clear_nothing_is_left_once_understood_and_sealed() {
    let event = with(
        &json!({"type": "library.loan.checkout.v1", "subject": "430281",
        "data": {"item": "31000", "session": "s1", "mode": "offline",
            "outcome": {"ok": true, "of": "430281"}, "patron": {"id": "430281"},
            "patron_name": "430281"}}),
    )
    .unwrap();
    assert!(event.fact().patron().unwrap().is_clear());
    assert!(!format!("{event:?}").contains("430281"), "not in logs");
    let sealed = Patron::Sealed {
        sealed: "AAAA".to_owned(),
        kid: "2026".parse().unwrap(),
    };
    let fact = event.fact().clone().with_patron(sealed);
    let text = event.understood().with_fact(fact).to_json();
    assert!(!text.contains("430281"), "{text}");
    assert!(
        text.contains(r#""patron":{"kid":"2026","sealed":"AAAA"}"#),
        "{text}"
    );
}

#[test]
fn what_is_understood_of_an_event_is_all_that_can_be_read_of_it() {
    let event = with(
        &json!({"type": "library.loan.checkin.v1", "traceparent": "00-1",
        "data": {"item": "31000", "session": "s1", "mode": "online",
            "outcome": {"ok": true, "by": "x"}, "patron": {"id": "430281"}}}),
    )
    .unwrap();
    let understood = event.clone().understood();
    assert_eq!(understood.fact(), event.fact());
    let again = Event::from_json(&understood.to_json()).unwrap();
    assert_eq!(again, understood);
    let read: Value = serde_json::from_str(&understood.to_json()).unwrap();
    assert_eq!(
        read["data"],
        json!({"item": "31000", "session": "s1", "mode": "online", "outcome": {"ok": true}})
    );
    assert!(read.get("traceparent").is_none());
}

#[test]
fn a_reader_stands_in_off_line_loans_only_and_alone() {
    let of = |mode: &str, patron: Value| {
        let data = json!({"item": "31000", "session": "s1", "mode": mode,
            "outcome": {"ok": true}, "patron": patron});
        loan(&data).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(of("offline", json!({"id": "1"})), Ok(()));
    assert_eq!(of("online", json!(null)), Ok(()));
    for (mode, patron, said) in [
        (
            "online",
            json!({"id": "1"}),
            "data.patron: expected none, since the mode is online",
        ),
        (
            "offline",
            json!(null),
            "data.patron: missing, although the mode is offline",
        ),
        (
            "offline",
            json!({}),
            "data.patron: expected sealed and kid, or id alone",
        ),
        (
            "offline",
            json!({"id": "1", "sealed": "AA", "kid": "k"}),
            "data.patron: expected sealed and kid, or id alone",
        ),
        (
            "offline",
            json!({"id": "1", "name": "430281"}),
            "data.patron.name: unknown field, expected one of `sealed`, `kid`, `id`",
        ),
        (
            "offline",
            json!("430281"),
            "data.patron: invalid type: string, expected an object of sealed and kid, or of id",
        ),
    ] {
        assert_eq!(of(mode, patron), Err(said.to_owned()));
    }
}
