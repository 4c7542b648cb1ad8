//! What the gateway does with its releases by itself: it renews what it signs before that ends, says
//! what somebody else has to, and takes away what is named by nobody.

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{Content, ContentError};

impl Content {
    /// Renews what is signed on-line and takes away what is named by nobody, until cancelled.
    pub(crate) async fn keep_renewed(self, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(self.0.section.renewal_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = cancel.cancelled() => return,
            }
            if let Err(error) = self.renew().await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "what is signed on-line could not be renewed");
            }
            if let Err(error) = self.tidy(self.0.clock.wall()).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "blobs that no release names could not be looked for");
            }
        }
    }

    async fn renew(&self) -> Result<(), ContentError> {
        let _one = self.0.steps.lock().await;
        let Some(current) = self.0.current.load_full() else {
            return Ok(());
        };
        let now = self.0.clock.wall();
        if let Some(following) = current.renew(&self.0.keys, now).await? {
            tracing::info!("what the gateway signs of the releases is renewed");
            self.keep(following, None, |_| Ok(())).await?;
        }
        for role in self.standing().into_iter().filter(|role| role.ends_soon) {
            let (role, expires) = (role.role.as_str(), role.expires);
            tracing::warn!(role, %expires, "the signature of a role ends soon: see docs/content-keys.md");
        }
        Ok(())
    }
}
