//! A connection's place among the others: taken over, held, and given back on every way out.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use lujiang_wire::{DeviceId, LinkState, Status};

use crate::ending::{Ending, WillFate};
use crate::house::{Admission, House, ProtocolVersion, Word};
use crate::mailbox::Mailbox;
use crate::reason::ReasonCode;
use crate::switchboard::{Line, LineKey, NoPlace, PrincipalKey, Switchboard, status_topic};

/// The will of a device: a status, read when it connected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Will {
    pub(crate) status: Status,
    /// As the device wrote it.
    pub(crate) payload: Bytes,
}

/// A place held. Dropping it ends it as a lost connection: so a panic leaves no ghost.
pub(crate) struct Registration {
    switchboard: Arc<Switchboard>,
    house: Arc<dyn House>,
    key: LineKey,
    line: Arc<Line>,
    will: Option<Will>,
    ended: bool,
}

/// What a connection brings to its place.
pub(crate) struct Newcomer<'a> {
    pub(crate) admission: &'a Admission,
    pub(crate) key: LineKey,
    pub(crate) will: Option<Will>,
    pub(crate) peer: SocketAddr,
    pub(crate) version: ProtocolVersion,
}

/// Why a newcomer gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Its principal is connected as often as it may be, under other Client Identifiers.
    SessionsMax,
    /// What it was let in by was withdrawn while it was let in.
    Withdrawn,
}

impl Registration {
    /// Takes the place. Who holds it is told 0x8E [MQTT-3.1.4-3] and its will is published
    /// before this returns.
    ///
    /// # Cancel safety
    /// Until it returns nothing is held; the old connection may have been told to go.
    ///
    /// # Errors
    /// When its principal holds as many places as it may, or is not to be let in any more.
    pub(crate) async fn take(
        switchboard: Arc<Switchboard>,
        house: Arc<dyn House>,
        newcomer: Newcomer<'_>,
    ) -> Result<Self, NotTaken> {
        loop {
            match Self::try_take(&switchboard, &house, &newcomer) {
                Ok(registration) => return Ok(registration),
                Err(NoPlace::SessionsMax) => return Err(NotTaken::SessionsMax),
                Err(NoPlace::Withdrawn) => return Err(NotTaken::Withdrawn),
                Err(NoPlace::Held(old)) => {
                    let code = ReasonCode::SessionTakenOver;
                    let why = "its client id connected again";
                    old.mailbox.end(Ending::by_door(code, why));
                    old.ended.cancelled().await;
                }
            }
        }
    }

    /// Takes the place if it is free, and says so.
    fn try_take(
        switchboard: &Arc<Switchboard>,
        house: &Arc<dyn House>,
        newcomer: &Newcomer<'_>,
    ) -> Result<Self, NoPlace> {
        // Declared before the lock: should the house panic, the lock goes first and then the
        // place is given back, which needs the lock.
        let registration;
        let in_order = switchboard.in_order();
        let sessions_max = newcomer.admission.limits.sessions_max.max(1);
        let stands = || house.stands(newcomer.admission);
        let line = switchboard.try_register(&newcomer.key, sessions_max, stands)?;
        registration = Self {
            switchboard: Arc::clone(switchboard),
            house: Arc::clone(house),
            key: newcomer.key.clone(),
            line,
            will: newcomer.will.clone(),
            ended: false,
        };
        registration.announce(newcomer.peer, newcomer.version);
        drop(in_order);
        Ok(registration)
    }

    fn announce(&self, peer: SocketAddr, version: ProtocolVersion) {
        let PrincipalKey::Device(device) = &self.key.principal else {
            return;
        };
        self.house.heard(Word::Connected {
            device: device.clone(),
            peer,
            version,
        });
        // An agent has a will and says itself that it is online.
        if self.will.is_none() {
            self.switchboard
                .set_link_state(device, LinkState::Online, &*self.house);
        }
    }

    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.line.mailbox
    }

    /// Publishes the will where it must be, and gives the place back.
    pub(crate) fn end(&mut self, ending: &Ending) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // On every way out, a panic of the house included: who waits for the place gets it.
        let _freed = self.line.ended.clone().drop_guard();
        let PrincipalKey::Device(device) = self.key.principal.clone() else {
            self.switchboard.remove(&self.key, &self.line, |_| {});
            return;
        };
        let will = match ending.will {
            WillFate::Published => self.will.take(),
            WillFate::Dropped => None,
        };
        self.switchboard.remove(&self.key, &self.line, |last| {
            if let Some(will) = will {
                self.publish_will(&device, will);
            }
            if last {
                // Whatever the device said last: nobody is there any more.
                self.switchboard
                    .set_link_state(&device, LinkState::Offline, &*self.house);
                self.house.heard(Word::Disconnected {
                    device: device.clone(),
                    reason: ending.why.clone(),
                });
            }
        });
    }

    fn publish_will(&self, device: &DeviceId, will: Will) {
        let topic = status_topic(device);
        if let Err(no_room) = self.switchboard.publish_retained(&topic, will.payload) {
            tracing::warn!(%device, error = %no_room, "will not retained");
        }
        self.house.heard(Word::Status {
            device: device.clone(),
            status: will.status,
        });
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let ending = Ending::lost("the connection broke off inside the door");
        // It may run because of a panic; a second one on top of it would end the process. It has
        // been reported, and the place is free whatever the house did.
        let _ = catch_unwind(AssertUnwindSafe(|| self.end(&ending)));
    }
}
