//! The house behind the door: the broker's questions answered by registry, intake and presence.
//!
//! Decides nothing itself: who may come is the registry's row, what is kept is the intake's
//! verdict. Everybody who is not let in for his name or password gets the same answer.

mod carried;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lujiang_broker::{
    Admission, Arrival, ClientLimits, ConnectRefusal, Credentials, House, Keeping, Origin, Pass,
    Principal, Refusal, Switchboard, Word,
};
use lujiang_wire::{Channel, Clock, DeviceId, Receipts, Topic};

use crate::authority::{Authority, Identity};
use crate::intake::{AfterCommit, CommittedGroup, Intake};
use crate::presence::Presence;
use crate::registry::{CertificateRefusal, Registry, by_certificate};

/// The gateway, as the door sees it.
pub struct GatewayHouse {
    registry: Registry,
    authority: Authority,
    intake: Intake,
    presence: Presence,
    switchboard: Arc<Switchboard>,
    clock: Arc<dyn Clock>,
    limits: ClientLimits,
}

impl GatewayHouse {
    /// Puts the house together.
    #[must_use]
    pub fn new(
        registry: Registry,
        authority: Authority,
        intake: Intake,
        presence: Presence,
        switchboard: Arc<Switchboard>,
        clock: Arc<dyn Clock>,
        limits: ClientLimits,
    ) -> Self {
        Self {
            registry,
            authority,
            intake,
            presence,
            switchboard,
            clock,
            limits,
        }
    }

    /// What the device's row says, and the configuration for the rest.
    fn limits_of(&self, device: &DeviceId) -> ClientLimits {
        match self.registry.device(device) {
            Some(device) => device.limits.within(&self.limits),
            None => self.limits.clone(),
        }
    }

    fn limits_for(&self, principal: &Principal) -> ClientLimits {
        match principal {
            Principal::Device(device) => self.limits_of(device),
            Principal::Reader { .. } => self.limits.clone(),
        }
    }

    async fn verify(&self, credentials: &Credentials) -> Result<(Principal, Pass), Refusal> {
        match &credentials.certificate {
            Some(certificate) => self.verify_certificate(certificate, credentials).await,
            None => self.verify_password(credentials).await,
        }
    }

    /// The certificate says who it is; a password beside it is not looked at, and a user name
    /// has to be the same. The first use of a new one ends the connections of the one before.
    async fn verify_certificate(
        &self,
        certificate: &[u8],
        credentials: &Credentials,
    ) -> Result<(Principal, Pass), Refusal> {
        let peer = credentials.peer;
        let identity = Identity::read(certificate).map_err(|error| {
            tracing::info!(%peer, %error, "certificate refused");
            Refusal::BadCredentials
        })?;
        let user_name = credentials.user_name.as_deref();
        let is_named = user_name == Some(identity.device.as_str());
        let refused = |error: &dyn std::fmt::Display, refusal| {
            let device = identity.device.clone();
            tracing::info!(%peer, %device, %error, "certificate refused");
            // The door itself tells of the device that the user name is.
            if !is_named {
                let reason = match refusal {
                    Refusal::BadCredentials => ConnectRefusal::BadCredentials,
                    Refusal::NotAuthorised => ConnectRefusal::NotAuthorised,
                    Refusal::Unavailable => ConnectRefusal::Unavailable,
                };
                let reason = reason.as_str();
                self.heard(Word::TurnedAway {
                    device,
                    peer,
                    reason,
                });
            }
            refusal
        };
        if user_name.is_some() && !is_named {
            let error = "the user name is not the device's";
            return Err(refused(&error, Refusal::BadCredentials));
        }
        let shown = self.registry.show_certificate(&identity).await;
        let shown = shown.map_err(|error| {
            let refusal = match &error {
                CertificateRefusal::Unknown => Refusal::BadCredentials,
                CertificateRefusal::Ended(_) | CertificateRefusal::Disabled => {
                    Refusal::NotAuthorised
                }
                CertificateRefusal::Registry(_) => Refusal::Unavailable,
            };
            refused(&error, refusal)
        })?;
        if shown.is_first {
            let why = "its certificate was replaced by a newer one";
            self.switchboard.disconnect(&identity.device, why);
        }
        let pass = by_certificate(&identity.serial);
        Ok((Principal::Device(identity.device), pass))
    }

