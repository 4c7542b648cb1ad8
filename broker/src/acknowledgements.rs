//! PUBACKs still owed to one client; they leave in the order of their PUBLISHes [MQTT-4.6.0-2].

use std::collections::VecDeque;

use crate::house::{Keeping, Kept, ProtocolVersion};
use crate::packet::PacketId;
use crate::reason::ReasonCode;

/// What became of one PUBLISH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settled {
    /// PUBACK, where the publish had a packet identifier.
    Acknowledged(Option<PacketId>, ReasonCode),
    /// Nothing more may be acknowledged on this connection.
    NotKept(NotKept),
}

/// Why facts were not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotKept {
    Full,
    QuarantineFull,
}

#[derive(Debug)]
enum Verdict {
    Given(ReasonCode),
    Awaited(Keeping),
}

/// The publishes whose answer is owed, oldest first.
#[derive(Debug)]
pub(crate) struct Acknowledgements {
    owed: VecDeque<(Option<PacketId>, Verdict)>,
    /// How many of them have a packet identifier: those a Receive Maximum is about.
    identified: usize,
    owed_max: usize,
    /// Whether the peer was told `owed_max` as Receive Maximum.
    was_told: bool,
}

impl Acknowledgements {
    /// With MQTT 5 the peer knows `owed_max` as Receive Maximum; 3.1.1 cannot be told.
    pub(crate) fn new(owed_max: u16, version: ProtocolVersion) -> Self {
        Self {
            owed: VecDeque::new(),
            identified: 0,
            owed_max: usize::from(owed_max.max(1)),
            was_told: version == ProtocolVersion::V5,
        }
    }

    /// Whether the door must not read on. Who was told the maximum is read on, and ended if it
    /// sends more: see [`Acknowledgements::is_exceeded_by`].
    pub(crate) fn is_full(&self) -> bool {
        let counted = if self.was_told {
            self.owed.len() - self.identified
        } else {
            self.owed.len()
        };
        counted >= self.owed_max
    }

    /// Whether this PUBLISH is one more than the peer was told it may send [MQTT-3.3.4-9].
    pub(crate) fn is_exceeded_by(&self, id: Option<PacketId>) -> bool {
        self.was_told && id.is_some() && self.identified >= self.owed_max
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    /// Owes an answer that is known already.
    pub(crate) fn push_given(&mut self, id: PacketId, code: ReasonCode) {
        self.push(Some(id), Verdict::Given(code));
    }

    /// Owes the answer to facts; those of QoS 0 have no identifier but their place.
    pub(crate) fn push_awaited(&mut self, id: Option<PacketId>, keeping: Keeping) {
        self.push(id, Verdict::Awaited(keeping));
    }

    fn push(&mut self, id: Option<PacketId>, verdict: Verdict) {
        self.identified += usize::from(id.is_some());
        self.owed.push_back((id, verdict));
    }

    /// The next answer; waits for ever while none is owed.
    ///
    /// # Cancel safety
    /// An answer not returned stays.
    pub(crate) async fn next(&mut self) -> Settled {
        let kept = match self.owed.front_mut() {
            None => return std::future::pending().await,
            Some((_, Verdict::Given(_))) => None,
            // A dropped sender means `Full`: nothing was promised.
            Some((_, Verdict::Awaited(keeping))) => Some(keeping.await.unwrap_or(Kept::Full)),
        };
        self.settle(kept)
    }

    /// The next answer if it is there.
    pub(crate) fn try_next(&mut self) -> Option<Settled> {
        use tokio::sync::oneshot::error::TryRecvError;
        let kept = match self.owed.front_mut()? {
            (_, Verdict::Given(_)) => None,
            (_, Verdict::Awaited(keeping)) => match keeping.try_recv() {
                Ok(kept) => Some(kept),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Closed) => Some(Kept::Full),
            },
        };
        Some(self.settle(kept))
    }

    fn settle(&mut self, kept: Option<Kept>) -> Settled {
        let (id, verdict) = self.owed.pop_front().expect("the front was just looked at");
        self.identified -= usize::from(id.is_some());
        match (verdict, kept) {
            (Verdict::Given(code), _) => Settled::Acknowledged(id, code),
            (Verdict::Awaited(_), Some(Kept::Committed)) => {
                Settled::Acknowledged(id, ReasonCode::Success)
            }
            (Verdict::Awaited(_), Some(Kept::QuarantineFull)) => {
                Settled::NotKept(NotKept::QuarantineFull)
            }
            (Verdict::Awaited(_), Some(Kept::Full) | None) => Settled::NotKept(NotKept::Full),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    fn success(number: u16) -> Settled {
        Settled::Acknowledged(Some(id(number)), ReasonCode::Success)
    }

    #[test]
    fn a_later_publish_kept_first_waits_for_the_earlier() {
        let mut owed = Acknowledgements::new(8, ProtocolVersion::V5);
        let (first, keeping) = oneshot::channel();
        owed.push_awaited(Some(id(1)), keeping);
        let (second, keeping) = oneshot::channel();
        owed.push_awaited(Some(id(2)), keeping);
        owed.push_given(id(3), ReasonCode::NotAuthorized);
        second.send(Kept::Committed).unwrap();
        assert_eq!(owed.try_next(), None);
        first.send(Kept::Committed).unwrap();
        assert_eq!(owed.try_next(), Some(success(1)));
        assert_eq!(owed.try_next(), Some(success(2)));
        let refused = Settled::Acknowledged(Some(id(3)), ReasonCode::NotAuthorized);
        assert_eq!(owed.try_next(), Some(refused));
        assert!(owed.is_empty());
    }

    #[test]
    fn a_dropped_promise_is_no_acknowledgement() {
        let mut owed = Acknowledgements::new(1, ProtocolVersion::V311);
        let (promise, keeping) = oneshot::channel();
        owed.push_awaited(Some(id(1)), keeping);
        assert!(owed.is_full());
        drop(promise);
        assert_eq!(owed.try_next(), Some(Settled::NotKept(NotKept::Full)));
    }

    #[test]
    fn who_was_told_the_maximum_is_read_on_and_exceeds_it_who_was_not_is_not_read() {
        for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
            let was_told = version == ProtocolVersion::V5;
            let mut owed = Acknowledgements::new(2, version);
            for number in 1..=2 {
                assert!(!owed.is_full() && !owed.is_exceeded_by(Some(id(number))));
                owed.push_given(id(number), ReasonCode::Success);
            }
            assert_eq!(owed.is_full(), !was_told);
            assert_eq!(owed.is_exceeded_by(Some(id(3))), was_told);
            assert!(!owed.is_exceeded_by(None), "QoS 0 is not counted");
            assert_eq!(owed.try_next(), Some(success(1)));
            assert!(!owed.is_full() && !owed.is_exceeded_by(Some(id(3))));
        }
    }

    #[test]
    fn facts_of_qos_0_are_bounded_in_both_versions() {
        for version in [ProtocolVersion::V311, ProtocolVersion::V5] {
            let mut owed = Acknowledgements::new(2, version);
            for _ in 0..2 {
                assert!(!owed.is_full());
                owed.push_awaited(None, oneshot::channel().1);
            }
            assert!(owed.is_full());
        }
    }
}
