//! `GET /api/v1/devices` and `…/{device}`: what is known of devices, from registry, presence and
//! figures together.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use lujiang_wire::{DeviceId, LinkState, Reported, Screen};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

use super::csv::{Format, Table};
use super::parameters::{Parameters, PathId};
use super::problem::{Problem, Problems};
use super::visits::GapRow;
use super::{ApiState, blocking};
use crate::alarms::{Raised, raised};
use crate::presence::Contact;
use crate::registry::Device;
use crate::views::report::{DeviceFigures, GapState, StreamState};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct DevicesParams {
    /// `json` or `csv`; goes before the header `Accept`.
    #[param(required = false)]
    format: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct NoParams {}

/// More of a device's own words is not shown.
const REFUSED_CHARS_MAX: usize = 500;

/// All devices.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Devices {
    devices: Vec<DeviceRow>,
}

/// A device in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceRow {
    device: String,
    /// Its name for people.
    name: String,
    /// `gate`, `self-checkout`, `kiosk`, `bus` or `other`.
    kind: &'static str,
    /// Where it stands.
    #[schema(required = true)]
    site: Option<String>,
    /// Whether it may connect.
    enabled: bool,
    /// `online`, `offline`, or `unknown` since the gateway restarted.
    #[schema(value_type = String)]
    link: LinkState,
    /// Since when; null before its first connection.
    #[schema(required = true)]
    since: Option<Timestamp>,
    /// When anything last came from it.
    #[schema(required = true)]
    last_contact: Option<Timestamp>,
    /// When its last fact was received.
    #[schema(required = true)]
    last_fact: Option<Timestamp>,
    /// Why its last connection ended, while it is not connected.
    #[schema(required = true)]
    ended: Option<String>,
    /// Name and version of its agent.
    #[schema(required = true)]
    agent: Option<String>,
    /// What it last measured of its clock.
    #[schema(required = true)]
    clock: Option<ClockRow>,
    /// Facts it wrote that have not come yet.
    waiting: u64,
    /// Facts that should have come and have not.
    open: u64,
    /// Facts that will never come.
    lost: u64,
    /// Elements of it in quarantine that nobody has decided on.
    quarantined: u64,
    /// Of these, ids used twice with different content.
    id_conflicts: u64,
    /// What of it was refused since the gateway started.
    refused: u64,
    /// The last of these.
    #[schema(required = true)]
    last_refusal: Option<RefusalRow>,
    /// What somebody should look at.
    alarms: Vec<AlarmRow>,
}

/// One device with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeviceDetail {
    #[serde(flatten)]
    row: DeviceRow,
    /// Where it last connected from.
    #[schema(required = true)]
    peer: Option<String>,
    /// Its latest sample.
    #[schema(required = true)]
    telemetry: Option<TelemetryRow>,
    /// Its screens, where it has some: what each shows.
    screens: Vec<ScreenRow>,
    /// What it was given of releases and notices and does not take, in its own words.
    #[schema(required = true)]
    content_refused: Option<String>,
    /// Facts accepted.
    facts: u64,
    /// Flags seen on counted periods, newest day first.
    flagged_days: Vec<FlaggedDay>,
    /// Its streams, newest life of its outbox first.
    streams: Vec<StreamRow>,
}

/// A measurement of a clock.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClockRow {
    /// The gateway's time at the measurement.
    time: Timestamp,
    /// The largest error.
    error_ms: u64,
    /// Whether it holds for the boot the device is in: facts of that boot are placed exactly.
    synced: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RefusalRow {
    at: Timestamp,
    topic: String,
    reason: String,
}

/// Something somebody should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AlarmRow {
    /// `id-conflict`: an id was used twice with different content, as by a cloned card;
    /// `facts-lost`: facts will never come; `refused`: the device asked for what it may not do;
    /// `self-checkout-out-of-paper`, `self-checkout-out-of-service`, `library-system-away` and
    /// `payment-unresolved`: so says the latest sample of the device with the self-checkouts;
    /// `screen-silent`: so says a kiosk of a page that shows no life; `content-refused`: a kiosk
    /// does not take what it was given, though no release came with it.
    kind: &'static str,
    /// How often.
    count: u64,
    /// Since when, where that is known.
    #[schema(required = true)]
    since: Option<Timestamp>,
    /// What to do, as a key for the words of a page.
    remedy: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TelemetryRow {
    /// By the device's clock.
    time: Timestamp,
    metrics: BTreeMap<String, f64>,
}

