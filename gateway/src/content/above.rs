//! A gateway that was restored from an older copy. What it signs next is older than what devices
//! have seen, and they refuse it: so it hears which revision they report, and goes on above it.
//!
//! A device may lie. It is believed within a bound, a few times between two starts, and each time
//! somebody is told: in the log and in the audit trail. It gains nothing but numbers.

use lujiang_wire::DeviceId;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{Audit, Content, ContentError};
use crate::presence::Presence;
use crate::registry::Actor;

/// How often devices are believed between two starts. Each time leaves room for a hundred revisions,
/// so that a fleet of which each device has seen another one needs a time or two.
const TIMES_MAX: u32 = 8;

impl Content {
    /// Goes above what devices report, until cancelled.
    pub(crate) async fn keep_above(self, presence: Presence, cancel: CancellationToken) {
        let mut said = presence.changes();
        let mut times = 0;
        loop {
            let talking = tokio::select! {
                () = cancel.cancelled() => return,
                word = said.recv() => match word {
                    Ok(device) => vec![device],
                    // Each says it again with the next thing it says.
                    Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                },
            };
            for device in talking {
                let seen = presence.of(&device).reported;
                let seen = seen.and_then(|said| said.reported.content?.revision);
                let own = *self.0.revision.borrow();
                let Some(seen) = seen.filter(|seen| *seen > own && times < TIMES_MAX) else {
                    continue;
                };
                times += 1;
                if times == TIMES_MAX {
                    tracing::error!(
                        "devices report revisions that this gateway has not signed, again and \
                         again: none is followed any more until the next start"
                    );
                }
                match self.rise_above(seen, &device).await {
                    Ok(()) => {}
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, %device, "what a device has seen is not followed");
                    }
                }
            }
        }
    }

    async fn rise_above(&self, seen: u64, device: &DeviceId) -> Result<(), ContentError> {
        let _one = self.0.steps.lock().await;
        let current = self.current()?;
        let now = self.0.clock.wall();
        let Some(following) = current.above(seen, &self.0.keys, now).await? else {
            return Ok(());
        };
        let (own, revision) = (current.revision(), following.revision());
        tracing::error!(
            %device, seen, own, revision,
            "a device has seen a newer revision than this gateway has signed: was it restored from \
             an older copy? It goes on above it; publish what is missing again, and sign root and \
             targets anew with `lujiang-gateway content keys renew FOLDER`"
        );
        let audit = Audit {
            action: "content.rise",
            subject: "repository".to_owned(),
            before: Some(json!({ "revision": own, "device": device, "seen": seen })),
            after: Some(json!({ "revision": revision })),
        };
        let gateway = Actor::named("gateway");
        self.keep(following, Some((gateway, audit)), |_| Ok(()))
            .await?;
        Ok(())
    }
}
