//! No reader's identity stands in clear anywhere: canaries are sent in every shape a device may
//! send them, are lent to, disputed, blocked and looked at, and then looked for in every file,
//! free page, log, metric, message and answer.

use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lujiang_tests::desk::{LOGIN, LoanHouse, fact, minutes};
use lujiang_tests::ils::{Habits, Ils, Kind, Patron};
use lujiang_tests::packet::Version;
use lujiang_tests::publisher::Publisher;
use lujiang_tests::site::PATIENCE;
use lujiang_tests::subscriber::Subscriber;
use lujiang_tests::wait::until;
use serde_json::{Value, json};

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
/// Beside what is understood: in a return, in an attribute of a loan, in a loan on-line.
const RETURNING: &str = "CANARY7RETURNING8";
const SUBJECT: &str = "CANARY7SUBJECT9";
const BESIDE: &str = "CANARY7BESIDE10";
/// As the library system calls a reader.
const NAME: &str = "金丝雀七号";

const ALL: [&str; 11] = [
    TOLD, DISPUTED, TRUNCATED, WRONG_TYPE, GBK, BASE64, BLOCKED, RETURNING, SUBJECT, BESIDE, NAME,
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

/// What is asked for in a form of its own, or of one thing.
const ASKED: [&str; 4] = [
    "/api/v1/loans?format=csv",
    "/api/v1/stops?format=csv",
    "/api/v1/devices/bus-1",
    "/api/openapi.json",
];

/// Everything the gateway answers to somebody who may ask, but for the stream that does not end.
async fn answers(house: &LoanHouse) -> String {
    let document = house.library.get("/api/openapi.json").await.unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let paths = paths.filter(|(path, on)| {
        on.get("get").is_some() && !path.contains('{') && *path != "/api/v1/live"
    });
    let mut said = String::new();
    let mut answered = 0;
    for path in paths.map(|(path, _)| path.as_str()).chain(ASKED) {
        match house.library.text(path).await {
            Ok(text) => {
                answered += 1;
                said += &text;
            }
            // What there is none of, and what is for devices.
            Err(refusal) => said += &format!("{refusal:#}"),
        }
    }
    assert!(answered > 20, "{answered} answers: {said}");
    said
}

/// What a device says beside what we understand, where it may name a reader.
fn talkative() -> [Value; 3] {
    let mut returned = fact("4", "checkin", "B00004", None, minutes(27));
    returned["data"]["patron"] = json!({ "id": RETURNING });
    let mut lent = fact("5", "checkout", "B00005", Some(TOLD), minutes(26));
    lent["subject"] = json!(SUBJECT);
    let mut online = fact("6", "checkout", "B00006", None, minutes(25));
    online["data"]["mode"] = json!("online");
    online["data"]["outcome"] = json!({"ok": true, "said": BESIDE});
    [returned, lent, online]
}

/// Loans whose readers come in clear, some in a form nobody can read; two are disputed.
async fn lend(house: &LoanHouse) {
    let lent = [
        fact("1", "checkout", "B00001", Some(TOLD), minutes(30)),
        fact("2", "checkout", "B00002", Some(DISPUTED), minutes(29)),
        fact("3", "checkout", "B00003", Some(TOLD), minutes(28)),
    ];
    house.send(&lent).await.unwrap();
    house.send(&talkative()).await.unwrap();
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

/// What is done of facts and elements so far: what was told, and how many outcomes there are.
async fn settled(house: &LoanHouse, outcomes: usize) {
    let told = [
        format!("checkout B00001 {TOLD}"),
        format!("checkout B00005 {TOLD}"),
    ];
    until("the loans to be told and disputed", PATIENCE, async || {
        let done = house.executed();
        let is_told = told.iter().all(|told| done.contains(told));
        anyhow::ensure!(is_told, "{done:?}");
        let page = house.library.get("/api/v1/loans").await?;
        let rows = page["rows"].as_array().context("rows")?;
        let heard = rows.iter().filter(|row| row["outcome"].is_string());
        anyhow::ensure!(heard.count() == outcomes, "{page}");
        Ok(())
    })
    .await
    .unwrap();
}

/// What people do that opens a reader: a loan is tried again, an element corrected, another
/// accepted that cannot be. What was said to them.
async fn decide(house: &LoanHouse, folder: &Path) -> String {
    let page = house.library.get("/api/v1/conflicts").await.unwrap();
    let mut said = page.to_string();
    let rows = page["conflicts"].as_array().unwrap();
    let disputed = rows.iter().find(|row| row["loan"]["item"] == "B00002");
    let number = disputed.unwrap()["loan"]["number"].to_string();
    let rule = ["loans", "rule", &number, "retry", "--reason", "a new card"];
    said += &house.library.command(&rule).await.unwrap();

    let aside = house.library.get("/api/v1/quarantine").await.unwrap();
    let rows = aside["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4, "{aside}");
    let corrected = folder.join("corrected.json");
    let event = fact("w", "checkout", "B00007", Some(WRONG_TYPE), minutes(24));
    std::fs::write(&corrected, event.to_string()).unwrap();
    let (event, why) = (corrected.to_str().unwrap(), "a number was meant");
    for row in rows {
        let number = row["number"].to_string();
        let accept = ["quarantine", "accept", &number, "--why", why];
        said += &format!("{:#}", house.library.command(&accept).await.unwrap_err());
        // It can count in the place of one only.
        let correct = [
            "quarantine",
            "correct",
            &number,
            "--event",
            event,
            "--why",
            why,
        ];
        said += &match house.library.command(&correct).await {
            Ok(printed) => printed,
            Err(refusal) => format!("{refusal:#}"),
        };
    }
    std::fs::remove_file(&corrected).unwrap();
    // Corrected it is a loan to somebody the library system does not know.
    settled(house, 6).await;
    until("the ruling to be carried out", PATIENCE, async || {
        let page = house.library.get("/api/v1/conflicts").await?;
        let rows = page["conflicts"].as_array().context("conflicts")?;
        let of_it = rows.iter().find(|row| row["loan"]["item"] == "B00002");
        let of_it = of_it.context("the conflict")?;
        anyhow::ensure!(of_it["pending"].is_null(), "{of_it}");
        Ok(())
    })
    .await
    .unwrap();
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn no_reader_stands_in_any_file_log_metric_message_or_answer() {
    let folder = tempfile::tempdir().unwrap();
    let mut habits = Habits::of(Kind::Generic).with_login(LOGIN.0, LOGIN.1);
    habits.names_readers = true;
    let mut ils = Ils::stocked(habits, 0, 9);
    ils.add_patron(Patron::new(TOLD, NAME));
    let reserved = ils.item_mut("B00003").unwrap();
    reserved.holds.push("somebody".to_owned());
    let everything = "[log]\nfilter = \"trace\"";
    let house = LoanHouse::open(folder.path(), ils, "generic", everything).await;
    let house = house.unwrap();
    let door = house.library.endpoints().mqtt;
    let listener = house.library.add_reader("warehouse", "#").await.unwrap();
    let listener = Subscriber::connect(door, &listener, Version::V5, "#").await;
    let mut listener = listener.unwrap();

    lend(&house).await;
    let mut said = block(&house, folder.path()).await;
    settled(&house, 5).await;
    said += &decide(&house, folder.path()).await;

    said += &answers(&house).await;
    for entry in house.library.entries().await.unwrap() {
        said += &entry.to_string();
    }
    let is_told = said.contains("B00002") && said.contains("loans.blocks");
    assert!(is_told, "something was said");
    let words = said.contains("Patron is not known") && said.contains("on hold");
    assert!(words, "the library system's words are told: {said}");
    assert_eq!(found(said.as_bytes()), Vec::<&str>::new(), "{said}");
    let a_moment = std::time::Duration::from_millis(300);
    let heard = listener.everything(a_moment).await;
    assert!(String::from_utf8_lossy(&heard).contains("B00001"));
    assert_eq!(found(&heard), Vec::<&str>::new());
    let log = house.library.log();
    assert!(log.contains("TRACE"), "everything is in the log");
    assert_eq!(found(log.as_bytes()), Vec::<&str>::new());
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
