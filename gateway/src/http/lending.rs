//! `/api/v1/loans/blocks`, `/stops` and `/rotate-key`: what staff puts into the papers of devices.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::{Extension, Json};
use jiff::Timestamp;
use lujiang_wire::Label;
use utoipa::IntoParams;

use super::access::Caller;
use super::body::JsonBody;
use super::parameters::Parameters;
use super::problem::{Problem, ProblemKind, Problems};
use super::{ApiState, blocking};
use crate::papers::blocks::{BlockImport, BlockSource, ImportMode};
use crate::papers::dto::{
    BlockImportReport, BlockListSummary, NewStopRequest, PlannedStopRow, PlannedStops, RotatedKey,
};
use crate::places::DeviceKind;

/// Largest export of a library system, in bytes: a hundred thousand readers with their addresses.
const EXPORT_BYTES_MAX: usize = 32 * 1_024 * 1_024;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct ImportParams {
    /// Who wrote the list: `csv`, `koha` or `evergreen`.
    from: String,
    /// When the library system said so, RFC 3339. Default: now.
    #[param(required = false)]
    as_of: Option<String>,
    /// `whole` takes the list if every line is understood, `understood` takes what is understood,
    /// `check` takes nothing. Default: `whole`.
    #[param(required = false)]
    take: Option<String>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct NoParams {}

/// The readers nothing is lent to off-line: how many, and as of when
#[utoipa::path(
    get, path = "/loans/blocks", tag = "loans",
    responses((status = 200, description = "The block list, without its readers", body = BlockListSummary), Problems)
)]
pub(super) async fn block_list(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<BlockListSummary>, Problem> {
    Parameters::of::<NoParams>(&uri)?;
    let list = blocking(move || state.papers.block_list()).await??;
    Ok(Json(list.into()))
}

/// Import the readers nothing is lent to off-line, in place of those imported before
#[utoipa::path(
    post, path = "/loans/blocks", tag = "loans", params(ImportParams),
    request_body(content = String, content_type = "text/csv",
        description = "The export, at most 32 MiB"),
    responses((status = 200, description = "What was understood, and whether it was taken", body = BlockImportReport), Problems)
)]
pub(super) async fn import_blocks(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    body: Body,
) -> Result<Json<BlockImportReport>, Problem> {
    let asked = Parameters::of::<ImportParams>(&uri)?;
    let expected = "csv, koha or evergreen";
    let from: Option<BlockSource> = asked.value("from", expected)?;
    let from = from.ok_or_else(|| Problem::parameter("from", "", expected))?;
    let as_of: Option<Timestamp> = asked.value("as_of", "a time as 2026-11-25T08:00:00Z")?;
    let mode = match asked.text("take") {
        None | Some("whole") => ImportMode::Whole,
        Some("understood") => ImportMode::Understood,
        Some("check") => ImportMode::Check,
        Some(other) => {
            return Err(Problem::parameter(
                "take",
                other,
                "whole, understood or check",
            ));
        }
    };
    let bytes = to_bytes(body, EXPORT_BYTES_MAX).await.map_err(|_| {
        let detail = format!("expected an export of at most {EXPORT_BYTES_MAX} bytes, whole");
        Problem::new(ProblemKind::TooLarge, detail)
    })?;
    let import = BlockImport { from, as_of, mode };
    let imported = state
        .papers
        .import_blocks(import, bytes.into(), &caller.actor())
        .await?;
    let imported = imported.map_err(|error| Problem::body("line 1", error.to_string()))?;
    Ok(Json(imported.into()))
}

/// The stops planned for the bus
#[utoipa::path(
    get, path = "/loans/stops", tag = "loans",
    responses((status = 200, description = "The earliest first", body = PlannedStops), Problems)
)]
pub(super) async fn planned_stops(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<PlannedStops>, Problem> {
    Parameters::of::<NoParams>(&uri)?;
    let stops = blocking(move || state.papers.stops()).await??;
    let stops = stops.into_iter().map(PlannedStopRow::from).collect();
    Ok(Json(PlannedStops { stops }))
}

/// Plan a stop of the bus
#[utoipa::path(
    post, path = "/loans/stops", tag = "loans", request_body = NewStopRequest,
    responses((status = 201, description = "The stop, with its name", body = PlannedStopRow), Problems)
)]
pub(super) async fn plan_stop(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<NewStopRequest>,
) -> Result<(StatusCode, Json<PlannedStopRow>), Problem> {
    if let Some(device) = &request.device {
        let known = state.registry.device(device);
        let known = known.ok_or_else(|| Problem::missing("device", device.as_str()))?;
        if known.kind != DeviceKind::Bus {
            return Err(Problem::body("device", "expected a bus"));
        }
    }
    let actor = caller.actor();
    let stop = state.papers.plan_stop(request.into(), &actor).await?;
    Ok((StatusCode::CREATED, Json(stop.into())))
}

/// Remove a planned stop
#[utoipa::path(
    delete, path = "/loans/stops/{stop}", tag = "loans",
    params(("stop" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(super) async fn remove_stop(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(stop): Path<String>,
) -> Result<StatusCode, Problem> {
    let name: Label = stop
        .parse()
        .map_err(|_| Problem::missing("stop", &stop.chars().take(200).collect::<String>()))?;
    state.papers.remove_stop(name, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give the loan desk a new key to seal readers to; what is sealed to those before still opens
#[utoipa::path(
    post, path = "/loans/rotate-key", tag = "loans",
    responses((status = 200, description = "The name of the new key", body = RotatedKey), Problems)
)]
pub(super) async fn rotate_key(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<RotatedKey>, Problem> {
    let kid = state.papers.rotate_key(&caller.actor()).await?;
    Ok(Json(RotatedKey { kid }))
}