/// A screen of a kiosk.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScreenRow {
    /// `left`: the shelf; `right`: the announcements.
    screen: &'static str,
    /// What it showed when its page last spoke: `shelf`, `reader`, `notice:closed-tomorrow`.
    shows: String,
    /// When that was, by the device's clock.
    seen: Timestamp,
    /// Whether its page has shown no life since, so that somebody should look.
    is_silent: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FlaggedDay {
    #[schema(format = Date)]
    day: String,
    flag: String,
    count: u64,
}

/// One stream of one life of an outbox.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StreamRow {
    epoch: String,
    stream: String,
    /// Whether this is the device's newest life.
    current: bool,
    /// In the ledger without a hole up to here.
    through: u64,
    /// Highest number in the ledger.
    highest: u64,
    /// Last number the device says it wrote, where it said.
    #[schema(required = true)]
    written: Option<u64>,
    gaps: Vec<GapRow>,
}

/// All devices and their state
#[utoipa::path(
    get, path = "/devices", tag = "devices", params(DevicesParams),
    responses(
        (status = 200, description = "The devices, by id", content(
            (Devices = "application/json"), (String = "text/csv"),
        )),
        Problems,
    )
)]
pub(super) async fn devices(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Parameters::of::<DevicesParams>(&uri)?;
    let format = Format::asked(asked.text("format"), &headers)?;
    let rows = blocking(move || {
        let devices = state.registry.devices();
        devices
            .iter()
            .map(|device| state.device_row(device))
            .collect::<Result<Vec<_>, Problem>>()
    })
    .await??;
    Ok(match format {
        Format::Json => Json(Devices { devices: rows }).into_response(),
        Format::Csv => table(&rows).into_response(),
    })
}

/// One device: its streams with their gaps, its latest sample, its alarms
#[utoipa::path(
    get, path = "/devices/{device}", tag = "devices",
    params(("device" = String, Path, description = "Its id")),
    responses((status = 200, description = "The device", body = DeviceDetail), Problems)
)]
pub(super) async fn device(
    State(state): State<ApiState>,
    PathId(id): PathId,
    uri: Uri,
) -> Result<Json<DeviceDetail>, Problem> {
    Parameters::of::<NoParams>(&uri)?;
    let device = state
        .registry
        .device(&id)
        .ok_or_else(|| Problem::missing("device", id.as_str()))?;
    let detail = blocking(move || state.device_detail(&device)).await??;
    Ok(Json(detail))
}

impl ApiState {
    /// The row of a device; blocking.
    pub(super) fn device_row(&self, device: &Device) -> Result<DeviceRow, Problem> {
        let contact = self.presence.of(&device.id);
        let figures = self.device_figures(&device.id)?;
        Ok(DeviceRow::of(device, &contact, &figures))
    }

    fn device_detail(&self, device: &Device) -> Result<DeviceDetail, Problem> {
        let contact = self.presence.of(&device.id);
        let figures = self.device_figures(&device.id)?;
        Ok(DeviceDetail {
            row: DeviceRow::of(device, &contact, &figures),
            content_refused: contact.content_refused().map(|it| {
                let detail = it.detail.chars().take(REFUSED_CHARS_MAX);
                format!("{}: {}", it.reason, detail.collect::<String>())
            }),
            screens: contact
                .reported
                .iter()
                .flat_map(|it| screens(&it.reported))
                .collect(),
            peer: contact.peer.map(|peer| peer.to_string()),
            telemetry: contact.telemetry.map(|sample| TelemetryRow {
                time: sample.time,
                metrics: sample.metrics,
            }),
            facts: figures.facts,
            flagged_days: figures
                .flagged_days
                .iter()
                .map(|(day, flag, count)| FlaggedDay {
                    day: day.to_string(),
                    flag: flag.clone(),
                    count: *count,
                })
                .collect(),
            streams: figures.streams.iter().map(StreamRow::of).collect(),
        })
    }

