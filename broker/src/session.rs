//! What one client is answered: packets in, effects out. No socket, no clock, no waiting.
//!
//! A session lives as long as its connection: the door grants no Session Expiry, in 3.1.1 no
//! session is ever present. Deviation from [MQTT-3.1.2-4]: nothing is queued for an absent
//! client; devices are given again what is still due when they subscribe.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use lujiang_wire::{
    Channel, ClockMessage, ClockRequest, DeviceId, Document, LinkState, Reported, Status,
    Telemetry, Topic, TopicFilter,
};
use tokio::time::Instant;

use crate::authorise;
use crate::encode::SubscribeAnswer;
use crate::ending::{Ending, WillFate};
use crate::house::{Origin, Principal, ProtocolVersion, Word};
use crate::outgoing::{Message, Outgoing, TooSlow};
use crate::packet::{Incoming, PacketId, Publish, Qos, RequestedFilter, RetainedWanted};
use crate::reason::ReasonCode;

/// A topic in a word to the house is cut to this many characters.
const TOPIC_SHOWN: usize = 80;

/// The window in which unauthorised publishes are counted.
const UNAUTHORISED_WINDOW: Duration = Duration::from_secs(60);

/// One client, let in.
#[derive(Debug)]
pub(crate) struct Session {
    version: ProtocolVersion,
    principal: Principal,
    limits: SessionLimits,
    subscriptions: BTreeMap<TopicFilter, Qos>,
    unauthorised: Unauthorised,
    pub(crate) outgoing: Outgoing,
}

/// The bounds of a session.
#[derive(Debug, Clone)]
pub(crate) struct SessionLimits {
    pub(crate) subscriptions_max: usize,
    pub(crate) unauthorised_per_minute_max: u32,
    /// Where among its own topics a device may publish; empty: on all of them.
    pub(crate) topics: Vec<TopicFilter>,
}

/// What is to be done for a packet, in this order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Effect {
    /// Facts go to the house; PUBACK when it has kept them.
    Keep {
        origin: Origin,
        payload: Bytes,
        id: Option<PacketId>,
    },
    /// A PUBACK whose code is known, in its turn.
    Acknowledge(PacketId, ReasonCode),
    /// A document is retained and fanned out, the word is told, PUBACK in its turn.
    Retain {
        topic: Topic,
        payload: Bytes,
        word: Option<Word>,
        id: Option<PacketId>,
    },
    /// A message goes to the other subscribers.
    FanOut { topic: Topic, payload: Bytes },
    /// The house is told.
    Tell(Word),
    /// A device asks for the time.
    AnswerClock { topic: Topic, request: ClockRequest },
    /// A reader needs what is fanned out from now on.
    OpenLink,
    /// SUBACK.
    Subscribed(PacketId, Vec<SubscribeAnswer>),
    /// UNSUBACK.
    Unsubscribed(PacketId, Vec<ReasonCode>),
    /// A new subscriber gets what is retained.
    GiveRetained(TopicFilter),
    /// A device subscribed to its receipts and gets what the ledger holds now.
    AskReceipts,
    /// PINGRESP.
    Pong,
    /// A publish or a subscription was refused.
    CountRefused(ReasonCode),
    /// The connection ends.
    End(Ending),
}

impl Session {
    pub(crate) fn new(
        version: ProtocolVersion,
        principal: Principal,
        limits: SessionLimits,
        outgoing: Outgoing,
    ) -> Self {
        Self {
            version,
            principal,
            limits,
            subscriptions: BTreeMap::new(),
            unauthorised: Unauthorised::default(),
            outgoing,
        }
    }

    pub(crate) fn version(&self) -> ProtocolVersion {
        self.version
    }

    pub(crate) fn device(&self) -> Option<&DeviceId> {
        match &self.principal {
            Principal::Device(device) => Some(device),
            Principal::Reader { .. } => None,
        }
    }

    pub(crate) fn handle_packet(&mut self, packet: Incoming, now: Instant) -> Vec<Effect> {
        match packet {
            Incoming::Publish(publish) => self.handle_publish(publish, now),
            Incoming::PubAck(id) => {
                self.outgoing.acknowledged(id);
                Vec::new()
            }
            Incoming::Subscribe { id, filters } => self.handle_subscribe(id, &filters),
            Incoming::Unsubscribe { id, filters } => vec![self.handle_unsubscribe(id, &filters)],
            Incoming::PingReq => vec![Effect::Pong],
            Incoming::Disconnect { with_will } => {
                let will = if with_will {
                    WillFate::Published
                } else {
                    WillFate::Dropped
                };
                vec![Effect::End(Ending::by_peer(will))]
            }
        }
    }

    /// Queues a message if a subscription matches it, with the lower of both qualities of
    /// service; says how many were dropped for it.
    pub(crate) fn deliver(
        &mut self,
        topic: &str,
        payload: Bytes,
        qos: Qos,
        retain: bool,
    ) -> Result<usize, TooSlow> {
        let Some(message) = self.message(topic, payload, qos, retain) else {
            return Ok(0);
        };
        self.outgoing.push(message)
    }