    /// The user name says who it is, the password that it is so. A device whose Client
    /// Identifier is another's name is let in all the same: its name is its user name.
    async fn verify_password(
        &self,
        credentials: &Credentials,
    ) -> Result<(Principal, Pass), Refusal> {
        let name = credentials.user_name.as_deref();
        let password = credentials.password.as_deref();
        let (Some(name), Some(password)) = (name, password) else {
            return Err(Refusal::BadCredentials);
        };
        // What is no id is nobody's: it is not worth a hash, and tells nobody anything.
        let name: DeviceId = name.parse().map_err(|_| Refusal::BadCredentials)?;
        if self.registry.is_reader(&name) {
            let reader = self.registry.verify_reader(&name, password).await;
            let reader = reader.ok_or(Refusal::BadCredentials)?;
            let principal = Principal::Reader {
                name: reader.row.name.to_string(),
                filters: reader.row.filters,
            };
            return Ok((principal, reader.pass));
        }
        let device = self.registry.verify_device(&name, password).await;
        match device.ok_or(Refusal::BadCredentials)? {
            device if device.row.enabled => Ok((Principal::Device(device.row.id), device.pass)),
            _disabled => Err(Refusal::NotAuthorised),
        }
    }
}

impl House for GatewayHouse {
    fn admit(&self, credentials: Credentials) -> BoxFuture<'_, Result<Admission, Refusal>> {
        Box::pin(async move {
            let (principal, pass) = self.verify(&credentials).await?;
            let limits = self.limits_for(&principal);
            Ok(Admission {
                principal,
                limits,
                pass,
            })
        })
    }

    fn stands(&self, admission: &Admission) -> bool {
        let pass = &admission.pass;
        let may_come = match &admission.principal {
            Principal::Device(device) => self.registry.device_stands(device, pass),
            Principal::Reader { name, .. } => {
                let name = name.parse();
                name.is_ok_and(|name| self.registry.reader_stands(&name, pass))
            }
        };
        // Whose limits were changed is disconnected too, to come again under the new ones.
        may_come && self.limits_for(&admission.principal) == admission.limits
    }

    fn keep(&self, arrival: Arrival) -> BoxFuture<'_, Keeping> {
        self.presence.fact_came(&arrival.device, arrival.received);
        match arrival.origin {
            Origin::Own => Box::pin(self.intake.keep(arrival)),
            Origin::Carried => match carried::unpack(&arrival, &self.authority, &self.registry) {
                Ok(signers) => Box::pin(self.intake.keep(signers)),
                Err(why) => {
                    tracing::info!(carrier = %arrival.device, error = %why, "what was carried is kept aside");
                    Box::pin(self.intake.keep_aside(arrival, why.to_string()))
                }
            },
        }
    }

    fn has_room(&self) -> bool {
        self.intake.has_room()
    }

    fn receipts(&self, device: &DeviceId) -> BoxFuture<'_, Option<Receipts>> {
        let device = device.clone();
        Box::pin(async move { self.intake.receipts(&device).await })
    }

    fn heard(&self, word: Word) {
        match &word {
            Word::ClockMeasured { device, report } => {
                self.intake.clock_measured(device.clone(), report.clone());
            }
            // Only its claim: a stranger must not fill the list with names.
            Word::TurnedAway { device, .. } if self.registry.device(device).is_none() => return,
            _ => {}
        }
        self.presence.hear(word, self.clock.wall());
    }

    fn now(&self) -> Timestamp {
        self.clock.wall()
    }
}

/// Tells what was committed: the device its receipts, the readers the sealed facts.
pub struct Announcer {
    switchboard: Arc<Switchboard>,
}

impl Announcer {
    /// Announces through this switchboard.
    #[must_use]
    pub fn new(switchboard: Arc<Switchboard>) -> Self {
        Self { switchboard }
    }
}

impl AfterCommit for Announcer {
    fn committed(&self, group: &CommittedGroup) {
        // Mostly nobody reads; then nothing is made for them.
        let sealed = group.sealed.iter();
        for (device, sealed) in sealed.filter(|_| self.switchboard.has_readers()) {
            let topic = Topic {
                device: device.clone(),
                channel: Channel::Events,
            };
            let payload = sealed.clone().into_bytes().into();
            self.switchboard.fan_out(&topic, payload);
        }
        for (device, receipts) in &group.moved {
            let json = serde_json::to_vec(receipts).expect("receipts are always JSON");
            self.switchboard
                .deliver(device, Channel::Receipts, json.into());
        }
    }
}

#[cfg(test)]
mod tests;
