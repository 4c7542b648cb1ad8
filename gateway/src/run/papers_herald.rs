//! Tells each device by `desired` which papers there are for it. The revision is retained, so
//! that a device that was away hears it when it subscribes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lujiang_broker::Switchboard;
use lujiang_wire::{Channel, Desired, DeviceId, Label};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::ledger::LedgerError;
use crate::papers::Papers;
use crate::registry::Registry;

/// How often papers are looked at though nothing was changed: a planned stop leaves them by its
/// date alone.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);

/// Tells until cancelled.
pub(super) async fn tell(
    papers: Papers,
    registry: Registry,
    switchboard: Arc<Switchboard>,
    cancel: CancellationToken,
) {
    let (mut changes, mut registered) = (papers.changes(), registry.changes());
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = BTreeMap::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = changes.changed() => {}
            Ok(()) = registered.changed() => {}
            () = cancel.cancelled() => return,
        }
        match revisions(&papers, &registry).await {
            Ok(revisions) => {
                for (device, revision) in &revisions {
                    if told.get(device) != Some(revision) {
                        let desired = Desired {
                            papers: Some(revision.clone()),
                            ..Desired::default()
                        };
                        let json = serde_json::to_vec(&desired).expect("a label is JSON");
                        switchboard.deliver(device, Channel::Desired, json.into());
                    }
                }
                told = revisions;
            }
            Err(error) => tracing::error!(%error, "the papers of devices cannot be read"),
        }
    }
}

async fn revisions(
    papers: &Papers,
    registry: &Registry,
) -> Result<BTreeMap<DeviceId, Label>, LedgerError> {
    let (papers, devices) = (papers.clone(), registry.devices());
    let reading = tokio::task::spawn_blocking(move || {
        let revision = |device: crate::registry::Device| {
            let revision = papers.revision(&device)?;
            Ok((device.id, revision))
        };
        devices.into_iter().map(revision).collect()
    });
    let stopped = |_| LedgerError::Database("the gateway is stopping".to_owned());
    reading.await.map_err(stopped)?
}
