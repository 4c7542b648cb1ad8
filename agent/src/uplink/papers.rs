//! What a device shows at the door, read afresh for each connection: it may have been renewed, or
//! mended by somebody.

use std::sync::Arc;

use lujiang_config::{Credential, UplinkSection};
use lujiang_wire::DeviceId;

use super::door::Credentials;
use super::read_password;
use crate::error_chain::chain;
use crate::identity::{Identity, IdentityFolder};
use crate::measured_time::MeasuredTime;
use crate::tls::{self, Trust};

/// Which certificate is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Showing {
    /// The last that was issued.
    Present,
    /// The one before, since the gateway did not take the last: restored from an older copy, it
    /// does not know it.
    Previous,
}

/// What is shown on one connection.
pub(super) struct Papers {
    pub(super) credentials: Credentials,
    /// The identity they are of, where it is not the present one.
    pub(super) previous: Option<Identity>,
}

impl Papers {
    /// Reads them.
    ///
    /// # Errors
    /// Where there are none, or none that can be used; in words for a person.
    pub(super) async fn read(
        section: &UplinkSection,
        device: &DeviceId,
        time: &MeasuredTime,
        showing: Showing,
        trust: Trust,
    ) -> Result<Self, String> {
        match section.credential {
            Credential::Password => read_password(&section.password_file)
                .map(|password| Self {
                    credentials: Credentials::Password(password),
                    previous: None,
                })
                .map_err(|error| chain(&error)),
            Credential::Certificate => {
                let folder = IdentityFolder::new(&section.identity, device);
                let previous = match showing {
                    Showing::Present => None,
                    // That there is none, or none that can be used, is no trouble.
                    Showing::Previous => folder.with(IdentityFolder::load_previous).await.ok(),
                };
                let identity = match &previous {
                    Some(previous) => previous.clone(),
                    None => folder
                        .with(IdentityFolder::load)
                        .await
                        .map_err(|error| chain(&error))?,
                };
                let config = tls::with_identity(&identity, time.clone(), trust);
                Ok(Self {
                    credentials: Credentials::Certificate(Arc::new(config)),
                    previous,
                })
            }
        }
    }
}
