//! The simulated library of the demonstration: one gateway, real agents, visitors and readers.

mod lending;
mod shelves;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_agent::{Agent, AgentOptions, GatewayUrl, OutboxOptions, Present, Trust, enrol};
use lujiang_config::{
    AgentConfig, AgentSection, BusDeskSection, GateSection, GatewayConfig, IlsMake, LendingSection,
    MachineSection, SelfCheckoutSection, UplinkSection,
};
use lujiang_gateway::run::{Gateway, RunOptions};
use lujiang_wire::{Clock as _, DeviceId, EnrolmentToken};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::clock::FastClock;
use crate::counter::Counter;
use crate::visitors::Visitors;
use lending::{Counters, Lenders};

/// How often people are moved through the doors, in real time.
const STEP: Duration = Duration::from_millis(100);

/// Longest wait for what has to come, in real time and on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The places: id, name, opening hours.
const SITES: [(&str, &str, &str); 6] = [
    ("main", "主馆", "Mon-Sun 08:00-20:00"),
    ("davinci", "达芬奇分馆", "Mon-Sun 08:00-20:00"),
    ("qidai", "七袋咖啡分馆", "Mon-Sun 08:00-20:00"),
    ("hehualong", "荷花垅图书室", "Mon-Sun 08:00-18:00"),
    ("donggang", "东岗村图书室", "Mon-Sun 08:00-18:00"),
    ("bus", "流动汽车图书屋", "Mon-Sun 09:00-17:00"),
];

/// The device with a self-checkout machine, which is named as the device.
const SELF_CHECKOUT: &str = "main-selfcheck";
/// The device on the bus.
const BUS: &str = "bus-1";

/// The devices: id, name, kind, site, and the share of all visits its gate sees.
const DEVICES: [(&str, &str, &str, &str, Option<f64>); 8] = [
    ("main-gate-north", "主馆北门", "gate", "main", Some(0.52)),
    ("main-gate-south", "主馆南门", "gate", "main", Some(0.33)),
    (
        "davinci-gate",
        "达芬奇分馆门",
        "gate",
        "davinci",
        Some(0.06),
    ),
    ("qidai-gate", "七袋咖啡分馆门", "gate", "qidai", Some(0.09)),
    (
        "kiosk-hehualong",
        "荷花垅电子书借阅机",
        "kiosk",
        "hehualong",
        None,
    ),
    (
        "kiosk-donggang",
        "东岗村电子书借阅机",
        "kiosk",
        "donggang",
        None,
    ),
    (
        SELF_CHECKOUT,
        "主馆自助借还机",
        "self-checkout",
        "main",
        None,
    ),
    (BUS, "流动车", "bus", "bus", None),
];

/// A running demonstration.
pub struct Demo {
    gateway: Gateway,
    agents: Vec<Agent>,
    doors: Vec<Door>,
    lenders: Lenders,
    clock: Arc<FastClock>,
    walked_until: Timestamp,
    http: reqwest::Client,
    token: String,
    sign_in_link: String,
}

/// A door with its counter and those who walk through it.
struct Door {
    counter: Counter,
    visitors: Visitors,
    entered: u64,
}

