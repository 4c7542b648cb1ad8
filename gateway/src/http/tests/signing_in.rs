//! Signing in, signing out, and changes by cookie.

use super::*;

const PASSWORD: &str = "correct horse battery";
const HERE: (&str, &str) = ("origin", "http://lujiang.test");

#[tokio::test]
async fn a_link_is_looked_at_without_being_spent_and_signs_in_once() {
    let house = House::open().await;
    let token = house.link(json!({"person": "渌江"})).await;
    let token = json!({ "token": token });
    for _ in 0..2 {
        let looked = house.entering("/sign-in/link/look", &token, &[HERE]).await;
        assert_eq!(looked.json()["person"], "渌江");
        assert!(!looked.headers.contains_key(SET_COOKIE));
    }
    for origin in ["http://evil.example", "null"] {
        let elsewhere = [("origin", origin)];
        let refused = house.entering("/sign-in/link", &token, &elsewhere).await;
        assert_eq!(refused.status, 403, "{origin}");
    }
    let signed_in = house.entering("/sign-in/link", &token, &[HERE]).await;
    assert_eq!(signed_in.status, 204, "{}", signed_in.text);
    let cookie = signed_in.cookie();
    for path in ["/sign-in/link", "/sign-in/link/look"] {
        let spent = house.entering(path, &token, &[HERE]).await;
        assert_eq!(spent.json()["type"], "/problems/link-spent");
    }
    let session = house
        .anonymous("GET", "/api/v1/session", &[("cookie", &cookie)])
        .await;
    assert_eq!(session.json()["person"], "渌江");
    assert_eq!(session.json()["right"], "administer");
    assert_eq!(session.json()["now"], "2026-11-04T14:32:00+08:00");
    assert_eq!(
        house.acts().await[..2],
        ["渌江 person.sign-in", "admin token person.link"]
    );
}

#[tokio::test]
async fn the_administrator_sets_a_password_by_a_link_and_signs_in_with_it() {
    let house = House::open().await;
    let entrance = house.anonymous("GET", "/api/v1/sign-in", &[]).await.json();
    assert_eq!(entrance, json!({"library": "渌江", "has_password": false}));
    let mut asked = json!({"token": house.link(json!({})).await, "name": "admin"});
    for (password, place) in [("short", "password"), ("        渌江", "password")] {
        asked["password"] = json!(password);
        let refused = house.entering("/sign-in/password", &asked, &[HERE]).await;
        assert_eq!(
            (refused.status, &refused.json()["parameter"]),
            (422, &json!(place))
        );
        assert!(!refused.text.contains(password));
    }
    asked["password"] = json!(PASSWORD);
    let set = house.entering("/sign-in/password", &asked, &[HERE]).await;
    assert_eq!(set.status, 204, "{}", set.text);
    let entrance = house.anonymous("GET", "/api/v1/sign-in", &[]).await.json();
    assert_eq!(entrance["has_password"], true);

    let mut credentials = json!({"name": "admin", "password": "correct horse batterx"});
    let wrong = house.entering("/sign-in", &credentials, &[HERE]).await;
    assert_eq!(wrong.json()["type"], "/problems/wrong-password");
    assert!(!wrong.headers.contains_key(SET_COOKIE));
    credentials["password"] = json!(PASSWORD);
    let other_site = [("sec-fetch-site", "cross-site")];
    let refused = house.entering("/sign-in", &credentials, &other_site).await;
    assert_eq!(refused.status, 403);
    let signed_in = house.entering("/sign-in", &credentials, &[HERE]).await;
    assert_eq!(signed_in.status, 204, "{}", signed_in.text);
    let cookie = signed_in.cookie();
    let audit = house
        .anonymous("GET", "/api/v1/audit?action=person", &[("cookie", &cookie)])
        .await;
    let expected = [
        ("admin", "person.sign-in"),
        ("address 127.0.0.1", "person.sign-in-failed"),
        ("admin", "person.password"),
        ("admin token", "person.link"),
    ];
    for (row, (actor, action)) in audit.json()["rows"]
        .as_array()
        .unwrap()
        .iter()
        .zip(expected)
    {
        assert_eq!(
            (&row["actor"], &row["action"]),
            (&json!(actor), &json!(action))
        );
    }
    assert!(!audit.text.contains("horse") && !audit.text.contains("argon2"));
}

#[tokio::test]
async fn guesses_are_held_and_told_when_to_come_again() {
    let house = House::open().await;
    let mut held = None;
    for number in 0..30 {
        let guess = json!({"name": "admin", "password": format!("guess number {number}")});
        let refused = house.entering("/sign-in", &guess, &[]).await;
        if refused.status == 429 {
            held = Some(refused);
            break;
        }
        assert_eq!(refused.status, 403);
    }
    let held = held.expect("30 guesses in a row are too many");
    assert_eq!(held.json()["type"], "/problems/held");
    let wait: u64 = held.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
}

#[tokio::test]
async fn a_change_by_cookie_must_come_from_here() {
    let house = House::open().await;
    let cookie = house.signed_in().await;
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
    let signed_out = house
        .anonymous("POST", "/api/v1/sign-out", &[cookie, HERE])
        .await;
    assert_eq!(signed_out.status, 204);
    let ended = house.anonymous("GET", "/api/v1/session", &[cookie]).await;
    assert_eq!(ended.status, 401);
    assert_eq!(house.acts().await[0], "admin person.sign-out");
}

#[tokio::test]
async fn over_https_the_cookie_is_secure_and_a_plain_one_is_none() {
    let house = House::open().await;
    let token = json!({ "token": house.link(json!({})).await });
    let secured = |mut request: Request<Body>| {
        let (address, scheme) = ("192.0.2.7".parse().unwrap(), Scheme::Tls);
        request
            .extensions_mut()
            .insert(peer::Peer { address, scheme });
        request.headers_mut().remove(AUTHORIZATION);
        request
    };
    let request = house.sending("POST", "/api/v1/sign-in/link", &token);
    let signed_in = house.ask(secured(request)).await;
    let cookie = signed_in.cookie();
    assert!(cookie.starts_with("__Host-lujiang_session_"), "{cookie}");
    let mut request = secured(house.asking("GET", "/api/v1/session"));
    request
        .headers_mut()
        .insert("cookie", cookie.parse().unwrap());
    assert_eq!(house.ask(request).await.status, 200);
    let without_prefix = cookie.strip_prefix("__Host-").unwrap();
    let mut request = secured(house.asking("GET", "/api/v1/session"));
    request
        .headers_mut()
        .insert("cookie", without_prefix.parse().unwrap());
    assert_eq!(house.ask(request).await.status, 401);
}
