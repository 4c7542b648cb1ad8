//! `GET /api/v1/visits`: visitor totals with their completeness.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use lujiang_wire::DeviceId;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::csv::{Format, Table};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemKind, Problems};
use super::timespan::{self, Timespan};
use super::{ApiState, blocking};
use crate::places::SiteId;
use crate::views::ViewError;
use crate::views::report::{
    Bucket, Completeness, Gap, VisitBucket, VisitQuery, VisitReport, VisitTotal,
};

/// What may be asked.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct VisitParams {
    /// Only this site.
    #[param(required = false)]
    site: Option<String>,
    /// Only this device.
    #[param(required = false)]
    device: Option<String>,
    /// Beginning: a moment, or a civil date or date and time of the library. Default: today.
    #[param(required = false)]
    from: Option<String>,
    /// End, not included; likewise. Default: the end of today.
    #[param(required = false)]
    to: Option<String>,
    /// `hour`, `day`, `month` or `year`. Default: `hour`.
    #[param(required = false)]
    bucket: Option<String>,
    /// `json` or `csv`; goes before the header `Accept`.
    #[param(required = false)]
    format: Option<String>,
}

/// Visitor totals.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Visits {
    /// One for each unit of the range, empty ones included.
    buckets: Vec<BucketRow>,
    /// Over the whole range.
    total: TotalRow,
    /// Gaps of the devices concerned.
    gaps: Vec<GapRow>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BucketRow {
    /// Beginning, with the offset of the library's time zone.
    #[schema(format = DateTime)]
    start: String,
    /// Persons in.
    #[serde(rename = "in")]
    entered: u64,
    /// Persons out.
    #[serde(rename = "out")]
    left: u64,
    /// Persons who physically entered.
    visits: u64,
    /// How complete, from 0 to 1, rounded down; null where nothing was expected.
    #[schema(required = true)]
    complete: Option<f64>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TotalRow {
    /// Persons in.
    #[serde(rename = "in")]
    entered: u64,
    /// Persons out.
    #[serde(rename = "out")]
    left: u64,
    /// Persons who physically entered; those below included.
    visits: u64,
    /// Visits within whose time is not known; they stand in no bucket.
    undated: u64,
    /// Visits within whose hour is not known because nobody watched the counter.
    hours_unknown: u64,
    /// How complete, from 0 to 1, rounded down; null where nothing was expected.
    #[schema(required = true)]
    complete: Option<f64>,
}

/// Numbers of a stream that are missing; both ends included.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GapRow {
    device: String,
    /// The life of the device's outbox.
    epoch: String,
    stream: String,
    from: u64,
    to: u64,
    /// `open` (may still come), `waiting` (written there, not yet sent) or `lost`.
    state: &'static str,
}

/// Visitor totals by hour, day, month or year
///
/// The day begins at midnight in the library's time zone.
#[utoipa::path(
    get, path = "/visits", tag = "figures", params(VisitParams),
    responses(
        (status = 200, description = "The totals", content(
            (Visits = "application/json"), (String = "text/csv"),
        )),
        Problems,
    )
)]
pub(super) async fn visits(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Parameters::of::<VisitParams>(&uri)?;
    let format = Format::asked(asked.text("format"), &headers)?;
    let query = read(&asked, &state)?;
    let zone = state.library.time_zone.clone();
    let report = blocking(move || state.visit_report(&query)).await??;
    Ok(match format {
        Format::Json => Json(Visits::of(&report, &zone)).into_response(),
        Format::Csv => table(&report, &zone).into_response(),
    })
}

fn read(asked: &Parameters, state: &ApiState) -> Result<VisitQuery, Problem> {
    let (site, device) = asked_place(asked, state)?;
    let bucket = asked
        .text("bucket")
        .map_or(Ok(Bucket::Hour), timespan::bucket)?;
    let zone = &state.library.time_zone;
    let now = state.clock.wall();
    let span = Timespan::read(asked.text("from"), asked.text("to"), now, zone)?;
    span.fits(bucket)?;
    Ok(VisitQuery {
        site,
        device,
        from: span.from,
        to: span.to,
        bucket,
    })
}

