//! Totals of lending, payments nobody confirmed, and the yearly table of the bus, over HTTP.

use super::*;

/// A table of two stops, with a byte order mark as a spreadsheet writes it.
pub(super) const TWO_STOPS: &str = "\u{feff}序号,流动服务单位,活动内容,活动时间,活动地点,册数,参与人数\n\
    1,奥特莱斯广场,送书进广场,1月2日,醴陵市奥特莱斯广场,360,1080\n\
    2,黄沙中学,送书进学校,6月08日,醴陵市黄沙中学,230,530\n";

fn fact(id: u32, kind: &str, time: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": id.to_string(), "source": "/devices/gate-1",
        "type": format!("library.{kind}.v1"), "time": time, "data": data,
    })
}

fn checkout(id: u32, session: &str) -> Value {
    let data = json!({
        "item": format!("LJ{id}"), "session": session, "mode": "online", "outcome": {"ok": true},
        "stop": "stop-1",
    });
    fact(id, "loan.checkout", "2026-11-04T10:05:00+08:00", &data)
}

#[tokio::test]
async fn loans_are_added_up_by_day_site_and_kind_also_as_csv() {
    let house = House::open().await;
    let refused = json!({
        "item": "LJ9", "session": "c", "mode": "online", "outcome": {"ok": false},
    });
    house
        .keep(
            "gate-1",
            &[
                checkout(1, "a"),
                checkout(2, "a"),
                checkout(3, "b"),
                fact(4, "loan.checkout", "2026-11-04T10:06:00+08:00", &refused),
            ],
        )
        .await;

    let totals = house.get("/api/v1/loans/totals").await.json();
    assert_eq!(totals["total"]["checkouts"], 3);
    assert_eq!(totals["total"]["borrowers"], 2);
    assert_eq!(totals["buckets"][0]["start"], "2026-11-04T00:00:00+08:00");
    assert_eq!(totals["rows"][0]["site"], "main");
    assert_eq!(totals["rows"][0]["kind"], "gate");
    let of_bus = house.get("/api/v1/loans/totals?kind=bus").await.json();
    assert_eq!(of_bus["total"]["checkouts"], 0);
    let csv = house.get("/api/v1/loans/totals?format=csv").await.text;
    assert!(
        csv.contains("2026-11-04T00:00:00+08:00,main,gate,3,0,2,0,0,0"),
        "{csv}"
    );
    let wrong = house.get("/api/v1/loans/totals?kind=boat").await;
    assert_eq!(wrong.json()["type"], "/problems/bad-parameter");
}

#[tokio::test]
async fn the_table_of_a_year_before_the_ledger_is_taken_once_and_replaced() {
    let house = House::open().await;
    let take = async |dry_run| {
        let body = json!({"year": 2016, "csv": TWO_STOPS, "dry_run": dry_run});
        house
            .ask(house.sending("POST", "/api/v1/stops/past", &body))
            .await
            .json()
    };
    let rows = async || {
        let table = house.get("/api/v1/stops?year=2016").await.json();
        table["rows"].as_array().unwrap().len()
    };

    assert_eq!(take(true).await["taken"], false);
    assert_eq!(rows().await, 0);
    for _ in 0..2 {
        let taken = take(false).await;
        assert_eq!(taken["volumes"], 590);
        assert_eq!(rows().await, 2);
    }

    let table = house.get("/api/v1/stops?year=2016").await.json();
    assert_eq!(table["rows"][1]["date"], "2016-06-08");
    assert_eq!(table["rows"][1]["printed"], "6月08日");
    assert_eq!(table["participants"], json!({"sum": 1_610, "missing": 0}));
    let csv = house.get("/api/v1/stops?year=2016&format=csv").await.text;
    assert!(
        csv.contains("2,黄沙中学,送书进学校,6月08日,醴陵市黄沙中学,230,530"),
        "{csv}"
    );
    let acts = house.acts().await;
    assert_eq!(
        acts[..2],
        ["admin token stops.import", "admin token stops.import"]
    );
}

