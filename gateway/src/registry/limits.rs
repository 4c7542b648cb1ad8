//! How much one device may do, where its row says otherwise than the configuration.

use lujiang_broker::ClientLimits;
use lujiang_wire::{DeviceId, TopicFilter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::change::Change;
use super::{Actor, Device, Registry, RegistryError};
use crate::store::registry as rows;

/// Most filters of one device: it has eight topics.
const TOPICS_MAX: usize = 16;

/// Limits of one device; what is left out is as configured under `[mqtt]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceLimits {
    /// Publishes a second, lasting: 1 to 1000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_per_second: Option<u32>,
    /// Publishes at once after a quiet time: 1 to 1000000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_burst: Option<u32>,
    /// Bytes a second, lasting: 1024 to 1073741824.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// Bytes at once after a quiet time: 1024 to 1073741824.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_burst: Option<u64>,
    /// Largest packet in bytes: 1024 to 16777216.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packet_max: Option<u32>,
    /// Publishes under way unacknowledged: 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unacked_max: Option<u16>,
    /// Connections at once: 1 to 10000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions_max: Option<u16>,
    /// Where among its own topics it may publish, 1 to 16 filters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, example = json!(["library/v1/devices/+/events"]))]
    pub topics: Option<Vec<TopicFilter>>,
}

/// A limit that is out of its bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit} has to be from {min} to {max}")]
pub struct LimitError {
    /// Which.
    pub limit: &'static str,
    /// The least it may be.
    pub min: u64,
    /// The most it may be.
    pub max: u64,
}

impl DeviceLimits {
    /// Whether it says nothing: everything is as configured.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// These limits, with the others where these say something.
    #[must_use]
    pub fn changed_by(self, others: Self) -> Self {
        Self {
            messages_per_second: others.messages_per_second.or(self.messages_per_second),
            messages_burst: others.messages_burst.or(self.messages_burst),
            bytes_per_second: others.bytes_per_second.or(self.bytes_per_second),
            bytes_burst: others.bytes_burst.or(self.bytes_burst),
            packet_max: others.packet_max.or(self.packet_max),
            unacked_max: others.unacked_max.or(self.unacked_max),
            sessions_max: others.sessions_max.or(self.sessions_max),
            topics: others.topics.or(self.topics),
        }
    }

    /// What the door is told: these limits, and the configured ones for the rest.
    #[must_use]
    pub fn within(&self, configured: &ClientLimits) -> ClientLimits {
        let packet_max = self.packet_max.and_then(|max| usize::try_from(max).ok());
        ClientLimits {
            messages_per_second: self
                .messages_per_second
                .unwrap_or(configured.messages_per_second),
            messages_burst: self.messages_burst.unwrap_or(configured.messages_burst),
            bytes_per_second: self.bytes_per_second.unwrap_or(configured.bytes_per_second),
            bytes_burst: self.bytes_burst.unwrap_or(configured.bytes_burst),
            packet_max: packet_max.unwrap_or(configured.packet_max),
            unacked_max: self.unacked_max.unwrap_or(configured.unacked_max),
            sessions_max: self
                .sessions_max
                .map_or(configured.sessions_max, usize::from),
            topics: self
                .topics
                .clone()
                .unwrap_or_else(|| configured.topics.clone()),
        }
    }

    fn check(&self) -> Result<(), LimitError> {
        let messages = (1, 1_000_000);
        let bytes = (1_024, 1_073_741_824);
        let topics = self.topics.as_ref().map(|topics| topics.len() as u64);
        for (limit, found, (min, max)) in [
            (
                "messages_per_second",
                self.messages_per_second.map(u64::from),
                messages,
            ),
            (
                "messages_burst",
                self.messages_burst.map(u64::from),
                messages,
            ),
            ("bytes_per_second", self.bytes_per_second, bytes),
            ("bytes_burst", self.bytes_burst, bytes),
            (
                "packet_max",
                self.packet_max.map(u64::from),
                (1_024, 16_777_216),
            ),
            (
                "unacked_max",
                self.unacked_max.map(u64::from),
                (1, u64::from(u16::MAX)),
            ),
            (
                "sessions_max",
                self.sessions_max.map(u64::from),
                (1, 10_000),
            ),
            ("topics", topics, (1, TOPICS_MAX as u64)),
        ] {
            if found.is_some_and(|found| !(min..=max).contains(&found)) {
                return Err(LimitError { limit, min, max });
            }
        }
        Ok(())
    }
}

impl Registry {
    /// Sets what one device may do, in place of what its row said before. Its connections end,
    /// so that the limits hold at once.
    ///
    /// # Errors
    /// Where there is no such device, a limit is out of its bounds, or nothing could be written.
    pub async fn set_limits(
        &self,
        id: &DeviceId,
        limits: DeviceLimits,
        actor: &Actor,
    ) -> Result<Device, RegistryError> {
        limits.check()?;
        let device = id.clone();
        let change = move |change: &Change<'_>| {
            let (before, _) = change.device(&device)?;
            rows::put_limits(change.connection, &device, &limits)?;
            let told = |limits: &DeviceLimits| {
                serde_json::to_value(limits).expect("numbers and filters are always JSON")
            };
            let (before, after) = (told(&before.limits), told(&limits));
            change.record("device.limits", device.as_str(), Some(before), Some(after))
        };
        self.change(actor, change).await?;
        self.withdraw(id);
        self.device(id)
            .ok_or_else(|| RegistryError::UnknownDevice(id.clone()))
    }
}
