//! The retained messages: the last `status`, `reported` and `desired` of each device.
//!
//! They live here and not in the router, which gives a new subscriber only some of them.

use std::collections::BTreeMap;

use bytes::Bytes;
use lujiang_wire::{LinkState, Status, Topic, TopicFilter};

use crate::Retained;

/// Most topics held: three for each of more devices than one machine serves.
const TOPICS_MAX: usize = 32_768;

/// Largest payload held, in bytes: state is small, content travels otherwise.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 64 * 1024;

/// The last message on each retained topic.
#[derive(Debug, Default)]
pub(crate) struct RetainedMessages {
    by_name: BTreeMap<String, Retained>,
}

/// Why a message is not retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for this retained message")]
pub(crate) struct NoRoom;

impl RetainedMessages {
    /// Replaces what is held on the topic; an empty payload clears it [MQTT-3.3.1-10].
    pub(crate) fn set(&mut self, topic: Topic, payload: Bytes) -> Result<(), NoRoom> {
        let name = topic.to_string();
        if payload.is_empty() {
            self.by_name.remove(&name);
            return Ok(());
        }
        let full = self.by_name.len() >= TOPICS_MAX && !self.by_name.contains_key(&name);
        if full || payload.len() > PAYLOAD_BYTES_MAX {
            return Err(NoRoom);
        }
        self.by_name.insert(name, Retained { topic, payload });
        Ok(())
    }

    /// What is held on one topic.
    pub(crate) fn get(&self, topic: &Topic) -> Option<&Retained> {
        self.by_name.get(&topic.to_string())
    }

    /// What is held on the topic of this name.
    pub(crate) fn payload(&self, name: &str) -> Option<Bytes> {
        Some(self.by_name.get(name)?.payload.clone())
    }

    /// The names of the topics held that the filter matches.
    pub(crate) fn matching(&self, filter: &TopicFilter) -> Vec<String> {
        let names = self.by_name.keys();
        names.filter(|name| filter.matches(name)).cloned().collect()
    }
}

/// The status a restart leaves behind: whoever was online may be anything now.
pub(crate) fn after_restart(status: &Status, now: jiff::Timestamp) -> Option<Status> {
    match status.state {
        LinkState::Online => Some(with_state(status, LinkState::Unknown, now)),
        LinkState::Offline | LinkState::Unknown => None,
    }
}

/// The same document with another state since now.
pub(crate) fn with_state(status: &Status, state: LinkState, now: jiff::Timestamp) -> Status {
    Status {
        state,
        since: now,
        ..status.clone()
    }
}

/// A document of the door's own, for a device that has none.
pub(crate) fn plain_status(state: LinkState, now: jiff::Timestamp) -> Status {
    Status {
        state,
        since: now,
        agent: None,
        boot: None,
        epoch: None,
        written: BTreeMap::new(),
        oldest: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(text: &str) -> Topic {
        text.parse().unwrap()
    }

    #[test]
    fn a_retained_message_is_replaced_and_cleared_by_an_empty_payload() {
        let mut retained = RetainedMessages::default();
        let status = topic("library/v1/devices/gate-1/status");
        let all = "library/v1/devices/+/status".parse().unwrap();
        retained
            .set(status.clone(), Bytes::from_static(b"1"))
            .unwrap();
        retained
            .set(status.clone(), Bytes::from_static(b"2"))
            .unwrap();
        assert_eq!(retained.matching(&all), [status.to_string()]);
        let held = retained.payload(&status.to_string());
        assert_eq!(held, Some(Bytes::from_static(b"2")));
        retained.set(status.clone(), Bytes::new()).unwrap();
        assert!(retained.matching(&all).is_empty());
        assert!(retained.get(&status).is_none());
    }

    #[test]
    fn a_document_too_large_is_not_retained() {
        let mut retained = RetainedMessages::default();
        let payload = Bytes::from(vec![b' '; PAYLOAD_BYTES_MAX + 1]);
        let reported = topic("library/v1/devices/gate-1/reported");
        assert_eq!(retained.set(reported, payload), Err(NoRoom));
    }
}