    /// What the figures say of a device; blocking.
    pub(super) fn device_figures(&self, id: &DeviceId) -> Result<DeviceFigures, Problem> {
        let written = |device: &DeviceId| self.presence.written(device);
        let mut figures = self.views.device(id, &written)?;
        // The views count what ever came; what nobody has decided on is what concerns somebody.
        let open = self.store.open_asides(id)?;
        (figures.quarantined, figures.id_conflicts) = (open.rows, open.id_conflicts);
        Ok(figures)
    }
}

impl DeviceRow {
    fn of(device: &Device, contact: &Contact, figures: &DeviceFigures) -> Self {
        let boot = contact.status.as_ref().and_then(|it| it.boot.as_ref());
        Self {
            device: device.id.to_string(),
            name: device.name.clone(),
            kind: device.kind.as_str(),
            site: device.site.as_ref().map(ToString::to_string),
            enabled: device.enabled,
            link: contact.link,
            since: contact.since,
            last_contact: contact.last_contact,
            last_fact: figures.last_fact,
            ended: contact.ended.clone(),
            agent: contact.agent.clone(),
            clock: contact.clock.as_ref().map(|clock| ClockRow {
                time: clock.time,
                error_ms: clock.error_ms,
                synced: boot.is_none_or(|boot| *boot == clock.boot),
            }),
            waiting: figures.missing(GapState::Waiting),
            open: figures.missing(GapState::Open),
            lost: figures.missing(GapState::Lost),
            quarantined: figures.quarantined,
            id_conflicts: figures.id_conflicts,
            refused: contact.refused,
            last_refusal: contact.last_refusal.as_ref().map(|refusal| RefusalRow {
                at: refusal.at,
                topic: refusal.topic.clone(),
                reason: refusal.reason.clone(),
            }),
            alarms: (raised(contact, figures).into_iter())
                .map(AlarmRow::from)
                .collect(),
        }
    }
}

fn screens(said: &Reported) -> impl Iterator<Item = ScreenRow> {
    said.screens.iter().map(|screen| ScreenRow {
        screen: match screen.screen {
            Screen::Left => "left",
            Screen::Right => "right",
        },
        shows: screen.shows.to_string(),
        seen: screen.seen,
        is_silent: screen.is_silent,
    })
}

impl From<Raised> for AlarmRow {
    fn from(raised: Raised) -> Self {
        Self {
            kind: raised.alarm.as_str(),
            count: raised.count,
            since: raised.since,
            remedy: raised.alarm.remedy(),
        }
    }
}

impl StreamRow {
    fn of(stream: &StreamState) -> Self {
        Self {
            epoch: stream.epoch.to_string(),
            stream: stream.stream.to_string(),
            current: stream.current,
            through: stream.through,
            highest: stream.highest,
            written: stream.written,
            gaps: stream.gaps.iter().map(GapRow::of).collect(),
        }
    }
}

fn table(rows: &[DeviceRow]) -> Table {
    let columns = [
        "device",
        "name",
        "kind",
        "site",
        "enabled",
        "link",
        "since",
        "last_contact",
        "last_fact",
        "agent",
        "waiting",
        "open",
        "lost",
        "quarantined",
        "id_conflicts",
        "refused",
    ];
    let mut table = Table::new("devices", &columns);
    let time = |time: Option<Timestamp>| time.map_or(String::new(), |time| time.to_string());
    for row in rows {
        let link = match row.link {
            LinkState::Online => "online",
            LinkState::Offline => "offline",
            LinkState::Unknown => "unknown",
        };
        table.row([
            row.device.clone(),
            row.name.clone(),
            row.kind.to_owned(),
            row.site.clone().unwrap_or_default(),
            row.enabled.to_string(),
            link.to_owned(),
            time(row.since),
            time(row.last_contact),
            time(row.last_fact),
            row.agent.clone().unwrap_or_default(),
            row.waiting.to_string(),
            row.open.to_string(),
            row.lost.to_string(),
            row.quarantined.to_string(),
            row.id_conflicts.to_string(),
            row.refused.to_string(),
        ]);
    }
    table
}
