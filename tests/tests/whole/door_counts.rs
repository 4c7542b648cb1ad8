//! Fifteen weeks of a real door: the daily totals of the API are the sums of the file.
//!
//! The file (CalIt2 Building People Counts, UCI Machine Learning Repository,
//! doi 10.24432/C5NG78) is not part of this project. It is read where it lies: the file named by
//! `LUJIANG_DOOR_COUNTS`, or `shared/data/door_counts_calit2.csv` beside the project. Without
//! it the test says so and has nothing to do.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lujiang_config::GatewayConfig;
use lujiang_gateway::run::{Gateway, RunOptions};
use lujiang_tests::clock::SetClock;
use lujiang_tests::publisher::{Answer, Publisher, Version, visit};
use lujiang_tests::site::{Issued, PATIENCE};
use lujiang_tests::wait::until;
use serde_json::{Value, json};

const DEVICE: &str = "calit2-door";

/// A slot of the file.
const SLOT: SignedDuration = SignedDuration::from_mins(30);

/// Facts in one payload: a day.
const SLOTS_A_DAY: usize = 48;

/// One line of the file.
struct Slot {
    start: DateTime,
    entered: u64,
    left: u64,
}

/// The file, where there is one.
fn file() -> Option<PathBuf> {
    let named = std::env::var_os("LUJIANG_DOOR_COUNTS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|folder| folder.join("shared/data/door_counts_calit2.csv"));
    named.into_iter().chain(beside).find(|file| file.is_file())
}

fn slots(file: &Path) -> Vec<Slot> {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("start,in,out"));
    lines
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            Slot {
                start: cells[0].parse().unwrap(),
                entered: cells[1].parse().unwrap(),
                left: cells[2].parse().unwrap(),
            }
        })
        .collect()
}

/// In and out by day, straight from the file.
fn sums(slots: &[Slot]) -> BTreeMap<String, (u64, u64)> {
    let mut sums = BTreeMap::new();
    for slot in slots {
        let day: &mut (u64, u64) = sums.entry(slot.start.date().to_string()).or_default();
        day.0 += slot.entered;
        day.1 += slot.left;
    }
    sums
}

fn fact(slot: &Slot, zone: &TimeZone) -> Value {
    let start = slot.start.to_zoned(zone.clone()).unwrap().timestamp();
    let end = start + SLOT;
    let mut fact = visit(DEVICE, &format!("slot-{}", slot.start), end, slot.entered);
    fact["data"]["from"] = start.to_string().into();
    fact["data"]["out"] = slot.left.into();
    fact
}

/// A gateway whose clock stands at the end of the file, with a registered door.
async fn house(folder: &Path, now: Timestamp) -> (Gateway, String, Issued) {
    let mut config = GatewayConfig::default();
    config.mqtt.listen.set_port(0);
    config.http.listen.set_port(0);
    config.tls.mqtt_listen.set_port(0);
    config.tls.http_listen.set_port(0);
    config.intake.plain_age_max = Duration::from_secs(200 * 86_400);
    let options = RunOptions {
        clock: Arc::new(SetClock::at(now, "gateway")),
        ..RunOptions::default()
    };
    let gateway = Gateway::start(config, folder.join("gateway"), options)
        .await
        .unwrap();
    let token = std::fs::read_to_string(folder.join("gateway/admin.token")).unwrap();
    let device = json!({"id": DEVICE, "kind": "gate", "site": "main"});
    let url = format!("http://{}/api/v1/devices", gateway.endpoints().http);
    let answer = reqwest::Client::new()
        .post(url)
        .bearer_auth(token.trim())
        .json(&device);
    let answer = answer.send().await.unwrap();
    let issued = answer.json().await.unwrap();
    (gateway, token, issued)
}

#[tokio::test(flavor = "multi_thread")]
async fn daily_totals_are_the_sums_of_the_file() {
    let Some(file) = file() else {
        let why = "skipped: no shared/data/door_counts_calit2.csv beside the project";
        let mut told = std::io::stderr().lock();
        writeln!(told, "{why}").unwrap();
        return;
    };
    let slots = slots(&file);
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let last = slots.last().unwrap().start.to_zoned(zone.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (gateway, token, issued) = house(folder.path(), last.timestamp() + SLOT).await;
    let door = gateway.endpoints().mqtt;
    let mut publisher = Publisher::connect(door, &issued, Version::V5)
        .await
        .unwrap();
    let topic = format!("library/v1/devices/{DEVICE}/events");
    for (day, slots) in slots.chunks(SLOTS_A_DAY).enumerate() {
        let facts: Vec<_> = slots.iter().map(|slot| fact(slot, &zone)).collect();
        let (id, facts) = (format!("day-{day}"), Value::from(facts).to_string());
        publisher
            .publish_bytes(&topic, &id, facts.as_bytes())
            .await
            .unwrap();
        let answer = publisher.answer().await.unwrap();
        assert_eq!(answer, Answer::Acknowledged { id, reason: 0 });
    }

    let expected = sums(&slots);
    let entered: u64 = expected.values().map(|day| day.0).sum();
    let first = slots[0].start.date();
    let end = last.date().tomorrow().unwrap();
    let url = format!(
        "http://{}/api/v1/visits?from={first}&to={end}&bucket=day",
        gateway.endpoints().http
    );
    let report = until("the last visits", PATIENCE, async || {
        let request = reqwest::Client::new().get(&url).bearer_auth(token.trim());
        let report: Value = request.send().await?.json().await?;
        anyhow::ensure!(report["total"]["in"] == entered, "{}", report["total"]);
        Ok(report)
    })
    .await
    .unwrap();
    let seen: BTreeMap<String, (u64, u64)> = report["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| {
            let day = bucket["start"].as_str().unwrap()[..10].to_owned();
            let count = |name: &str| bucket[name].as_u64().unwrap();
            (day, (count("in"), count("out")))
        })
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(report["total"]["undated"], 0, "{}", report["total"]);
    gateway.stop().await.unwrap();
}