/// The site and the device asked for; each has to be there.
pub(super) fn asked_place(
    asked: &Parameters,
    state: &ApiState,
) -> Result<(Option<SiteId>, Option<DeviceId>), Problem> {
    let id = "an id of 1 to 64 letters, digits, -, _ or .";
    let site: Option<SiteId> = asked.value("site", id)?;
    let device: Option<DeviceId> = asked.value("device", id)?;
    if let Some(site) = &site
        && !state
            .registry
            .places()
            .sites
            .iter()
            .any(|it| it.id == *site)
    {
        return Err(Problem::missing("site", site.as_str()));
    }
    if let Some(device) = &device
        && state.registry.device(device).is_none()
    {
        return Err(Problem::missing("device", device.as_str()));
    }
    Ok((site, device))
}

impl ApiState {
    /// The totals; blocking.
    pub(super) fn visit_report(&self, query: &VisitQuery) -> Result<VisitReport, Problem> {
        let written = |device: &DeviceId| self.presence.written(device);
        let report = self.views.visits(query, self.clock.wall(), &written)?;
        Ok(report)
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Rebuilding { .. } => Self::new(ProblemKind::NotReady, error.to_string()),
            ViewError::Question(why) => Self::new(ProblemKind::BadRequest, why),
            ViewError::Ledger(error) => error.into(),
            ViewError::Folder(_) => Self::internal(&error),
        }
    }
}

impl Visits {
    fn of(report: &VisitReport, zone: &TimeZone) -> Self {
        Self {
            buckets: report
                .buckets
                .iter()
                .map(|bucket| BucketRow::of(bucket, zone))
                .collect(),
            total: TotalRow::of(&report.total),
            gaps: report.gaps.iter().map(GapRow::of).collect(),
        }
    }
}

impl BucketRow {
    fn of(bucket: &VisitBucket, zone: &TimeZone) -> Self {
        Self {
            start: timespan::local(bucket.start, zone),
            entered: bucket.entered,
            left: bucket.left,
            visits: bucket.visits,
            complete: fraction(bucket.complete),
        }
    }
}

impl TotalRow {
    /// The row of a total.
    pub(super) fn of(total: &VisitTotal) -> Self {
        Self {
            entered: total.entered,
            left: total.left,
            visits: total.visits,
            undated: total.undated,
            hours_unknown: total.hours_unknown,
            complete: fraction(total.complete),
        }
    }
}

impl GapRow {
    /// The row of a gap.
    pub(super) fn of(gap: &Gap) -> Self {
        Self {
            device: gap.device.to_string(),
            epoch: gap.epoch.to_string(),
            stream: gap.stream.to_string(),
            from: gap.from,
            to: gap.to,
            state: gap.state.as_str(),
        }
    }
}

fn fraction(complete: Option<Completeness>) -> Option<f64> {
    complete.map(|complete| complete.fraction())
}

/// The last row is the total: it holds more than the rows above where times are not known.
fn table(report: &VisitReport, zone: &TimeZone) -> Table {
    let columns = [
        "start",
        "in",
        "out",
        "visits",
        "undated",
        "hours_unknown",
        "complete",
    ];
    let mut table = Table::new("visits", &columns);
    let complete =
        |it: Option<Completeness>| fraction(it).map_or(String::new(), |it| it.to_string());
    for bucket in &report.buckets {
        table.row([
            timespan::local(bucket.start, zone),
            bucket.entered.to_string(),
            bucket.left.to_string(),
            bucket.visits.to_string(),
            String::new(),
            String::new(),
            complete(bucket.complete),
        ]);
    }
    let total = &report.total;
    table.row([
        "total".to_owned(),
        total.entered.to_string(),
        total.left.to_string(),
        total.visits.to_string(),
        total.undated.to_string(),
        total.hours_unknown.to_string(),
        complete(total.complete),
    ]);
    table
}
