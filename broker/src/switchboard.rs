//! Where the house reaches the connections: deliveries to devices, fan-out to other subscribers.
//!
//! It knows which connections there are and what is retained, and decides nothing. Nothing here
//! waits: whatever is full drops by its own rule and is counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lujiang_config::MqttSection;
use lujiang_wire::{Channel, DeviceId, LinkState, Status, Topic, TopicFilter};
use tokio_util::sync::CancellationToken;

use crate::ending::Ending;
use crate::house::{House, Principal, Retained, Word};
use crate::mailbox::{Delivery, Mailbox};
use crate::metrics::DoorMetrics;
use crate::reason::ReasonCode;
use crate::retained::{NoRoom, RetainedMessages, after_restart, plain_status, with_state};
use crate::router::{FannedOut, RouterHandle, RouterKeeper, router};

/// Messages for other subscribers waiting for the router: one busy minute of a whole library.
const FAN_OUT_MAX: usize = 8_192;

/// The connections by name, and the ways to them.
pub struct Switchboard {
    metrics: Arc<DoorMetrics>,
    router: RouterHandle,
    keeper: Mutex<Option<RouterKeeper>>,
    retained: Mutex<RetainedMessages>,
    lines: Mutex<Lines>,
    /// Held over a change of presence and the words about it, so that the house hears them in
    /// the order they happened.
    presence: Mutex<()>,
    mail_max: usize,
}

/// Who a client is, for the session its Client Identifier names: two principals may use the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LineKey {
    pub(crate) principal: PrincipalKey,
    pub(crate) client_id: String,
}

/// The name of a principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum PrincipalKey {
    Device(DeviceId),
    Reader(String),
}

impl From<&Principal> for PrincipalKey {
    fn from(principal: &Principal) -> Self {
        match principal {
            Principal::Device(device) => Self::Device(device.clone()),
            Principal::Reader { name, .. } => Self::Reader(name.clone()),
        }
    }
}

/// A live connection, as others see it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) mailbox: Mailbox,
    /// Cancelled once its will is published and its place is free.
    pub(crate) ended: CancellationToken,
}

/// Why a line has no place.
pub(crate) enum NoPlace {
    /// Another connection has it.
    Held(Arc<Line>),
    /// Its principal has as many as it may.
    SessionsMax,
    /// What it was let in by was withdrawn meanwhile.
    Withdrawn,
}

#[derive(Default)]
struct Lines {
    by_key: HashMap<LineKey, Arc<Line>>,
    by_principal: HashMap<PrincipalKey, Vec<Arc<Line>>>,
}

impl Switchboard {
    /// A switchboard with the bounds of this section; the door it is given to feeds its router.
    #[must_use]
    pub fn new(section: &MqttSection) -> Arc<Self> {
        let metrics = Arc::new(DoorMetrics::default());
        let links_max = section.connections_max;
        let (router, keeper) = router(FAN_OUT_MAX, links_max, Arc::clone(&metrics));
        Arc::new(Self {
            metrics,
            router,
            keeper: Mutex::new(Some(keeper)),
            retained: Mutex::default(),
            lines: Mutex::default(),
            presence: Mutex::default(),
            mail_max: section.outgoing_max,
        })
    }

    /// Sends a message to the device on every connection that subscribed to the channel. A newer
    /// one replaces what still waits on the same topic. `desired` is retained; without a
    /// connection the others are gone: the house gives them again when the device is back.
    pub fn deliver(&self, device: &DeviceId, channel: Channel, payload: Bytes) {
        let retain = channel == Channel::Desired;
        let topic = Topic {
            device: device.clone(),
            channel,
        };
        if retain && self.retain(topic.clone(), payload.clone()).is_err() {
            tracing::warn!(%device, "desired state not retained: too large, or too many devices");
        }
        for line in self.lines_of(&PrincipalKey::Device(device.clone())) {
            line.mailbox.put(Delivery {
                topic: topic.clone(),
                payload: payload.clone(),
            });
        }
    }

    /// Hands a message to the other subscribers; dropped and counted when they lag too far.
    /// The door itself fans out `status`, `reported` and `telemetry`.
    pub fn fan_out(&self, topic: &Topic, payload: Bytes) {
        if !self.has_readers() {
            return;
        }
        self.router.fan_out(FannedOut {
            topic: topic.to_string(),
            payload,
        });
    }

    /// Whether anybody is there to whom something could be fanned out.
    #[must_use]
    pub fn has_readers(&self) -> bool {
        self.router.has_readers()
    }

    /// Ends every connection of a device; `why` is for people.
    pub fn disconnect(&self, device: &DeviceId, why: &str) {
        self.end_lines(&PrincipalKey::Device(device.clone()), why);
    }

    /// Ends every connection of a reader; `why` is for people.
    pub fn disconnect_reader(&self, name: &str, why: &str) {
        self.end_lines(&PrincipalKey::Reader(name.to_owned()), why);
    }

    /// How many are connected now.
    #[must_use]
    pub fn connections(&self) -> usize {
        lock(&self.lines).by_key.len()
    }

    /// How often the router had to be rebuilt.
    #[must_use]
    pub fn router_restarts(&self) -> u64 {
        self.metrics.router_restarts.get()
    }

    /// The door's counters.
    #[must_use]
    pub fn metrics(&self) -> &Arc<DoorMetrics> {
        &self.metrics
    }

    pub(crate) fn take_keeper(&self) -> Option<RouterKeeper> {
        lock(&self.keeper).take()
    }

