//! `GET /api/v1/loans/totals`: items and persons by day, site and kind of device.

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
use super::problem::{Problem, Problems};
use super::timespan::{self, Timespan};
use super::visits::{GapRow, asked_place};
use super::{ApiState, blocking};
use crate::places::DeviceKind;
use crate::views::report::{Bucket, LoanFigures, LoanQuery, LoanReport};

/// What may be asked.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct LendingParams {
    /// Only this site.
    #[param(required = false)]
    site: Option<String>,
    /// Only this device.
    #[param(required = false)]
    device: Option<String>,
    /// Only devices that were `gate`, `self-checkout`, `kiosk`, `bus` or `other` then.
    #[param(required = false)]
    kind: Option<String>,
    /// Beginning: a moment, or a civil date or date and time of the library. Default: today.
    #[param(required = false)]
    from: Option<String>,
    /// End, not included; likewise. Default: the end of today.
    #[param(required = false)]
    to: Option<String>,
    /// `hour`, `day`, `month` or `year`. Default: `day`.
    #[param(required = false)]
    bucket: Option<String>,
    /// `json` or `csv`; goes before the header `Accept`.
    #[param(required = false)]
    format: Option<String>,
}

/// Totals of lending.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Lending {
    /// One for each unit of the range, empty ones included.
    buckets: Vec<LendingBucket>,
    /// One for each unit, site and kind of device with anything in it.
    rows: Vec<LendingRow>,
    /// Over the whole range, the undated included.
    total: FigureRow,
    /// Within, what happened at a time that is not known; it stands in no bucket.
    undated: FigureRow,
    /// Gaps in the loans of the devices concerned: the total lacks what stands in them.
    gaps: Vec<GapRow>,
}

/// A unit.
#[derive(Debug, Serialize, ToSchema)]
struct LendingBucket {
    /// Beginning, with the offset of the library's time zone.
    #[schema(format = DateTime)]
    start: String,
    #[serde(flatten)]
    figures: FigureRow,
}

/// A unit at a site by a kind of device.
#[derive(Debug, Serialize, ToSchema)]
struct LendingRow {
    /// Beginning of the unit; null for what happened at a time that is not known.
    #[schema(required = true, format = DateTime)]
    start: Option<String>,
    /// Where the devices stood; null where nowhere.
    #[schema(required = true)]
    site: Option<String>,
    /// What they were for; null of devices that were never placed.
    #[schema(required = true)]
    kind: Option<&'static str>,
    #[serde(flatten)]
    figures: FigureRow,
}

/// Figures of lending. Only what was granted counts, and nothing that was undone.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(super) struct FigureRow {
    /// Items lent (外借册次), renewals not among them.
    checkouts: u64,
    /// Of these, within block loans.
    in_blocks: u64,
    /// Persons who borrowed (外借人次).
    borrowers: u64,
    /// Items lent on.
    renewals: u64,
    /// Items taken back.
    checkins: u64,
    /// Cards issued.
    cards: u64,
}

/// Items lent and persons who borrowed, by hour, day, month or year, site and kind
#[utoipa::path(
    get, path = "/loans/totals", tag = "figures", params(LendingParams),
    responses(
        (status = 200, description = "The totals", content(
            (Lending = "application/json"), (String = "text/csv"),
        )),
        Problems,
    )
)]
pub(super) async fn loan_totals(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Parameters::of::<LendingParams>(&uri)?;
    let format = Format::asked(asked.text("format"), &headers)?;
    let query = read(&asked, &state)?;
    let zone = state.library.time_zone.clone();
    let report = blocking(move || {
        let written = |device: &DeviceId| state.presence.written(device);
        state.views.loans(&query, &written)
    });
    let report = report.await??;
    Ok(match format {
        Format::Json => Json(Lending::of(&report, &zone)).into_response(),
        Format::Csv => table(&report, &zone).into_response(),
    })
}

fn read(asked: &Parameters, state: &ApiState) -> Result<LoanQuery, Problem> {
    let (site, device) = asked_place(asked, state)?;
    let kind: Option<DeviceKind> =
        asked.value("kind", "gate, self-checkout, kiosk, bus or other")?;
    let bucket = asked
        .text("bucket")
        .map_or(Ok(Bucket::Day), timespan::bucket)?;
    let zone = &state.library.time_zone;
    let now = state.clock.wall();
    let span = Timespan::read(asked.text("from"), asked.text("to"), now, zone)?;
    span.fits(bucket)?;
    Ok(LoanQuery {
        site,
        device,
        kind,
        from: span.from,
        to: span.to,
        bucket,
    })
}

impl Lending {
    fn of(report: &LoanReport, zone: &TimeZone) -> Self {
        let buckets = report.buckets.iter().map(|bucket| LendingBucket {
            start: timespan::local(bucket.start, zone),
            figures: bucket.figures.into(),
        });
        let rows = report.rows.iter().map(|row| LendingRow {
            start: row.start.map(|start| timespan::local(start, zone)),
            site: row.site.as_ref().map(ToString::to_string),
            kind: row.kind.map(DeviceKind::as_str),
            figures: row.figures.into(),
        });
        Self {
            buckets: buckets.collect(),
            rows: rows.collect(),
            total: report.total.into(),
            undated: report.undated.into(),
            gaps: report.gaps.iter().map(GapRow::of).collect(),
        }
    }
}

impl From<LoanFigures> for FigureRow {
    fn from(figures: LoanFigures) -> Self {
        Self {
            checkouts: figures.checkouts,
            in_blocks: figures.in_blocks,
            borrowers: figures.borrowers,
            renewals: figures.renewals,
            checkins: figures.checkins,
            cards: figures.cards,
        }
    }
}

/// One row for each unit, site and kind; the last is the total.
fn table(report: &LoanReport, zone: &TimeZone) -> Table {
    let columns = [
        "start",
        "site",
        "kind",
        "checkouts",
        "in_blocks",
        "borrowers",
        "renewals",
        "checkins",
        "cards",
    ];
    let mut table = Table::new("loans", &columns);
    for row in &report.rows {
        let start = row.start.map(|start| timespan::local(start, zone));
        let site = row.site.as_ref().map(ToString::to_string);
        let kind = row.kind.map_or("", DeviceKind::as_str).to_owned();
        let named = [start.unwrap_or_default(), site.unwrap_or_default(), kind];
        table.row(named.into_iter().chain(numbers(row.figures)));
    }
    let named = ["total".to_owned(), String::new(), String::new()];
    table.row(named.into_iter().chain(numbers(report.total)));
    table
}

fn numbers(figures: LoanFigures) -> [String; 6] {
    [
        figures.checkouts,
        figures.in_blocks,
        figures.borrowers,
        figures.renewals,
        figures.checkins,
        figures.cards,
    ]
    .map(|number| number.to_string())
}
