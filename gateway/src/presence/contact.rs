//! What is known of one device right now, and how each word changes it.
//!
//! The link is the door's own knowledge: what a device says of its state is kept as its status,
//! but does not make it connected.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use lujiang_broker::Word;
use lujiang_wire::{
    ClockReport, ContentRefused, Epoch, LinkState, MachineMetric, Reported, Status, Stream,
    Telemetry,
};
use serde::{Deserialize, Serialize};

/// What is known of one device right now.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Whether it is connected; `Unknown` until the restarted gateway has heard of it.
    pub link: LinkState,
    /// Since when; none before its first connection.
    pub since: Option<Timestamp>,
    /// When anything last came from it.
    pub last_contact: Option<Timestamp>,
    /// Where it last connected from.
    pub peer: Option<SocketAddr>,
    /// Why its last connection ended, while it is not connected.
    pub ended: Option<String>,
    /// Name and version of its agent, as it last said.
    pub agent: Option<String>,
    /// Its status document, as retained.
    pub status: Option<Status>,
    /// Its latest sample.
    pub telemetry: Option<Telemetry>,
    /// What it last said it has and shows, since the gateway started: it says so again when it
    /// connects.
    pub reported: Option<Said>,
    /// What it last measured of its clock.
    pub clock: Option<ClockReport>,
    /// What of it was refused since the gateway started.
    pub refused: u64,
    /// The last of these.
    pub last_refusal: Option<Refused>,
    /// The last numbers it wrote, in which life of its outbox.
    pub written: Option<Written>,
    /// When the oldest that waited in its outbox was written, as it said when it last came on-line:
    /// by this gateway's clock.
    pub oldest: Option<Timestamp>,
}

/// What a device says it has and shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// What.
    pub reported: Reported,
}

/// Something that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// Where it would have gone.
    pub topic: String,
    /// Why.
    pub reason: String,
}

/// The last numbers a device wrote to its outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// The life of the outbox.
    pub epoch: Epoch,
    /// Per stream.
    pub streams: BTreeMap<Stream, u64>,
}

impl Default for Contact {
    fn default() -> Self {
        Self {
            link: LinkState::Unknown,
            since: None,
            last_contact: None,
            peer: None,
            ended: None,
            agent: None,
            status: None,
            telemetry: None,
            reported: None,
            clock: None,
            refused: 0,
            last_refusal: None,
            written: None,
            oldest: None,
        }
    }
}

impl Contact {
    /// How many self-checkouts of the device its latest sample says this of.
    #[must_use]
    pub fn machines(&self, metric: MachineMetric, is_so: bool) -> u64 {
        self.machines_with(|name, value| {
            metric.machine_of(name).is_some() && (value > 0.0) == is_so
        })
    }

    /// What a kiosk was given and does not take, though no release came with it.
    #[must_use]
    pub fn content_refused(&self) -> Option<&ContentRefused> {
        let said = self.reported.as_ref()?;
        said.reported.content.as_ref()?.refused.as_ref()
    }

    /// How many screens of a kiosk show no life.
    #[must_use]
    pub fn silent_screens(&self) -> u64 {
        let said = self.reported.iter().flat_map(|it| &it.reported.screens);
        said.filter(|screen| screen.is_silent).count() as u64
    }

    /// How many self-checkouts of the device shut down, or are not connected.
    #[must_use]
    pub fn machines_out_of_service(&self) -> u64 {
        // A machine that said goodbye counts once, also when it is gone after that.
        let gone = self.machines(MachineMetric::Connected, false);
        let leaving = self.machines_with(|name, value| {
            let machine = MachineMetric::ShuttingDown.machine_of(name);
            value > 0.0 && machine.is_some_and(|machine| self.is_connected(machine))
        });
        gone + leaving
    }

    fn is_connected(&self, machine: &str) -> bool {
        let name = MachineMetric::name_for(machine, MachineMetric::Connected.as_str());
        let metrics = self.telemetry.as_ref().map(|sample| &sample.metrics);
        metrics.is_some_and(|metrics| metrics.get(&name).is_some_and(|value| *value > 0.0))
    }

    fn machines_with(&self, is_one: impl Fn(&str, f64) -> bool) -> u64 {
        let metrics = self.telemetry.iter().flat_map(|sample| &sample.metrics);
        metrics
            .filter(|(name, value)| is_one(name, **value))
            .count() as u64
    }

    /// Takes in what the door heard.
    pub fn hear(&mut self, word: Word, now: Timestamp) {
        match word {
            Word::Connected { peer, .. } => {
                self.link_is(LinkState::Online, now);
                self.peer = Some(peer);
                self.ended = None;
                self.touch(now);
            }
            Word::Disconnected { reason, .. } => {
                self.link_is(LinkState::Offline, now);
                self.ended = Some(reason);
            }
            Word::Status { status, .. } => self.status_is(status, now),
            Word::Telemetry { telemetry, .. } => {
                self.wrote(telemetry.epoch.as_ref(), &telemetry.written);
                self.telemetry = Some(telemetry);
                self.touch(now);
            }
            Word::Reported { reported, .. } => {
                self.reported = Some(Said { at: now, reported });
                self.touch(now);
            }
            Word::ClockMeasured { report, .. } => {
                self.clock = Some(report);
                self.touch(now);
            }
            // No word of the device itself, so no contact with it.
            Word::TurnedAway { reason, .. } => {
                self.refused += 1;
                self.last_refusal = Some(Refused {
                    at: now,
                    topic: String::new(),
                    reason: reason.to_owned(),
                });
            }
            Word::Refused { topic, reason, .. } => {
                self.refused += 1;
                self.last_refusal = Some(Refused {
                    at: now,
                    topic,
                    reason,
                });
                self.touch(now);
            }
        }
    }

