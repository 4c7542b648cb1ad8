//! What a page shows of lending: the link, what waits, the papers.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use lujiang_wire::{Due, EventId, Label, LoanKind, PlannedStop, ReturnedConflict, Stream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::clerk::Clerk;
use super::sync_meter::{Backlog, SYNC_NOTE, Synchronisation};
use super::{Barcode, Lending, OpenStop};
use crate::error_chain::chain;
use crate::outbox::{Note, OutboxError, Stamp};
use crate::status::{Link, PapersStatus};

/// The link to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// How it is.
    pub link: Link,
    /// Since when, by the device's clock.
    pub since: Timestamp,
}

/// A block loan of which items are out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockOut {
    /// Its name.
    pub block: Label,
    /// The day it was lent.
    pub day: Date,
    /// The day its items are due.
    pub due: Date,
    /// The items that are not back.
    pub items: Vec<Barcode>,
}

/// Something that was done with an item, and can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    /// The fact, to undo it by.
    pub fact: EventId,
    /// What was done.
    pub kind: LoanKind,
    /// With which item.
    pub item: Label,
    /// Until when, where it is lent.
    pub due: Option<Due>,
}

/// What waits for the gateway, and how it goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Facts that the gateway has not confirmed.
    pub facts: u64,
    /// Of these, the loans, returns, cards and stops.
    pub loans: u64,
    /// How old the oldest of them is.
    pub oldest: Option<Duration>,
    /// The synchronisation that goes on, or else the last that confirmed anything.
    pub synchronisation: Option<Synchronisation>,
    /// How long it still takes; none where nothing moves.
    pub estimate: Option<Duration>,
}

/// The papers this device lends by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PapersView {
    /// Their revision.
    pub revision: Label,
    /// When they came, by the gateway's time; none where that was not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<Timestamp>,
    /// How many readers are blocked.
    pub blocked: usize,
    /// As of when the library system said so; none where no list was ever imported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_as_of: Option<Timestamp>,
}

impl Lending {
    /// The stop that is open.
    #[must_use]
    pub fn stop(&self) -> Option<OpenStop> {
        self.clerk.memory().stop().cloned()
    }

    /// What was done at a stop, but for blocks, and can be undone; oldest first.
    #[must_use]
    pub fn undoable_at(&self, stop: &Label) -> Vec<Undoable> {
        self.clerk.memory().undoable_at(stop)
    }

    /// The block loans of which items are out, by name.
    #[must_use]
    pub fn blocks_out(&self) -> Vec<BlockOut> {
        self.clerk.memory().blocks_out()
    }

    /// The stops that are planned, from the papers.
    #[must_use]
    pub fn stops(&self) -> Vec<PlannedStop> {
        let papers = self.clerk.papers.load();
        papers.as_ref().map_or_else(Vec::new, |p| p.stops.clone())
    }

    /// The facts of this device that the library system disputes, from the papers.
    #[must_use]
    pub fn conflicts(&self) -> Vec<ReturnedConflict> {
        let papers = self.clerk.papers.load();
        papers
            .as_ref()
            .map_or_else(Vec::new, |p| p.conflicts.clone())
    }

    /// The papers this device lends by; none where it has none.
    #[must_use]
    pub fn papers(&self) -> Option<PapersView> {
        let papers = self.clerk.papers.load();
        papers.as_ref().map(|papers| PapersView {
            revision: papers.revision.clone(),
            fetched: papers.fetched,
            blocked: papers.blocked(),
            blocks_as_of: papers.blocks_as_of,
        })
    }

    /// Why the last asking for papers failed; none where it did not.
    #[must_use]
    pub fn papers_trouble(&self) -> Option<String> {
        let trouble = self.clerk.papers_trouble.load();
        trouble.as_deref().cloned()
    }

    /// Papers and trouble, for the account of the agent.
    pub(super) fn papers_status(&self) -> PapersStatus {
        PapersStatus {
            held: self.papers(),
            trouble: self.papers_trouble(),
        }
    }

    /// The time it is in the library, as far as this device knows.
    #[must_use]
    pub fn now(&self) -> Zoned {
        let zone = self.clerk.policy.time_zone().clone();
        self.clerk.now().to_zoned(zone)
    }

    /// The library's time zone.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        self.clerk.policy.time_zone().clone()
    }

    /// The day it is in the library, as far as this device knows.
    #[must_use]
    pub fn today(&self) -> jiff::civil::Date {
        self.clerk.policy.day(self.clerk.now())
    }

    /// The link to the gateway.
    #[must_use]
    pub fn link(&self) -> LinkView {
        let (link, since) = self.clerk.board.link_shown();
        LinkView { link, since }
    }

    /// What waits for the gateway, and how it goes.
    ///
    /// # Errors
    /// Where the outbox cannot be read.
    pub async fn waiting(&self) -> Result<Waiting, OutboxError> {
        let clerk = self.clerk.clone();
        self.clerk.outbox.with(move |_| clerk.waiting()).await
    }

    /// Moves with whatever the views show.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.clerk.changes.subscribe()
    }
}

impl Clerk {
    /// Has it on disk what a synchronisation did. Without room it is known until the agent ends.
    fn keep_synchronisation(&self, ended: &Synchronisation) {
        let text = serde_json::to_string(ended).expect("it has plain members only");
        let note = Note {
            name: SYNC_NOTE.into(),
            text: Some(text),
        };
        let stamp = Stamp::now(self.clock.as_ref());
        let kept = (self.outbox).record_noting(&stamp, Vec::new(), |_| vec![note]);
        if let Err(error) = kept {
            let reason = chain(&error);
            tracing::warn!(reason, "what the last synchronisation did is not kept");
        }
    }

    /// Looks at what waits, and has the meter see it.
    fn waiting(&self) -> Result<Waiting, OutboxError> {
        // From before the look: of two looks the meter has to see the later one last.
        let mut meter = self.meter();
        let depth = self.outbox.depth()?;
        let backlog = Backlog {
            settled: depth.values().map(|depth| depth.settled).sum(),
            waiting: depth.values().map(|depth| depth.waiting).sum(),
        };
        let (now, wall) = (self.clock.uptime().as_duration(), self.clock.wall());
        if let Some(ended) = meter.observe(now, wall, self.line(), backlog)
            && meter.is_worth_keeping(now, &ended)
        {
            self.keep_synchronisation(&ended);
        }
        self.heard(depth.get(&Stream::Loan).map_or(0, |depth| depth.settled));
        let oldest = self.outbox.oldest_waiting()?;
        Ok(Waiting {
            facts: backlog.waiting,
            loans: depth.get(&Stream::Loan).map_or(0, |depth| depth.waiting),
            oldest: oldest.map(|oldest| oldest.age(self.clock.as_ref())),
            synchronisation: meter.last(),
            estimate: meter.estimate(backlog.waiting),
        })
    }
}
