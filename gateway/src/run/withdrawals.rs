//! Ends the connections of devices and readers that lost their right to have one.

use std::sync::Arc;

use lujiang_broker::Switchboard;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::registry::{Registry, Withdrawn};

/// Why, in the words told to the device's watchers.
const WHY: &str = "disabled, revoked, or given another certificate, password or other limits";

/// Why, of a reader.
const REMOVED: &str = "removed";

/// Disconnects until cancelled.
pub(super) async fn follow(
    registry: Registry,
    switchboard: Arc<Switchboard>,
    cancel: CancellationToken,
) {
    let mut withdrawn = registry.withdrawn();
    loop {
        let told = tokio::select! {
            told = withdrawn.recv() => told,
            () = cancel.cancelled() => return,
        };
        match told {
            Ok(Withdrawn::Device(device)) => switchboard.disconnect(&device, WHY),
            Ok(Withdrawn::Reader(name)) => switchboard.disconnect_reader(name.as_str(), REMOVED),
            // Too many at once to know which: everybody connects again, whoever still may.
            Err(RecvError::Lagged(_)) => {
                for device in registry.devices() {
                    switchboard.disconnect(&device.id, WHY);
                }
            }
            Err(RecvError::Closed) => return,
        }
    }
}