    /// Something came from it.
    pub fn touch(&mut self, now: Timestamp) {
        self.last_contact = Some(now);
    }

    /// After a restart nobody knows who is connected: both the link and the retained status say so.
    pub fn forget_link(&mut self, now: Timestamp) {
        if self.link == LinkState::Online {
            self.link_is(LinkState::Unknown, now);
        }
        if let Some(status) = &mut self.status
            && status.state == LinkState::Online
        {
            status.state = LinkState::Unknown;
            status.since = now;
        }
    }

    fn link_is(&mut self, state: LinkState, now: Timestamp) {
        if self.link != state || self.since.is_none() {
            self.link = state;
            self.since = Some(now);
        }
    }

    fn status_is(&mut self, status: Status, now: Timestamp) {
        self.wrote(status.epoch.as_ref(), &status.written);
        if status.agent.is_some() {
            self.agent.clone_from(&status.agent);
        }
        // A will speaks after its device fell silent: only an online status is a sign of life.
        if status.state == LinkState::Online {
            let age = status
                .oldest
                .map(|oldest| status.since.duration_since(oldest));
            let age = age.map(|age| age.max(SignedDuration::ZERO));
            self.oldest = age.and_then(|age| now.checked_sub(age).ok());
            self.touch(now);
        }
        self.status = Some(status);
    }

    /// Within one life of an outbox numbers only grow; a will was written before the telemetry
    /// that came ahead of it.
    fn wrote(&mut self, epoch: Option<&Epoch>, streams: &BTreeMap<Stream, u64>) {
        let Some(epoch) = epoch else { return };
        match &mut self.written {
            Some(written) if written.epoch == *epoch => {
                for (stream, number) in streams {
                    let known = written.streams.entry(*stream).or_default();
                    *known = (*known).max(*number);
                }
            }
            other => {
                *other = Some(Written {
                    epoch: epoch.clone(),
                    streams: streams.clone(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lujiang_broker::ProtocolVersion;
    use lujiang_wire::DeviceId;

    use super::*;

    #[test]
    fn what_ails_self_checkouts_is_read_off_the_latest_sample() {
        let mut contact = Contact::default();
        assert_eq!(contact.machines_out_of_service(), 0, "there are none");
        let sample = r#"{"time": "2026-11-25T08:00:00Z",
            "self_checkout_a_connected": 1, "self_checkout_a_library_system": 0,
            "self_checkout_a_out_of_paper": 1, "self_checkout_a_shutting_down": 0,
            "self_checkout_b_connected": 0, "self_checkout_b_library_system": 1,
            "self_checkout_b_out_of_paper": 0, "self_checkout_b_shutting_down": 1,
            "self_checkout_c_connected": 1, "self_checkout_c_library_system": 1,
            "self_checkout_c_out_of_paper": 0, "self_checkout_c_shutting_down": 1}"#;
        contact.telemetry = serde_json::from_str(sample).unwrap();
        assert_eq!(contact.machines(MachineMetric::OutOfPaper, true), 1);
        assert_eq!(contact.machines(MachineMetric::LibrarySystem, false), 1);
        assert_eq!(contact.machines_out_of_service(), 2);
    }

    #[test]
    fn a_will_neither_takes_numbers_back_nor_counts_as_contact() {
        let mut contact = Contact::default();
        contact.hear(status(LinkState::Online, 1, 5), at(10));
        contact.hear(telemetry(1, 9), at(20));
        contact.hear(status(LinkState::Offline, 1, 5), at(30));
        assert_eq!(number(&contact), 9);
        assert_eq!(contact.last_contact, Some(at(20)));
    }

    #[test]
    fn a_new_life_of_the_outbox_begins_its_numbers_anew() {
        let mut contact = Contact::default();
        contact.hear(telemetry(1, 9), at(20));
        contact.hear(telemetry(2, 1), at(30));
        assert_eq!(number(&contact), 1);
    }

    #[test]
    fn the_door_alone_says_who_is_connected_and_a_restart_makes_it_unknown() {
        let mut contact = Contact::default();
        contact.hear(status(LinkState::Online, 1, 5), at(5));
        assert_eq!(contact.link, LinkState::Unknown);
        contact.hear(connected(), at(10));
        contact.hear(connected(), at(20));
        assert_eq!(contact.link, LinkState::Online);
        assert_eq!(contact.since, Some(at(10)));
        contact.forget_link(at(30));
        assert_eq!(contact.link, LinkState::Unknown);
        assert_eq!(contact.status.as_ref().unwrap().state, LinkState::Unknown);
        assert_eq!(number(&contact), 5);
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn number(contact: &Contact) -> u64 {
        contact.written.as_ref().unwrap().streams[&Stream::Visit]
    }

    fn device() -> DeviceId {
        "gate-1".parse().unwrap()
    }

    fn connected() -> Word {
        Word::Connected {
            device: device(),
            peer: "127.0.0.1:9".parse().unwrap(),
            version: ProtocolVersion::V5,
        }
    }

    fn status(state: LinkState, epoch: u128, number: u64) -> Word {
        Word::Status {
            device: device(),
            status: Status {
                state,
                since: at(0),
                agent: None,
                boot: None,
                epoch: Some(Epoch::from_bits(epoch)),
                written: [(Stream::Visit, number)].into(),
                oldest: None,
            },
        }
    }

    fn telemetry(epoch: u128, number: u64) -> Word {
        Word::Telemetry {
            device: device(),
            telemetry: Telemetry {
                time: at(0),
                epoch: Some(Epoch::from_bits(epoch)),
                written: [(Stream::Visit, number)].into(),
                metrics: BTreeMap::new(),
            },
        }
    }
}
