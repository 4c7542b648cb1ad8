//! What a kiosk says of itself, as a technician hears of it.

use lujiang_broker::Word;
use lujiang_wire::{ContentRefused, Reported, ReportedContent, ReportedScreen, Screen};

use super::*;
use crate::alarms::DeviceAlarm;

#[tokio::test]
async fn a_kiosks_screens_and_what_it_refuses_are_on_its_page_and_among_the_alarms() {
    let house = House::open().await;
    let body = json!({"id": "kiosk-1", "kind": "kiosk", "site": "main"});
    let added = house.sending("POST", "/api/v1/devices", &body);
    assert_eq!(house.ask(added).await.status, 201);
    let says = |is_silent: bool, refused: Option<ContentRefused>| {
        let screen = ReportedScreen {
            screen: Screen::Left,
            seen: NOW.parse().unwrap(),
            shows: "shelf".parse().unwrap(),
            is_silent,
        };
        let content = ReportedContent {
            refused,
            ..ReportedContent::default()
        };
        let word = Word::Reported {
            device: "kiosk-1".parse().unwrap(),
            reported: Reported {
                content: Some(content),
                screens: vec![screen],
            },
        };
        house.state.presence.hear(word, NOW.parse().unwrap());
    };

    says(false, None);
    let page = house.get("/api/v1/devices/kiosk-1").await.json();
    let expected = json!([{"screen": "left", "shows": "shelf", "seen": NOW, "is_silent": false}]);
    assert_eq!(page["screens"], expected);
    assert_eq!(page["content_refused"], json!(null));
    assert_eq!(page["alarms"], json!([]));

    let refused = ContentRefused {
        reason: "metadata-expired".parse().unwrap(),
        detail: "the timestamp has expired".to_owned(),
    };
    says(true, Some(refused));
    let page = house.get("/api/v1/devices/kiosk-1").await.json();
    assert_eq!(page["screens"][0]["is_silent"], true);
    let told = "metadata-expired: the timestamp has expired";
    assert_eq!(page["content_refused"], told);
    let alarms = page["alarms"].as_array().unwrap().iter();
    let kinds: Vec<_> = alarms.map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["screen-silent", "content-refused"]);
    let metrics = house.get("/metrics").await.text;
    for kind in kinds {
        let line = format!("lujiang_alarms{{kind=\"{kind}\"}} 1");
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
}

#[tokio::test]
async fn whatever_alarm_the_page_shows_of_a_device_is_among_the_metrics() {
    let house = House::open().await;
    house.keep("gate-1", &[visit(1, 3)]).await;
    let word = Word::TurnedAway {
        device: "gate-1".parse().unwrap(),
        peer: "127.0.0.1:50000".parse().unwrap(),
        reason: "not-authorised",
    };
    house.state.presence.hear(word, NOW.parse().unwrap());
    let page = house.get("/api/v1/devices/gate-1").await.json();
    let alarms = page["alarms"].as_array().unwrap().iter();
    let kinds: Vec<_> = alarms.map(|it| it["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"refused"), "{page}");
    let metrics = house.get("/metrics").await.text;
    for kind in kinds {
        let line = format!("lujiang_alarms{{kind=\"{kind}\"}} 1");
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
    for alarm in DeviceAlarm::ALL {
        let line = format!("lujiang_alarms{{kind=\"{}\"}}", alarm.as_str());
        assert!(metrics.contains(&line), "{line} in\n{metrics}");
    }
}
