//! What staff puts into the papers of devices, over the API.

use std::collections::BTreeMap;
use std::time::Duration;

use lujiang_broker::Word;
use lujiang_wire::{LinkState, Status, Stream};
use tokio_util::sync::CancellationToken;

use super::*;

/// Longest wait for what must come.
const DEADLINE: Duration = Duration::from_secs(20);

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

#[tokio::test]
async fn how_far_a_device_has_come_is_told_by_what_it_wrote_and_what_the_desk_has_yet_to_tell() {
    let house = House::open().await;
    let row = async || house.get("/api/v1/sync").await.json()["devices"][0].clone();
    let nothing = row().await;
    assert_eq!(nothing["device"], "gate-1");
    let none = json!([null, {}, 0, null]);
    let told = |row: &Value| {
        json!([
            row["last_contact"],
            row["waiting"],
            row["at_desk"],
            row["oldest"]
        ])
    };
    assert_eq!(told(&nothing), none);

    // It says it wrote five visits and is heard of one; it lent two items off-line.
    let word = Word::Status {
        device: "gate-1".parse().unwrap(),
        status: Status {
            state: LinkState::Online,
            since: "2026-11-03T06:32:00Z".parse().unwrap(),
            agent: None,
            boot: None,
            epoch: Some("0123456789abcdef0123456789abcdef".parse().unwrap()),
            written: BTreeMap::from([(Stream::Visit, 5)]),
            // Its clock is a day behind: what counts is how long ago that was.
            oldest: Some("2026-11-03T01:00:00Z".parse().unwrap()),
        },
    };
    house.state.presence.hear(word, NOW.parse().unwrap());
    let lent = |id: &str, time: &str| {
        json!({
            "specversion": "1.0", "id": id, "source": "/devices/gate-1",
            "type": "library.loan.checkout.v1", "time": time,
            "data": {"item": id, "session": "s", "mode": "offline", "outcome": {"ok": true},
                     "patron": {"id": "R1"}},
        })
    };
    let later = lent("LJ2", "2026-11-04T11:30:00+08:00");
    let first = lent("LJ1", "2026-11-04T11:00:00+08:00");
    house.keep("gate-1", &[visit(1, 3), later, first]).await;
    let (desk, cancel) = (house.state.loans.clone(), CancellationToken::new());
    let head = house.state.store.head_watch();
    let desk = tokio::spawn(desk.run(head, cancel.clone()));
    let becomes = async |expected: Value| {
        let told = async || told(&row().await);
        let becoming = tokio::time::timeout(DEADLINE, async {
            while told().await != expected {
                tokio::task::yield_now().await;
            }
        });
        assert!(becoming.await.is_ok(), "{} {expected}", told().await);
    };
    becomes(json!([NOW, {"visit": 4}, 2, "2026-11-04T01:00:00Z"])).await;
    let rest: Vec<Value> = (2..6).map(|number| visit(number, 3)).collect();
    house.keep("gate-1", &rest).await;
    becomes(json!([NOW, {"visit": 0}, 2, "2026-11-04T03:00:00Z"])).await;
    cancel.cancel();
    desk.await.unwrap();
}
