//! `GET /api/v1/quarantine`: what was kept aside, without its values, and what was decided on it.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::csv::{Format, Table};
use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::{ApiState, blocking};
use crate::entry::{EntryNumber, QuarantineReason};
use crate::ruling::AsideState;
use crate::store::quarantine::{QuarantineQuery, QuarantineRow};

/// Rows of a page where none are asked for.
const LIMIT_DEFAULT: usize = 100;
/// Rows of the largest page.
const LIMIT_MAX: usize = 500;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct QuarantineParams {
    /// Only of this device.
    #[param(required = false)]
    device: Option<String>,
    /// Only those kept aside for this: `not-readable`, `not-understood`, `foreign-source`,
    /// `id-conflict`, `implausible` or `not-signed`.
    #[param(required = false)]
    reason: Option<String>,
    /// Only those that are `open`, `accepted`, `corrected` or `dismissed`.
    #[param(required = false)]
    state: Option<String>,
    /// Only rows before this number: `next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
    /// Rows of the page, at most 500. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
    /// `json` or `csv`. Default: as `Accept` says.
    #[param(required = false)]
    format: Option<String>,
}

/// A page of the quarantine, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantinePage {
    rows: Vec<Row>,
    /// What to give as `before` for the next page; null where there is none.
    #[schema(required = true)]
    next: Option<i64>,
}

/// What is shown of an element: never its values.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuarantineRow)]
pub(super) struct Row {
    /// Its entry in the ledger.
    number: i64,
    /// Whose connection it came over.
    device: String,
    /// When it came.
    received: Timestamp,
    /// Its `type`, where that could be read.
    #[serde(rename = "type")]
    #[schema(required = true)]
    kind: Option<String>,
    /// `not-readable`, `not-understood`, `foreign-source`, `id-conflict`, `implausible` or `not-signed`.
    reason: &'static str,
    /// The attribute, or the path within `data`; empty for the whole.
    place: String,
    /// What was expected there.
    expected: String,
    /// Its structure without its values.
    excerpt: String,
    /// Its size.
    bytes: u64,
    /// `open`, `accepted`, `corrected` or `dismissed`.
    state: &'static str,
    /// Whether its bytes were erased: it cannot be opened or accepted any more.
    erased: bool,
    /// What was decided on it; null while it is open.
    #[schema(required = true)]
    decision: Option<DecisionRow>,
}

/// What a person decided.
#[derive(Debug, Serialize, ToSchema)]
struct DecisionRow {
    /// When.
    at: Timestamp,
    /// Who.
    by: String,
    /// Why.
    why: String,
    /// The entry of the ledger that counts in its place; null where it was dismissed.
    #[schema(required = true)]
    admitted: Option<i64>,
}

/// What was kept aside, and what was decided on it
#[utoipa::path(
    get, path = "/quarantine", tag = "devices", params(QuarantineParams),
    responses((status = 200, description = "A page, also as text/csv", body = QuarantinePage), Problems)
)]
pub(super) async fn quarantine(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Parameters::of::<QuarantineParams>(&uri)?;
    let format = Format::asked(asked.text("format"), &headers)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let before: Option<i64> = asked.value("before", "the number of a row")?;
    let query = QuarantineQuery {
        device: asked.value("device", "an id of 1 to 64 letters, digits, -, _ or .")?,
        reason: asked.value(
            "reason",
            &one_of(&QuarantineReason::ALL.map(QuarantineReason::as_str)),
        )?,
        state: asked.value("state", &one_of(&AsideState::ALL.map(AsideState::as_str)))?,
        before: before.map(EntryNumber),
        // One more than shown, to know whether there is a next page.
        limit: limit + 1,
    };
    let mut rows = blocking(move || state.store.quarantine(&query)).await??;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.number.0);
    let rows = rows.into_iter().map(Row::of).collect();
    let page = QuarantinePage { rows, next };
    Ok(match format {
        Format::Json => Json(page).into_response(),
        Format::Csv => page.table().into_response(),
    })
}

fn one_of(names: &[&str]) -> String {
    format!("one of {}", names.join(", "))
}

/// The parameter `limit`.
pub(super) fn limit(asked: &Parameters, default: usize, max: usize) -> Result<usize, Problem> {
    let expected = format!("a number from 1 to {max}");
    let limit = asked.value("limit", &expected)?.unwrap_or(default);
    match (1..=max).contains(&limit) {
        true => Ok(limit),
        false => Err(Problem::parameter("limit", &limit.to_string(), expected)),
    }
}

impl QuarantinePage {
    fn table(&self) -> Table {
        let columns = [
            "number",
            "device",
            "received",
            "type",
            "reason",
            "place",
            "expected",
            "excerpt",
            "bytes",
            "state",
            "decided_at",
            "decided_by",
            "decided_why",
            "admitted",
        ];
        let mut table = Table::new("quarantine", &columns);
        for row in &self.rows {
            let decided = |cell: fn(&DecisionRow) -> String| {
                row.decision.as_ref().map(cell).unwrap_or_default()
            };
            table.row([
                row.number.to_string(),
                row.device.clone(),
                row.received.to_string(),
                row.kind.clone().unwrap_or_default(),
                row.reason.to_owned(),
                row.place.clone(),
                row.expected.clone(),
                row.excerpt.clone(),
                row.bytes.to_string(),
                row.state.to_owned(),
                decided(|decision| decision.at.to_string()),
                decided(|decision| decision.by.clone()),
                decided(|decision| decision.why.clone()),
                decided(|decision| {
                    let admitted = decision.admitted.as_ref();
                    admitted.map(ToString::to_string).unwrap_or_default()
                }),
            ]);
        }
        table
    }
}

impl Row {
    pub(super) fn of(row: QuarantineRow) -> Self {
        Self {
            number: row.number.0,
            device: row.device.to_string(),
            received: row.received,
            kind: row.event_type,
            reason: row.reason.as_str(),
            place: row.error_place,
            expected: row.expected,
            excerpt: row.excerpt,
            bytes: row.bytes,
            state: row.state.as_str(),
            erased: row.is_erased,
            decision: row.decision.map(|decision| DecisionRow {
                at: decision.at,
                by: decision.by,
                why: decision.why,
                admitted: decision.admitted.map(|entry| entry.0),
            }),
        }
    }
}
