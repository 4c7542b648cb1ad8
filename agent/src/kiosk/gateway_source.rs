//! The gateway as a source: over HTTPS, by the device's certificate. One client is kept for as
//! long as the certificate is, so that a hundred books need one handshake.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lujiang_kiosk::{ETag, Opened, Resource, Source, SourceError};
use lujiang_wire::{CONTENT_BLOBS_PATH, CONTENT_BLOCKS_PATH, CONTENT_METADATA_PATH};
use tokio::sync::{Mutex, watch};

use crate::gateway_client::{AskError, GatewayClient};
use crate::identity::IdentityFolder;
use crate::measured_time::MeasuredTime;

/// The gateway.
pub(super) struct GatewaySource {
    folder: IdentityFolder,
    time: MeasuredTime,
    timeout: Duration,
    renewals: watch::Receiver<u64>,
    /// The client, and the certificate it was made with by its number.
    client: Mutex<Option<(u64, Arc<GatewayClient>)>>,
}

impl GatewaySource {
    pub(super) fn new(
        folder: IdentityFolder,
        time: MeasuredTime,
        timeout: Duration,
        renewals: watch::Receiver<u64>,
    ) -> Self {
        Self {
            folder,
            time,
            timeout,
            renewals,
            client: Mutex::new(None),
        }
    }

    async fn client(&self) -> Result<Arc<GatewayClient>, SourceError> {
        let renewal = *self.renewals.borrow();
        let mut kept = self.client.lock().await;
        if let Some((of, client)) = kept.as_ref()
            && *of == renewal
        {
            return Ok(Arc::clone(client));
        }
        let identity = self.folder.with(IdentityFolder::load).await;
        let identity = identity.map_err(|error| SourceError::Refused(error.to_string()))?;
        let client = GatewayClient::of_identity(&identity, self.time.clone(), self.timeout);
        let client = Arc::new(client.map_err(told)?);
        *kept = Some((renewal, Arc::clone(&client)));
        Ok(client)
    }
}

#[async_trait]
impl Source for GatewaySource {
    async fn open(
        &self,
        resource: &Resource,
        from: u64,
        if_range: Option<&ETag>,
    ) -> Result<Opened, SourceError> {
        let path = match resource {
            Resource::Metadata(name) => format!("{CONTENT_METADATA_PATH}{}", name.as_str()),
            Resource::Blob(blob) => format!("{CONTENT_BLOBS_PATH}{blob}"),
            Resource::Blocks(blob) => format!("{CONTENT_BLOCKS_PATH}{blob}"),
        };
        let client = self.client().await?;
        let opened = client
            .open(&path, from, if_range.map(|it| it.0.as_str()))
            .await;
        match opened {
            Ok(opened) => Ok(Opened {
                offset: opened.offset,
                length: opened.length,
                etag: opened.etag.map(ETag),
                body: Box::pin(futures_util::StreamExt::map(opened.body, |bytes| {
                    bytes.map_err(SourceError::Unreachable)
                })),
            }),
            Err(AskError::Refused { status: 404, .. }) => {
                Err(SourceError::Absent(resource.clone()))
            }
            Err(error) => Err(told(error)),
        }
    }
}

fn told(error: AskError) -> SourceError {
    match error.is_final() {
        true => SourceError::Refused(crate::error_chain::chain(&error)),
        false => SourceError::Unreachable(Box::new(error)),
    }
}

impl fmt::Debug for GatewaySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatewaySource").finish_non_exhaustive()
    }
}