    pub(crate) fn router(&self) -> &RouterHandle {
        &self.router
    }

    /// Takes what was retained before the restart. Whoever was online may be anything now.
    pub(crate) fn restore(&self, retained: Vec<Retained>, house: &dyn House) {
        let now = house.now();
        for Retained { topic, payload } in retained {
            let unknown = (topic.channel == Channel::Status)
                .then(|| serde_json::from_slice::<Status>(&payload).ok())
                .flatten()
                .and_then(|status| after_restart(&status, now));
            if let Some(status) = unknown {
                self.set_status(&topic.device, status, house);
            } else if self.retain(topic, payload).is_err() {
                tracing::warn!("a retained message of before the restart does not fit any more");
            }
        }
    }

    /// Held over a change of presence and the words about it.
    pub(crate) fn in_order(&self) -> MutexGuard<'_, ()> {
        lock(&self.presence)
    }

    /// Puts a line in its place, beside fewer than `sessions_max` of the same principal, if it
    /// still `stands`; to be called within [`Switchboard::in_order`].
    ///
    /// # Errors
    /// The line that holds the place and must end first, that there are enough, or that it does
    /// not stand any more.
    pub(crate) fn try_register(
        &self,
        key: &LineKey,
        sessions_max: usize,
        stands: impl FnOnce() -> bool,
    ) -> Result<Arc<Line>, NoPlace> {
        let mut lines = lock(&self.lines);
        // Under the lock under which `disconnect` looks for lines: whatever is withdrawn is seen
        // either here, or by who withdrew it.
        if !stands() {
            return Err(NoPlace::Withdrawn);
        }
        if let Some(line) = lines.by_key.get(key) {
            return Err(NoPlace::Held(Arc::clone(line)));
        }
        let of_principal = lines.by_principal.entry(key.principal.clone()).or_default();
        if of_principal.len() >= sessions_max {
            return Err(NoPlace::SessionsMax);
        }
        let line = Arc::new(Line {
            mailbox: Mailbox::new(self.mail_max),
            ended: CancellationToken::new(),
        });
        of_principal.push(Arc::clone(&line));
        lines.by_key.insert(key.clone(), Arc::clone(&line));
        Ok(line)
    }

    /// Frees the place of a line; `announce` is told whether it was its principal's last.
    pub(crate) fn remove(&self, key: &LineKey, line: &Arc<Line>, announce: impl FnOnce(bool)) {
        let _in_order = lock(&self.presence);
        let mut lines = lock(&self.lines);
        lines.by_key.remove(key);
        let mut last = false;
        if let Some(of_principal) = lines.by_principal.get_mut(&key.principal) {
            of_principal.retain(|other| !Arc::ptr_eq(other, line));
            last = of_principal.is_empty();
            if last {
                lines.by_principal.remove(&key.principal);
            }
        }
        drop(lines);
        announce(last);
    }

    /// The topics with a retained message that a filter matches.
    pub(crate) fn retained_names(&self, filter: &TopicFilter) -> Vec<String> {
        lock(&self.retained).matching(filter)
    }

    /// What is retained on a topic now.
    pub(crate) fn retained(&self, topic: &str) -> Option<Bytes> {
        lock(&self.retained).payload(topic)
    }

    /// Retains a document as it came and hands it to the other subscribers.
    pub(crate) fn publish_retained(&self, topic: &Topic, payload: Bytes) -> Result<(), NoRoom> {
        self.retain(topic.clone(), payload.clone())?;
        self.fan_out(topic, payload);
        Ok(())
    }

    /// Sets the state of a device by the door's own knowledge, unless it is so already; whatever
    /// else its document says stays.
    pub(crate) fn set_link_state(&self, device: &DeviceId, state: LinkState, house: &dyn House) {
        let now = house.now();
        let status = match self.status(device) {
            Some(status) if status.state == state => return,
            Some(status) => with_state(&status, state, now),
            None => plain_status(state, now),
        };
        self.set_status(device, status, house);
    }

    /// Retains and fans out a status, and tells the house.
    fn set_status(&self, device: &DeviceId, status: Status, house: &dyn House) {
        let topic = status_topic(device);
        let payload = serde_json::to_vec(&status).expect("a status is plain data");
        if self.publish_retained(&topic, payload.into()).is_err() {
            tracing::warn!(%device, "status not retained: too many devices");
        }
        let device = device.clone();
        house.heard(Word::Status { device, status });
    }

    fn status(&self, device: &DeviceId) -> Option<Status> {
        let retained = lock(&self.retained);
        let payload = &retained.get(&status_topic(device))?.payload;
        serde_json::from_slice(payload).ok()
    }

    fn retain(&self, topic: Topic, payload: Bytes) -> Result<(), NoRoom> {
        lock(&self.retained).set(topic, payload)
    }

    fn end_lines(&self, principal: &PrincipalKey, why: &str) {
        for line in self.lines_of(principal) {
            let code = ReasonCode::AdministrativeAction;
            line.mailbox.end(Ending::by_door(code, why));
        }
    }

    fn lines_of(&self, principal: &PrincipalKey) -> Vec<Arc<Line>> {
        let lines = lock(&self.lines);
        lines
            .by_principal
            .get(principal)
            .cloned()
            .unwrap_or_default()
    }
}

/// The topic of a device's status.
pub(crate) fn status_topic(device: &DeviceId) -> Topic {
    Topic {
        device: device.clone(),
        channel: Channel::Status,
    }
}

/// Every change under these locks is whole before the guard goes, also if its holder panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
