//! No reader's identity stands in clear anywhere: canaries are sent in every shape a device may
//! send them, are lent to, disputed, blocked and looked at, and then looked for in every file,
//! free page, log, metric, message and answer.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lujiang_tests::desk::{LOGIN, LoanHouse, fact, minutes};
use lujiang_tests::ils::{Habits, Ils, Kind, Patron};
use lujiang_tests::packet::Version;
use lujiang_tests::publisher::Publisher;
use lujiang_tests::site::PATIENCE;
use lujiang_tests::subscriber::Subscriber;
use lujiang_tests::wait::until;
use serde_json::json;

/// Told to the library system; its answers name it.
const TOLD: &str = "CANARY7TOLD1";
/// Unknown to it, so in dispute.
const DISPUTED: &str = "CANARY7DISPUTED2";
/// What is kept aside, each in a shape of its own.
const TRUNCATED: &str = "CANARY7TRUNCATED3";
const WRONG_TYPE: &str = "43022319900101123";
const GBK: &str = "CANARY7GBK4";
const BASE64: &str = "CANARY7BASE645";
/// Imported as blocked.
const BLOCKED: &str = "CANARY7BLOCKED6";
/// As the library system calls a reader.
const NAME: &str = "金丝雀七号";

const ALL: [&str; 8] = [
    TOLD, DISPUTED, TRUNCATED, WRONG_TYPE, GBK, BASE64, BLOCKED, NAME,
];

/// Every form a canary may stand in.
fn forms(canary: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        canary.as_bytes().to_vec(),
        canary.to_lowercase().into_bytes(),
        hex::encode(canary).into_bytes(),
        canary.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        canary.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    ];
    // Base64 of a text depends on what stands before it, by thirds; the ends are left off.
    for before in 0..3_usize {
        let padded = [vec![b' '; before], canary.as_bytes().to_vec()].concat();
        let text = BASE64_STANDARD.encode(&padded);
        let inner = &text[4.min(text.len())..text.len() - 4];
        forms.push(inner.as_bytes().to_vec());
    }
    forms
}

/// What stands in these bytes of all canaries.
fn found(bytes: &[u8]) -> Vec<&'static str> {
    let stands = |form: &Vec<u8>| bytes.windows(form.len()).any(|window| window == form);
    let is_there = |canary: &&&str| forms(canary).iter().any(stands);
    ALL.iter().filter(is_there).copied().collect()
}

fn files(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files(&path, into),
            // A log that is being emptied may go meanwhile.
            false => into.extend(
                std::fs::read(&path)
                    .ok()
                    .map(|it| (path.display().to_string(), it)),
            ),
        }
    }
}

/// What a plain device sends that nobody can read as an event.
fn unreadable() -> Vec<Vec<u8>> {
    let whole = |reader: &str, id: &str| fact(id, "checkout", "B00009", Some(reader), minutes(5));
    let truncated = whole(TRUNCATED, "t").to_string().into_bytes();
    let cut = truncated
        .windows(9)
        .position(|it| it == b"\"session\"")
        .unwrap();
    let mut wrong_type = whole("x", "w");
    wrong_type["data"]["patron"] = json!({ "id": WRONG_TYPE.parse::<u64>().unwrap() });
    // 读者 in GBK, in front of the number.
    let mut gbk = whole(GBK, "g").to_string().into_bytes();
    let at = gbk
        .windows(GBK.len())
        .position(|it| it == GBK.as_bytes())
        .unwrap();
    gbk.splice(at..at, [0xb6, 0xc1, 0xd5, 0xdf]);
    let mut base64 = whole("x", "b");
    let data = json!({"item": "B00009", "patron": {"id": BASE64}}).to_string();
    base64["data_base64"] = json!(BASE64_STANDARD.encode(data));
    base64.as_object_mut().unwrap().remove("data");
    vec![
        truncated[..cut].to_vec(),
        wrong_type.to_string().into_bytes(),
        gbk,
        base64.to_string().into_bytes(),
    ]
}

/// Everything the gateway answers to somebody who may ask.
const ASKED: [&str; 14] = [
    "/metrics",
    "/api/v1/loans",
    "/api/v1/loans?format=csv",
    "/api/v1/loans/desk",
    "/api/v1/loans/blocks",
    "/api/v1/loans/totals",
    "/api/v1/stops",
    "/api/v1/payments",
    "/api/v1/conflicts",
    "/api/v1/sync",
    "/api/v1/quarantine",
    "/api/v1/devices",
    "/api/v1/devices/bus-1",
    "/api/v1/audit",
];

