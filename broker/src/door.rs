//! The door: listens, lets in, and sees everybody out.

mod entrance;
mod listeners;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lujiang_config::MqttSection;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::listeners::Listeners;
use crate::addresses::{AddressLimits, Addresses};
use crate::house::{House, Retained};
use crate::metrics::DoorMetrics;
use crate::switchboard::Switchboard;
use crate::tls::DoorTls;

/// Passwords the house is asked about at once: a hash takes a core and 19 MiB.
const ADMISSIONS_AT_ONCE: usize = 4;

/// What every connection shares.
pub(crate) struct Context {
    pub(crate) section: MqttSection,
    pub(crate) house: Arc<dyn House>,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) metrics: Arc<DoorMetrics>,
    pub(crate) stop: CancellationToken,
    addresses: Addresses,
    admissions: Semaphore,
    places: Semaphore,
}

impl Context {
    fn new(
        section: MqttSection,
        house: Arc<dyn House>,
        switchboard: Arc<Switchboard>,
        stop: CancellationToken,
    ) -> Self {
        Self {
            metrics: Arc::clone(switchboard.metrics()),
            stop,
            addresses: Addresses::new(AddressLimits::of(&section)),
            admissions: Semaphore::new(ADMISSIONS_AT_ONCE),
            places: Semaphore::new(section.connections_max.min(Semaphore::MAX_PERMITS)),
            section,
            house,
            switchboard,
        }
    }
}

/// An open door; stop it with [`Door::stop`].
pub struct Door {
    local_addr: SocketAddr,
    tls_addr: Option<SocketAddr>,
    stop: DropGuard,
    /// Ends what did not end within the grace period.
    kill: DropGuard,
    accepting: JoinHandle<()>,
    keeping: JoinHandle<()>,
    router: DropGuard,
}

/// Why a door did not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Plain MQTT is spoken on this machine only.
    #[error("{0} is not a loopback address: without TLS the door listens on this machine only")]
    NotLoopback(SocketAddr),
    /// The address could not be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Each switchboard serves one door.
    #[error("the switchboard already has a door")]
    SwitchboardInUse,
}

impl Door {
    /// Opens the door: listens, starts the router, takes what was retained before.
    ///
    /// # Errors
    /// When it cannot listen there, or the switchboard has a door already.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn start(
        section: MqttSection,
        tls: Option<DoorTls>,
        house: Arc<dyn House>,
        switchboard: Arc<Switchboard>,
        retained: Vec<Retained>,
    ) -> Result<Self, DoorError> {
        if !section.listen.ip().is_loopback() {
            return Err(DoorError::NotLoopback(section.listen));
        }
        let listeners = Listeners::bind(section.listen, tls)?;
        let (local_addr, tls_addr) = (listeners.local_addr(), listeners.tls_addr());
        let keeper = switchboard
            .take_keeper()
            .ok_or(DoorError::SwitchboardInUse)?;
        switchboard.restore(retained, &*house);
        let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
        let router = CancellationToken::new();
        let keeping = tokio::spawn(keeper.run(router.clone()));
        let context = Context::new(section, house, switchboard, stop.clone());
        let accepting = tokio::spawn(listeners.accept(Arc::new(context), kill.clone()));
        tracing::info!(address = %local_addr, "MQTT door open");
        Ok(Self {
            local_addr,
            tls_addr,
            stop: stop.drop_guard(),
            kill: kill.drop_guard(),
            accepting,
            keeping,
            router: router.drop_guard(),
        })
    }

    /// Where it listens without TLS.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it listens behind TLS, if it does.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
    }

    /// Ends when the door has ended by itself: nobody is accepted any more.
    pub async fn ended(&mut self) {
        // A panic is told where it happened.
        let _ = (&mut self.accepting).await;
    }

    /// Accepts nobody any more, answers what is owed, tells everybody 0x8B and ends; after
    /// `grace` without further words.
    pub async fn stop(mut self, grace: Duration) {
        drop(self.stop);
        let is_over = self.accepting.is_finished();
        if !is_over && timeout(grace, &mut self.accepting).await.is_err() {
            drop(self.kill);
            // Aborted connections end at their next await.
            let _ = self.accepting.await;
        }
        drop(self.router);
        // A panic in there was reported when it happened.
        let _ = self.keeping.await;
    }
}

#[cfg(test)]
mod tests;
