//! The API as a whole, over real rooms in a folder of its own, without a socket.

mod content;
mod document;
mod drafts;
mod house;
mod kiosks;
mod lending;
mod rights;
mod rulings;
mod signing_in;
mod stops;
mod tokens;

use std::path::Path;

use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request};
use axum::response::Response;
use jiff::Timestamp;
use lujiang_broker::{Arrival, Kept};
use lujiang_config::{
    ByteSize, ContentSection, GatewayConfig, IntakeSection, LoansSection, MqttSection, ViewsSection,
};
use lujiang_wire::{Boot, Uptime};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use super::problem::ProblemKind;
use super::*;
use crate::authority::Authority;
use crate::data_dir::DataPaths;
use crate::drafts::DraftRooms;
use crate::intake::{AfterCommit, CommittedGroup};
use crate::people::Right;
use crate::registry::{Actor, NewDevice};
use crate::seal::Seals;
use crate::store::StoreOptions;
use house::{Answer, House, visit};

const TOKEN: &str = "the-admin-token";
/// A Wednesday, 14:32 in Shanghai.
const NOW: &str = "2026-11-04T06:32:00Z";

#[tokio::test]
async fn errors_are_problem_documents_whoever_makes_them() {
    let house = House::open().await;
    let long = "x".repeat(3_000);
    for (request, status, slug) in [
        (house.asking("GET", "/api/v1/nothing"), 404, "not-found"),
        (house.asking("GET", "/nothing"), 404, "not-found"),
        (
            house.asking("DELETE", "/api/v1/visits"),
            405,
            "method-not-allowed",
        ),
        (
            house.asking("GET", "/api/v1/devices/none"),
            404,
            "not-found",
        ),
        (
            house.asking("GET", "/api/v1/devices/-%20"),
            400,
            "bad-parameter",
        ),
        (
            house.sending("POST", "/api/v1/devices", &json!({"id": 7})),
            422,
            "bad-body",
        ),
        (
            house.sending("POST", "/api/v1/devices", &json!(long)),
            413,
            "too-large",
        ),
        (house.asking("POST", "/api/v1/devices"), 415, "media-type"),
        (
            Request::get("/api/v1/visits").body(Body::empty()).unwrap(),
            401,
            "not-signed-in",
        ),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let answer = house.ask(request).await;
        assert_eq!(answer.status, status, "{what} {}", answer.text);
        assert_eq!(
            answer.headers[CONTENT_TYPE], "application/problem+json",
            "{what}"
        );
        let problem = answer.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{what}");
        assert_eq!(problem["status"], status);
        // Its type leads to what to do about it.
        let sort = problem["type"].as_str().unwrap();
        let told = house.anonymous("GET", sort, &[]).await.json();
        assert_eq!(told["title"], problem["title"]);
        assert!(!told["remedy"].as_str().unwrap().is_empty());
        assert_eq!(
            problem["instance"],
            answer.headers["x-request-id"].to_str().unwrap()
        );
        assert!(answer.headers.contains_key("content-security-policy"));
    }
    let not_allowed = house.ask(house.asking("DELETE", "/api/v1/visits")).await;
    assert_eq!(not_allowed.headers["allow"], "GET,HEAD");
}

#[tokio::test]
async fn every_sort_of_problem_is_explained_to_programs_and_people() {
    let house = House::open().await;
    let sorts = house.anonymous("GET", "/problems", &[]).await.json();
    assert_eq!(sorts.as_array().unwrap().len(), ProblemKind::ALL.len());
    let browser = [("accept", "text/html,*/*;q=0.8")];
    for kind in ProblemKind::ALL {
        let path = format!("/problems/{}", kind.slug());
        let page = house.anonymous("GET", &path, &browser).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains(kind.remedy()), "{path}");
        // The policy lets no style or script in a page.
        assert!(!page.text.contains("style=") && !page.text.contains("<script"));
    }
    let none = house.anonymous("GET", "/problems/none", &browser).await;
    assert_eq!(none.json()["type"], "/problems/not-found");
}

#[tokio::test(start_paused = true)]
async fn a_panic_and_a_wait_are_problems_too() {
    let frame = Frame {
        request_timeout: std::time::Duration::from_secs(30),
        metrics: Metrics::default(),
    };
    let router: Router = Router::new()
        .route("/panic", get(async || -> &str { panic!("on purpose") }))
        .route("/wait", get(std::future::pending::<()>))
        .layer(CatchPanicLayer::custom(frame::panicked))
        .layer(middleware::from_fn_with_state(frame, frame::surround));
    for (path, status, slug) in [("/panic", 500, "internal"), ("/wait", 503, "too-slow")] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = Answer::of(router.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["type"], format!("/problems/{slug}"));
        assert!(!answer.text.contains("on purpose"));
    }
}

