//! What staff puts into the papers of devices, over the API.

use super::*;

#[tokio::test]
async fn a_block_list_is_imported_with_one_record_and_its_problems_are_told_by_line() {
    let house = House::open().await;
    let import = |take: &str, list: &str| {
        let path = format!("/api/v1/loans/blocks?from=koha&take={take}");
        let request = house
            .building("POST", &path)
            .header(CONTENT_TYPE, "text/csv");
        house.ask(request.body(Body::from(list.to_owned())).unwrap())
    };
    // Longer than `http.body_max` of this house: this route has its own.
    let lines: String = (0..500)
        .map(|n| format!("CANARY{n},9999-12-31\n"))
        .collect();
    let list = format!("cardnumber,debarred\n{lines}");
    let before = house.acts().await.len();

    let bad = import("whole", &format!("{list}CANARY,soon\n"))
        .await
        .json();
    assert_eq!(
        (&bad["taken"], &bad["problems"][0]["line"]),
        (&json!(false), &json!(502))
    );
    let good = import("whole", &list).await;
    assert_eq!(
        (&good.json()["taken"], &good.json()["readers"]),
        (&json!(true), &json!(500))
    );
    let shown = house.get("/api/v1/loans/blocks").await;
    assert_eq!(
        (&shown.json()["readers"], &shown.json()["as_of"]),
        (&json!(500), &json!(NOW))
    );

    let acts = house.acts().await;
    assert_eq!(
        (acts.len(), acts[0].as_str()),
        (before + 1, "admin token loans.blocks")
    );
    let audit = house.get("/api/v1/audit").await.text;
    assert!(!format!("{bad}{}{}{audit}", good.text, shown.text).contains("CANARY"));
    for (path, status) in [
        ("/api/v1/loans/blocks?from=excel", 400),
        ("/api/v1/loans/blocks", 400),
        ("/api/v1/loans/blocks?from=evergreen", 422),
    ] {
        let request = house.building("POST", path).body(Body::from("a,b\n"));
        assert_eq!(house.ask(request.unwrap()).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn a_stop_is_planned_listed_and_removed_by_its_name() {
    let house = House::open().await;
    let stop = json!({"date": "2026-12-03", "unit": "东岗村小学", "place": "操场"});
    let planned = house
        .ask(house.sending("POST", "/api/v1/loans/stops", &stop))
        .await;
    assert_eq!(planned.status, 201, "{}", planned.text);
    let name = planned.json()["stop"].as_str().unwrap().to_owned();
    let listed = house.get("/api/v1/loans/stops").await.json();
    assert_eq!(listed["stops"], json!([planned.json()]));

    let path = format!("/api/v1/loans/stops/{name}");
    assert_eq!(house.ask(house.asking("DELETE", &path)).await.status, 204);
    assert_eq!(house.ask(house.asking("DELETE", &path)).await.status, 404);
    assert_eq!(house.acts().await[0], "admin token loans.stop.remove");
}
