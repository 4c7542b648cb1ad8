//! rumqttd 0.20 as its users run it, with its own listeners: what the attacks fell first.
//!
//! `stock-rumqttd PORT_V4 PORT_V5 CONNECTIONS_MAX LOG_BYTES`, on loopback. It is a process of its own because its
//! router panics and its threads never end; whoever starts it kills it. An in-process link
//! named `house` reads everything, as the programs do that embed it; `house link gone` on
//! standard output says that somebody took its place.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context as _;
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Segments of its log; LOG_BYTES is divided among them.
const SEGMENTS: usize = 10;

fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1);
    let mut next = |what: &str| -> anyhow::Result<usize> {
        let text = numbers.next().with_context(|| format!("no {what} given"))?;
        text.parse().with_context(|| format!("{what}: {text:?}"))
    };
    let ports = [next("PORT_V4")?, next("PORT_V5")?];
    let connections_max = next("CONNECTIONS_MAX")?;
    let log_bytes = next("LOG_BYTES")?;
    let server = |name: &str, port: usize| -> anyhow::Result<_> {
        let port = u16::try_from(port).context("a port")?;
        let settings = ServerSettings {
            name: name.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            tls: None,
            next_connection_delay_ms: 1,
            connections: ConnectionSettings {
                connection_timeout_ms: 5_000,
                max_payload_size: 256 * 1024,
                max_inflight_count: 100,
                auth: None,
                external_auth: None,
                dynamic_filters: true,
            },
        };
        Ok(Some(HashMap::from([(name.to_owned(), settings)])))
    };
    let config = Config {
        router: RouterConfig {
            max_connections: connections_max,
            max_outgoing_packet_count: 200,
            max_segment_size: log_bytes / SEGMENTS,
            max_segment_count: SEGMENTS,
            ..RouterConfig::default()
        },
        v4: server("v4", ports[0])?,
        v5: server("v5", ports[1])?,
        ..Config::default()
    };
    let mut broker = Broker::new(config);
    let (mut sender, mut receiver) = broker.link("house").context("the in-process link")?;
    sender.subscribe("#").context("subscribing in process")?;
    std::thread::spawn(move || {
        while receiver.recv().is_ok() {}
        // Nobody is left to tell when standard output is closed.
        let _ = writeln!(std::io::stdout(), "house link gone");
    });
    broker.start().context("running rumqttd")
}
