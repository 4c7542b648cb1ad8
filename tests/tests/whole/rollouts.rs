//! Rollouts end to end: a real gateway, a signed release, and plain devices that play kiosks by
//! what they publish on `reported` and as facts.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use lujiang_tests::epubs::{Licence, Wish, deliver};
use lujiang_tests::publisher::{Answer, Publisher, Version};
use lujiang_tests::site::{Issued, Library, PATIENCE};
use lujiang_tests::subscriber::Subscriber;
use lujiang_tests::wait::until;
use serde_json::{Value, json};
use tempfile::TempDir;

const RELEASE: &str = "2026-12";

/// A library with a published release and kiosks.
struct Fleet {
    library: Library,
    kiosks: BTreeMap<String, Issued>,
    _folder: TempDir,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_out_in_stages_through_failures_and_a_kill_and_waits_for_nobody_for_ever() {
    let mut fleet = Fleet::of(&["kiosk-a", "kiosk-b", "kiosk-c", "kiosk-d"], "").await;
    let made = fleet
        .create(&[
            "--stage",
            "kiosk-a:100/1:1/1",
            "--stage",
            "rest:90/2:50/2",
            "--start",
        ])
        .await;
    assert!(made.contains("is running; stage 1 of 2"), "{made}");

    fleet
        .is_wanted("kiosk-a", &json!({"release": RELEASE, "attempt": 0}))
        .await;
    fleet.is_wanted("kiosk-b", &json!({"attempt": 0})).await;
    fleet
        .report(
            "kiosk-a",
            0,
            json!({"state": "downloading", "bytes": 40, "of": 100, "rate": 9}),
        )
        .await;
    let row = fleet.becomes("kiosk-a", "downloading").await;
    assert_eq!(
        (&row["bytes"], &row["of"], &row["rate"]),
        (&json!(40), &json!(100), &json!(9))
    );

    // Killed in the middle of the first stage: everything is as it was.
    fleet.library.kill().await.unwrap();
    fleet.library.start().await.unwrap();
    fleet.becomes("kiosk-a", "downloading").await;
    fleet
        .is_wanted("kiosk-a", &json!({"release": RELEASE, "attempt": 0}))
        .await;
    fleet.is_wanted("kiosk-b", &json!({"attempt": 0})).await;

    // What is installed opens no stage; what is shown does.
    fleet
        .report("kiosk-a", 0, json!({"state": "installed"}))
        .await;
    fleet.becomes("kiosk-a", "installed").await;
    assert_eq!(fleet.rollout().await["stage"], 0);
    fleet.report("kiosk-a", 0, json!({"state": "shown"})).await;
    fleet.is("the second stage", |it| it["stage"] == 1).await;
    fleet
        .is_wanted("kiosk-b", &json!({"release": RELEASE, "attempt": 0}))
        .await;

    hold_and_go_on(&mut fleet).await;
    finish_without_the_absent(&mut fleet).await;
    fleet.library.stop().await.unwrap();
}

/// Two of two failed: it holds itself, and says why. Killed while it is held; then those that
/// failed try again, and it goes on.
async fn hold_and_go_on(fleet: &mut Fleet) {
    for kiosk in ["kiosk-b", "kiosk-c"] {
        let failed = json!({"state": "failed", "reason": "no-space", "detail": "3 MB are missing"});
        fleet.report(kiosk, 0, failed).await;
    }
    let held = fleet
        .is("held by itself", |it| it["state"] == "paused")
        .await;
    assert_eq!(held["failures"], json!({"failed": 2, "ended": 2}));
    assert_eq!(
        fleet.becomes("kiosk-b", "failed").await["reason"],
        "no-space"
    );

    fleet.library.kill().await.unwrap();
    fleet.library.start().await.unwrap();
    assert_eq!(
        fleet.rollout().await["failures"],
        json!({"failed": 2, "ended": 2})
    );
    fleet.command(&["rollout", "retry", "1"]).await;
    fleet.command(&["rollout", "resume", "1"]).await;
    fleet
        .is_wanted("kiosk-b", &json!({"release": RELEASE, "attempt": 1}))
        .await;
    let echo = json!({"state": "failed", "reason": "no-space"});
    fleet.report("kiosk-b", 0, echo).await;
    fleet.report("kiosk-c", 1, json!({"state": "shown"})).await;
    fleet.becomes("kiosk-c", "shown").await;
    assert_eq!(
        fleet.device("kiosk-b").await["state"],
        "offered",
        "an echo fails no retry"
    );
}

/// One comes back never: said so, it is not counted, and the rollout is finished without it.
async fn finish_without_the_absent(fleet: &mut Fleet) {
    let tomorrow = Timestamp::now() + jiff::SignedDuration::from_hours(48);
    let until = tomorrow.to_string();
    fleet
        .command(&["rollout", "excuse", "1", "kiosk-d", "--until", &until])
        .await;
    fleet.fact("kiosk-b", "installed", json!({})).await;
    let done = fleet.is("finished", |it| it["state"] == "finished").await;
    assert_eq!(
        (&done["excused"], &done["counts"]["shown"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(fleet.device("kiosk-b").await["is_proved"], true);

    // A kiosk that is new joins by itself; the lost one is served when it returns.
    fleet.add("kiosk-new").await;
    fleet
        .is_wanted("kiosk-new", &json!({"release": RELEASE, "attempt": 0}))
        .await;
    fleet.report("kiosk-d", 0, json!({"state": "shown"})).await;
    fleet.becomes("kiosk-d", "shown").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_takes_the_release_back_from_whoever_has_not_shown_it() {
    let mut fleet = Fleet::of(&["kiosk-a", "kiosk-b"], "").await;
    fleet.create(&["--stage", "rest", "--start"]).await;
    fleet.report("kiosk-a", 0, json!({"state": "shown"})).await;
    fleet
        .report("kiosk-b", 0, json!({"state": "verified"}))
        .await;
    fleet.becomes("kiosk-a", "shown").await;
    fleet.becomes("kiosk-b", "verified").await;

    fleet.command(&["rollout", "abort", "1"]).await;
    fleet
        .is_wanted("kiosk-a", &json!({"release": RELEASE, "attempt": 0}))
        .await;
    fleet.is_wanted("kiosk-b", &json!({"attempt": 0})).await;
    let again = fleet.library.command(&["rollout", "resume", "1"]).await;
    let refused = again.unwrap_err().to_string();
    assert!(
        refused.contains("a rollout that is aborted cannot be resumed"),
        "{refused}"
    );

    // What cannot be read is counted and shown, and nothing of what was known is lost.
    let bad = fleet.publish("kiosk-b", b"{\"content\": 7}").await;
    assert!(
        matches!(bad, Answer::Acknowledged { reason: 0, .. }),
        "{bad:?}"
    );
    let device = fleet.library.get("/api/v1/devices/kiosk-b").await.unwrap();
    assert_eq!(device["refused"], 1, "{device}");
    assert_eq!(fleet.device("kiosk-b").await["state"], "verified");
    fleet.library.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_approves_where_that_is_configured() {
    let more = "[rollouts]\napproval = \"second-person\"\n";
    let mut fleet = Fleet::of(&["kiosk-a"], more).await;
    let made = fleet.create(&[]).await;
    assert!(made.contains("is awaiting-approval"), "{made}");
    let own = fleet.library.command(&["rollout", "approve", "1"]).await;
    let refused = own.unwrap_err().to_string();
    assert!(
        refused.contains("another person has to approve it"),
        "{refused}"
    );
    let form = json!({"name": "wang", "scope": "operate"});
    let token = fleet.library.post("/api/v1/tokens", &form).await.unwrap();
    let token = token["token"].as_str().unwrap();
    let url = format!(
        "http://{}/api/v1/rollouts/1/approve",
        fleet.library.endpoints().http
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let approved = http.post(url).bearer_auth(token).json(&json!({})).send();
    let approved: Value = approved.await.unwrap().json().await.unwrap();
    assert_eq!(
        (&approved["state"], &approved["approved_by"]),
        (&json!("ready"), &json!("token wang"))
    );
    fleet.command(&["rollout", "start", "1"]).await;
    let audit = fleet
        .library
        .get("/api/v1/audit?action=rollout")
        .await
        .unwrap();
    let told: Vec<_> = audit["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["action"])
        .collect();
    assert_eq!(told, ["rollout.start", "rollout.approve", "rollout.create"]);
    fleet.library.stop().await.unwrap();
}

impl Fleet {
    async fn of(kiosks: &[&str], configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
        library.configure(configuration).unwrap();
        library.start().await.unwrap();
        let mut fleet = Self {
            library,
            kiosks: BTreeMap::new(),
            _folder: folder,
        };
        for kiosk in kiosks {
            fleet.add(kiosk).await;
        }
        fleet.publish_release().await;
        fleet
    }

    async fn add(&mut self, kiosk: &str) {
        let issued = self
            .library
            .add_device(kiosk, "kiosk", "main")
            .await
            .unwrap();
        self.kiosks.insert(kiosk.to_owned(), issued);
    }

    async fn publish_release(&self) {
        let folder = self.library.folder();
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        let (books, keys) = (folder.join("books"), path(&folder.join("keys")));
        let wish = Wish {
            seed: 1,
            epubs: 1,
            pdfs: 0,
            book_bytes: 100_000,
            licence: Licence {
                start: "2026-01-01".into(),
                ..Licence::default()
            },
        };
        deliver(&books, &wish).unwrap();
        self.command(&["content", "keys", "init", &keys]).await;
        let licences = path(&books.join("licences.csv"));
        let mut publish = vec!["content", "publish", "--release", RELEASE];
        let books = path(&books);
        publish.extend([
            books.as_str(),
            "--licences",
            &licences,
            "--keys",
            &keys,
            "--yes",
        ]);
        self.command(&publish).await;
    }

    async fn command(&self, arguments: &[&str]) -> String {
        self.library.command(arguments).await.unwrap()
    }

    async fn create(&self, more: &[&str]) -> String {
        let mut arguments = vec!["rollout", "create", RELEASE];
        arguments.extend(more);
        self.command(&arguments).await
    }

    /// The kiosk publishes how far it is, as an agent does.
    async fn report(&self, kiosk: &str, attempt: u32, state: Value) {
        let mut taking = json!({"release": RELEASE, "attempt": attempt});
        taking
            .as_object_mut()
            .unwrap()
            .extend(state.as_object().unwrap().clone());
        let reported = json!({"content": {"revision": 2, "taking": taking}});
        let answer = self.publish(kiosk, reported.to_string().as_bytes()).await;
        assert!(
            matches!(answer, Answer::Acknowledged { reason: 0, .. }),
            "{answer:?}"
        );
    }

    async fn publish(&self, kiosk: &str, payload: &[u8]) -> Answer {
        let mut publisher = self.connect(kiosk).await;
        let topic = format!("library/v1/devices/{kiosk}/reported");
        publisher
            .publish_bytes(&topic, "reported", payload)
            .await
            .unwrap();
        publisher.answer().await.unwrap()
    }

    /// A receipt, as a fact of the kiosk.
    async fn fact(&self, kiosk: &str, what: &str, data: Value) {
        let mut data = data;
        data["release"] = json!(RELEASE);
        let event = json!({
            "specversion": "1.0",
            "id": format!("{kiosk}-{what}"),
            "source": format!("/devices/{kiosk}"),
            "type": format!("library.content.{what}.v1"),
            "time": Timestamp::now().to_string(),
            "data": data,
        });
        self.connect(kiosk)
            .await
            .deliver("fact", &event)
            .await
            .unwrap();
    }

    async fn connect(&self, kiosk: &str) -> Publisher {
        let door = self.library.endpoints().mqtt;
        Publisher::connect(door, &self.kiosks[kiosk], Version::V5)
            .await
            .unwrap()
    }

    /// What a kiosk hears that subscribes now.
    async fn is_wanted(&self, kiosk: &str, content: &Value) {
        let expected = format!("a desired {content} of {kiosk}");
        until(&expected, PATIENCE, async || {
            let filter = format!("library/v1/devices/{kiosk}/desired");
            let door = self.library.endpoints().mqtt;
            let issued = &self.kiosks[kiosk];
            let mut kiosk = Subscriber::connect(door, issued, Version::V5, &filter).await?;
            let said = kiosk.says("papers", "content", PATIENCE).await?;
            let said: Value = serde_json::from_str(&said)?;
            let heard = &said["content"];
            let is_same = ["release", "attempt"]
                .iter()
                .all(|it| heard[*it] == content[*it]);
            anyhow::ensure!(is_same, "{said}");
            anyhow::ensure!(said["papers"].is_string(), "a desired holds both: {said}");
            Ok(())
        })
        .await
        .unwrap();
    }

    async fn rollout(&self) -> Value {
        self.library.get("/api/v1/rollouts/1").await.unwrap()
    }

    async fn device(&self, kiosk: &str) -> Value {
        let rollout = self.rollout().await;
        let mut devices = rollout["devices"].as_array().unwrap().iter();
        devices.find(|it| it["device"] == kiosk).unwrap().clone()
    }

    async fn becomes(&self, kiosk: &str, state: &str) -> Value {
        until(&format!("{kiosk} {state}"), PATIENCE, async || {
            let device = self.device(kiosk).await;
            anyhow::ensure!(device["state"] == state, "{device}");
            Ok(device)
        })
        .await
        .unwrap()
    }

    async fn is(&self, what: &str, is_so: fn(&Value) -> bool) -> Value {
        until(what, PATIENCE, async || {
            let rollout = self.rollout().await;
            anyhow::ensure!(is_so(&rollout), "{rollout}");
            Ok(rollout)
        })
        .await
        .unwrap()
    }
}