#[tokio::test]
async fn a_fact_is_seen_in_every_answer() {
    let house = House::open().await;
    house.keep("gate-1", &[visit(1, 3), visit(3, 4)]).await;
    let visits = house.get("/api/v1/visits?site=main").await.json();
    assert_eq!(visits["buckets"].as_array().unwrap().len(), 24);
    assert_eq!(visits["buckets"][0]["start"], "2026-11-04T00:00:00+08:00");
    assert_eq!(visits["total"]["in"], 7, "{visits}");
    assert_eq!(visits["total"]["undated"], 0);
    let ten = &visits["buckets"][10];
    assert_eq!((&ten["in"], &ten["out"]), (&json!(7), &json!(2)), "{ten}");
    assert!(ten["complete"].is_number() || ten["complete"].is_null());
    let gap = &visits["gaps"][0];
    let told = (
        &gap["device"],
        &gap["stream"],
        &gap["from"],
        &gap["to"],
        &gap["state"],
    );
    let expected = (
        &json!("gate-1"),
        &json!("visit"),
        &json!(2),
        &json!(2),
        &json!("open"),
    );
    assert_eq!(told, expected);

    let device = house.get("/api/v1/devices/gate-1").await.json();
    assert_eq!(device["open"], 1);
    assert_eq!(device["streams"][0]["through"], 1);
    assert_eq!(device["streams"][0]["highest"], 3);
    assert_eq!(device["streams"][0]["gaps"][0], *gap);
    let devices = house.get("/api/v1/devices").await.json();
    assert_eq!(devices["devices"][0]["last_fact"], NOW);
    let sites = house.get("/api/v1/sites").await.json();
    assert_eq!(sites["sites"][0]["today"]["in"], 7);
    assert_eq!(sites["sites"][0]["devices"], json!(["gate-1"]));

    let csv = house.get("/api/v1/visits?format=csv&bucket=day").await;
    assert_eq!(
        csv.headers[CONTENT_TYPE],
        "text/csv; charset=utf-8; header=present"
    );
    let lines: Vec<_> = csv.text.lines().collect();
    assert_eq!(
        lines[0],
        "start,in,out,visits,undated,hours_unknown,complete"
    );
    assert!(
        lines[1].starts_with("2026-11-04T00:00:00+08:00,7,2,"),
        "{}",
        lines[1]
    );
    assert!(lines[2].starts_with("total,7,2,"), "{}", lines[2]);

    let metrics = house.get("/metrics").await.text;
    for line in [
        "lujiang_facts_accepted_total 2",
        "lujiang_gaps{state=\"open\"} 1",
        "lujiang_devices{state=\"unknown\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} in\n{metrics}");
    }
    assert!(!metrics.contains("lujiang_commit_seconds_count 0"));
}

#[tokio::test]
async fn an_id_used_twice_raises_an_alarm_and_its_content_is_not_shown() {
    let house = House::open().await;
    house.keep("gate-1", &[visit(1, 3)]).await;
    house.keep("gate-1", &[visit(1, 5_551)]).await;
    let device = house.get("/api/v1/devices/gate-1").await.json();
    assert_eq!(device["alarms"][0]["kind"], "id-conflict");
    let page = house.get("/api/v1/quarantine?limit=1").await;
    assert_eq!(page.json()["rows"][0]["reason"], "id-conflict");
    assert_eq!(page.json()["next"], Value::Null);
    assert!(!page.text.contains("5551"), "{}", page.text);
    let metrics = house.get("/metrics").await.text;
    for line in [
        "lujiang_alarms{kind=\"id-conflict\"} 1",
        "lujiang_quarantined_total{reason=\"id-conflict\"} 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} in\n{metrics}");
    }
}

