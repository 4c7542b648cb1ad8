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
use crate::store::audit::{AuditRecord, newest};

/// Rows where none are asked for.
const LIMIT_DEFAULT: usize = 100;
/// Rows of the longest list.
const LIMIT_MAX: usize = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct AuditParams {
    /// How many, at most 1000. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
}

/// The newest records of the audit.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Audit {
    rows: Vec<AuditRow>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditRow {
    /// When.
    at: Timestamp,
    /// Who.
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
    responses((status = 200, description = "The newest records", body = Audit), Problems)
)]
pub(super) async fn audit(State(state): State<ApiState>, uri: Uri) -> Result<Json<Audit>, Problem> {
    let asked = Parameters::of::<AuditParams>(&uri)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let limit = u32::try_from(limit).expect("the largest is small");
    let records = blocking(move || state.store.read(|connection| newest(connection, limit)));
    let rows = records.await??.into_iter().map(AuditRow::of).collect();
    Ok(Json(Audit { rows }))
}

impl AuditRow {
    fn of(record: AuditRecord) -> Self {
        Self {
            at: record.at,
            actor: record.actor,
            action: record.action,
            subject: record.subject,
            before: record.before,
            after: record.after,
        }
    }
}
