//! `GET /api/v1/quarantine`: what was kept aside, without its values.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use jiff::Timestamp;
use lujiang_wire::DeviceId;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::{ApiState, blocking};
use crate::entry::EntryNumber;
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
    /// Only rows before this number: `next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
    /// Rows of the page, at most 500. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
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
struct Row {
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
    /// `not-readable`, `not-understood`, `foreign-source`, `id-conflict` or `implausible`.
    reason: &'static str,
    /// The attribute, or the path within `data`; empty for the whole.
    place: String,
    /// What was expected there.
    expected: String,
    /// Its structure without its values.
    excerpt: String,
    /// Its size.
    bytes: u64,
}

/// What was kept aside and does not count
#[utoipa::path(
    get, path = "/quarantine", tag = "devices", params(QuarantineParams),
    responses((status = 200, description = "A page", body = QuarantinePage), Problems)
)]
pub(super) async fn quarantine(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<QuarantinePage>, Problem> {
    let asked = Parameters::of::<QuarantineParams>(&uri)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let device: Option<DeviceId> =
        asked.value("device", "an id of 1 to 64 letters, digits, -, _ or .")?;
    let before: Option<i64> = asked.value("before", "the number of a row")?;
    let query = QuarantineQuery {
        device,
        reason: None,
        state: None,
        before: before.map(EntryNumber),
        // One more than shown, to know whether there is a next page.
        limit: limit + 1,
    };
    let mut rows = blocking(move || state.store.quarantine(&query)).await??;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.number.0);
    let rows = rows.into_iter().map(Row::of).collect();
    Ok(Json(QuarantinePage { rows, next }))
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

impl Row {
    fn of(row: QuarantineRow) -> Self {
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
        }
    }
}
