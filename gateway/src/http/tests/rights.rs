//! The table of rights, walked by the OpenAPI document: strangers and narrower rights are turned
//! away from every route, and each change leaves exactly one audit record.

use lujiang_wire::Mode;

use super::*;
use crate::desk::{Conflict, ConflictKind, Deed, Happening, ItemRecord, LoanFact, Stage, When};
use crate::entry::EntryNumber;
use crate::store;

/// The routes that need no right, and why that is right.
const OPEN: [(&str, &str); 16] = [
    ("get /healthz", "monitors have no session"),
    ("get /readyz", "monitors have no session"),
    ("get /metrics", "monitors have no session"),
    ("get /api/v1/sign-in", "the page that signs in"),
    ("post /api/v1/sign-in", "asks for a password"),
    ("post /api/v1/sign-in/link", "asks for a link"),
    ("post /api/v1/sign-in/link/look", "asks for a link"),
    ("post /api/v1/sign-in/password", "asks for a link"),
    ("post /api/v1/enrolment", "asks for a device's token"),
    (
        "post /api/v1/certificate",
        "asks for a device's certificate",
    ),
    (
        "get /api/v1/device/carried-receipts/{device}",
        "asks for a device's certificate",
    ),
    (
        "get /api/v1/device/carried-wish/{device}",
        "asks for a device's certificate",
    ),
    (
        "get /api/v1/device/loan-papers",
        "asks for a device's certificate",
    ),
    (
        "get /content/v1/metadata/{file}",
        "asks for a device's certificate",
    ),
    (
        "get /content/v1/blobs/{blob}",
        "asks for a device's certificate",
    ),
    (
        "get /content/v1/blocks/{blob}",
        "asks for a device's certificate",
    ),
];

