//! Tells each device by `desired` what it should have: papers to lend with, and content for its
//! shelf. Always both, for a message replaces the one before. It is retained, so that a device
//! that was away hears the newest when it subscribes; it follows from what is on disk alone, so
//! that after a crash the same is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lujiang_broker::Switchboard;
use lujiang_wire::{Channel, Desired, DeviceId, Document as _};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::content::Content;
use crate::ledger::LedgerError;
use crate::papers::Papers;
use crate::registry::{Device, Registry};
use crate::rollouts::Rollouts;

/// How often it is looked though nothing was changed: a planned stop leaves the papers by its
/// date alone.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Who knows what devices should have.
#[derive(Clone)]
pub(super) struct Herald {
    pub(super) papers: Papers,
    pub(super) content: Content,
    pub(super) rollouts: Rollouts,
    pub(super) registry: Registry,
    pub(super) switchboard: Arc<Switchboard>,
}

impl Herald {
    /// Tells until cancelled.
    pub(super) async fn tell(self, cancel: CancellationToken) {
        let (mut papers, mut registered) = (self.papers.changes(), self.registry.changes());
        let (mut revision, mut rollouts) = (self.content.revision(), self.rollouts.changes());
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = BTreeMap::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                Ok(()) = papers.changed() => {}
                Ok(()) = registered.changed() => {}
                Ok(()) = revision.changed() => {}
                Ok(()) = rollouts.changed() => {}
                () = cancel.cancelled() => return,
            }
            match self.wanted().await {
                Ok(wanted) => {
                    for (device, desired) in &wanted {
                        if told.get(device) != Some(desired) {
                            let json = desired.to_json().into();
                            self.switchboard.deliver(device, Channel::Desired, json);
                        }
                    }
                    told = wanted;
                }
                Err(error) => tracing::error!(%error, "what devices should have cannot be read"),
            }
        }
    }

    async fn wanted(&self) -> Result<BTreeMap<DeviceId, Desired>, LedgerError> {
        let herald = self.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let devices = herald.registry.devices();
            let wanted = |device: Device| {
                let desired = Desired {
                    papers: Some(herald.papers.revision(&device)?),
                    content: herald.rollouts.wanted_of(&device, &herald.content),
                };
                Ok((device.id, desired))
            };
            devices.into_iter().map(wanted).collect()
        });
        let stopped = |_| LedgerError::Database("the gateway is stopping".to_owned());
        reading.await.map_err(stopped)?
    }
}
