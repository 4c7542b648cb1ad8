//! `/api/v1/loans/desk`, `/pause`, `/resume`, `/probe`, `/export` and `/forget`: the loan desk itself.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use utoipa::IntoParams;

use super::access::Caller;
use super::body::JsonBody;
use super::parameters::Parameters;
use super::problem::{Problem, ProblemKind, Problems};
use super::quarantine::limit;
use super::{ApiState, blocking};
use crate::entry::EntryNumber;
use crate::loans::dto::{DeskState, ExportReport, ExportRequest, ForgottenReport};
use crate::loans::{DeskWork, ExportError, ExportForm};

/// Rows of the dry run where none are asked for.
const LIMIT_DEFAULT: usize = 100;
/// Rows of the largest page of it.
const LIMIT_MAX: usize = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct DeskParams {
    /// Of the dry run only rows before this number: `dry_run_next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
    /// Rows of the dry run, at most 1000. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
}

/// How the loan desk stands, what the library system can answer, and what is next
#[utoipa::path(
    get, path = "/loans/desk", tag = "loans", params(DeskParams),
    responses((status = 200, description = "The desk", body = DeskState), Problems)
)]
pub(super) async fn desk(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<DeskState>, Problem> {
    let asked = Parameters::of::<DeskParams>(&uri)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let before: Option<i64> = asked.value("before", "the number of a row")?;
    let before = before.map(EntryNumber);
    let view = blocking(move || state.loans.desk(before, limit)).await??;
    Ok(Json(view.into()))
}

/// Have the desk ask and tell the library system nothing; facts are taken in all the same
#[utoipa::path(
    post, path = "/loans/pause", tag = "loans",
    responses((status = 204, description = "It is paused"), Problems)
)]
pub(super) async fn pause(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    let actor = caller.actor();
    state.loans.set_work(DeskWork::Paused, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have the desk go on
#[utoipa::path(
    post, path = "/loans/resume", tag = "loans",
    responses((status = 204, description = "It goes on"), Problems)
)]
pub(super) async fn resume(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    let actor = caller.actor();
    state.loans.set_work(DeskWork::Going, &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have the desk find out anew what the library system can answer, as after an upgrade of it. Until
/// its next loans have shown it, its silence proves nothing
#[utoipa::path(
    post, path = "/loans/probe", tag = "loans",
    responses((status = 204, description = "It is forgotten, and found out anew"), Problems)
)]
pub(super) async fn probe(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    state.loans.probe_again(&caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Write a file for a library system without SIP2, on the gateway's machine
#[utoipa::path(
    post, path = "/loans/export", tag = "loans", request_body = ExportRequest,
    responses((status = 200, description = "Where it lies", body = ExportReport), Problems)
)]
pub(super) async fn export(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<ExportRequest>,
) -> Result<Json<ExportReport>, Problem> {
    let form: ExportForm =
        (request.form.parse()).map_err(|error: String| Problem::body("form", error))?;
    let actor = caller.actor();
    let exported = state.loans.export(form, request.again, &actor).await?;
    Ok(Json(exported.into()))
}

/// Forget readers and pseudonyms whose time is over, now
#[utoipa::path(
    post, path = "/loans/forget", tag = "loans",
    responses((status = 200, description = "What was forgotten", body = ForgottenReport), Problems)
)]
pub(super) async fn forget(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<ForgottenReport>, Problem> {
    let forgotten = state.loans.forget(&caller.actor(), true).await?;
    Ok(Json(forgotten.into()))
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::OverSip2 => Self::new(ProblemKind::Conflict, error.to_string()),
            ExportError::Unknown(number) => Self::missing("export", &number.to_string()),
            ExportError::File(error) => Self::internal(&error),
            ExportError::Ledger(error) => error.into(),
        }
    }
}