impl Demo {
    /// Starts everything in `data`; simulated time begins a quarter of an hour before opening.
    ///
    /// # Errors
    /// Where the gateway or an agent does not start.
    pub async fn start(data: &Path, speed: f64, seed: u64) -> anyhow::Result<Self> {
        let ils = Lenders::library_system().await?;
        let config = gateway_config(ils.addr);
        let zone = config.library.time_zone.clone();
        let clock = Arc::new(FastClock::starting(
            before_opening(&zone)?,
            speed,
            boot("gateway"),
        ));
        let options = RunOptions {
            clock: clock.clone(),
            ..RunOptions::default()
        };
        let gateway = Gateway::start(config, data.join("gateway"), options).await?;
        let token = std::fs::read_to_string(data.join("gateway/admin.token"))
            .context("reading the admin token")?
            .trim()
            .to_owned();
        let lenders = Lenders::open(ils, gateway.endpoints().mqtts).await?;
        let mut demo = Self {
            sign_in_link: String::new(),
            lenders,
            gateway,
            agents: Vec::new(),
            doors: Vec::new(),
            walked_until: clock.wall(),
            clock,
            http: reqwest::Client::new(),
            token,
        };
        let link = demo
            .ask(demo.http.post(demo.url("/api/v1/sign-in-links")), json!({}))
            .await?;
        link["link"]
            .as_str()
            .context("a sign-in link")?
            .clone_into(&mut demo.sign_in_link);
        for (id, name, open) in SITES {
            let route = demo.http.put(demo.url(&format!("/api/v1/sites/{id}")));
            let body = json!({"name": name, "open": open, "open_from": midnight(&zone)?});
            demo.ask(route, body).await?;
        }
        for (number, device) in DEVICES.into_iter().enumerate() {
            demo.add(device, data, &zone, speed, seed + number as u64)
                .await?;
        }
        let now = demo.clock.wall();
        demo.publish_december(data, &zone, now, seed)
            .await
            .context("the December release")?;
        let counters = demo.counters().await?;
        let clock = demo.clock.clone();
        demo.lenders.begin(counters, clock, speed, seed);
        Ok(demo)
    }

    /// How many devices there are.
    #[must_use]
    pub fn devices(&self) -> usize {
        self.agents.len()
    }

    /// The page's address.
    #[must_use]
    pub fn page(&self) -> String {
        self.url("/")
    }

    /// The same page behind TLS, by the gateway's own certificate: a browser asks before it trusts.
    #[must_use]
    pub fn secure_page(&self) -> String {
        format!(
            "https://localhost:{}/",
            self.gateway.endpoints().https.port()
        )
    }

    /// The one-time sign-in link.
    #[must_use]
    pub fn sign_in_link(&self) -> &str {
        &self.sign_in_link
    }

    /// The self-checkout and the bus, once they can lend: the bus also off-line.
    async fn counters(&self) -> anyhow::Result<Counters> {
        let agent = |id: &str| {
            let place = DEVICES.iter().position(|device| device.0 == id);
            let agent = place.and_then(|place| self.agents.get(place));
            agent.with_context(|| format!("no agent {id}"))
        };
        let (checkout, bus) = (agent(SELF_CHECKOUT)?, agent(BUS)?);
        let bus = bus.lending().context("the bus lends")?.clone();
        let relay = crate::wait::until("papers and a library system", PATIENCE, async || {
            anyhow::ensure!(bus.papers().is_some(), "the bus has no papers yet");
            let machines = checkout.status().await?.self_checkouts;
            let machine = machines.get(SELF_CHECKOUT).context("no machine yet")?;
            machine.place.parse().context("an address")
        });
        Ok(Counters {
            relay: relay.await?,
            bus: bus.clone(),
        })
    }

    /// The bus desk's page.
    ///
    /// # Errors
    /// Where it is not served yet.
    pub async fn bus_desk(&self) -> anyhow::Result<String> {
        let place = DEVICES.iter().position(|device| device.0 == BUS);
        let bus = place.and_then(|place| self.agents.get(place));
        let status = bus.context("no bus")?.status().await?;
        let address = status.bus_desk.context("the bus has no desk yet")?;
        Ok(format!("http://{address}/"))
    }

    /// The shelf of a kiosk.
    ///
    /// # Errors
    /// Where it is not served yet.
    pub async fn shelf(&self) -> anyhow::Result<String> {
        let kiosk = self.agents.iter().find(|agent| agent.shelf().is_some());
        let status = kiosk.context("no kiosk")?.status().await?;
        let address = status.screens.context("the kiosk has no screens yet")?;
        Ok(format!("http://{address}/"))
    }

