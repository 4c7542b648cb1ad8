//! The bus desk: the page on the book bus's own computer, where the crew lends all day without a
//! network.
//!
//! ```text
//! page --HTTP, loopback--> server ──ask──> attendant ── owns Desk (core): scan in, order out
//! scanner --serial line--> scanner ─ask──>     │  └─────── carries orders out ──> Lending
//! page <──"something is new"── server <──shown─┘
//! ```
//!
//! Reading order: a [`scan`], the core ([`desk`], what it [`said`]), block loans ([`list`],
//! [`block`]), who serves it ([`attendant`]), the pages ([`page`], [`words`]), and what is around
//! them ([`server`], [`scanner`]; whose requests are taken, [`lujiang_kiosk::guard`] knows). Nothing here decides about a loan, and no reader's
//! card leaves the memory.

mod scan;

mod desk;
mod said;

mod block;
mod compared;
mod list;

mod plans;
mod shown;

mod attendant;

mod page;
mod words;

mod asset;
mod scanner;
mod server;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use lujiang_config::BusDeskSection;
use lujiang_wire::Clock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::lending::Lending;
use attendant::Attendant;
use plans::Plans;
use scanner::Scanner;
use server::{Server, live_seats};

/// The desk, bound and not yet served.
pub(crate) struct BusDesk {
    attendant: Attendant,
    server: Server,
    scanner: Option<Scanner>,
    listener: TcpListener,
}

impl BusDesk {
    /// Binds the desk's address, and opens the desk at the stop that was open.
    pub(crate) async fn open(
        section: BusDeskSection,
        data: &Path,
        lending: Lending,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let wanted = section.listen;
        let listener = TcpListener::bind(wanted).await;
        let listener = listener
            .with_context(|| format!("bus_desk.listen = \"{wanted}\": cannot listen there"))?;
        let listen = listener
            .local_addr()
            .context("cannot ask for the address")?;
        let open = lending.stop().map(|stop| stop.opened.stop);
        let plans = Plans::load(data, open.as_ref());
        let (attendant, counter) =
            Attendant::new(&section, plans, lending.clone(), clock.clone()).await;
        let server = Server {
            counter: counter.clone(),
            zone: lending.time_zone(),
            has_bus_card: lending.own_card().is_some(),
            lending,
            clock,
            language: section.language,
            listen,
            live: live_seats(),
            stop: CancellationToken::new(),
        };
        let scanner = section.scanner.map(|section| Scanner { section, counter });
        Ok(Self {
            attendant,
            server,
            scanner,
            listener,
        })
    }

    /// Where it really listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.server.listen
    }

    /// Serves until the agent ends: first nothing more is taken in, then what was is finished.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let address = self.server.listen;
        tracing::info!(%address, "the bus desk is open");
        let server_stop = self.server.stop.clone();
        let attendant_stop = CancellationToken::new();
        let scanner_stop = stop.clone();
        let scanner = async {
            if let Some(scanner) = self.scanner {
                scanner.run(scanner_stop).await;
            }
        };
        let serving = async {
            tokio::join!(self.server.run(self.listener), scanner);
            attendant_stop.cancel();
        };
        let stopping = async {
            stop.cancelled().await;
            server_stop.cancel();
        };
        tokio::join!(
            stopping,
            serving,
            self.attendant.run(attendant_stop.clone())
        );
    }
}
