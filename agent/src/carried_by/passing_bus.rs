//! The bus as a source, while it stands here. Away it has nothing: who asks goes on to the next
//! source without waiting.

use async_trait::async_trait;
use lujiang_kiosk::{ETag, Opened, Resource, Source, SourceError};
use tokio::sync::watch;

use crate::kiosk::GatewaySource;

/// The bus.
#[derive(Debug)]
pub(super) struct PassingBus {
    pub(super) source: GatewaySource,
    pub(super) present: watch::Receiver<bool>,
}

#[async_trait]
impl Source for PassingBus {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        if !*self.present.borrow() {
            return Err(SourceError::Absent(resource.clone()));
        }
        self.source.open(resource, from, if_range).await
    }
}
