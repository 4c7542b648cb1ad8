//! A working day of a real gateway and a real agent, by clocks that are set by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_agent::{Agent, AgentOptions, OutboxOptions, Present, Trust, enrol};
use lujiang_config::{AgentConfig, AgentSection, GateSection, GatewayConfig, UplinkSection};
use lujiang_gateway::run::{Gateway, RunOptions};
use lujiang_tests::clock::SetClock;
use lujiang_tests::counter::Counter;
use lujiang_tests::site::PATIENCE;
use lujiang_tests::wait::until;
use serde_json::{Value, json};

/// The clock goes on in steps of this length.
const STEP: Duration = Duration::from_secs(300);

/// A house whose hours are made by hand.
struct Day {
    clock: Arc<SetClock>,
    gateway: Gateway,
    counter: Counter,
    config: AgentConfig,
    token: String,
    /// Persons in so far.
    entered: u64,
}

impl Day {
    async fn begin(folder: &Path) -> Self {
        let eight: Timestamp = "2026-11-04T08:00:00+08:00".parse().unwrap();
        let clock = Arc::new(SetClock::at(eight, "gateway"));
        let mut config = GatewayConfig::default();
        config.mqtt.listen.set_port(0);
        config.http.listen.set_port(0);
        config.tls.mqtt_listen.set_port(0);
        config.tls.http_listen.set_port(0);
        let options = RunOptions {
            clock: clock.clone(),
            ..RunOptions::default()
        };
        let data = folder.join("gateway");
        let gateway = Gateway::start(config, data.clone(), options).await.unwrap();
        let token = std::fs::read_to_string(data.join("admin.token"))
            .unwrap()
            .trim()
            .to_owned();
        let counter = Counter::plugged_in(&folder.join("line"), 1 << 32, 1_000).unwrap();
        let mut agent = AgentSection::of_device("gate-1".parse().unwrap());
        agent.data = folder.join("agent");
        let mut uplink = UplinkSection::in_folder(folder);
        uplink.port = gateway.endpoints().mqtts.port();
        let mut gate = GateSection::on_port(counter.port().to_owned());
        gate.poll = Duration::from_millis(20);
        gate.period = STEP * 2;
        gate.silence = STEP * 3;
        let config = AgentConfig {
            gate: Some(gate),
            ..AgentConfig::bare(agent, uplink)
        };
        let day = Self {
            clock,
            gateway,
            counter,
            config,
            token,
            entered: 0,
        };
        let midnight = "2026-11-04T00:00:00+08:00";
        let hours = json!({"name": "主馆", "open": "Mon-Sun 08:00-20:00", "open_from": midnight});
        day.ask(reqwest::Method::PUT, "/api/v1/sites/main", Some(hours))
            .await;
        let device = json!({"id": "gate-1", "kind": "gate", "site": "main"});
        day.ask(reqwest::Method::POST, "/api/v1/devices", Some(device))
            .await;
        let path = "/api/v1/devices/gate-1/enrolment";
        let issued = day.ask(reqwest::Method::POST, path, Some(json!({}))).await;
        let token = issued["token"].as_str().unwrap().parse().unwrap();
        let port = day.gateway.endpoints().https.port();
        let gateway = format!("https://localhost:{port}").parse().unwrap();
        enrol(&day.config, &gateway, &token, Present::Keep)
            .await
            .unwrap();
        day
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("http://{}{path}", self.gateway.endpoints().http);
        let request = reqwest::Client::new()
            .request(method, url)
            .bearer_auth(&self.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status}: {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    async fn agent(&self) -> Agent {
        let options = AgentOptions {
            clock: self.clock.clone(),
            outbox: OutboxOptions::default(),
            trust: Trust::default(),
        };
        let agent = Agent::start(self.config.clone(), options).await.unwrap();
        self.is_read().await;
        agent
    }

    /// Waits until the counter was read with the clock as it stands.
    async fn is_read(&self) {
        let asked = self.counter.asked();
        until("readings", PATIENCE, async || {
            anyhow::ensure!(
                self.counter.asked() >= asked + 4,
                "asked {}",
                self.counter.asked()
            );
            Ok(())
        })
        .await
        .unwrap();
    }

    /// Lets hours pass with two persons a step; with an agent, each step is read.
    async fn hours(&mut self, hours: u64, is_watched: bool) {
        for _ in 0..hours * 3_600 / STEP.as_secs() {
            self.entered += 2;
            let step = || {
                self.counter.pass(2, 2);
                self.clock.pass(STEP);
            };
            if is_watched {
                let between = self.counter.between_readings(PATIENCE, step);
                between.await.unwrap();
                self.is_read().await;
            } else {
                step();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_off_from_ten_to_twelve_leaves_ten_twelfths_and_the_whole_total() {
    let folder = tempfile::tempdir().unwrap();
    let mut day = Day::begin(folder.path()).await;
    let agent = day.agent().await;
    day.hours(2, true).await;
    agent.stop().await;
    day.hours(2, false).await;
    let agent = day.agent().await;
    day.hours(8, true).await;
    agent.stop().await;

    let path = "/api/v1/visits?site=main&from=2026-11-04&to=2026-11-05&bucket=hour";
    let report = until("the last visits", PATIENCE, async || {
        let report = day.ask(reqwest::Method::GET, path, None).await;
        anyhow::ensure!(report["total"]["in"] == day.entered, "{}", report["total"]);
        Ok(report)
    })
    .await
    .unwrap();
    let total = &report["total"];
    assert_eq!(total["complete"], 0.8333, "{total}");
    assert_eq!(
        total["hours_unknown"], 48,
        "two hours of two in five minutes: {total}"
    );
    assert_eq!(total["undated"], 0, "{total}");
    let buckets = report["buckets"].as_array().unwrap();
    let at = |hour: &str| {
        buckets
            .iter()
            .find(|bucket| bucket["start"].as_str().unwrap().contains(hour))
    };
    assert_eq!(at("T09:00").unwrap()["in"], 24, "{buckets:?}");
    assert_eq!(
        at("T11:00").unwrap()["in"],
        0,
        "nobody is put into an hour nobody watched"
    );
    assert_eq!(at("T11:00").unwrap()["complete"], 0.0);
    day.gateway.stop().await.unwrap();
}
