//! `/healthz`, `/readyz` and `/metrics`: open to whoever reaches the port, because monitors have
//! no session; they hold no personal data, and the port is on loopback in this version.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lujiang_broker::ConnectRefusal;
use lujiang_wire::LinkState;

use super::peer::{Peer, Scheme};
use super::problem::{Problem, ProblemKind};
use super::{ApiState, blocking};
use crate::alarms::{DeviceAlarm, raised};
use crate::metrics::{Counter, Gauge, Reading, TEXT_FORMAT};
use crate::rollout::{State as RolloutState, Why};
use crate::rollouts::Entry;
use crate::views::ViewError;
use crate::views::report::GapState;

/// The process answers
#[utoipa::path(
    get, path = "/healthz", tag = "probes", security(()),
    responses((status = 200, description = "It does", body = String, content_type = "text/plain"))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Facts can be kept and figures shown
#[utoipa::path(
    get, path = "/readyz", tag = "probes", security(()),
    responses(
        (status = 200, description = "They can", body = String, content_type = "text/plain"),
        (status = 503, description = "They cannot; `reasons` says why",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub(super) async fn readyz(State(state): State<ApiState>) -> Result<&'static str, Problem> {
    let reasons = blocking(move || state.not_ready()).await?;
    if reasons.is_empty() {
        return Ok("ready\n");
    }
    let detail = reasons.join("; ");
    Err(Problem::new(ProblemKind::NotReady, detail).with_reasons(reasons))
}

/// Metrics, for Prometheus on this machine; not over HTTPS, where strangers ask
#[utoipa::path(
    get, path = "/metrics", tag = "probes", security(()),
    responses((status = 200, description = "All metrics", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(
    State(state): State<ApiState>,
    peer: Peer,
) -> Result<Response, Problem> {
    if peer.scheme == Scheme::Tls {
        let detail = "metrics are served without TLS only ([http] listen)";
        return Err(Problem::new(ProblemKind::NotAllowed, detail));
    }
    let text = blocking(move || state.metrics.scrape(&state.reading())).await?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}

impl ApiState {
    /// What is not ready; blocking.
    fn not_ready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.stopping.is_cancelled() {
            reasons.push("the gateway is stopping".to_owned());
        }
        if !self.intake.has_room() {
            reasons.push("there is no room on the disk: facts are not taken".to_owned());
        }
        let mut devices = self.registry.devices();
        if let Some(device) = devices.pop()
            && let Err(error @ ViewError::Rebuilding { .. }) =
                self.views.device(&device.id, &|_| None)
        {
            reasons.push(error.to_string());
        }
        reasons
    }

    /// What the other rooms say now; blocking.
    fn reading(&self) -> Reading {
        let mut reading = Reading::default();
        let counts = self.intake.counters().read();
        let door = self.switchboard.metrics();
        for (counter, value) in [
            (Counter::FactsAccepted, counts.accepted),
            (Counter::FactsRepeated, counts.repeated),
            (Counter::PayloadsRefused, counts.refused),
            (Counter::DoorAccepted, door.accepted.get()),
            (Counter::DoorPublishes, door.publishes.get()),
            (Counter::DoorTimeouts, door.timeouts.get()),
            (Counter::DoorPanics, door.connection_panics.get()),
            (Counter::DoorSlowed, door.slowed.get()),
            (
                Counter::DoorDropped,
                door.fan_out_dropped.get() + door.outgoing_dropped.get(),
            ),
            (Counter::RouterRestarts, door.router_restarts.get()),
            (Counter::ViewsRebuilt, self.views.rebuilds()),
            (Counter::BlobBytesServed, self.content.bytes_served()),
        ] {
            reading.counters.insert((counter, String::new()), value);
        }
        self.read_refusals(&mut reading.counters);
        for (reason, value) in counts.quarantined {
            let label = reason.as_str().to_owned();
            reading
                .counters
                .insert((Counter::Quarantined, label), value);
        }
        let connections = count(self.switchboard.connections());
        let head = self.store.head_watch().borrow().number.0;
        let folded = self.views.folded().borrow().0;
        for (gauge, value) in [
            (Gauge::DoorConnections, connections),
            (Gauge::QueuedPayloads, count(self.intake.queued())),
            (
                Gauge::CertificateExpiry,
                self.authority.shown().validity.not_after.as_second(),
            ),
            (Gauge::LedgerEntries, head),
            (Gauge::ViewsBehind, head.saturating_sub(folded).max(0)),
            (Gauge::HasRoom, i64::from(self.intake.has_room())),
            (Gauge::Sessions, count(self.people.counts().0)),
            (Gauge::LiveStreams, count(self.live.watchers())),
            (
                Gauge::BlobBytes,
                i64::try_from(self.content.blob_bytes()).unwrap_or(i64::MAX),
            ),
        ] {
            reading.gauges.insert((gauge, String::new()), value);
        }
        for role in self.content.standing() {
            let ends = (Gauge::SignatureExpiry, role.role.as_str().to_owned());
            reading.gauges.insert(ends, role.expires.as_second());
        }
        self.read_devices(&mut reading.gauges);
        self.read_rollouts(&mut reading.gauges);
        reading
    }

    /// What the door refused, and why connections ended.
    fn read_refusals(&self, counters: &mut BTreeMap<(Counter, String), u64>) {
        let door = self.switchboard.metrics();
        let refused = door.requests_refused();
        let refused = refused.map(|(reason, count)| (Counter::DoorRequestsRefused, reason, count));
        let ended = door.ended();
        let ended = ended.map(|(reason, count)| (Counter::DoorEnded, reason, count));
        for (counter, reason, count) in refused.chain(ended).filter(|(.., count)| *count > 0) {
            counters.insert((counter, reason.to_owned()), count);
        }
        for reason in ConnectRefusal::ALL {
            let refused = (Counter::DoorRefused, reason.as_str().to_owned());
            counters.insert(refused, door.refused(reason));
        }
    }

    /// Silent devices and those expected off-line are told as that, not as what they were.
    fn read_rollouts(&self, gauges: &mut BTreeMap<(Gauge, String), i64>) {
        let now = self.clock.wall();
        let entries = self.rollouts.entries();
        let is_held =
            |entry: &Arc<Entry>| matches!(entry.rollout.state().why(), Some(Why::Failures(..)));
        let held = entries.iter().filter(|entry| is_held(entry)).count();
        let alarm = (Gauge::Alarms, "rollout".to_owned());
        gauges.insert(alarm, i64::try_from(held).unwrap_or(i64::MAX));
        let is_live =
            |entry: &&Arc<Entry>| !matches!(entry.rollout.state(), RolloutState::Aborted(_));
        let Some(newest) = entries.iter().find(is_live) else {
            return;
        };
        let patience = newest.rollout.planned().patience;
        for member in newest.rollout.members().values() {
            let state = match member.is_excused(now) {
                true => "excused",
                false if member.is_absent(patience, now) => "absent",
                false => member.progress.as_str(),
            };
            let gauge = (Gauge::RolloutDevices, state.to_owned());
            *gauges.entry(gauge).or_insert(0) += 1;
        }
    }

    /// While the figures are rebuilt, what depends on them is left out rather than wrong.
    fn read_devices(&self, gauges: &mut BTreeMap<(Gauge, String), i64>) {
        let mut add = |gauge, label: &str, number: u64| {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            let sum = gauges.entry((gauge, label.to_owned())).or_insert(0);
            *sum = sum.saturating_add(number);
        };
        for state in ["online", "offline", "unknown"] {
            add(Gauge::Devices, state, 0);
        }
        let certificate = u64::from(self.has_certificate_alarm());
        add(Gauge::Alarms, "certificate", certificate);
        let ending = self.content.standing();
        let ending = ending.iter().filter(|role| role.ends_soon).count();
        add(Gauge::Alarms, "content-signature", ending as u64);
        for device in self.registry.devices() {
            let contact = self.presence.of(&device.id);
            let state = match contact.link {
                LinkState::Online => "online",
                LinkState::Offline => "offline",
                LinkState::Unknown => "unknown",
            };
            add(Gauge::Devices, state, 1);
            let Ok(figures) = self.device_figures(&device.id) else {
                continue;
            };
            let gaps = || figures.streams.iter().flat_map(|stream| &stream.gaps);
            for state in [GapState::Open, GapState::Waiting, GapState::Lost] {
                let here = gaps().filter(|gap| gap.state == state).count();
                add(Gauge::Gaps, state.as_str(), here as u64);
                add(Gauge::MissingFacts, state.as_str(), figures.missing(state));
            }
            let raised = raised(&contact, &figures);
            for alarm in DeviceAlarm::ALL {
                let is_raised = raised.iter().any(|it| it.alarm == alarm);
                add(Gauge::Alarms, alarm.as_str(), u64::from(is_raised));
            }
        }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
