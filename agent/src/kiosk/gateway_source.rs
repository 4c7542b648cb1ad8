//! The gateway as a source: over HTTPS, by the device's certificate.

use async_trait::async_trait;
use lujiang_kiosk::{ETag, Opened, Resource, Source, SourceError};
use lujiang_wire::{CONTENT_BLOBS_PATH, CONTENT_BLOCKS_PATH, CONTENT_METADATA_PATH};

use crate::gateway_client::AskError;
use crate::line::{Line, LineError};

/// The gateway, or a device that has releases on board under the gateway's own paths.
#[derive(Debug)]
pub(crate) struct GatewaySource(pub(crate) Line);

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
        let held = self.0.held().await.map_err(told)?;
        let opened = held
            .client
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
            Err(error) => Err(told(error.into())),
        }
    }
}

fn told(error: LineError) -> SourceError {
    match error.is_final() {
        true => SourceError::Refused(crate::error_chain::chain(&error)),
        false => SourceError::Unreachable(Box::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lujiang_wire::{BlobHash, DeviceId};
    use tokio::sync::watch;

    use super::*;
    use crate::identity::{DeviceKey, Identity, IdentityFolder};
    use crate::line::Towards;
    use crate::measured_time::MeasuredTime;
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
        let timeout = Duration::from_secs(20);
        let source = GatewaySource(Line::new(Towards::Gateway, folder, time, timeout, renewal));
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
