//! `GET /api/v1/conflicts` and `…/{number}/ruling`: what the library system disputes, and what
//! staff rules on it.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use utoipa::IntoParams;

use super::access::Caller;
use super::body::JsonBody;
use super::loan_list::query;
use super::parameters::{Parameters, PathNumber};
use super::problem::{Problem, ProblemKind, Problems};
use super::quarantine::limit;
use super::{ApiState, blocking};
use crate::entry::EntryNumber;
use crate::ledger::LedgerError;
use crate::loans::dto::{ConflictPage, ConflictRow, RulingRequest, RulingView};
use crate::loans::{RulingKind, RulingRefused};
use crate::ruling::RulingReason;

/// Conflicts of a page where none are asked for.
const LIMIT_DEFAULT: usize = 50;
/// Conflicts of the largest page: each comes with its item's history.
const LIMIT_MAX: usize = 200;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct ConflictParams {
    /// Only of this device.
    #[param(required = false)]
    device: Option<String>,
    /// Only of this item.
    #[param(required = false)]
    item: Option<String>,
    /// Only of this kind: `on-loan-to-another`, `item-unknown`, …
    #[param(required = false)]
    outcome: Option<String>,
    /// Only before this number: `next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
    /// Conflicts of the page, at most 200. Default: 50.
    #[param(required = false)]
    limit: Option<usize>,
}

/// What the library system disputes, with its own words and what the item went through
#[utoipa::path(
    get, path = "/conflicts", tag = "loans", params(ConflictParams),
    responses((status = 200, description = "A page, the newest first", body = ConflictPage), Problems)
)]
pub(super) async fn conflicts(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<ConflictPage>, Problem> {
    let asked = Parameters::of::<ConflictParams>(&uri)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let query = query(&asked, limit)?;
    let (mut views, total) = blocking(move || {
        let total = state.loans.conflicts_total(&query)?;
        Ok::<_, LedgerError>((state.loans.conflicts(&query)?, total))
    })
    .await??;
    let more = views.len() > limit;
    views.truncate(limit);
    Ok(Json(ConflictPage {
        next: views.last().filter(|_| more).map(|view| view.fact.number.0),
        conflicts: views.into_iter().map(ConflictRow::from).collect(),
        total,
    }))
}

/// Rule on a fact in dispute; for some seconds it can be taken back
#[utoipa::path(
    post, path = "/conflicts/{number}/ruling", tag = "loans", request_body = RulingRequest,
    params(("number" = i64, Path, description = "Its entry")),
    responses((status = 202, description = "When the library system will hear of it", body = RulingView), Problems)
)]
pub(super) async fn rule(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathNumber(number): PathNumber,
    JsonBody(request): JsonBody<RulingRequest>,
) -> Result<(StatusCode, Json<RulingView>), Problem> {
    let kind: RulingKind =
        (request.ruling.parse()).map_err(|error: String| Problem::body("ruling", error))?;
    let reason = RulingReason::new(&request.reason)
        .map_err(|error| Problem::body("reason", error.to_string()))?;
    let actor = caller.actor();
    let ruled = state.loans.rule(EntryNumber(number), kind, reason, &actor);
    Ok((StatusCode::ACCEPTED, Json(ruled.await?.into())))
}

/// Take a ruling back that the library system has not heard of
#[utoipa::path(
    delete, path = "/conflicts/{number}/ruling", tag = "loans",
    params(("number" = i64, Path, description = "Its entry")),
    responses((status = 204, description = "It is in dispute as before"), Problems)
)]
pub(super) async fn take_back(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathNumber(number): PathNumber,
) -> Result<StatusCode, Problem> {
    let actor = caller.actor();
    state.loans.take_back(EntryNumber(number), &actor).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RulingRefused> for Problem {
    fn from(refused: RulingRefused) -> Self {
        match refused {
            RulingRefused::Unknown(number) => Self::missing("loan", &number.0.to_string()),
            RulingRefused::Ruling(_) | RulingRefused::Ruled | RulingRefused::NoRuling => {
                Self::new(ProblemKind::Conflict, refused.to_string())
            }
            RulingRefused::Ledger(error) => error.into(),
        }
    }
}