/// Loans whose readers come in clear, some in a form nobody can read; one is told, two disputed.
async fn lend(house: &LoanHouse) {
    let lent = [
        fact("1", "checkout", "B00001", Some(TOLD), minutes(30)),
        fact("2", "checkout", "B00002", Some(DISPUTED), minutes(29)),
        fact("3", "checkout", "B00003", Some(TOLD), minutes(28)),
    ];
    house.send(&lent).await.unwrap();
    let door = house.library.endpoints().mqtt;
    let publisher = Publisher::connect(door, &house.bus, Version::V311).await;
    let mut publisher = publisher.unwrap();
    for (number, payload) in unreadable().into_iter().enumerate() {
        let topic = "library/v1/devices/bus-1/events";
        let id = format!("unreadable {number}");
        publisher.publish_bytes(topic, &id, &payload).await.unwrap();
        publisher.answer().await.unwrap();
    }
}

/// Imports a block list; what the command printed.
async fn block(house: &LoanHouse, folder: &Path) -> String {
    let list = folder.join("blocked.csv");
    std::fs::write(&list, format!("reader\n{BLOCKED}\n")).unwrap();
    let file = list.to_str().unwrap();
    let import = ["loans", "blocks", "import", "--from", "csv", file];
    house.library.command(&import).await.unwrap()
}

/// Waits until the library system has heard of the loans.
async fn settled(house: &LoanHouse) {
    let told = [format!("checkout B00001 {TOLD}")];
    until("the loan to be told", PATIENCE, async || {
        anyhow::ensure!(house.executed() == told, "not yet");
        Ok(())
    })
    .await
    .unwrap();
    until("both conflicts", PATIENCE, async || {
        let desk = house.library.get("/api/v1/loans").await?;
        let heard = |row: &serde_json::Value| row["outcome"].is_string();
        let rows = desk["rows"].as_array().unwrap();
        anyhow::ensure!(rows.iter().filter(|row| heard(row)).count() == 3, "{desk}");
        Ok(())
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_stands_in_any_file_log_metric_message_or_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut ils = Ils::stocked(Habits::of(Kind::Generic).with_login(LOGIN.0, LOGIN.1), 0, 9);
    ils.add_patron(Patron::new(TOLD, NAME));
    let reserved = ils.item_mut("B00003").unwrap();
    reserved.holds.push("somebody".to_owned());
    let house = LoanHouse::open(folder.path(), ils, "generic", "").await;
    let house = house.unwrap();
    let door = house.library.endpoints().mqtt;
    let listener = house.library.add_reader("warehouse", "#").await.unwrap();
    let listener = Subscriber::connect(door, &listener, Version::V5, "#").await;
    let mut listener = listener.unwrap();

    lend(&house).await;
    let mut said = block(&house, folder.path()).await;
    settled(&house).await;

    for path in ASKED {
        said += &house.library.text(path).await.unwrap();
    }
    for entry in house.library.entries().await.unwrap() {
        said += &entry.to_string();
    }
    let is_told = said.contains("B00002") && said.contains("loans.blocks");
    assert!(is_told, "something was said");
    assert_eq!(found(said.as_bytes()), Vec::<&str>::new(), "{said}");
    let a_moment = std::time::Duration::from_millis(300);
    let heard = listener.everything(a_moment).await;
    assert!(String::from_utf8_lossy(&heard).contains("B00001"));
    assert_eq!(found(&heard), Vec::<&str>::new());
    assert_eq!(found(house.library.log().as_bytes()), Vec::<&str>::new());
    let mut kept = Vec::new();
    files(house.library.data(), &mut kept);
    let is_log = |name: &str, bytes: &[u8]| name.ends_with("ledger.db-wal") && !bytes.is_empty();
    assert!(kept.iter().any(|(name, bytes)| is_log(name, bytes)));
    for (name, bytes) in kept {
        assert_eq!(found(&bytes), Vec::<&str>::new(), "in {name}");
    }
}

#[test]
fn a_canary_is_found_in_every_form_it_could_be_kept_in() {
    for canary in ALL {
        for form in forms(canary) {
            let file = [b"before ".to_vec(), form, b" after".to_vec()].concat();
            assert!(found(&file).contains(&canary));
        }
        let json = json!({"data": {"patron": {"id": canary}}}).to_string();
        assert_eq!(found(json.as_bytes()), [canary]);
        assert_eq!(found(BASE64_STANDARD.encode(&json).as_bytes()), [canary]);
    }
}
