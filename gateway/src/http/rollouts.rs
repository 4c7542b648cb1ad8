//! `/api/v1/rollouts`: who is to have a release, when, and how far each device is.

mod asked;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use lujiang_wire::Label;

use super::ApiState;
use super::access::{Caller, Means};
use super::body::JsonBody;
use super::problem::{Problem, ProblemKind, Problems};
use crate::rollout::Happened;
use crate::rollouts::dto::{
    ExcuseForm, MemberForm, NewRolloutForm, RolloutDetailForm, RolloutForm,
};
use crate::rollouts::{Entry, RolloutError};

/// What an administrator is called among those who ask and approve: one person, on the page and on
/// the command line, whatever the name of the account is now. An API token is another.
const ADMINISTRATOR: &str = "administrator";

/// All rollouts, the newest first
#[utoipa::path(
    get, path = "/rollouts", tag = "content",
    responses((status = 200, description = "The rollouts", body = Vec<RolloutForm>), Problems)
)]
pub(super) async fn rollouts(State(state): State<ApiState>) -> Json<Vec<RolloutForm>> {
    let now = state.clock.wall();
    let entries = state.rollouts.entries();
    Json(
        entries
            .iter()
            .map(|entry| RolloutForm::of(entry, now))
            .collect(),
    )
}

/// A rollout with its devices
#[utoipa::path(
    get, path = "/rollouts/{rollout}", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "The rollout", body = RolloutDetailForm), Problems)
)]
pub(super) async fn rollout(
    State(state): State<ApiState>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    let entry = state.rollouts.entry(number(&rollout)?)?;
    Ok(Json(detail(&state, &entry)))
}

/// Plan a rollout; it does not begin by that
#[utoipa::path(
    post, path = "/rollouts", tag = "content", request_body = NewRolloutForm,
    responses((status = 201, description = "It is planned", body = RolloutDetailForm), Problems)
)]
pub(super) async fn create(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(form): JsonBody<NewRolloutForm>,
) -> Result<(StatusCode, Json<RolloutDetailForm>), Problem> {
    let asked = asked::read(form)?;
    let signed = state.content.releases();
    let (by, actor) = (principal(&caller), caller.actor());
    let number = state.rollouts.create(asked, &signed, by, &actor).await?;
    let entry = state.rollouts.entry(number)?;
    Ok((StatusCode::CREATED, Json(detail(&state, &entry))))
}

/// Approve a rollout that another asked for
#[utoipa::path(
    post, path = "/rollouts/{rollout}/approve", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "It may be started", body = RolloutDetailForm), Problems)
)]
pub(super) async fn approve(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    perform(&state, &caller, &rollout, Happened::Approved).await
}

/// Start a rollout
#[utoipa::path(
    post, path = "/rollouts/{rollout}/start", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "Its first stage is told", body = RolloutDetailForm), Problems)
)]
pub(super) async fn start(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    perform(&state, &caller, &rollout, Happened::Started).await
}

/// Hold a rollout: nobody else is offered the release
#[utoipa::path(
    post, path = "/rollouts/{rollout}/pause", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "It is held", body = RolloutDetailForm), Problems)
)]
pub(super) async fn pause(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    perform(&state, &caller, &rollout, Happened::Paused).await
}

/// Let a rollout go on; failures there are count no more
#[utoipa::path(
    post, path = "/rollouts/{rollout}/resume", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "It goes on", body = RolloutDetailForm), Problems)
)]
pub(super) async fn resume(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    perform(&state, &caller, &rollout, Happened::Resumed).await
}

/// End a rollout: who has shown the release keeps it, nobody else gets it
#[utoipa::path(
    post, path = "/rollouts/{rollout}/abort", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "It is ended", body = RolloutDetailForm), Problems)
)]
pub(super) async fn abort(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    perform(&state, &caller, &rollout, Happened::Aborted).await
}

/// Have those that failed try again
#[utoipa::path(
    post, path = "/rollouts/{rollout}/retry", tag = "content",
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "They are told", body = RolloutDetailForm), Problems)
)]
pub(super) async fn retry(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    perform(&state, &caller, &rollout, Happened::Retried).await
}

/// Say until when a device is expected to be off-line; until then it is not counted
#[utoipa::path(
    post, path = "/rollouts/{rollout}/excuse", tag = "content", request_body = ExcuseForm,
    params(("rollout" = u64, Path, description = "Its number")),
    responses((status = 200, description = "It is not counted", body = RolloutDetailForm), Problems)
)]
pub(super) async fn excuse(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(rollout): Path<String>,
    JsonBody(form): JsonBody<ExcuseForm>,
) -> Result<Json<RolloutDetailForm>, Problem> {
    let device = asked::device(&form.device)?;
    let excused = |_| Happened::Excused(device, form.until);
    perform(&state, &caller, &rollout, excused).await
}

async fn perform(
    state: &ApiState,
    caller: &Caller,
    rollout: &str,
    happened: impl FnOnce(Label) -> Happened,
) -> Result<Json<RolloutDetailForm>, Problem> {
    let (number, happened) = (number(rollout)?, happened(principal(caller)));
    let actor = caller.actor();
    let entry = state.rollouts.perform(number, happened, &actor).await?;
    Ok(Json(detail(state, &entry)))
}

fn detail(state: &ApiState, entry: &Entry) -> RolloutDetailForm {
    let now = state.clock.wall();
    let plan = entry.rollout.planned();
    let devices = entry.rollout.members().iter().map(|(id, member)| {
        let mut form = MemberForm::of(id, member, plan, now);
        if let Some(device) = state.registry.device(id) {
            form.site = device.site.as_ref().map(ToString::to_string);
            form.name = device.name;
        }
        form
    });
    RolloutDetailForm {
        rollout: RolloutForm::of(entry, now),
        devices: devices.collect(),
    }
}

fn principal(caller: &Caller) -> Label {
    let name = match caller.means {
        Means::AdminToken | Means::Session(_) => ADMINISTRATOR,
        Means::ApiToken(_) => caller.name.as_str(),
    };
    name.parse().unwrap_or_else(|_| {
        let unnamed = "an API token".parse();
        unnamed.expect("a plain text is a label")
    })
}

fn number(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::missing("rollout", text))
}

impl From<RolloutError> for Problem {
    fn from(error: RolloutError) -> Self {
        let kind = match &error {
            RolloutError::Unknown(_) => ProblemKind::NotFound,
            RolloutError::Refused(_) | RolloutError::UnderWay(_) => ProblemKind::Conflict,
            RolloutError::NoRelease(_) | RolloutError::Nobody => ProblemKind::Conflict,
            RolloutError::Plan(_) | RolloutError::NoKiosk(_) => ProblemKind::BadBody,
            RolloutError::Ledger(_) | RolloutError::Stopping => return Self::internal(&error),
        };
        Self::new(kind, error.to_string())
    }
}
