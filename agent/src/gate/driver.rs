//! Reads the counter, asks the core, writes what it says. A reading is forgotten unless what it
//! led to is on disk: the core moves on only after the outbox has taken its facts.

use std::sync::Arc;
use std::time::Duration;

use lujiang_config::GateSection;
use lujiang_wire::{Clock, Fact, Moment};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::modbus::Line;
use super::{Gate, GateRules, Mark, Memory, Outcome};
use crate::backoff::Backoff;
use crate::outbox::{Note, Outbox, OutboxError, Stamp};
use crate::status::Board;

/// The name of the gate's note in the outbox.
const NOTE: &str = "gate";

/// Longest pause before a doubted reading is repeated.
const DOUBT_PAUSE_MAX: Duration = Duration::from_secs(1);

/// Shortest pause between two readings: a boundary that is now is not waited for in a circle.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// Longest pause after failures, in polls.
const FAILING_POLLS_MAX: u32 = 12;

/// Readings at the end: the last one, and one more if it is doubted, and one in case of silence.
const LAST_READINGS: usize = 3;

/// The task that owns a gate.
pub(crate) struct Driver {
    gate: Gate,
    line: Line,
    poll: Duration,
    outbox: Outbox,
    clock: Arc<dyn Clock>,
    board: Arc<Board>,
    backoff: Backoff,
    failing: bool,
}

impl Driver {
    /// A driver that goes on where the last run ended.
    pub(crate) fn new(
        section: &GateSection,
        outbox: Outbox,
        clock: Arc<dyn Clock>,
        board: Arc<Board>,
    ) -> Result<Self, OutboxError> {
        let memory = recall(&outbox)?;
        Ok(Self {
            gate: Gate::new(GateRules::of(section), memory),
            line: Line::new(section.clone()),
            poll: section.poll,
            outbox,
            clock,
            board,
            backoff: Backoff::new(section.poll, section.poll * FAILING_POLLS_MAX),
            failing: false,
        })
    }

    /// Reads until it is told to stop, then once more, and ends the period.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.tick().await;
            let pause = self.pause();
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(pause) => {}
            }
        }
        for _ in 0..LAST_READINGS {
            self.tick().await;
            if !self.failing && !self.gate.is_doubting() {
                break;
            }
        }
        self.take(|gate, now| gate.finish(now)).await;
    }

    async fn tick(&mut self) {
        match self.line.read().await {
            Ok(totals) => {
                self.failing = false;
                self.backoff.reset();
                let outcome = self
                    .take(|gate, now| gate.handle_reading(now, totals))
                    .await;
                let doubted = outcome.is_some_and(|outcome| outcome.doubted);
                if doubted {
                    tracing::info!(entered = totals.entered, left = ?totals.left, "a reading is doubted");
                }
                self.board.gate_read(doubted, self.gate.totals());
            }
            Err(error) => {
                if !self.failing {
                    tracing::warn!(%error, "the counter cannot be read");
                }
                self.failing = true;
                self.board.gate_failed(error.to_string());
                self.take(Gate::handle_silence).await;
            }
        }
    }

    /// Lets a copy of the core decide, writes what it decided, and only then keeps the copy.
    async fn take(&mut self, decide: impl FnOnce(&mut Gate, &Mark) -> Outcome) -> Option<Outcome> {
        let now = Mark::now(self.clock.as_ref());
        let mut gate = self.gate.clone();
        let outcome = decide(&mut gate, &now);
        if outcome.remember || !outcome.periods.is_empty() {
            let facts: Vec<Fact> = outcome
                .periods
                .iter()
                .cloned()
                .map(Fact::VisitCounted)
                .collect();
            let note = gate.memory().map(|memory| Note {
                name: NOTE.into(),
                text: Some(serde_json::to_string(memory).expect("a memory has plain members only")),
            });
            let stamp = Stamp {
                time: now.wall,
                moment: Moment {
                    boot: now.boot.clone(),
                    uptime: now.uptime,
                },
            };
            let written = self
                .outbox
                .with(move |outbox| outbox.record(&stamp, facts, note))
                .await;
            if let Err(error) = written {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "visits cannot be written; they are counted again at the next reading"
                );
                return None;
            }
        }
        self.gate = gate;
        Some(outcome)
    }

    fn pause(&mut self) -> Duration {
        if self.failing {
            return self.backoff.next_pause();
        }
        let most = if self.gate.is_doubting() {
            self.poll.min(DOUBT_PAUSE_MAX)
        } else {
            self.poll
        };
        let boundary = self.gate.until_boundary(self.clock.wall());
        boundary.clamp(PAUSE_MIN.min(most), most)
    }
}

/// What the last run remembered; a damaged memory is none, and the next reading begins anew.
fn recall(outbox: &Outbox) -> Result<Option<Memory>, OutboxError> {
    let text = match outbox.note(NOTE) {
        Ok(text) => text,
        Err(error @ OutboxError::Damaged { .. }) => {
            tracing::error!(%error, "the last reading is lost: counting begins anew");
            None
        }
        Err(error) => return Err(error),
    };
    let Some(text) = text else { return Ok(None) };
    match serde_json::from_str(&text) {
        Ok(memory) => Ok(Some(memory)),
        Err(error) => {
            tracing::error!(%error, "the last reading is of another version: counting begins anew");
            Ok(None)
        }
    }
}