#[tokio::test]
async fn a_parameter_is_refused_by_its_name() {
    let house = House::open().await;
    for (query, status, parameter) in [
        ("buckets=hour", 400, "buckets"),
        ("bucket=week", 400, "bucket"),
        ("bucket=hour&bucket=day", 400, "bucket"),
        ("from=2000-01-01&to=2100-01-01", 400, "bucket"),
        ("from=soon", 400, "from"),
        ("site=a/b", 400, "site"),
        ("site=nowhere", 404, "site"),
        ("device=nobody", 404, "device"),
        ("format=xml", 400, "format"),
    ] {
        let answer = house.get(&format!("/api/v1/visits?{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        assert_eq!(answer.json()["parameter"], parameter, "{query}");
    }
    let years = house
        .get("/api/v1/visits?from=2000-01-01&to=2100-01-01&bucket=year")
        .await;
    assert_eq!(years.json()["buckets"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn the_registry_is_changed_and_each_change_is_recorded() {
    let house = House::open().await;
    let device = json!({"id": "gate-2", "kind": "gate", "site": "branch", "name": "分馆"});
    let issued = house
        .ask(house.sending("POST", "/api/v1/devices", &device))
        .await;
    assert_eq!(issued.status, 201);
    let password = issued.json()["password"].as_str().unwrap().to_owned();
    let id = "gate-2".parse().unwrap();
    let verified = house
        .state
        .registry
        .verify_device(&id, password.as_bytes())
        .await;
    assert!(verified.is_some());
    let again = house
        .ask(house.sending("POST", "/api/v1/devices", &device))
        .await;
    assert_eq!(again.status, 409);
    let hours = json!({"name": "分馆", "open": "Mon-Fri 08:30-17:30"});
    let site = house
        .ask(house.sending("PUT", "/api/v1/sites/branch", &hours))
        .await;
    assert_eq!(site.json()["open"], "Mon-Fri 08:30-17:30", "{}", site.text);
    let wrong = house
        .ask(house.sending("PUT", "/api/v1/sites/branch", &json!({"open": "daily"})))
        .await;
    assert_eq!(
        (wrong.status, &wrong.json()["parameter"]),
        (422, &json!("open"))
    );
    let audit = house.get("/api/v1/audit?limit=2").await;
    assert_eq!(audit.json()["rows"][0]["action"], "site.set");
    assert_eq!(audit.json()["rows"][1]["subject"], "gate-2");
    assert!(!audit.text.contains(&password));
}

#[tokio::test]
async fn figures_are_rebuilt_on_demand_and_stay_the_same() {
    let house = House::open().await;
    house.keep("gate-1", &[visit(1, 3)]).await;
    let before = house.get("/api/v1/visits").await.text;
    let begun = house
        .ask(house.asking("POST", "/api/v1/views/rebuild"))
        .await;
    assert_eq!(begun.status, 202);
    house.state.rebuilds.settled().await;
    let views = house.get("/api/v1/views").await.json();
    assert_eq!(
        (&views["rebuilds"], &views["folded"]),
        (&json!(1), &json!(1)),
        "{views}"
    );
    assert_eq!(views["rebuilding"], Value::Null);
    assert_eq!(house.get("/api/v1/visits").await.text, before);
}

#[tokio::test]
async fn live_streams_tell_of_a_fact_are_counted_and_end() {
    let mut house = House::open().await;
    house.follow_live();
    let response = house.respond(house.asking("GET", "/api/v1/live")).await;
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let second = house.ask(house.asking("GET", "/api/v1/live")).await;
    assert_eq!(
        (second.status, second.json()["type"].as_str()),
        (503, Some("/problems/too-many"))
    );
    let told = tokio::spawn(to_bytes(response.into_body(), 1 << 20));
    house.keep("gate-1", &[visit(1, 3)]).await;
    // What was told before the end is told to the end.
    let mut watcher = house.heard.take().unwrap();
    while !matches!(watcher.next().await, Some(crate::live::Change::Devices(_))) {}
    tokio::task::yield_now().await;
    house.state.stopping.cancel();
    let told = String::from_utf8(told.await.unwrap().unwrap().to_vec()).unwrap();
    for expected in [
        "retry: 2000",
        "event: beat",
        "event: visits\ndata: {\"sites\":[\"main\"]}",
        "event: folded",
    ] {
        assert!(told.contains(expected), "{expected} in\n{told}");
    }
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let house = House::open().await;
    assert_eq!(house.anonymous("GET", "/readyz", &[]).await.text, "ready\n");
    assert_eq!(house.anonymous("GET", "/healthz", &[]).await.status, 200);
    house.state.stopping.cancel();
    let not_ready = house.anonymous("GET", "/readyz", &[]).await;
    assert_eq!(not_ready.status, 503);
    assert_eq!(
        not_ready.json()["reasons"],
        json!(["the gateway is stopping"])
    );
}
