//! API tokens over HTTP.

use super::*;

#[tokio::test]
async fn a_token_is_shown_once_does_what_its_scope_says_and_is_removed() {
    let house = House::open().await;
    let asked = json!({"name": "warehouse", "scope": "read", "expires": "2027-01-01T00:00:00Z"});
    let made = house
        .ask(house.sending("POST", "/api/v1/tokens", &asked))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    assert!(token.starts_with("ljt_"));
    let bearer = format!("Bearer {token}");
    let by_token = [("authorization", bearer.as_str())];
    let session = house.anonymous("GET", "/api/v1/session", &by_token).await;
    assert_eq!(session.json()["person"], "token warehouse");
    assert_eq!(session.json()["right"], "read");
    let refused = house.anonymous("GET", "/api/v1/tokens", &by_token).await;
    assert_eq!(refused.json()["type"], "/problems/not-allowed");

    let listed = house.get("/api/v1/tokens").await;
    let row = &listed.json()["tokens"][0];
    assert_eq!(row["name"], "warehouse");
    assert_eq!(row["made_by"], "admin token");
    assert_eq!(row["used"], "2026-11-04T06:00:00Z");
    assert_eq!(row["expires"], "2027-01-01T00:00:00Z");
    let audit = house.get("/api/v1/audit").await;
    assert!(!listed.text.contains(&token) && !audit.text.contains(&token));

    let removal = house.asking("DELETE", "/api/v1/tokens/warehouse");
    assert_eq!(house.ask(removal).await.status, 204);
    let ended = house.anonymous("GET", "/api/v1/session", &by_token).await;
    assert_eq!(ended.status, 401);
    let removal = house.asking("DELETE", "/api/v1/tokens/warehouse");
    assert_eq!(house.ask(removal).await.status, 404);
    assert_eq!(
        house.acts().await[..2],
        ["admin token token.remove", "admin token token.add"]
    );
}

#[tokio::test]
async fn what_is_no_token_is_refused_by_its_place() {
    let house = House::open().await;
    let past = "2026-11-04T06:31:59Z";
    for (asked, status, place) in [
        (json!({"name": "a b", "scope": "read"}), 422, "name"),
        (json!({"name": "a", "scope": "admin"}), 422, "scope"),
        (
            json!({"name": "a", "scope": "read", "expires": past}),
            422,
            "expires",
        ),
        (
            json!({"name": "a", "scope": "read", "rights": []}),
            422,
            "rights",
        ),
    ] {
        let request = house.sending("POST", "/api/v1/tokens", &asked);
        let refused = house.ask(request).await;
        let found = refused.json()["parameter"].clone();
        assert_eq!((refused.status, found), (status, json!(place)), "{asked}");
    }
}

#[tokio::test]
async fn the_live_stream_of_a_removed_token_ends() {
    let mut house = House::open().await;
    house.follow_live();
    let token = house.token("screen", "read").await;
    let mut request = house.asking("GET", "/api/v1/live");
    let bearer = format!("Bearer {token}").parse().unwrap();
    request.headers_mut().insert(AUTHORIZATION, bearer);
    let response = house.respond(request).await;
    let removal = house.asking("DELETE", "/api/v1/tokens/screen");
    assert_eq!(house.ask(removal).await.status, 204);
    // It ends by itself: the gateway does not stop.
    let told = to_bytes(response.into_body(), 1 << 20);
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    assert!(told.expect("the stream ends").is_ok());
}

#[tokio::test]
async fn the_audit_is_read_in_pages_and_by_actor_and_kind() {
    let house = House::open().await;
    for number in 0..5 {
        house.token(&format!("token-{number}"), "read").await;
    }
    let removal = house.asking("DELETE", "/api/v1/tokens/token-3");
    assert_eq!(house.ask(removal).await.status, 204);
    let first = house.get("/api/v1/audit?action=token&limit=4").await.json();
    assert_eq!(first["rows"][0]["action"], "token.remove");
    let next = first["next"].as_i64().unwrap();
    let rest = house
        .get(&format!("/api/v1/audit?action=token&limit=4&before={next}"))
        .await
        .json();
    assert_eq!(rest["rows"].as_array().unwrap().len(), 2);
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(rest["rows"][1]["subject"], "token-0");
    for (query, rows) in [
        ("action=token.add", 5),
        ("action=tok", 0),
        ("actor=nobody", 0),
        ("actor=admin%20token", 6),
    ] {
        let page = house.get(&format!("/api/v1/audit?{query}")).await.json();
        assert_eq!(page["rows"].as_array().unwrap().len(), rows, "{query}");
    }
}
