//! Claims about what people decide on quarantined elements over HTTP.

use super::*;

#[tokio::test]
async fn an_element_is_opened_corrected_and_counts_and_the_audit_says_so() {
    let house = House::open().await;
    let mut crowd = visit(1, 900_000);
    crowd["id"] = json!("crowd");
    house.keep("gate-1", &[crowd]).await;
    let path = |act: &str| format!("/api/v1/quarantine/1/{act}");
    let row = &house.get("/api/v1/quarantine?state=open").await.json()["rows"][0];
    assert_eq!(
        (&row["state"], &row["decision"]),
        (&json!("open"), &Value::Null)
    );

    let open = &house.get("/api/v1/devices/gate-1").await.json()["quarantined"];
    assert_eq!(*open, 1);
    let opened = house.ask(house.asking("POST", &path("open"))).await.json();
    assert!(
        opened["text"].as_str().unwrap().contains("900000"),
        "{opened}"
    );
    let mut event: Value = serde_json::from_str(opened["text"].as_str().unwrap()).unwrap();
    event["data"]["in"] = json!(9);
    event["data"]["raw"]["in"] = json!(9);
    let body = json!({"why": "读数多了四个零", "event": event});
    let ruled = house
        .ask(house.sending("POST", &path("correct"), &body))
        .await;

    assert_eq!(ruled.status, 200, "{}", ruled.text);
    let row = ruled.json();
    assert_eq!(
        (&row["state"], &row["decision"]["admitted"]),
        (&json!("corrected"), &json!(2))
    );
    let open = &house.get("/api/v1/devices/gate-1").await.json()["quarantined"];
    assert_eq!(*open, 0);
    let mut folded = house.state.views.folded();
    folded.wait_for(|folded| folded.0 >= 2).await.unwrap();
    assert_eq!(house.get("/api/v1/visits").await.json()["total"]["in"], 9);
    let again = house
        .ask(house.sending("POST", &path("dismiss"), &json!({"why": "x"})))
        .await;
    assert_eq!(
        (again.status, again.json()["type"].clone()),
        (409, json!("/problems/conflict"))
    );
    let audit = house.get("/api/v1/audit").await.json();
    let actions: Vec<&Value> = audit["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["action"])
        .collect();
    assert_eq!(
        actions[..2],
        [&json!("quarantine.correct"), &json!("quarantine.open")]
    );
    assert!(!audit.to_string().contains("900000"), "{audit}");
    let csv = house.get("/api/v1/quarantine?format=csv").await;
    assert!(
        csv.text.lines().nth(1).unwrap().contains("corrected"),
        "{}",
        csv.text
    );
    for filter in ["state=open", "reason=id-conflict", "device=gate-2"] {
        let page = house
            .get(&format!("/api/v1/quarantine?{filter}"))
            .await
            .json();
        assert_eq!(page["rows"], json!([]), "{filter}");
    }
}

#[tokio::test]
async fn what_cannot_be_decided_is_told_with_its_reason() {
    let house = House::open().await;
    house.keep("gate-1", &[json!({"nonsense": 1})]).await;
    let why = json!({"why": "x"});
    for (path, body, status) in [
        ("/api/v1/quarantine/7/accept", &why, 404),
        ("/api/v1/quarantine/x/accept", &why, 400),
        ("/api/v1/quarantine/1/accept", &why, 422),
        ("/api/v1/quarantine/1/dismiss", &json!({"why": " "}), 422),
        ("/api/v1/quarantine/1/dismiss", &json!({}), 422),
    ] {
        let answer = house.ask(house.sending("POST", path, body)).await;
        assert_eq!(answer.status, status, "{path} {}", answer.text);
    }
    let wrong = house.get("/api/v1/quarantine?state=closed").await.json();
    assert_eq!(
        wrong["expected"],
        "one of open, accepted, corrected, dismissed"
    );
    let row = &house.get("/api/v1/quarantine").await.json()["rows"][0];
    assert_eq!(row["state"], "open");
}
