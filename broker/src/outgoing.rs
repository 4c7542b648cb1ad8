//! Messages on their way to one client: those waiting, and those sent but not acknowledged.

use std::collections::{BTreeSet, VecDeque};

use bytes::Bytes;

use crate::packet::{PacketId, Qos};

/// Most publishes sent but not acknowledged, whatever more the peer would take.
const IN_FLIGHT_MAX: u16 = 64;

/// A message for this client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: Qos,
    pub(crate) retain: bool,
}

/// A message whose turn it is, with its packet identifier where it has one.
pub(crate) type Due = (Message, Option<PacketId>);

/// The peer is too slow: nothing may be dropped to make room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooSlow;

/// The queue towards one client.
#[derive(Debug)]
pub(crate) struct Outgoing {
    waiting: VecDeque<Message>,
    waiting_max: usize,
    in_flight: BTreeSet<PacketId>,
    in_flight_max: usize,
    last_id: u16,
}

impl Outgoing {
    /// `receive_maximum` is the peer's own limit [MQTT-3.3.4-9].
    pub(crate) fn new(waiting_max: usize, receive_maximum: u16) -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_max: waiting_max.max(1),
            in_flight: BTreeSet::new(),
            in_flight_max: usize::from(receive_maximum.min(IN_FLIGHT_MAX)),
            last_id: 0,
        }
    }

    /// Queues a message. When full the oldest of QoS 0 goes; says how many went.
    ///
    /// # Errors
    /// When only messages of QoS 1 wait.
    pub(crate) fn push(&mut self, message: Message) -> Result<usize, TooSlow> {
        let mut dropped = 0;
        if self.waiting.len() >= self.waiting_max {
            let oldest = self.waiting.iter().position(|m| m.qos == Qos::AtMostOnce);
            match oldest {
                Some(oldest) => drop(self.waiting.remove(oldest)),
                None if message.qos == Qos::AtMostOnce => return Ok(1),
                None => return Err(TooSlow),
            }
            dropped = 1;
        }
        self.waiting.push_back(message);
        Ok(dropped)
    }

    /// Queues a message that makes those still waiting on its topic worthless.
    pub(crate) fn push_newest(&mut self, message: Message) -> Result<usize, TooSlow> {
        self.waiting
            .retain(|waiting| waiting.topic != message.topic);
        self.push(message)
    }

    /// The message whose turn it is; one of QoS 1 waits for a free place in flight.
    pub(crate) fn next(&mut self) -> Option<Due> {
        let qos = self.waiting.front()?.qos;
        let id = match qos {
            Qos::AtMostOnce => None,
            Qos::AtLeastOnce if self.in_flight.len() >= self.in_flight_max => return None,
            Qos::AtLeastOnce => Some(self.take_id()),
        };
        self.waiting.pop_front().map(|message| (message, id))
    }

    /// Whether nothing waits and more may be in flight.
    pub(crate) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.len() < self.in_flight_max
    }

    /// The peer has it; an identifier not in flight is none of ours and means nothing.
    pub(crate) fn acknowledged(&mut self, id: PacketId) {
        self.in_flight.remove(&id);
    }

    fn take_id(&mut self) -> PacketId {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            // There is a free one: far fewer are in flight than there are.
            if let Some(id) = PacketId::new(self.last_id)
                && self.in_flight.insert(id)
            {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a client does, and what is brought to it.
    #[derive(Debug, Clone)]
    enum Step {
        Push(u8, Qos),
        PushNewest(u8, Qos),
        Send,
        /// Acknowledges one in flight, in any order, or something that is not.
        Acknowledge(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        let qos = prop_oneof![Just(Qos::AtMostOnce), Just(Qos::AtLeastOnce)];
        prop_oneof![
            3 => (0..4_u8, qos.clone()).prop_map(|(topic, qos)| Step::Push(topic, qos)),
            1 => (0..4_u8, qos).prop_map(|(topic, qos)| Step::PushNewest(topic, qos)),
            3 => Just(Step::Send),
            2 => any::<prop::sample::Index>().prop_map(Step::Acknowledge),
        ]
    }

    proptest! {
        #[test]
        fn bounds_hold_order_is_kept_and_no_identifier_is_used_twice(
            steps in proptest::collection::vec(step(), 0..200),
        ) {
            let mut outgoing = Outgoing::new(5, 3);
            let mut in_flight = Vec::new();
            let mut pushed = 0_u64;
            let mut last_sent = 0;
            for step in steps {
                match step {
                    Step::Push(topic, qos) | Step::PushNewest(topic, qos) => {
                        pushed += 1;
                        let mut message = message(&topic.to_string(), qos);
                        message.payload = Bytes::from(pushed.to_string());
                        let pushing = match step {
                            Step::PushNewest(..) => outgoing.push_newest(message),
                            _ => outgoing.push(message),
                        };
                        if pushing.is_err() {
                            let is_qos_1 = |m: &Message| m.qos == Qos::AtLeastOnce;
                            prop_assert!(outgoing.waiting.iter().all(is_qos_1));
                        }
                    }
                    Step::Send => {
                        if let Some((message, id)) = outgoing.next() {
                            let number = std::str::from_utf8(&message.payload).unwrap();
                            let number = number.parse::<u64>().unwrap();
                            prop_assert!(number > last_sent, "in the order pushed");
                            last_sent = number;
                            prop_assert_eq!(id.is_some(), message.qos == Qos::AtLeastOnce);
                            if let Some(id) = id {
                                prop_assert!(!in_flight.contains(&id));
                                in_flight.push(id);
                            }
                        }
                    }
                    Step::Acknowledge(at) if !in_flight.is_empty() => {
                        let id = in_flight.remove(at.index(in_flight.len()));
                        outgoing.acknowledged(id);
                    }
                    Step::Acknowledge(_) => outgoing.acknowledged(PacketId::MAX),
                }
                prop_assert!(outgoing.waiting.len() <= 5);
                prop_assert!(in_flight.len() <= 3);
            }
        }
    }

    fn message(topic: &str, qos: Qos) -> Message {
        Message {
            topic: topic.to_owned(),
            payload: Bytes::new(),
            qos,
            retain: false,
        }
    }

    #[test]
    fn no_more_is_in_flight_than_the_peer_takes() {
        let mut outgoing = Outgoing::new(8, 2);
        for topic in ["a", "b", "c"] {
            outgoing.push(message(topic, Qos::AtLeastOnce)).unwrap();
        }
        let first = outgoing.next().unwrap().1.unwrap();
        let second = outgoing.next().unwrap().1.unwrap();
        assert_ne!(first, second);
        assert_eq!(outgoing.next(), None);
        outgoing.acknowledged(second);
        assert_eq!(outgoing.next().unwrap().0.topic, "c");
    }

    #[test]
    fn when_full_the_oldest_of_qos_0_goes_then_the_peer_is_too_slow() {
        let mut outgoing = Outgoing::new(2, 1);
        assert_eq!(outgoing.push(message("a", Qos::AtMostOnce)), Ok(0));
        assert_eq!(outgoing.push(message("b", Qos::AtLeastOnce)), Ok(0));
        assert_eq!(outgoing.push(message("c", Qos::AtLeastOnce)), Ok(1));
        assert_eq!(outgoing.push(message("d", Qos::AtMostOnce)), Ok(1));
        assert_eq!(outgoing.push(message("e", Qos::AtLeastOnce)), Err(TooSlow));
        assert_eq!(outgoing.next().unwrap().0.topic, "b");
    }

    #[test]
    fn the_newest_replaces_what_waits_on_its_topic() {
        let mut outgoing = Outgoing::new(8, 1);
        for topic in ["a", "b", "a"] {
            outgoing
                .push_newest(message(topic, Qos::AtMostOnce))
                .unwrap();
        }
        let topics: Vec<String> = std::iter::from_fn(|| outgoing.next())
            .map(|(message, _)| message.topic)
            .collect();
        assert_eq!(topics, ["b", "a"]);
    }
}
