//! PUBACKs still owed to one client; they leave in the order of their PUBLISHes [MQTT-4.6.0-2].

use std::collections::VecDeque;

use crate::house::{Keeping, Kept};
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
    owed_max: usize,
}

impl Acknowledgements {
    pub(crate) fn new(owed_max: u16) -> Self {
        Self {
            owed: VecDeque::new(),
            owed_max: usize::from(owed_max.max(1)),
        }
    }

    /// Whether the door must not read on.
    pub(crate) fn is_full(&self) -> bool {
        self.owed.len() >= self.owed_max
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.owed.is_empty()
    }

    /// Owes an answer that is known already.
    pub(crate) fn push_given(&mut self, id: PacketId, code: ReasonCode) {
        self.owed.push_back((Some(id), Verdict::Given(code)));
    }

    /// Owes the answer to facts; those of QoS 0 have no identifier but their place.
    pub(crate) fn push_awaited(&mut self, id: Option<PacketId>, keeping: Keeping) {
        self.owed.push_back((id, Verdict::Awaited(keeping)));
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
        let mut owed = Acknowledgements::new(8);
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
        let mut owed = Acknowledgements::new(1);
        let (promise, keeping) = oneshot::channel();
        owed.push_awaited(Some(id(1)), keeping);
        assert!(owed.is_full());
        drop(promise);
        assert_eq!(owed.try_next(), Some(Settled::NotKept(NotKept::Full)));
    }
}
