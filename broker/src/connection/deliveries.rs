//! What is brought to one client: answers owed, deliveries, what is retained, the time.

use lujiang_wire::{Channel, ClockMessage, ClockReply, ClockRequest, Receipts, Topic};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, WRITE_HIGH};
use crate::encode;
use crate::ending::Ending;
use crate::mailbox::Delivery;
use crate::outgoing::TooSlow;
use crate::packet::Qos;
use crate::reason::ReasonCode;
use crate::router::FannedOut;

impl<S: AsyncRead + AsyncWrite> Connection<S> {
    /// Moves answers and messages to the socket's side, acknowledgements first.
    pub(super) fn fill_unsent(&mut self) -> Result<(), Ending> {
        while self.wire.unsent.len() < WRITE_HIGH {
            if let Some(settled) = self.acknowledgements.try_next() {
                self.acknowledge(settled)?;
                continue;
            }
            let Some((message, id)) = self.session.outgoing.next() else {
                if self.give_retained()? {
                    continue;
                }
                return Ok(());
            };
            let version = self.session.version();
            let qos = if id.is_some() {
                Qos::AtLeastOnce
            } else {
                Qos::AtMostOnce
            };
            let length = encode::publish_len(version, &message.topic, &message.payload, qos);
            if length > self.sent_max {
                // [MQTT-3.1.2-25]: as if it had been sent and acknowledged.
                id.into_iter()
                    .for_each(|id| self.session.outgoing.acknowledged(id));
                self.context.metrics.outgoing_dropped.increase();
                continue;
            }
            let (topic, payload) = (&message.topic, &message.payload);
            encode::publish(
                version,
                topic,
                payload,
                message.retain,
                id,
                &mut self.wire.unsent,
            );
        }
        Ok(())
    }

    /// Queues the next retained message, as it is now, once nothing else waits; says whether it
    /// did.
    pub(super) fn give_retained(&mut self) -> Result<bool, Ending> {
        if !self.session.outgoing.is_idle() {
            return Ok(false);
        }
        let Some(topic) = self.giving.pop_first() else {
            return Ok(false);
        };
        // It may have been cleared in the meantime.
        if let Some(payload) = self.context.switchboard.retained(&topic) {
            let qos = Qos::AtLeastOnce;
            let pushed = self.session.deliver(&topic, payload, qos, true);
            self.count_dropped(pushed)?;
        }
        Ok(true)
    }

    pub(super) fn take_mail(&mut self) -> Result<(), Ending> {
        let (deliveries, ending) = self.registration.mailbox().take();
        if let Some(ending) = ending {
            return Err(ending);
        }
        for Delivery { topic, payload } in deliveries {
            if topic.channel == Channel::Receipts {
                // Newer than any answer still on its way.
                self.receipts = None;
            }
            let pushed = self
                .session
                .deliver_newest(&topic, payload, Qos::AtLeastOnce);
            self.count_dropped(pushed)?;
        }
        Ok(())
    }

    pub(super) fn ask_receipts(&mut self) {
        if let Some(device) = self.session.device().cloned() {
            let house = Arc::clone(&self.context.house);
            self.receipts = Some(Box::pin(async move { house.receipts(&device).await }));
        }
    }

    pub(super) fn give_receipts(&mut self, receipts: Option<Receipts>) -> Result<(), Ending> {
        self.receipts = None;
        let (Some(receipts), Some(device)) = (receipts, self.session.device().cloned()) else {
            return Ok(());
        };
        let topic = Topic {
            device,
            channel: Channel::Receipts,
        };
        let payload = serde_json::to_vec(&receipts).expect("receipts are plain data");
        let pushed = self
            .session
            .deliver_newest(&topic, payload.into(), Qos::AtLeastOnce);
        self.count_dropped(pushed)
    }

    /// Answers with QoS 0: a reply that comes late would only mislead.
    pub(super) fn answer_clock(
        &mut self,
        topic: &Topic,
        request: ClockRequest,
    ) -> Result<(), Ending> {
        let reply = ClockMessage::Reply(ClockReply {
            id: request.id,
            uptime: request.uptime,
            time: self.context.house.now(),
        });
        let payload = serde_json::to_vec(&reply).expect("a reply is plain data");
        let topic = topic.to_string();
        let pushed = self
            .session
            .deliver(&topic, payload.into(), Qos::AtMostOnce, false);
        self.count_dropped(pushed)
    }

    pub(super) async fn open_link(&mut self) -> Result<(), Ending> {
        if self.link.is_none() {
            let opened = self.context.switchboard.router().open().await;
            let link = opened
                .map_err(|gone| Ending::by_door(ReasonCode::ServerUnavailable, gone.to_string()))?;
            self.link = Some(link);
        }
        Ok(())
    }

    pub(super) fn count_dropped(&self, pushed: Result<usize, TooSlow>) -> Result<(), Ending> {
        match pushed {
            Ok(dropped) => {
                self.context.metrics.outgoing_dropped.add(dropped);
                Ok(())
            }
            Err(TooSlow) => {
                let why = "too slow for what it subscribed to";
                Err(Ending::by_door(ReasonCode::QuotaExceeded, why))
            }
        }
    }

    /// A message of the router for a reader.
    pub(super) fn pass_on(&mut self, message: FannedOut) -> Result<(), Ending> {
        let qos = qos_of(&message.topic);
        let pushed = self
            .session
            .deliver(&message.topic, message.payload, qos, false);
        self.count_dropped(pushed)
    }
}

/// The quality of service a message is fanned out with: measurements may be lost.
fn qos_of(topic: &str) -> Qos {
    if topic.ends_with("/telemetry") {
        Qos::AtMostOnce
    } else {
        Qos::AtLeastOnce
    }
}
