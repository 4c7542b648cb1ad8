//! What others put in front of one connection: deliveries, and the order to end.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lujiang_wire::Topic;
use tokio::sync::Notify;

use crate::ending::Ending;

/// A message of the gateway for a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) topic: Topic,
    pub(crate) payload: Bytes,
}

/// Bounded by its topics: a newer message replaces the one still waiting on the same topic, and
/// beyond `waiting_max` topics the oldest goes.
#[derive(Debug)]
pub(crate) struct Mailbox {
    mail: Mutex<Mail>,
    arrived: Notify,
    waiting_max: usize,
}

#[derive(Debug, Default)]
struct Mail {
    waiting: VecDeque<Delivery>,
    ending: Option<Ending>,
}

impl Mailbox {
    pub(crate) fn new(waiting_max: usize) -> Self {
        Self {
            mail: Mutex::default(),
            arrived: Notify::new(),
            waiting_max: waiting_max.max(1),
        }
    }

    pub(crate) fn put(&self, delivery: Delivery) {
        let mut mail = self.lock();
        mail.waiting
            .retain(|waiting| waiting.topic != delivery.topic);
        if mail.waiting.len() >= self.waiting_max {
            mail.waiting.pop_front();
        }
        mail.waiting.push_back(delivery);
        drop(mail);
        self.arrived.notify_one();
    }

    /// Tells the connection to end; the first reason stands.
    pub(crate) fn end(&self, ending: Ending) {
        self.lock().ending.get_or_insert(ending);
        self.arrived.notify_one();
    }

    /// Waits until something was put since the last [`Mailbox::take`].
    ///
    /// # Cancel safety
    /// A notice not taken stays.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes everything.
    pub(crate) fn take(&self) -> (VecDeque<Delivery>, Option<Ending>) {
        let mut mail = self.lock();
        (std::mem::take(&mut mail.waiting), mail.ending.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        // Every change is whole before the guard goes, also if its holder panicked.
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(topic: &str, payload: &'static str) -> Delivery {
        Delivery {
            topic: format!("library/v1/devices/gate-1/{topic}")
                .parse()
                .unwrap(),
            payload: Bytes::from_static(payload.as_bytes()),
        }
    }

    #[test]
    fn newer_receipts_replace_those_still_waiting() {
        let mailbox = Mailbox::new(2);
        for put in [
            delivery("receipts", "1"),
            delivery("jobs/a", "2"),
            delivery("receipts", "3"),
        ] {
            mailbox.put(put);
        }
        let (taken, _) = mailbox.take();
        assert_eq!(taken, [delivery("jobs/a", "2"), delivery("receipts", "3")]);
    }

    #[test]
    fn beyond_its_bound_the_oldest_goes() {
        let mailbox = Mailbox::new(2);
        for job in ["jobs/a", "jobs/b", "jobs/c"] {
            mailbox.put(delivery(job, "x"));
        }
        let (taken, _) = mailbox.take();
        assert_eq!(taken, [delivery("jobs/b", "x"), delivery("jobs/c", "x")]);
    }
}