    /// Lets people walk, for ever.
    ///
    /// # Errors
    /// Where the simulated library cannot go on.
    pub async fn run(&mut self) -> anyhow::Result<()> {
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            steps.tick().await;
            let now = self.clock.wall();
            for door in &mut self.doors {
                let passed = door.visitors.between(self.walked_until, now);
                door.counter.pass(passed.entered, passed.left);
                door.entered += passed.entered;
            }
            self.walked_until = now;
            shelves::paint(&self.agents);
        }
    }

    /// Ends everything in order, and tells whether the ledger has what the doors counted.
    ///
    /// # Errors
    /// Where something does not end cleanly.
    pub async fn stop(mut self) -> anyhow::Result<String> {
        let lenders = self.lenders.close_up().await;
        // The bus comes back into range first, and what it lent is told.
        let lent = self.loans_told().await;
        for agent in std::mem::take(&mut self.agents) {
            agent.stop().await;
        }
        lenders.context("lending")?;
        let counted: u64 = self.doors.iter().map(|door| door.entered).sum();
        let url = format!(
            "http://{}/api/v1/visits?from=2000-01-01&to=2100-01-01&bucket=year",
            self.gateway.endpoints().http
        );
        let kept = crate::wait::until("the last visits", PATIENCE, async || {
            let report: Value = self
                .http
                .get(&url)
                .bearer_auth(&self.token)
                .send()
                .await?
                .json()
                .await?;
            let kept = report["total"]["in"].as_u64().context("a total")?;
            anyhow::ensure!(kept == counted, "{kept} of {counted}");
            Ok(kept)
        })
        .await;
        self.gateway.stop().await.context("stopping the gateway")?;
        self.lenders.stop().await;
        let lent = lent.context("the library system does not know of every loan")?;
        let kept = kept.context("the ledger does not have what the doors counted")?;
        Ok(format!(
            "lent {lent}, in the library system {lent}\n\
             counted at the doors {counted}, in the ledger {kept}: whole"
        ))
    }

    /// Waits until the loan desk has told everything; how many loans that are.
    async fn loans_told(&self) -> anyhow::Result<u64> {
        let url = self.url("/api/v1/loans/desk");
        crate::wait::until("the last loan", PATIENCE, async || {
            let asked = self.http.get(&url).bearer_auth(&self.token).send();
            let desk: Value = asked.await?.json().await?;
            let totals = desk["totals"].as_array().context("totals")?;
            let open = totals.iter().filter(|total| total["state"] != "settled");
            let open: u64 = open.filter_map(|total| total["facts"].as_u64()).sum();
            anyhow::ensure!(open == 0, "{open} loans wait or are in dispute");
            self.lenders.account()
        })
        .await
    }

    async fn add(
        &mut self,
        (id, name, kind, site, share): (&str, &str, &str, &str, Option<f64>),
        data: &Path,
        zone: &TimeZone,
        speed: f64,
        seed: u64,
    ) -> anyhow::Result<()> {
        let body = json!({"id": id, "name": name, "kind": kind, "site": site});
        self.ask(self.http.post(self.url("/api/v1/devices")), body)
            .await?;
        let folder = data.join("devices").join(id);
        std::fs::create_dir_all(&folder).context("making a device's folder")?;
        let gate = match share {
            Some(share) => {
                let counter = Counter::plugged_in(&folder.join("line"), 1 << 32, seed % 9_000)?;
                let section = gate_section(counter.port().to_owned(), speed);
                let visitors = Visitors::of_gate(share, zone.clone(), seed);
                self.doors.push(Door {
                    counter,
                    visitors,
                    entered: 0,
                });
                Some(section)
            }
            None => None,
        };
        let mut config = agent_config(id, &folder, self.gateway.endpoints().mqtts, gate)?;
        self.lend(&mut config)?;
        self.enrol(&config).await?;
        let clock = Arc::new(self.clock.on_another_machine(boot(id)));
        let options = AgentOptions {
            clock,
            outbox: OutboxOptions::default(),
            trust: Trust::default(),
        };
        self.agents.push(
            Agent::start(config, options)
                .await
                .with_context(|| format!("agent {id}"))?,
        );
        Ok(())
    }

    /// The self-checkout has its relay, the bus its desk and a way of its own to the gateway.
    fn lend(&self, config: &mut AgentConfig) -> anyhow::Result<()> {
        match config.agent.device.as_str() {
            SELF_CHECKOUT => {
                let machine = MachineSection::on_port(0);
                let machines = [(SELF_CHECKOUT.to_owned(), machine)].into();
                let mut section = SelfCheckoutSection::for_machines(&config.agent.data, machines);
                let ils = self.lenders.ils();
                section.acs.host = ils.ip().to_string();
                section.acs.port = ils.port();
                config.self_checkout = Some(section);
            }
            BUS => {
                let mut desk = BusDeskSection::default();
                desk.listen.set_port(0);
                config.bus_desk = Some(desk);
                let way = self.lenders.way_of_the_bus();
                config.uplink.host = way.ip().to_string();
                config.uplink.port = way.port();
                config.uplink.keep_alive = Duration::from_secs(2);
                config.uplink.backoff_max = Duration::from_secs(1);
            }
            device if device.starts_with("kiosk-") => {
                config.kiosk = Some(shelves::section());
                return Ok(());
            }
            _ => return Ok(()),
        }
        config.lending = Some(LendingSection {
            item_pattern: "LL[0-9]{7}".parse().context("a pattern")?,
            ..LendingSection::default()
        });
        Ok(())
    }

    /// As a technician does it: a token from the gateway, and the agent makes its own key.
    async fn enrol(&self, config: &AgentConfig) -> anyhow::Result<()> {
        let device = &config.agent.device;
        let path = format!("/api/v1/devices/{device}/enrolment");
        let answer = self.ask(self.http.post(self.url(&path)), json!({})).await?;
        let token = answer["token"].as_str().context("a token")?;
        let token: EnrolmentToken = token.parse().context("a token")?;
        let gateway: GatewayUrl = self.secure_page().parse().context("the gateway")?;
        enrol(config, &gateway, &token, Present::Keep)
            .await
            .with_context(|| format!("enrolling {device}"))?;
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.endpoints().http)
    }

    async fn ask(&self, request: reqwest::RequestBuilder, body: Value) -> anyhow::Result<Value> {
        let answer = request.bearer_auth(&self.token).json(&body).send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        anyhow::ensure!(status.is_success(), "{status}: {text}");
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).context("an answer in JSON")
    }
}