    /// The same, and what still waits on the topic is worthless.
    pub(crate) fn deliver_newest(
        &mut self,
        topic: &Topic,
        payload: Bytes,
        qos: Qos,
    ) -> Result<usize, TooSlow> {
        let Some(message) = self.message(&topic.to_string(), payload, qos, false) else {
            return Ok(0);
        };
        self.outgoing.push_newest(message)
    }

    fn message(&self, topic: &str, payload: Bytes, qos: Qos, retain: bool) -> Option<Message> {
        let subscribed = self
            .subscriptions
            .iter()
            .filter(|(filter, _)| filter.matches(topic))
            .map(|(_, qos)| *qos)
            .max()?;
        Some(Message {
            topic: topic.to_owned(),
            payload,
            qos: qos.min(subscribed),
            retain,
        })
    }

    fn handle_publish(&mut self, publish: Publish, now: Instant) -> Vec<Effect> {
        let Some(channel) =
            authorise::publish(&self.principal, &self.limits.topics, &publish.topic)
        else {
            return self.handle_unauthorised(&publish, now);
        };
        let Some(device) = self.device().cloned() else {
            return self.handle_unauthorised(&publish, now);
        };
        let topic = Topic { device, channel };
        match topic.channel {
            Channel::Events => keep(Origin::Own, publish),
            Channel::Carried => keep(Origin::Carried, publish),
            Channel::Status => self.handle_status(topic, publish),
            Channel::Reported => self.handle_reported(topic, publish),
            Channel::Telemetry => self.handle_telemetry(topic, publish),
            Channel::Clock => self.handle_clock(topic, &publish),
            // PUBACK on this means "on disk", and nobody keeps it in this version.
            Channel::JobStatus(_) => {
                let code = ReasonCode::ImplementationSpecificError;
                self.refuse(&publish, code, "not taken by this version")
            }
            Channel::Receipts | Channel::Desired | Channel::Job(_) => {
                self.handle_unauthorised(&publish, now)
            }
        }
    }

    fn handle_status(&self, topic: Topic, publish: Publish) -> Vec<Effect> {
        let status = match Status::from_json(&publish.payload) {
            Ok(status) => status,
            Err(error) => {
                return self.refuse_unreadable(&publish, &format!("not a status: {error}"));
            }
        };
        if status.state == LinkState::Unknown {
            return self.refuse_unreadable(&publish, "only the gateway says unknown");
        }
        let device = topic.device.clone();
        vec![Effect::Retain {
            topic,
            payload: publish.payload,
            word: Some(Word::Status { device, status }),
            id: publish.id,
        }]
    }

    /// What cannot be read is retained all the same, for others may read it; but it is counted and
    /// told, and the house goes on by what it knew.
    fn handle_reported(&self, topic: Topic, publish: Publish) -> Vec<Effect> {
        let device = topic.device.clone();
        let mut effects = Vec::new();
        // An empty payload takes back what was retained.
        let read = (!publish.payload.is_empty()).then(|| Reported::from_json(&publish.payload));
        let word = match read {
            None => None,
            Some(Ok(reported)) => Some(Word::Reported { device, reported }),
            Some(Err(error)) => {
                effects.push(Effect::CountRefused(ReasonCode::PayloadFormatInvalid));
                effects.push(Effect::Tell(Word::Refused {
                    device,
                    topic: publish.topic.chars().take(TOPIC_SHOWN).collect(),
                    reason: format!("retained, but no report of ours: {error}"),
                }));
                None
            }
        };
        effects.push(Effect::Retain {
            topic,
            payload: publish.payload,
            word,
            id: publish.id,
        });
        effects
    }

    fn handle_telemetry(&self, topic: Topic, publish: Publish) -> Vec<Effect> {
        let telemetry = match Telemetry::from_json(&publish.payload) {
            Ok(telemetry) => telemetry,
            Err(error) => {
                return self.refuse_unreadable(&publish, &format!("not telemetry: {error}"));
            }
        };
        let device = topic.device.clone();
        let mut effects = vec![
            Effect::Tell(Word::Telemetry { device, telemetry }),
            Effect::FanOut {
                topic,
                payload: publish.payload,
            },
        ];
        effects.extend(acknowledge(publish.id, ReasonCode::Success));
        effects
    }

    fn handle_clock(&self, topic: Topic, publish: &Publish) -> Vec<Effect> {
        let effect = match ClockMessage::from_json(&publish.payload) {
            Ok(ClockMessage::Request(request)) => Effect::AnswerClock { topic, request },
            Ok(ClockMessage::Report(report)) => {
                let device = topic.device;
                Effect::Tell(Word::ClockMeasured { device, report })
            }
            Ok(ClockMessage::Reply(_)) => {
                return self.refuse_unreadable(publish, "only the gateway replies");
            }
            Err(error) => {
                return self.refuse_unreadable(publish, &format!("not a clock message: {error}"));
            }
        };
        let mut effects = vec![effect];
        effects.extend(acknowledge(publish.id, ReasonCode::Success));
        effects
    }

