//! A full round with everything logged: no secret stands in any log, metric or error.

use lujiang_tests::gate::Gate;
use lujiang_tests::papers::Papers;
use lujiang_tests::peer::mosquitto_pub;
use lujiang_tests::site::{Issued, Library, PATIENCE};

const GUESS: &str = "a-guess-that-nobody-should-read";

/// The base64 lines of a PEM: what a leaked key would show.
fn pem_lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| line.len() >= 32 && !line.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

fn everything_logged(library: &Library) {
    let configuration = "[mqtt]\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
         [tls]\nmqtt_listen = \"127.0.0.1:0\"\nhttp_listen = \"127.0.0.1:0\"\n\
         [log]\nfilter = \"trace\"\n";
    library.configure_as(configuration).unwrap();
}

/// What a key file of the agent holds, line by line as it would be logged.
fn key_of(gate: &Gate) -> Vec<String> {
    let text = std::fs::read_to_string(gate.identity().join("identity.json")).unwrap();
    let identity: serde_json::Value = serde_json::from_str(&text).unwrap();
    pem_lines(identity["key"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_in_any_log_metric_or_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut library = Library::in_folder(folder.path(), &data).unwrap();
    everything_logged(&library);
    library.start().await.unwrap();
    let mut said = String::new();
    let mut secrets = vec![GUESS.to_owned()];

    // A device by certificate, a plain one, a reader; each also with what is wrong.
    let issued = library.add_device("gate-1", "gate", "main").await.unwrap();
    let agent = folder.path().join("agent-data");
    let mut gate = Gate::enrolled(&library, &issued, &agent).await.unwrap();
    let config = std::fs::read_to_string(gate.config()).unwrap();
    let config = config.replace("info,lujiang_agent=debug", "trace");
    std::fs::write(gate.config(), config).unwrap();
    gate.start().unwrap();
    gate.is_read(0).await.unwrap();
    gate.counter.pass(1, 0);
    library.total_becomes(1, PATIENCE).await.unwrap();
    secrets.extend(key_of(&gate));
    let reader = library.add_reader("node-red", "library/v1/devices/#").await;
    for login in [&issued, &reader.unwrap()] {
        let wrong = Issued {
            device: login.device.clone(),
            password: GUESS.to_owned(),
        };
        let door = library.endpoints().mqtt;
        for login in [login, &wrong] {
            let topic = "library/v1/devices/gate-1/telemetry";
            mosquitto_pub(door, login, "5", topic, "{}").await.unwrap();
        }
        secrets.push(login.password.clone());
    }
    let token = library.token(&issued.device).await.unwrap();
    let papers = Papers::with_token(&library, &issued.device, &token).await;
    secrets.extend(pem_lines(
        &std::fs::read_to_string(papers.unwrap().unwrap().key).unwrap(),
    ));
    let used = Papers::with_token(&library, &issued.device, &token).await;
    said += &used.unwrap().unwrap_err().1.to_string();
    let again = gate.enrol(&library, &token, &["--again"]).await;
    said += &format!("{:#}", again.unwrap_err());
    secrets.extend(token.split('.').skip(1).take(1).map(str::to_owned));

    // The API with a wrong token; metrics; the audit log.
    let http = format!("http://{}", library.endpoints().http);
    for path in ["/api/v1/devices", "/api/v1/audit"] {
        let request = reqwest::Client::new().get(format!("{http}{path}"));
        let refused = request.bearer_auth(GUESS).send().await.unwrap();
        assert_eq!(refused.status(), 401);
        said += &refused.text().await.unwrap();
    }
    said += &library.text("/metrics").await.unwrap();
    said += &library.text("/api/v1/devices").await.unwrap();
    said += &library.text("/api/v1/audit").await.unwrap();
    let admin = std::fs::read_to_string(data.join("admin.token")).unwrap();
    secrets.push(admin.trim().to_owned());
    let secret = std::fs::read_to_string(data.join("keys/authority.secret")).unwrap();
    secrets.push(secret.trim().to_owned());
    gate.stop().await.unwrap();
    library.stop().await.unwrap();
    said += &library.log();
    said += &gate.log();
    assert!(said.contains("gate-1"), "something was logged");
    assert!(secrets.len() > 8);
    for secret in secrets {
        stands_nowhere_in(&said, &secret);
    }
}

fn stands_nowhere_in(said: &str, secret: &str) {
    assert!(secret.len() >= 16, "{secret:?} is too short to be found");
    if let Some(place) = said.find(secret) {
        let from = said.floor_char_boundary(place.saturating_sub(200));
        panic!("{secret} stands after: {}", &said[from..place]);
    }
}
