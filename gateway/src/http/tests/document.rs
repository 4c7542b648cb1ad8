//! The OpenAPI document: every route stands in it, with its right and its errors.

use super::*;

/// Every route there is, in order.
const ROUTES: &[&str] = &[
    "delete /api/v1/conflicts/{number}/ruling",
    "delete /api/v1/content/drafts/{draft}",
    "delete /api/v1/content/drafts/{draft}/files/{file}",
    "delete /api/v1/content/hidden/{title}",
    "delete /api/v1/content/notices/{notice}",
    "delete /api/v1/loans/stops/{stop}",
    "delete /api/v1/readers/{reader}",
    "delete /api/v1/tokens/{token}",
    "get /api/v1/audit",
    "get /api/v1/conflicts",
    "get /api/v1/content/blobs/{blob}",
    "get /api/v1/content/drafts",
    "get /api/v1/content/drafts/{draft}",
    "get /api/v1/content/drafts/{draft}/understanding",
    "get /api/v1/content/hidden",
    "get /api/v1/content/notices",
    "get /api/v1/content/pictures/{blob}",
    "get /api/v1/content/releases",
    "get /api/v1/content/releases/{release}",
    "get /api/v1/content/releases/{release}/allotment",
    "get /api/v1/content/releases/{release}/titles",
    "get /api/v1/content/repository",
    "get /api/v1/device/carried-receipts/{device}",
    "get /api/v1/device/carried-wish/{device}",
    "get /api/v1/device/loan-papers",
    "get /api/v1/devices",
    "get /api/v1/devices/{device}",
    "get /api/v1/gateway",
    "get /api/v1/live",
    "get /api/v1/loans",
    "get /api/v1/loans/blocks",
    "get /api/v1/loans/desk",
    "get /api/v1/loans/stops",
    "get /api/v1/loans/totals",
    "get /api/v1/payments",
    "get /api/v1/quarantine",
    "get /api/v1/rollouts",
    "get /api/v1/rollouts/{rollout}",
    "get /api/v1/session",
    "get /api/v1/sign-in",
    "get /api/v1/sites",
    "get /api/v1/stops",
    "get /api/v1/sync",
    "get /api/v1/tokens",
    "get /api/v1/views",
    "get /api/v1/visits",
    "get /content/v1/blobs/{blob}",
    "get /content/v1/blocks/{blob}",
    "get /content/v1/metadata/{file}",
    "get /healthz",
    "get /metrics",
    "get /readyz",
    "patch /api/v1/devices/{device}",
    "post /api/v1/certificate",
    "post /api/v1/conflicts/{number}/ruling",
    "post /api/v1/content/drafts",
    "post /api/v1/content/hidden",
    "post /api/v1/content/notices",
    "post /api/v1/content/publications",
    "post /api/v1/devices",
    "post /api/v1/devices/{device}/enrolment",
    "post /api/v1/devices/{device}/password",
    "post /api/v1/devices/{device}/revoke",
    "post /api/v1/enrolment",
    "post /api/v1/loans/blocks",
    "post /api/v1/loans/export",
    "post /api/v1/loans/forget",
    "post /api/v1/loans/pause",
    "post /api/v1/loans/probe",
    "post /api/v1/loans/resume",
    "post /api/v1/loans/rotate-key",
    "post /api/v1/loans/stops",
    "post /api/v1/persons/erase",
    "post /api/v1/quarantine/{number}/accept",
    "post /api/v1/quarantine/{number}/correct",
    "post /api/v1/quarantine/{number}/dismiss",
    "post /api/v1/quarantine/{number}/open",
    "post /api/v1/readers",
    "post /api/v1/rollouts",
    "post /api/v1/rollouts/{rollout}/abort",
    "post /api/v1/rollouts/{rollout}/approve",
    "post /api/v1/rollouts/{rollout}/excuse",
    "post /api/v1/rollouts/{rollout}/pause",
    "post /api/v1/rollouts/{rollout}/resume",
    "post /api/v1/rollouts/{rollout}/retry",
    "post /api/v1/rollouts/{rollout}/start",
    "post /api/v1/sign-in",
    "post /api/v1/sign-in-links",
    "post /api/v1/sign-in/link",
    "post /api/v1/sign-in/link/look",
    "post /api/v1/sign-in/password",
    "post /api/v1/sign-out",
    "post /api/v1/stops/past",
    "post /api/v1/tokens",
    "post /api/v1/views/rebuild",
    "put /api/v1/content/blobs/{blob}",
    "put /api/v1/content/drafts/{draft}/files/{file}",
    "put /api/v1/devices/{device}/limits",
    "put /api/v1/sites/{site}",
];

#[tokio::test]
async fn every_route_stands_in_the_document() {
    let house = House::open().await;
    let document = house.get("/api/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["license"]["name"], "Apache-2.0");
    let mut routes: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.push(format!("{method} {path}"));
        }
    }
    routes.sort();
    assert_eq!(routes, ROUTES);
}

#[tokio::test]
async fn the_document_says_what_may_be_left_out_and_how_errors_look() {
    let house = House::open().await;
    let document = house.get("/api/openapi.json").await.json();
    let visits = &document["paths"]["/api/v1/visits"]["get"];
    for parameter in visits["parameters"].as_array().unwrap() {
        assert_eq!(parameter["in"], "query", "{parameter}");
        assert_eq!(parameter["required"], false, "{parameter}");
    }
    let device = &document["paths"]["/api/v1/devices/{device}"]["get"]["parameters"][0];
    assert_eq!(
        (&device["in"], &device["required"]),
        (&json!("path"), &json!(true))
    );
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            if path.starts_with("/api/v1/") {
                let problem = &operation["responses"]["default"]["content"];
                assert!(
                    problem["application/problem+json"].is_object(),
                    "{method} {path}"
                );
            }
        }
    }
    let schemas = &document["components"]["schemas"];
    let required = |schema: &str| {
        let names = schemas[schema]["required"].as_array().unwrap();
        let mut names: Vec<_> = names.iter().map(|it| it.as_str().unwrap()).collect();
        names.sort_unstable();
        names.join(" ")
    };
    assert_eq!(required("BucketRow"), "complete in out start visits");
    assert_eq!(required("Problem"), "detail instance status title type");
    // Every schema that is named is there.
    let text = document.to_string();
    for name in text.split("#/components/schemas/").skip(1) {
        let name = name.split('"').next().unwrap();
        assert!(schemas[name].is_object(), "schema {name}");
    }
}

#[tokio::test]
async fn the_document_tells_the_right_of_every_route() {
    let house = House::open().await;
    let document = house.get("/api/openapi.json").await.json();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let right = operation["x-right"].as_str().unwrap();
            let is_open = operation["security"] == json!([{}]);
            let known = right.parse::<Right>().is_ok() || (is_open && right == "none");
            assert!(known, "{method} {path} needs {right:?}");
        }
    }
}
