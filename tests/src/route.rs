//! A bus on its route, and a reading room without a line: in between the road, on which they meet.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use lujiang_agent::{Agent, AgentOptions};
use lujiang_config::AgentConfig;

use crate::enrolled::{data_of, enrolled};
use crate::kiosk::Kiosk;
use crate::link::{Link, Weather};
use crate::site::Library;

/// The bus, the room, and their lines.
pub struct Route {
    bus: AgentConfig,
    agent: Option<Agent>,
    /// The kiosk of the room.
    pub kiosk: Kiosk,
    bus_lines: [Link; 2],
    room_lines: [Link; 2],
    road: Link,
}

impl Route {
    /// A bus `bus-1` that carries for `kiosk-1`. The bus is at the library, the room has no line.
    ///
    /// # Errors
    /// Where they are not enrolled.
    pub async fn of(library: &Library) -> anyhow::Result<Self> {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        let road = Link::to(nowhere).await?;
        let (bus_lines, room_lines) = (lines(library).await?, lines(library).await?);
        let carrying = "[carrying]\nlisten = \"127.0.0.1:0\"\ndevices = [\"kiosk-1\"]\n\
                        ask_every = \"1s\"\n";
        let bus = enrolled(
            library,
            "bus-1",
            "bus",
            &data_of(library, "bus-1"),
            ways(&bus_lines),
            carrying,
        )
        .await?;
        let carried = format!(
            "[carried_by]\nbus = \"bus-1\"\nhost = \"127.0.0.1\"\nport = {}\n\
             look_every = \"1s\"\ntimeout = \"5s\"\n",
            road.address().port()
        );
        let ways = ways(&room_lines);
        let kiosk = Kiosk::enrolled_by(library, "kiosk-1", ways, &carried).await?;
        let route = Self {
            bus,
            agent: None,
            kiosk,
            bus_lines,
            room_lines,
            road,
        };
        route.turn_room(Weather::Reset);
        route.at_the_library();
        Ok(route)
    }

    /// Starts the bus's agent.
    ///
    /// # Errors
    /// Where it does not start.
    pub async fn start_bus(&mut self) -> anyhow::Result<()> {
        let agent = Agent::start(self.bus.clone(), AgentOptions::system()?).await?;
        let address = agent.status().await?.carrying;
        self.road.retarget(address.context("it serves its route")?);
        self.agent = Some(agent);
        Ok(())
    }

    /// Pulls the plug of the bus's agent; its connections end with it.
    pub fn kill_bus(&mut self) {
        self.agent = None;
        self.road.turn(Weather::Reset);
    }

    /// Drives to where the gateway can be reached, and nobody else.
    pub fn at_the_library(&self) {
        self.road.turn(Weather::Reset);
        for line in &self.bus_lines {
            line.turn(Weather::Fair);
        }
    }

    /// Drives to the room.
    pub fn at_the_room(&self) {
        for line in &self.bus_lines {
            line.turn(Weather::Reset);
        }
        self.road.turn(Weather::Fair);
    }

    /// What the lines of the room are like.
    pub fn turn_room(&self, weather: Weather) {
        for line in &self.room_lines {
            line.turn(weather);
        }
    }

    /// The folder of what the bus carries.
    #[must_use]
    pub fn on_board(&self) -> PathBuf {
        self.bus.agent.data.join("carrying")
    }

    /// Where the bus serves, for whoever is not on its route.
    #[must_use]
    pub fn road(&self) -> SocketAddr {
        self.road.address()
    }
}

async fn lines(library: &Library) -> anyhow::Result<[Link; 2]> {
    let mqtt = Link::to(library.endpoints().mqtts).await?;
    let https = Link::to(library.endpoints().https).await?;
    Ok([mqtt, https])
}

fn ways([mqtt, https]: &[Link; 2]) -> (SocketAddr, SocketAddr) {
    (mqtt.address(), https.address())
}
