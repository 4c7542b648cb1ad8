//! `GET /api/v1/live`: what changes, as server-sent events.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use futures_util::stream::{self, Stream};
use lujiang_wire::DeviceId;
use serde_json::{Value, json};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::ApiState;
use super::access::{Caller, Means};
use super::problem::{Problem, ProblemKind, Problems};
use crate::entry::{EntryNumber, Verdict};
use crate::ledger::LedgerReader;
use crate::live::{Change, Concerned, Rooms, Watcher};
use crate::people::People;

/// A page knows after three missed beats that its figures are old.
const BEAT: Duration = Duration::from_secs(5);
/// How soon a browser tries again.
const RETRY: Duration = Duration::from_secs(2);
/// Entries looked at for one telling; beyond it everything counts as changed.
const ENTRIES_MAX: usize = 1_000;

/// What changes, as it changes
///
/// Events: `visits` `{"sites": [ids] or null for any}`, `devices` `{"devices": [rows] or null for
/// any}`, `quarantine` `{}`, `rollouts` `{}`, `folded` `{"entry"}`, `beat` `{}` every five seconds. Each kind
/// comes at most once a second; a reader too slow for them is told nulls.
#[utoipa::path(
    get, path = "/live", tag = "figures",
    responses(
        (status = 200, description = "The changes", body = String, content_type = "text/event-stream"),
        (status = 503, description = "As many streams as are allowed are open",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
        Problems,
    )
)]
pub(super) async fn live(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let watcher = state.live.watch().ok_or_else(|| {
        Problem::new(
            ProblemKind::TooMany,
            "as many live streams are open as http.live_max allows",
        )
    })?;
    let mut beat = tokio::time::interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let told = Telling {
        watcher,
        beat,
        stopping: state.stopping.clone(),
        people: state.people.clone(),
        means: caller.means,
        next: VecDeque::from([Event::default().retry(RETRY)]),
    };
    Ok(Sse::new(stream::unfold(told, Telling::next)))
}

/// A stream on its way to one reader.
struct Telling {
    watcher: Watcher,
    beat: Interval,
    stopping: CancellationToken,
    people: People,
    means: Means,
    next: VecDeque<Event>,
}

impl Telling {
    /// The next event; none when the gateway stops, or the session or the token of the reader is
    /// not good any more: within a beat, for that is told too.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        while self.next.is_empty() {
            tokio::select! {
                () = self.stopping.cancelled() => return None,
                _ = self.beat.tick() => self.next.push_back(event("beat", &json!({}))),
                change = self.watcher.next() => self.next.extend(events(&change?)),
            }
        }
        if !self.people.is_known(&self.means) {
            return None;
        }
        let event = self.next.pop_front()?;
        Some((Ok(event), self))
    }
}

fn events(change: &Change) -> Vec<Event> {
    match change {
        Change::Visits { sites } => vec![event("visits", &json!({ "sites": sites }))],
        Change::Devices(rows) => vec![event("devices", &json!({ "devices": rows }))],
        Change::Quarantine => vec![event("quarantine", &json!({}))],
        Change::Rollouts => vec![event("rollouts", &json!({}))],
        Change::Folded(entry) => vec![event("folded", &json!({ "entry": entry.0 }))],
        Change::Everything => vec![
            event("visits", &json!({ "sites": null })),
            event("devices", &json!({ "devices": null })),
            event("quarantine", &json!({})),
            event("rollouts", &json!({})),
        ],
    }
}

fn event(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}

impl Rooms for ApiState {
    fn device_row(&self, device: &DeviceId) -> Option<Value> {
        let device = self.registry.device(device)?;
        // While the figures are rebuilt there is no row; the page is told again afterwards.
        let row = ApiState::device_row(self, &device).ok()?;
        Some(serde_json::to_value(row).expect("a row is always JSON"))
    }

    fn concerned(&self, after: EntryNumber, upto: EntryNumber) -> Option<Concerned> {
        let count = usize::try_from(upto.0.checked_sub(after.0)?).ok()?;
        if count > ENTRIES_MAX {
            return None;
        }
        let entries = self.store.entries_after(after, count).ok()?;
        Some(Concerned {
            quarantined: entries
                .iter()
                .any(|entry| !matches!(entry.verdict, Verdict::Accepted { .. })),
            devices: entries.into_iter().map(|entry| entry.device).collect(),
        })
    }

    fn sites_of(&self, devices: &BTreeSet<DeviceId>) -> BTreeSet<String> {
        let places = self.registry.places();
        let stood = places
            .placements
            .iter()
            .filter(|placement| devices.contains(&placement.device));
        stood
            .filter_map(|placement| placement.site.as_ref())
            .map(ToString::to_string)
            .collect()
    }
}
