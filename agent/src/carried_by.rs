//! A device that a bus comes by: while there is no line to the gateway, its facts go with the bus,
//! and what the gateway has to say comes with it.
//!
//! The bus is known by its certificate and believed in nothing: facts are signed before they are
//! given, and what comes back is the gateway's by its signature (decision 0029). A fact that was
//! given is not settled; the gateway's receipt settles it, whichever way it comes.

mod book;
mod passing_bus;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use lujiang_config::CarriedBySection;
use lujiang_kiosk::Neighbour;
use lujiang_wire::{
    CARRIED_BYTES_MAX, CARRIER_FACTS_PATH, CARRIER_RECEIPTS_PATH, CARRIER_WISH_PATH,
    CarriedReceipts, CarriedWish, Clock, DesiredContent, DeviceId, SignedFor, Stream, encode_batch,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error_chain::chain;
use crate::kiosk::GatewaySource;
use crate::line::{Held, Line, LineError};
use crate::measured_time::MeasuredTime;
use crate::outbox::{Note, Outbox, Stamp};
use crate::status::{Board, Link};
use book::Book;
use passing_bus::PassingBus;

/// The name of the note.
const NOTE: &str = "carried-by";

/// Largest letter that is read.
const LETTER_BYTES_MAX: usize = 64 * 1024;

/// What the task stands on.
pub(crate) struct CarriedByParts {
    pub(crate) section: CarriedBySection,
    pub(crate) device: DeviceId,
    /// The line to the bus.
    pub(crate) line: Line,
    pub(crate) batch_max: usize,
    pub(crate) outbox: Outbox,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time: MeasuredTime,
    pub(crate) board: Arc<Board>,
}

/// The task.
pub(crate) struct CarriedBy {
    parts: CarriedByParts,
    book: Book,
    present: watch::Sender<bool>,
    wish: watch::Sender<Option<DesiredContent>>,
    /// What the bus has of each stream, since it came.
    handed: BTreeMap<Stream, u64>,
}

/// Why a visit ended before its end.
#[derive(Debug, thiserror::Error)]
enum VisitError {
    /// The bus is not there, or drove off.
    #[error(transparent)]
    Away(#[from] LineError),
    /// What we have ourselves cannot be used.
    #[error("{0}")]
    Own(String),
}

impl CarriedBy {
    /// Remembers what was heard last.
    pub(crate) async fn open(parts: CarriedByParts) -> anyhow::Result<Self> {
        let text = parts.outbox.with(|outbox| outbox.note(NOTE)).await?;
        let book = Book::read(text.as_deref());
        Ok(Self {
            wish: watch::Sender::new(book.content.clone()),
            book,
            parts,
            present: watch::Sender::new(false),
            handed: BTreeMap::new(),
        })
    }

    /// The bus, as who has releases on board.
    pub(crate) fn neighbour(&self) -> Neighbour {
        let present = self.present.subscribe();
        Neighbour {
            source: Arc::new(PassingBus {
                source: GatewaySource(self.parts.line.clone()),
                present: present.clone(),
            }),
            present,
        }
    }

    /// What the gateway wants of our shelf, as the bus brought it.
    pub(crate) fn wish(&self) -> watch::Receiver<Option<DesiredContent>> {
        self.wish.subscribe()
    }

    /// Looks for the bus until told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut states = self.parts.board.changes();
        let mut was_online = false;
        let mut look = tokio::time::interval(self.parts.section.look_every);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = look.tick() => {}
                Ok(()) = states.changed() => {
                    let is_online = self.is_online();
                    if std::mem::replace(&mut was_online, is_online) != is_online {
                        self.hear_line().await;
                    }
                    continue;
                }
            }
            let visit = tokio::select! {
                () = stop.cancelled() => return,
                visit = self.visit() => visit,
            };
            let is_there = match visit {
                Ok(()) => true,
                Err(VisitError::Away(error)) => {
                    tracing::debug!(reason = chain(&error), "the bus is not here");
                    false
                }
                Err(VisitError::Own(reason)) => {
                    tracing::warn!(%reason, "nothing can be given to the bus");
                    *self.present.borrow()
                }
            };
            if !is_there {
                self.handed.clear();
            }
            self.parts.board.bus(is_there);
            self.present.send_if_modified(|present| {
                let moved = *present != is_there;
                *present = is_there;
                moved
            });
        }
    }

    fn is_online(&self) -> bool {
        matches!(self.parts.board.link_shown().0, Link::Online)
    }

    /// The gateway itself is heard, or was until now.
    async fn hear_line(&mut self) {
        self.book.hear_line(self.parts.time.now());
        self.remember().await;
    }

    /// Hears what the bus brings, and gives it what waits.
    async fn visit(&mut self) -> Result<(), VisitError> {
        let held = self.parts.line.held().await?;
        let receipts =
            self.letter::<CarriedReceipts>(&held, CARRIER_RECEIPTS_PATH, SignedFor::Receipts);
        if let Some(receipts) = receipts.await?
            && let Some(receipts) = self.book.hear_receipts(receipts, &self.parts.device)
        {
            self.remember().await;
            // What these do not cover may never have arrived: it is given again.
            self.handed.clear();
            let stamp = Stamp::now(self.parts.clock.as_ref());
            self.parts.board.receipt(receipts.clone(), stamp.time);
            let settled = self
                .parts
                .outbox
                .with(move |it| it.settle(&receipts, &stamp));
            settled
                .await
                .map_err(|error| VisitError::Own(chain(&error)))?
                .tell();
        }
        if self.is_online() {
            // What the gateway says itself is newer, and it hears us itself.
            return Ok(());
        }
        let wish = self.letter::<CarriedWish>(&held, CARRIER_WISH_PATH, SignedFor::Wish);
        if let Some(wish) = wish.await?
            && self.book.hear_wish(wish, &self.parts.device)
        {
            self.remember().await;
            self.wish.send_replace(self.book.content.clone());
        }
        self.hand_over(&held).await
    }

    /// A letter of the gateway, verified; none where the bus has none, or one that does not hold.
    async fn letter<T: DeserializeOwned>(
        &self,
        held: &Held,
        path: &str,
        purpose: SignedFor,
    ) -> Result<Option<T>, VisitError> {
        let letter = match self.parts.line.get(path, LETTER_BYTES_MAX).await {
            Ok(letter) => letter,
            Err(error) if error.status() == Some(404) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match held.identity.of_gateway(&letter, purpose, &self.parts.time) {
            Ok(letter) => Ok(Some(letter)),
            Err(error) => {
                tracing::warn!(bus = %self.parts.section.bus, %error, "what the bus brings is not the gateway's");
                Ok(None)
            }
        }
    }

    /// Gives the bus every fact that is not settled, and that it was not given since it came.
    async fn hand_over(&mut self, held: &Held) -> Result<(), VisitError> {
        loop {
            let (after, events_max) = (self.handed.clone(), self.parts.batch_max);
            let stamp = Stamp::now(self.parts.clock.as_ref());
            let batch = self.parts.outbox.with(move |outbox| {
                outbox.batch_to_carry(&stamp, &after, events_max, CARRIED_BYTES_MAX)
            });
            let batch = batch
                .await
                .map_err(|error| VisitError::Own(chain(&error)))?;
            let Some(batch) = batch else {
                return Ok(());
            };
            let payload = encode_batch(&batch.events);
            let signed = held.identity.sign(SignedFor::Facts, payload);
            let signed = signed.ok_or_else(|| {
                VisitError::Own(
                    "the key of our certificate signs by no scheme of TLS 1.3".to_owned(),
                )
            })?;
            let given = held
                .client
                .post::<_, IgnoredAny>(CARRIER_FACTS_PATH, &signed);
            given.await.map_err(LineError::from)?;
            tracing::info!(stream = %batch.stream, from = batch.from, to = batch.to, "facts went with the bus");
            self.handed.insert(batch.stream, batch.to);
        }
    }

    async fn remember(&self) {
        let note = Note {
            name: Cow::Borrowed(NOTE),
            text: Some(self.book.to_text()),
        };
        let stamp = Stamp::now(self.parts.clock.as_ref());
        let written = self
            .parts
            .outbox
            .with(move |outbox| outbox.record(&stamp, Vec::new(), Some(note)));
        if let Err(error) = written.await {
            tracing::warn!(
                reason = chain(&error),
                "what the bus brought cannot be remembered"
            );
        }
    }
}
