//! A line over HTTPS by the device's certificate, to the gateway or to another device of it. One
//! client is kept for as long as the certificate is, so that a hundred questions need one
//! handshake.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::DeviceId;
use tokio::sync::{Mutex, watch};

use crate::gateway_client::{AskError, Document, GatewayClient};
use crate::gateway_url::GatewayUrl;
use crate::identity::{Identity, IdentityError, IdentityFolder};
use crate::measured_time::MeasuredTime;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(crate) enum Towards {
    /// The gateway of the certificate.
    Gateway,
    /// Another device of it, at this address.
    Fellow(DeviceId, GatewayUrl),
}

/// The line; clones share it.
#[derive(Clone)]
pub(crate) struct Line(Arc<Inner>);

struct Inner {
    towards: Towards,
    folder: IdentityFolder,
    time: MeasuredTime,
    timeout: Duration,
    renewals: watch::Receiver<u64>,
    /// The client with its identity, by the number of the certificate it was made with.
    held: Mutex<Option<(u64, Held)>>,
}

/// What a line is made of for as long as the certificate is the same.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) client: Arc<GatewayClient>,
    pub(crate) identity: Arc<Identity>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LineError {
    /// We have nothing to be known by.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The other end has none.
    #[error(transparent)]
    Ask(#[from] AskError),
}

impl LineError {
    /// Whether asking again cannot help, unless somebody does something about it.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Identity(_) => true,
            Self::Ask(error) => error.is_final(),
        }
    }

    /// The HTTP status of a refusal.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Ask(AskError::Refused { status, .. }) => Some(*status),
            Self::Identity(_) | Self::Ask(_) => None,
        }
    }
}

impl Line {
    pub(crate) fn new(
        towards: Towards,
        folder: IdentityFolder,
        time: MeasuredTime,
        timeout: Duration,
        renewals: watch::Receiver<u64>,
    ) -> Self {
        Self(Arc::new(Inner {
            towards,
            folder,
            time,
            timeout,
            renewals,
            held: Mutex::new(None),
        }))
    }

    /// What it is made of now.
    pub(crate) async fn held(&self) -> Result<Held, LineError> {
        let inner = &*self.0;
        let renewal = *inner.renewals.borrow();
        let mut kept = inner.held.lock().await;
        if let Some((of, held)) = kept.as_ref()
            && *of == renewal
        {
            return Ok(held.clone());
        }
        let identity = inner.folder.with(IdentityFolder::load).await?;
        let (time, timeout) = (inner.time.clone(), inner.timeout);
        let client = match &inner.towards {
            Towards::Gateway => GatewayClient::of_identity(&identity, time, timeout),
            Towards::Fellow(device, address) => {
                let (device, address) = (device.clone(), address.clone());
                GatewayClient::of_fellow(&identity, device, address, time, timeout)
            }
        };
        let held = Held {
            client: Arc::new(client?),
            identity: Arc::new(identity),
        };
        *kept = Some((renewal, held.clone()));
        Ok(held)
    }

    /// A document, whatever there was of it before.
    pub(crate) async fn get(&self, path: &str, bytes_max: usize) -> Result<Vec<u8>, LineError> {
        let held = self.held().await?;
        match held.client.get(path, None, bytes_max).await? {
            Document::New(bytes) => Ok(bytes),
            // Nothing is known of it: this is not said.
            Document::Same => Ok(Vec::new()),
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line")
            .field("towards", &self.0.towards)
            .finish_non_exhaustive()
    }
}
