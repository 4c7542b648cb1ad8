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
            // It has the thing, and it ends before the byte we asked for.
            Err(AskError::Refused { status: 416, .. }) => Err(SourceError::Beyond),
            Err(AskError::Refused {
                status: 429 | 503,
                retry_after,
                ..
            }) => Err(SourceError::Busy { retry_after }),
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

#[cfg(test)]
mod tests {
    use lujiang_wire::{BlobHash, DeviceId};

    use super::*;
    use crate::identity::{DeviceKey, Identity};
    use crate::measured_time::tests::{SetClock, report};
    use crate::test_authority::{Authority, YEAR};
    use crate::test_gateway::{BUSY_FOR, TestGateway};

    /// What a source says of a blob of which a gateway answers this.
    async fn said(status: u16) -> SourceError {
        let authority = Authority::new();
        let gateway = TestGateway::start(&authority, move |_| (status, Vec::new())).await;
        let device: DeviceId = "kiosk-1".parse().unwrap();
        let outer = tempfile::tempdir().unwrap();
        let folder = IdentityFolder::new(&outer.path().join("identity"), &device);
        let key = DeviceKey::generate().unwrap();
        let csr = key.signing_request(&device).unwrap();
        let issued = authority.issue(&csr, &device, YEAR);
        let identity = Identity::assemble(&device, gateway.url(), &key, issued).unwrap();
        folder.replace(&identity).unwrap();
        let time = MeasuredTime::new(SetClock::at("1970-01-01T00:00:00Z", Duration::ZERO));
        time.measured(report("2026-08-01T00:00:00Z"));
        let (_renewals, renewal) = watch::channel(0);
        let source = GatewaySource::new(folder, time, Duration::from_secs(20), renewal);
        let blob = Resource::Blob(BlobHash::new([1; 32]));
        source.open(&blob, 5, None).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_busy_gateway_is_told_from_one_that_says_no_and_says_when_to_ask_again() {
        let busy = said(503).await;
        assert!(
            matches!(busy, SourceError::Busy { retry_after } if retry_after == Some(BUSY_FOR)),
            "{busy:?}"
        );
        let busy = said(429).await;
        assert!(
            matches!(busy, SourceError::Busy { retry_after: None }),
            "{busy:?}"
        );
        let refused = said(403).await;
        assert!(matches!(refused, SourceError::Refused(_)), "{refused:?}");
        let failed = said(500).await;
        assert!(matches!(failed, SourceError::Unreachable(_)), "{failed:?}");
    }

    #[tokio::test]
    async fn a_file_that_ends_before_what_is_asked_for_is_told_from_one_that_is_not_there() {
        let beyond = said(416).await;
        assert!(matches!(beyond, SourceError::Beyond), "{beyond:?}");
        let absent = said(404).await;
        assert!(matches!(absent, SourceError::Absent(_)), "{absent:?}");
    }
}
