//! What goes out on a connection and what comes back for it: payloads of the outbox first, those
//! that are carried for others after them; PUBACKs, and the gateway's receipts.

use lujiang_wire::{Channel, Receipts, encode_batch};

use super::Cargo;
use super::link::{Asked, Conversation};
use crate::error_chain::chain;

impl Conversation<'_> {
    /// Sends the next payload, if there is one.
    pub(super) async fn send_next(&mut self) -> Result<(), String> {
        let events_max = self.uplink.section.batch_max;
        let bytes_max = self.session.payload_bytes();
        let stamp = self.uplink.stamp();
        let batch = self
            .uplink
            .outbox
            .with(move |outbox| outbox.next_batch(&stamp, events_max, bytes_max))
            .await
            .map_err(|error| chain(&error))?;
        if let Some(batch) = batch {
            let cargo = Cargo::Own {
                stream: batch.stream,
                to: batch.to,
            };
            return self.send(cargo, Channel::Events, encode_batch(&batch.events));
        }
        match self.carried().await? {
            Some((cargo, payload)) => self.send(cargo, Channel::Carried, payload),
            None => {
                self.session.handle_empty();
                Ok(())
            }
        }
    }

    /// The next payload of another device.
    async fn carried(&mut self) -> Result<Option<(Cargo, Vec<u8>)>, String> {
        let Some(satchel) = self.uplink.satchel.clone() else {
            return Ok(None);
        };
        let next = tokio::task::spawn_blocking(move || satchel.next()).await;
        let next = next.map_err(|_| "the agent is stopping".to_owned())?;
        let next = next.map_err(|error| format!("the satchel cannot be read: {error}"))?;
        Ok(next.map(|(number, payload)| (Cargo::Carried(number), payload)))
    }

    fn send(&mut self, cargo: Cargo, channel: Channel, payload: Vec<u8>) -> Result<(), String> {
        let (bytes, now) = (payload.len(), self.begun.elapsed());
        let pending = self.door.send(channel, payload)?;
        let id = self.session.handle_handed(cargo, bytes, now);
        self.answers.push(Box::pin(async move {
            (Asked::Payload(id), pending.answer().await)
        }));
        Ok(())
    }

    /// The PUBACK of a payload came.
    pub(super) async fn arrived(&mut self, cargo: Cargo) -> Result<(), String> {
        match cargo {
            Cargo::Own { stream, to } => {
                let outbox = &self.uplink.outbox;
                let noted = outbox.with(move |outbox| outbox.acknowledged(stream, to));
                noted.await.map_err(|error| chain(&error))
            }
            Cargo::Carried(number) => {
                let Some(satchel) = self.uplink.satchel.clone() else {
                    return Ok(());
                };
                let brought = tokio::task::spawn_blocking(move || satchel.brought(number)).await;
                let brought = brought.map_err(|_| "the agent is stopping".to_owned())?;
                brought.map_err(|error| format!("the satchel cannot be emptied: {error}"))
            }
        }
    }

    pub(super) async fn settle(&mut self, receipts: Receipts) {
        let stamp = self.uplink.stamp();
        self.uplink.board.receipt(receipts.clone(), stamp.time);
        let settled = self
            .uplink
            .outbox
            .with(move |outbox| outbox.settle(&receipts, &stamp))
            .await;
        match settled {
            Ok(settlement) => {
                settlement.tell();
                self.session.handle_written();
            }
            Err(error) => self.session.handle_lost(chain(&error)),
        }
    }
}
