//! The outbox as the kiosk's notebook: its state is a note, written in the transaction of the
//! facts that follow from it.

use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;
use lujiang_kiosk::{Notebook, RecordError, Recorder};
use lujiang_wire::{Clock, Fact};

use crate::outbox::{Note, Outbox, Stamp};

/// The name of the note.
const NOTE: &str = "kiosk";

/// The outbox, as the kiosk sees it.
#[derive(Clone)]
pub(super) struct OutboxNotebook {
    pub(super) outbox: Outbox,
    pub(super) clock: Arc<dyn Clock>,
}

impl OutboxNotebook {
    async fn write_down(&self, facts: Vec<Fact>, note: Option<Note>) -> Result<(), RecordError> {
        let stamp = Stamp::now(self.clock.as_ref());
        let written = self
            .outbox
            .with(move |outbox| outbox.record(&stamp, facts, note))
            .await;
        written
            .map(drop)
            .map_err(|error| RecordError(Box::new(error)))
    }
}

#[async_trait]
impl Notebook for OutboxNotebook {
    async fn read(&self) -> Result<Option<String>, RecordError> {
        let read = self.outbox.with(|outbox| outbox.note(NOTE)).await;
        read.map_err(|error| RecordError(Box::new(error)))
    }

    async fn write(&self, text: String, facts: Vec<Fact>) -> Result<(), RecordError> {
        let note = Note {
            name: Cow::Borrowed(NOTE),
            text: Some(text),
        };
        self.write_down(facts, Some(note)).await
    }
}

#[async_trait]
impl Recorder for OutboxNotebook {
    async fn record(&self, facts: Vec<Fact>) -> Result<(), RecordError> {
        self.write_down(facts, None).await
    }
}