/// How a change is asked for so that it succeeds.
enum Example {
    /// At this place, with this body.
    Ask(&'static str, Value),
    /// It needs more than a body; this test claims the same for it.
    Elsewhere(#[expect(dead_code, reason = "for the reader")] &'static str),
}

/// An example for each change there is; a route that is new needs one here.
fn example(route: &str) -> Option<Example> {
    use Example::{Ask, Elsewhere};
    Some(match route {
        "post /api/v1/devices" => Ask(
            "/api/v1/devices",
            json!({"id": "gate-2", "kind": "gate", "site": "main"}),
        ),
        "patch /api/v1/devices/{device}" => Ask("/api/v1/devices/gate-1", json!({"name": "北门"})),
        "post /api/v1/devices/{device}/password" => {
            Ask("/api/v1/devices/gate-1/password", json!({}))
        }
        "put /api/v1/devices/{device}/limits" => Ask(
            "/api/v1/devices/gate-1/limits",
            json!({"messages_per_second": 5}),
        ),
        "post /api/v1/devices/{device}/enrolment" => {
            Ask("/api/v1/devices/gate-1/enrolment", json!({}))
        }
        "post /api/v1/devices/{device}/revoke" => Ask("/api/v1/devices/gate-1/revoke", json!({})),
        "post /api/v1/readers" => Ask(
            "/api/v1/readers",
            json!({"name": "node-red", "filters": ["library/v1/devices/+/events"]}),
        ),
        // Added by the route before it.
        "delete /api/v1/readers/{reader}" => Ask("/api/v1/readers/node-red", json!({})),
        "put /api/v1/sites/{site}" => Ask("/api/v1/sites/main", json!({"name": "主馆"})),
        "post /api/v1/sign-in-links" => Ask("/api/v1/sign-in-links", json!({})),
        "post /api/v1/tokens" => Ask("/api/v1/tokens", json!({"name": "new", "scope": "read"})),
        "delete /api/v1/tokens/{token}" => Ask("/api/v1/tokens/old", json!({})),
        "post /api/v1/views/rebuild" => Ask("/api/v1/views/rebuild", json!({})),
        "post /api/v1/quarantine/{number}/open" => Ask("/api/v1/quarantine/1/open", json!({})),
        "post /api/v1/quarantine/{number}/accept" => {
            Ask("/api/v1/quarantine/2/accept", json!({"why": "a fair"}))
        }
        "post /api/v1/quarantine/{number}/correct" => Ask(
            "/api/v1/quarantine/3/correct",
            json!({"why": "four noughts too many", "event": visit(3, 9)}),
        ),
        "post /api/v1/quarantine/{number}/dismiss" => {
            Ask("/api/v1/quarantine/4/dismiss", json!({"why": "a test"}))
        }
        "post /api/v1/persons/erase" => Ask(
            "/api/v1/persons/erase",
            json!({"entries": [5], "why": "asked for"}),
        ),
        "post /api/v1/stops/past" => Ask(
            "/api/v1/stops/past",
            json!({"year": 2016, "csv": super::stops::TWO_STOPS}),
        ),
        "post /api/v1/content/publications" => Elsewhere("content: it takes a vault"),
        "put /api/v1/content/blobs/{blob}" => Elsewhere("content: bytes are no act"),
        "post /api/v1/content/drafts" => Elsewhere("drafts: each step is on record there"),
        "delete /api/v1/content/drafts/{draft}" => Elsewhere("drafts: as above"),
        "put /api/v1/content/drafts/{draft}/files/{file}" => Elsewhere("drafts: as above"),
        "delete /api/v1/content/drafts/{draft}/files/{file}" => Elsewhere("drafts: as above"),
        "post /api/v1/content/notices" => Elsewhere("content: it takes a repository"),
        "delete /api/v1/content/notices/{notice}" => Elsewhere("content: as above"),
        "post /api/v1/content/hidden" => Elsewhere("content: as above"),
        "delete /api/v1/content/hidden/{title}" => Elsewhere("content: as above"),
        _ if route.starts_with("post /api/v1/rollouts") => Elsewhere("rollouts/tests.rs"),
        "post /api/v1/sign-out" => Elsewhere("a_change_by_cookie_must_come_from_here"),
        _ => return of_lending(route),
    })
}

/// An example for each change of the loan desk and its papers.
fn of_lending(route: &str) -> Option<Example> {
    use Example::{Ask, Elsewhere};
    Some(match route {
        "post /api/v1/loans/blocks" => Elsewhere("papers: the body is no JSON"),
        "post /api/v1/loans/pause" => Ask("/api/v1/loans/pause", json!({})),
        "post /api/v1/loans/probe" => Ask("/api/v1/loans/probe", json!({})),
        "post /api/v1/loans/resume" => Ask("/api/v1/loans/resume", json!({})),
        "post /api/v1/loans/forget" => Ask("/api/v1/loans/forget", json!({})),
        "post /api/v1/loans/export" => Ask("/api/v1/loans/export", json!({"form": "koc"})),
        "post /api/v1/conflicts/{number}/ruling" => Ask(
            "/api/v1/conflicts/101/ruling",
            json!({"ruling": "dismiss", "reason": "seen at the shelf"}),
        ),
        // Ruled on before the walk.
        "delete /api/v1/conflicts/{number}/ruling" => {
            Ask("/api/v1/conflicts/102/ruling", json!({}))
        }
        "post /api/v1/loans/rotate-key" => Ask("/api/v1/loans/rotate-key", json!({})),
        "post /api/v1/loans/stops" => Ask(
            "/api/v1/loans/stops",
            json!({"date": "2026-12-03", "unit": "东岗村小学", "place": "操场"}),
        ),
        "delete /api/v1/loans/stops/{stop}" => Elsewhere("papers: the name is made"),
        _ => return None,
    })
}

#[tokio::test]
async fn a_stranger_is_turned_away_from_every_route_that_is_not_meant_for_him() {
    let house = House::open().await;
    let cookie = format!("{}=wrong", house.state.cookie().name(Scheme::Plain));
    for (route, right) in routes(&house).await {
        assert_eq!(
            right.is_none(),
            OPEN.iter().any(|(open, _)| *open == route),
            "{route}"
        );
        if right.is_none() {
            continue;
        }
        let (method, place) = place_of(&route);
        for headers in [
            &[][..],
            &[("authorization", "Bearer wrong")],
            &[("authorization", "Bearer ljt_wrong")],
            &[("cookie", cookie.as_str())],
        ] {
            let answer = house.anonymous(&method, &place, headers).await;
            assert_eq!(answer.status, 401, "{route} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_narrower_right_is_turned_away_from_every_route_and_leaves_nothing() {
    let house = House::open().await;
    let mut bearers = Vec::new();
    for right in Right::ALL {
        let token = house.token(right.as_str(), right.as_str()).await;
        bearers.push((right, format!("Bearer {token}")));
    }
    let before = house.acts().await;
    for (route, needed) in routes(&house).await {
        let (method, place) = place_of(&route);
        for (right, bearer) in &bearers {
            if needed.is_some_and(|needed| !right.covers(needed)) {
                let by_token = [("authorization", bearer.as_str())];
                let answer = house.anonymous(&method, &place, &by_token).await;
                assert_eq!(answer.status, 403, "{route} with {right}");
            }
        }
    }
    assert_eq!(house.acts().await, before);
}

#[tokio::test]
async fn every_change_leaves_exactly_one_audit_record_of_who_made_it() {
    let house = House::open().await;
    house.token("old", "read").await;
    let crowds: Vec<Value> = (1..=5).map(|number| visit(number, 900_000)).collect();
    house.keep("gate-1", &crowds).await;
    for number in [101, 102] {
        take_back(&house, number, refused()).await;
    }
    // One that waits goes out with an export.
    take_back(&house, 103, Stage::Waiting).await;
    let ruling = json!({"ruling": "retry", "reason": "the shelf was tidied"});
    let ruled = house.sending("POST", "/api/v1/conflicts/102/ruling", &ruling);
    assert_eq!(house.ask(ruled).await.status, 202);
    for (route, needed) in routes(&house).await {
        let Some(needed) = needed.filter(|_| !route.starts_with("get ")) else {
            continue;
        };
        let example = example(&route);
        let example = example.unwrap_or_else(|| panic!("{route} has no example in this test"));
        let Example::Ask(place, body) = example else {
            continue;
        };
        // No wider than the route needs: its right is enough.
        let name = format!("by-{}", house.acts().await.len());
        let token = house.token(&name, needed.as_str()).await;
        let before = house.acts().await.len();
        let (method, _) = place_of(&route);
        let mut request = house.sending(&method, place, &body);
        let bearer = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert(AUTHORIZATION, bearer);
        let answer = house.ask(request).await;
        assert!(
            (200..300).contains(&answer.status),
            "{route} {}",
            answer.text
        );
        let acts = house.acts().await;
        assert_eq!(acts.len(), before + 1, "{route} left {:?}", &acts[..2]);
        assert!(
            acts[0].starts_with(&format!("token {name} ")),
            "{}",
            acts[0]
        );
    }
}

/// How a fact stands that the library system refuses to take down.
fn refused() -> Stage {
    Stage::Disputed(Conflict {
        kind: ConflictKind::Refused,
        words: None,
        since: NOW.parse().unwrap(),
        retry_at: None,
        intent: None,
    })
}

/// A return at the loan desk that has come so far.
async fn take_back(house: &House, number: i64, stage: Stage) {
    let now: Timestamp = NOW.parse().unwrap();
    let number = EntryNumber(number);
    let mut record = ItemRecord::new(format!("LL{}", number.0).parse().unwrap());
    let fact = LoanFact {
        happening: Happening {
            number,
            device: "bus-1".parse().unwrap(),
            place: None,
            when: When::at(now),
        },
        id: format!("bus-1-{}", number.0).parse().unwrap(),
        item: record.item.clone(),
        deed: Deed::Checkin,
        mode: Mode::Offline,
    };
    record.hear(fact, now);
    record.open[0].stage = stage;
    let rest = record.rest();
    let keep =
        move |tx: &rusqlite::Transaction<'_>| store::loans::keep(tx, &record, rest, &[], now);
    house.state.store.decide(keep).await.unwrap();
}

/// Every route of the document, as `method path`, and its right.
async fn routes(house: &House) -> Vec<(String, Option<Right>)> {
    let document = house.get("/api/openapi.json").await.json();
    let mut routes = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let right = operation["x-right"].as_str().unwrap().parse().ok();
            routes.push((format!("{method} {path}"), right));
        }
    }
    routes
}

/// The method of a route, and its path with something in the place of each parameter.
fn place_of(route: &str) -> (String, String) {
    let (method, path) = route.split_once(' ').unwrap();
    let filled = |part: &str| match part.starts_with('{') {
        true => "gate-1".to_owned(),
        false => part.to_owned(),
    };
    let parts: Vec<String> = path.split('/').map(filled).collect();
    (method.to_uppercase(), parts.join("/"))
}
