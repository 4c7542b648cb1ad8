//! Signing in, signing out, and changes by cookie.

use super::*;

#[tokio::test]
async fn a_link_is_shown_without_being_spent_and_signs_in_once() {
    let house = House::open().await;
    let made = house
        .ask(house.sending("POST", "/api/v1/sign-in-links", &json!({"person": "渌江"})))
        .await;
    assert_eq!(made.status, 201);
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let path = link.strip_prefix("http://lujiang.test").unwrap();
    for _ in 0..2 {
        let page = house.anonymous("GET", path, &[]).await;
        assert_eq!(page.status, 200);
        assert!(!page.headers.contains_key(SET_COOKIE));
    }
    let token = path.strip_prefix("/sign-in?").unwrap();
    let elsewhere = house.sign_in(token, "http://evil.example").await;
    assert_eq!(elsewhere.status, 403);
    let signed_in = house.sign_in(token, "http://lujiang.test").await;
    assert_eq!(
        (signed_in.status, &signed_in.headers[LOCATION]),
        (303, &"/".parse().unwrap())
    );
    let cookie = signed_in.headers[SET_COOKIE].to_str().unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert_eq!(
        house.sign_in(token, "http://lujiang.test").await.status,
        403
    );

    let cookie = cookie.split(';').next().unwrap();
    let session = house
        .anonymous("GET", "/api/v1/session", &[("cookie", cookie)])
        .await;
    assert_eq!(session.json()["person"], "渌江");
    assert_eq!(session.json()["now"], "2026-11-04T14:32:00+08:00");
    let audit = house
        .anonymous("GET", "/api/v1/audit", &[("cookie", cookie)])
        .await
        .json();
    let rows = audit["rows"].as_array().unwrap();
    let acts: Vec<_> = rows
        .iter()
        .map(|row| (row["actor"].as_str(), row["action"].as_str()))
        .collect();
    assert_eq!(
        acts[..2],
        [
            (Some("渌江"), Some("person.sign-in")),
            (Some("admin token"), Some("person.link"))
        ]
    );
}

#[tokio::test]
async fn a_change_by_cookie_must_come_from_here() {
    let house = House::open().await;
    let token = house.state.people.make_link(Person {
        name: "technician".to_owned(),
        role: Role::Admin,
    });
    let (session, _) = house.state.people.sign_in(token.as_str()).unwrap();
    let cookie = format!(
        "{}={}",
        house.state.cookie().name(Scheme::Plain),
        session.as_str()
    );
    let cookie = ("cookie", cookie.as_str());
    for said in [
        None,
        Some("http://evil.example"),
        Some("null"),
        Some("http://lujiang.test:81"),
    ] {
        let mut headers = vec![cookie];
        headers.extend(said.map(|origin| ("origin", origin)));
        let refused = house.anonymous("POST", "/api/v1/sign-out", &headers).await;
        assert_eq!(refused.status, 403, "{said:?}");
    }
    let headers = [cookie, ("origin", "http://lujiang.test")];
    let signed_out = house.anonymous("POST", "/api/v1/sign-out", &headers).await;
    assert_eq!(signed_out.status, 204);
    let ended = house.anonymous("GET", "/api/v1/session", &[cookie]).await;
    assert_eq!(ended.status, 401);
}
