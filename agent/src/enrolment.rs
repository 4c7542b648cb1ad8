//! Enrolment: a device makes its key and gets its certificate for a token. Outbox and epoch are
//! no part of it: a device that enrols again goes on where it was.

use jiff::Timestamp;
use lujiang_config::AgentConfig;
use lujiang_wire::{DeviceId, ENROLMENT_PATH, EnrolmentRequest, EnrolmentToken};

use crate::gateway_client::{AskError, GatewayClient};
use crate::gateway_url::GatewayUrl;
use crate::identity::{DeviceKey, Identity, IdentityError, IdentityFolder};

/// What becomes of a certificate that is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Present {
    /// It stays, and nothing is asked.
    Keep,
    /// It is replaced.
    Replace,
}

/// Why a device is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// It is enrolled already.
    #[error("{device} has a certificate until {not_after}: add --again to replace it")]
    Enrolled {
        /// The device.
        device: DeviceId,
        /// Until when its certificate is good.
        not_after: Timestamp,
    },
    /// What is there cannot be used, and is not replaced unasked.
    #[error("there is an identity already: mend it, or add --again to replace it")]
    Present(#[source] IdentityError),
    /// The folder cannot be used.
    #[error("the identity cannot be kept")]
    Folder(#[source] IdentityError),
    /// No key could be made.
    #[error("no key could be made")]
    Key(#[source] rcgen::Error),
    /// The gateway gave none.
    #[error("no certificate")]
    Ask(#[from] AskError),
    /// The gateway gave something else.
    #[error("what the gateway at {gateway} issued cannot be used")]
    Issued {
        /// Who issued it.
        gateway: GatewayUrl,
        /// What is wrong.
        #[source]
        source: Box<IdentityError>,
    },
}

/// Enrols the device of this configuration with the gateway of this token.
///
/// # Errors
/// Where it is enrolled already, the gateway is another, the token is not good, or the identity
/// cannot be written. Whatever was there is then untouched.
pub async fn enrol(
    config: &AgentConfig,
    gateway: &GatewayUrl,
    token: &EnrolmentToken,
    present: Present,
) -> Result<Identity, EnrolError> {
    let device = &config.agent.device;
    let folder = IdentityFolder::new(&config.uplink.identity, device);
    if present == Present::Keep {
        let loaded = folder.with(IdentityFolder::load).await;
        check_present(device, loaded, Timestamp::now())?;
    }
    // A token is spent by asking: whatever can go wrong here goes wrong before.
    folder
        .with(IdentityFolder::make)
        .await
        .map_err(EnrolError::Folder)?;
    let key = DeviceKey::generate().map_err(EnrolError::Key)?;
    let request = EnrolmentRequest {
        device: device.clone(),
        secret: token.secret.clone(),
        csr: key.signing_request(device).map_err(EnrolError::Key)?,
    };
    let deadline = config.uplink.https_timeout;
    let client = GatewayClient::of_token(gateway.clone(), token, deadline)?;
    let issued = client.post(ENROLMENT_PATH, &request).await?;
    let identity = Identity::assemble(device, gateway.clone(), &key, issued).map_err(|source| {
        EnrolError::Issued {
            gateway: gateway.clone(),
            source: Box::new(source),
        }
    })?;
    let kept = identity.clone();
    folder
        .with(move |folder| folder.replace(&kept))
        .await
        .map_err(EnrolError::Folder)?;
    Ok(identity)
}

/// Whether an identity is there that must not be replaced unasked. One that has lapsed may be.
fn check_present(
    device: &DeviceId,
    loaded: Result<Identity, IdentityError>,
    now: Timestamp,
) -> Result<(), EnrolError> {
    match loaded {
        Err(IdentityError::Absent { .. }) => Ok(()),
        Err(error) => Err(EnrolError::Present(error)),
        Ok(identity) if identity.not_after() <= now => Ok(()),
        Ok(identity) => Err(EnrolError::Enrolled {
            device: device.clone(),
            not_after: identity.not_after(),
        }),
    }
}

#[cfg(test)]
mod tests;