fn gateway_config(ils: SocketAddr) -> GatewayConfig {
    let mut config = GatewayConfig::default();
    config.library.name = "渌江演示图书馆".to_owned();
    config.mqtt.listen.set_port(0);
    config.http.listen.set_port(0);
    config.tls.mqtt_listen.set_port(0);
    config.tls.http_listen.set_port(0);
    config.loans.make = IlsMake::Koha;
    config.loans.patience = Duration::from_secs(1);
    config.loans.request_interval = Duration::from_millis(10);
    config.loans.ils.host = Some(ils.ip().to_string());
    config.loans.ils.port = ils.port();
    config
}

/// A quarter of an hour before the doors open, today in the library's zone.
fn before_opening(zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let today = Timestamp::now().to_zoned(zone.clone()).date();
    let opening = today
        .at(7, 45, 0, 0)
        .to_zoned(zone.clone())
        .context("a morning has 7:45")?;
    Ok(opening.timestamp())
}

/// The beginning of the simulated day.
fn midnight(zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let today = before_opening(zone)?.to_zoned(zone.clone());
    Ok(today.start_of_day().context("a day begins")?.timestamp())
}

fn boot(name: &str) -> lujiang_wire::Boot {
    format!("demo-{name}")
        .parse()
        .expect("device ids here are lower case")
}

/// Readings and periods that suit the speed: the agent polls in real time and counts in simulated.
fn gate_section(port: PathBuf, speed: f64) -> GateSection {
    let mut section = GateSection::on_port(port);
    section.poll = Duration::from_secs(15)
        .div_f64(speed)
        .max(Duration::from_millis(100));
    let between_polls = section.poll.mul_f64(speed);
    section.period = if between_polls > Duration::from_secs(30) {
        Duration::from_secs(300)
    } else {
        Duration::from_secs(60)
    };
    section.silence = section.period * 6;
    section
}

fn agent_config(
    id: &str,
    folder: &Path,
    door: SocketAddr,
    gate: Option<GateSection>,
) -> anyhow::Result<AgentConfig> {
    let device: DeviceId = id.parse().context("a device id")?;
    let mut agent = AgentSection::of_device(device);
    agent.data = folder.join("data");
    agent.telemetry_interval = Duration::from_secs(5);
    let mut uplink = UplinkSection::in_folder(folder);
    uplink.host = door.ip().to_string();
    uplink.port = door.port();
    Ok(AgentConfig {
        gate,
        ..AgentConfig::bare(agent, uplink)
    })
}
