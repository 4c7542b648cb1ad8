//! The door as peers see it: bytes on a socket, and foreign clients.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside of the test functions"
)]

mod addresses;
mod authority;
mod client;
mod connect;
mod deliver;
mod garbage;
mod house;
mod interop;
mod limits;
mod panics;
mod presence;
mod publish;
mod rates;
mod steady;
mod subscribe;
mod tls;
mod tortures;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lujiang_broker::{ClientLimits, Door, DoorTls, Retained, Switchboard};
use lujiang_config::MqttSection;

use self::house::TestHouse;

/// No wait in these tests is longer; whoever hits it fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits for something that must come.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(DEADLINE, future).await;
    waited.expect("it comes within the deadline")
}

/// A door with a house in memory behind it.
struct Opened {
    door: Door,
    house: Arc<TestHouse>,
    switchboard: Arc<Switchboard>,
}

impl Opened {
    fn address(&self) -> SocketAddr {
        self.door.local_addr()
    }
}

fn section() -> MqttSection {
    MqttSection {
        listen: "127.0.0.1:0".parse().unwrap(),
        // A test is one address, and thousands of devices.
        attempts_per_minute_max: 1_000_000,
        ..MqttSection::default()
    }
}

fn open() -> Opened {
    open_with(section(), Vec::new())
}

fn open_with(section: MqttSection, retained: Vec<Retained>) -> Opened {
    open_behind(section, None, retained)
}

fn open_behind(section: MqttSection, tls: Option<DoorTls>, retained: Vec<Retained>) -> Opened {
    let house = TestHouse::new(ClientLimits::of(&section));
    open_house(section, tls, house, retained)
}

fn open_for(section: MqttSection, limits: ClientLimits) -> Opened {
    open_house(section, None, TestHouse::new(limits), Vec::new())
}

fn open_house(
    section: MqttSection,
    tls: Option<DoorTls>,
    house: TestHouse,
    retained: Vec<Retained>,
) -> Opened {
    let house = Arc::new(house);
    let switchboard = Switchboard::new(&section);
    let as_house = Arc::clone(&house);
    let door = Door::start(section, tls, as_house, Arc::clone(&switchboard), retained).unwrap();
    Opened {
        door,
        house,
        switchboard,
    }
}

/// How many publishes and subscriptions were refused for this reason.
fn requests_refused(opened: &Opened, reason: &str) -> u64 {
    let metrics = opened.switchboard.metrics();
    let counted = metrics.requests_refused().find(|(name, _)| *name == reason);
    counted.expect("a reason code's name").1
}

/// How many connections the door ended for this reason.
fn ended(opened: &Opened, reason: &str) -> u64 {
    let metrics = opened.switchboard.metrics();
    let counted = metrics.ended().find(|(name, _)| *name == reason);
    counted.expect("a reason code's name").1
}

/// A topic of `gate-1`.
fn own(channel: &str) -> String {
    format!("library/v1/devices/gate-1/{channel}")
}