    fn handle_unauthorised(&mut self, publish: &Publish, now: Instant) -> Vec<Effect> {
        let mut effects = self.refuse(publish, ReasonCode::NotAuthorized, "not authorised");
        let count = self.unauthorised.count(now);
        // MQTT 5 is told in each PUBACK; 3.1.1 can only be told by being closed.
        if self.version == ProtocolVersion::V311 && count > self.limits.unauthorised_per_minute_max
        {
            let why = "too many unauthorised publishes";
            let ending = Ending::by_door(ReasonCode::NotAuthorized, why);
            effects.push(Effect::End(ending));
        }
        effects
    }

    fn refuse_unreadable(&self, publish: &Publish, why: &str) -> Vec<Effect> {
        self.refuse(publish, ReasonCode::PayloadFormatInvalid, why)
    }

    /// MQTT 5 learns the code; in 3.1.1 the PUBACK only ends the exchange, as mosquitto does it.
    fn refuse(&self, publish: &Publish, code: ReasonCode, why: &str) -> Vec<Effect> {
        let word = self.device().map(|device| {
            Effect::Tell(Word::Refused {
                device: device.clone(),
                topic: publish.topic.chars().take(TOPIC_SHOWN).collect(),
                reason: why.to_owned(),
            })
        });
        let mut effects = vec![Effect::CountRefused(code)];
        effects.extend(word);
        effects.extend(acknowledge(publish.id, code));
        effects
    }

    fn handle_subscribe(&mut self, id: PacketId, filters: &[RequestedFilter]) -> Vec<Effect> {
        let mut answers = Vec::with_capacity(filters.len());
        let mut effects = Vec::new();
        let mut following = Vec::new();
        for requested in filters {
            let answer = self.subscribe(requested);
            match &answer {
                Ok((filter, is_new)) => {
                    let give = match requested.retained {
                        RetainedWanted::Always => true,
                        RetainedWanted::IfNew => *is_new,
                        RetainedWanted::Never => false,
                    };
                    if give {
                        following.push(Effect::GiveRetained(filter.clone()));
                    }
                    following.extend(self.asks_receipts(filter));
                }
                Err(code) => effects.push(Effect::CountRefused(*code)),
            }
            answers.push(answer.map(|_| requested.qos));
        }
        let accepted = answers.iter().any(Result::is_ok);
        if accepted && matches!(self.principal, Principal::Reader { .. }) {
            // Before anything retained is read: what comes in between then arrives twice
            // instead of never.
            effects.push(Effect::OpenLink);
        }
        effects.push(Effect::Subscribed(id, answers));
        effects.extend(following);
        effects
    }

    /// The filter now subscribed, and whether it is new.
    fn subscribe(
        &mut self,
        requested: &RequestedFilter,
    ) -> Result<(TopicFilter, bool), ReasonCode> {
        let filter = authorise::subscribe(&self.principal, &requested.filter)?;
        let is_new = !self.subscriptions.contains_key(&filter);
        if is_new && self.subscriptions.len() >= self.limits.subscriptions_max {
            return Err(ReasonCode::QuotaExceeded);
        }
        self.subscriptions.insert(filter.clone(), requested.qos);
        Ok((filter, is_new))
    }

    fn asks_receipts(&self, filter: &TopicFilter) -> Option<Effect> {
        let device = self.device()?.clone();
        let channel = Channel::Receipts;
        let topic = Topic { device, channel }.to_string();
        filter.matches(&topic).then_some(Effect::AskReceipts)
    }

    fn handle_unsubscribe(&mut self, id: PacketId, filters: &[String]) -> Effect {
        let answers = filters.iter().map(|filter| {
            let removed = filter.parse().ok();
            let removed =
                removed.and_then(|filter: TopicFilter| self.subscriptions.remove(&filter));
            removed.map_or(ReasonCode::NoSubscriptionExisted, |_| ReasonCode::Success)
        });
        Effect::Unsubscribed(id, answers.collect())
    }
}

fn keep(origin: Origin, publish: Publish) -> Vec<Effect> {
    vec![Effect::Keep {
        origin,
        payload: publish.payload,
        id: publish.id,
    }]
}

fn acknowledge(id: Option<PacketId>, code: ReasonCode) -> Option<Effect> {
    id.map(|id| Effect::Acknowledge(id, code))
}

/// Unauthorised publishes of the current minute.
#[derive(Debug, Default)]
struct Unauthorised {
    since: Option<Instant>,
    count: u32,
}

impl Unauthorised {
    fn count(&mut self, now: Instant) -> u32 {
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) >= UNAUTHORISED_WINDOW {
            self.since = Some(now);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.count
    }
}

#[cfg(test)]
mod tests;
