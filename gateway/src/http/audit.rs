//! `GET /api/v1/audit`: who changed what, newest first.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::quarantine::limit;
use super::{ApiState, blocking};
use crate::store::audit::{AuditQuery, AuditRow, page};

/// Rows of a page where none are asked for.
const LIMIT_DEFAULT: usize = 100;
/// Rows of the largest page.
const LIMIT_MAX: usize = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct AuditParams {
    /// Only of this actor.
    #[param(required = false, example = "admin")]
    actor: Option<String>,
    /// Only this action, or all of this kind.
    #[param(required = false, example = "device")]
    action: Option<String>,
    /// Only records before this number: `next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
    /// Rows of the page, at most 1000. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
}

/// A page of the audit, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AuditPage {
    rows: Vec<Row>,
    /// What to give as `before` for the next page; null where there is none.
    #[schema(required = true)]
    next: Option<i64>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditRow)]
struct Row {
    /// Its number; numbers only grow.
    number: i64,
    /// When.
    at: Timestamp,
    /// Who: a person, `token <name>`, `admin token`, `device <id>`, `address <address>`,
    /// `command line, uid <number>` or `gateway`.
    #[schema(example = "token warehouse")]
    actor: String,
    /// What was done.
    #[schema(example = "device.add")]
    action: String,
    /// To what.
    subject: String,
    /// How it was.
    #[schema(required = true, value_type = Option<Object>)]
    before: Option<Value>,
    /// How it is.
    #[schema(required = true, value_type = Option<Object>)]
    after: Option<Value>,
}

/// Who changed what
#[utoipa::path(
    get, path = "/audit", tag = "people", params(AuditParams),
    responses((status = 200, description = "A page", body = AuditPage), Problems)
)]
pub(super) async fn audit(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<AuditPage>, Problem> {
    let asked = Parameters::of::<AuditParams>(&uri)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let query = AuditQuery {
        actor: asked.text("actor").map(str::to_owned),
        action: asked.text("action").map(str::to_owned),
        before: asked.value("before", "the number of a record")?,
        // One more than shown, to know whether there is a next page.
        limit: limit + 1,
    };
    let reading = blocking(move || state.store.read(|connection| page(connection, &query)));
    let mut rows = reading.await??;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.number);
    let rows = rows.into_iter().map(Row::of).collect();
    Ok(Json(AuditPage { rows, next }))
}

impl Row {
    fn of(AuditRow { number, record }: AuditRow) -> Self {
        Self {
            number,
            at: record.at,
            actor: record.actor,
            action: record.action,
            subject: record.subject,
            before: record.before,
            after: record.after,
        }
    }
}