#[tokio::test]
async fn a_table_with_problems_is_not_taken_and_each_is_named() {
    let house = House::open().await;
    let csv = TWO_STOPS.replace("6月08日", "夏天").replace("360", "很多");
    let body = json!({"year": 2016, "csv": csv});
    let refused = house
        .ask(house.sending("POST", "/api/v1/stops/past", &body))
        .await;
    assert_eq!(refused.status, 422);
    let reasons = refused.json()["reasons"].to_string();
    assert!(
        reasons.contains("line 2, 册数") && reasons.contains("line 3, 活动时间"),
        "{reasons}"
    );
    assert_eq!(
        house.get("/api/v1/stops?year=2016").await.json()["rows"],
        json!([])
    );
}

#[tokio::test]
async fn a_stop_of_the_bus_stands_in_the_table_with_what_was_lent_at_it() {
    let house = House::open().await;
    let opened = json!({
        "stop": "stop-1", "place": "醴陵市实验小学", "unit": "实验小学", "occasion": "送书进学校",
        "volumes": 320,
    });
    house
        .keep(
            "gate-1",
            &[
                fact(10, "stop.opened", "2026-11-04T09:00:00+08:00", &opened),
                checkout(1, "a"),
                checkout(2, "b"),
            ],
        )
        .await;
    let table = house.get("/api/v1/stops").await.json();
    let row = &table["rows"][0];
    assert_eq!(row["printed"], "11月4日");
    assert_eq!(row["checkouts"], 2);
    assert_eq!(row["closed"], false);
    assert_eq!(table["participants"], json!({"sum": 0, "missing": 1}));

    let closed = json!({"stop": "stop-1", "participants": 650});
    house
        .keep(
            "gate-1",
            &[fact(
                11,
                "stop.closed",
                "2026-11-04T11:00:00+08:00",
                &closed,
            )],
        )
        .await;
    let table = house.get("/api/v1/stops?year=2026").await.json();
    assert_eq!(table["participants"], json!({"sum": 650, "missing": 0}));
    let book = house.get("/api/v1/stops?year=2026&format=xlsx").await;
    assert_eq!(book.status, 200);
    assert!(
        book.headers[CONTENT_TYPE]
            .to_str()
            .unwrap()
            .contains("spreadsheetml")
    );
    let wrong = house.get("/api/v1/stops?year=99").await;
    assert_eq!(wrong.json()["type"], "/problems/bad-parameter");
}

#[tokio::test]
async fn payments_nobody_confirmed_are_listed_the_newest_first_and_name_nobody() {
    let house = House::open().await;
    let paid = |id: u32, hour: u32, data: &Value| {
        let time = format!("2026-11-04T{hour:02}:05:00+08:00");
        fact(id, "payment.unresolved", &time, data)
    };
    let known = json!({"amount": "3.50", "currency": "CNY", "session": "hall 7"});
    let unknown = json!({"session": "hall 9"});
    house
        .keep("gate-1", &[paid(1, 10, &known), paid(2, 11, &unknown)])
        .await;

    let told = house.get("/api/v1/payments").await.json();
    let payments = told["payments"].as_array().unwrap();
    let sessions: Vec<_> = payments.iter().map(|paid| &paid["session"]).collect();
    assert_eq!(sessions, ["hall 9", "hall 7"]);
    assert_eq!(payments[0]["amount"], Value::Null);
    let first = &payments[1];
    assert_eq!(first["amount"], "3.50");
    assert_eq!(first["currency"], "CNY");
    assert_eq!(first["device"], "gate-1");
    assert_eq!(first["dated"], true);
    assert_eq!(first["at"], "2026-11-04T02:05:00Z");
    let latest = house.get("/api/v1/payments?limit=1").await.json();
    assert_eq!(latest["payments"].as_array().unwrap().len(), 1);
}
