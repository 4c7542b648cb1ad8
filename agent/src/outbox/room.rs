//! What goes when the outbox is full: settled facts first, then visits are merged into longer
//! periods, and only then are the oldest visits given up, by name. A fact that may have been on
//! a wire is never merged: the gateway may have counted it. A loan is never given up: where there
//! is no room left, the next one is refused before it happens.

use std::time::Duration;

use lujiang_wire::{Event, Fact, Flag, Stream, VisitCounted};
use rusqlite::{Transaction, params};

use super::database::{self, integer};
use super::{Outbox, OutboxError, Stamp, row};

/// Settled rows deleted at once.
const SETTLED_CHUNK: i64 = 500;

/// Visits looked at, or given up, at once.
const VISIT_CHUNK: usize = 500;

/// Longest periods that merging makes, tried in this order: a figure by the hour keeps its
/// meaning as long as possible.
const SPANS: [Duration; 2] = [Duration::from_secs(3_600), Duration::from_secs(24 * 3_600)];

/// Shortest run worth merging: naming the numbers that went takes a row too.
const RUN_MIN: usize = 4;

/// Periods this close to each other are one after the other.
const SEAM: Duration = Duration::from_secs(2);

/// Whether there is room below the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Enough,
    /// There is none, and what is left may not go.
    None,
}

impl Outbox {
    /// Brings the file below its bound before facts are added, if what may go is enough for it.
    pub(super) fn make_room(
        &self,
        transaction: &Transaction<'_>,
        stamp: &Stamp,
    ) -> Result<Room, OutboxError> {
        let over =
            || Ok::<bool, OutboxError>(database::bytes_used(transaction)? > self.shared.size_max);
        while over()? {
            if delete_settled(transaction)? > 0 {
                continue;
            }
            let mut merged = 0;
            for span in SPANS {
                merged = self.merge_visits(transaction, stamp, span)?;
                if merged > 0 {
                    break;
                }
            }
            if merged == 0 && !self.give_up_visits(transaction, stamp)? {
                return Ok(Room::None);
            }
        }
        Ok(Room::Enough)
    }

    /// Merges runs of the oldest visits that no wire has seen; how many rows that saved.
    fn merge_visits(
        &self,
        transaction: &Transaction<'_>,
        stamp: &Stamp,
        span: Duration,
    ) -> Result<usize, OutboxError> {
        let mark = database::mark(transaction, Stream::Visit)?;
        let mut after = mark.offered.max(mark.settled);
        let mut saved = 0;
        loop {
            let rows = row::after(transaction, Stream::Visit, after, VISIT_CHUNK)?;
            let Some(last) = rows.last() else {
                return Ok(saved);
            };
            after = last.sequence;
            for run in runs(rows, span) {
                saved += run.events.len() - 1;
                self.replace(transaction, stamp, run)?;
            }
            if saved > 0 {
                return Ok(saved);
            }
        }
    }

    /// Puts one longer period in the place of the last of its run; the other numbers are given
    /// up by name, their counts are not.
    fn replace(
        &self,
        transaction: &Transaction<'_>,
        stamp: &Stamp,
        run: Run,
    ) -> Result<(), OutboxError> {
        let Some(last) = run.events.last() else {
            return Ok(());
        };
        let (Some(place), Some(moment)) = (last.place.clone(), last.moment.clone()) else {
            return Ok(());
        };
        let event = Event::of_agent(
            self.shared.device.clone(),
            place,
            moment,
            last.time,
            Fact::VisitCounted(run.visit),
        );
        row::delete(transaction, Stream::Visit, run.from, run.to)?;
        row::insert(transaction, Stream::Visit, run.to, &event.to_json())?;
        let reason = format!("merged into visit {} to save room", run.to);
        self.drop_range(
            transaction,
            stamp,
            Stream::Visit,
            run.from,
            run.to - 1,
            &reason,
        )
    }

    /// Gives up the oldest visits; whether there were any.
    fn give_up_visits(
        &self,
        transaction: &Transaction<'_>,
        stamp: &Stamp,
    ) -> Result<bool, OutboxError> {
        let settled = database::mark(transaction, Stream::Visit)?.settled;
        let rows = row::after(transaction, Stream::Visit, settled, VISIT_CHUNK)?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            return Ok(false);
        };
        let (from, to) = (first.sequence, last.sequence);
        tracing::error!(from, to, "the outbox is full: visits are given up");
        row::delete(transaction, Stream::Visit, from, to)?;
        self.drop_range(transaction, stamp, Stream::Visit, from, to, "no room")?;
        Ok(true)
    }
}

/// Visits that one after the other make one period.
struct Run {
    from: u64,
    to: u64,
    events: Vec<Event>,
    visit: VisitCounted,
}

impl Run {
    fn of(sequence: u64, event: Event, visit: VisitCounted) -> Self {
        Self {
            from: sequence,
            to: sequence,
            events: vec![event],
            visit,
        }
    }

    /// Whether this visit continues the run without making it longer than `span`.
    fn takes(&self, sequence: u64, visit: &VisitCounted, span: Duration) -> bool {
        let seam = visit.from.duration_since(self.visit.to).unsigned_abs();
        let length = visit.to.duration_since(self.visit.from);
        sequence > self.to
            && seam <= SEAM
            && !length.is_negative()
            && length.unsigned_abs() <= span
            && visit.is_observed() == self.visit.is_observed()
    }

    fn take(&mut self, sequence: u64, event: Event, visit: VisitCounted) {
        self.to = sequence;
        self.events.push(event);
        self.visit.to = visit.to;
        self.visit.entered = self.visit.entered.saturating_add(visit.entered);
        self.visit.left = self.visit.left.saturating_add(visit.left);
        self.visit.raw = visit.raw;
        for flag in visit.flags.into_iter().chain([Flag::Merged]) {
            if !self.visit.flags.contains(&flag) {
                self.visit.flags.push(flag);
            }
        }
    }
}

/// The runs among these rows that are worth merging.
fn runs(rows: Vec<row::Row>, span: Duration) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut broken = true;
    for row in rows {
        let event = Event::from_json(&row.text).ok().filter(|_| row.is_whole());
        let visited = event.and_then(|event| match event.fact() {
            Fact::VisitCounted(visit) => Some((visit.clone(), event)),
            // Of all facts only counts can be added up.
            _ => None,
        });
        let Some((visit, event)) = visited else {
            broken = true;
            continue;
        };
        match runs.last_mut() {
            Some(run) if !broken && run.takes(row.sequence, &visit, span) => {
                run.take(row.sequence, event, visit);
            }
            Some(_) | None => runs.push(Run::of(row.sequence, event, visit)),
        }
        broken = false;
    }
    runs.retain(|run| run.events.len() >= RUN_MIN);
    runs
}

fn delete_settled(transaction: &Transaction<'_>) -> Result<usize, OutboxError> {
    let mut deleted = 0;
    for stream in Stream::ALL {
        let settled = database::mark(transaction, stream)?.settled;
        deleted += transaction
            .prepare_cached(
                "DELETE FROM fact WHERE stream = ?1 AND sequence IN (
                     SELECT sequence FROM fact WHERE stream = ?1 AND sequence <= ?2
                     ORDER BY sequence LIMIT ?3)",
            )?
            .execute(params![stream.as_str(), integer(settled), SETTLED_CHUNK])?;
    }
    Ok(deleted)
}
