//! `POST /api/v1/quarantine/{number}/…`: what people decide on a quarantined element. Each leaves
//! its audit record in the same transaction.

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::access::Caller;
use super::body::JsonBody;
use super::parameters::PathNumber;
use super::problem::{Problem, ProblemKind, Problems};
use super::quarantine::Row;
use super::{ApiState, blocking};
use crate::entry::EntryNumber;
use crate::intake::{Opened, Refused, RulingError, RulingVerdict};
use crate::ruling::RulingReason;
use crate::store::QuarantineQuery;

/// Why an element is accepted or dismissed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulingBody {
    /// A line of at most 500 characters.
    pub(crate) why: String,
}

/// What an element should have been, and why.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CorrectionBody {
    /// A line of at most 500 characters.
    pub(crate) why: String,
    /// The CloudEvent that counts in its place.
    #[schema(value_type = Object)]
    pub(crate) event: Value,
}

/// An element, opened.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OpenedElement {
    /// Its entry in the ledger.
    number: i64,
    /// Whose connection it came over.
    device: String,
    /// When it came.
    received: Timestamp,
    /// Its bytes as text; null where they are none.
    #[schema(required = true)]
    text: Option<String>,
    /// Its bytes in base64.
    base64: String,
}

/// Show a quarantined element whole; it may name a reader
#[utoipa::path(
    post, path = "/quarantine/{number}/open", tag = "devices",
    params(("number" = i64, Path, description = "Its entry")),
    responses((status = 200, description = "Its bytes", body = OpenedElement), Problems)
)]
pub(super) async fn open(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathNumber(number): PathNumber,
) -> Result<Json<OpenedElement>, Problem> {
    let number = EntryNumber(number);
    let opened = state.intake.open_aside(number, &caller.actor()).await?;
    Ok(Json(OpenedElement::of(number, opened)))
}

/// Let a quarantined element count as it is
#[utoipa::path(
    post, path = "/quarantine/{number}/accept", tag = "devices", request_body = RulingBody,
    params(("number" = i64, Path, description = "Its entry")),
    responses((status = 200, description = "How it stands now", body = Row), Problems)
)]
pub(super) async fn accept(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathNumber(number): PathNumber,
    JsonBody(body): JsonBody<RulingBody>,
) -> Result<Json<Row>, Problem> {
    state
        .rule(&caller, number, RulingVerdict::Accept, &body.why)
        .await
}

/// Let an event count in place of a quarantined element
#[utoipa::path(
    post, path = "/quarantine/{number}/correct", tag = "devices", request_body = CorrectionBody,
    params(("number" = i64, Path, description = "Its entry")),
    responses((status = 200, description = "How it stands now", body = Row), Problems)
)]
pub(super) async fn correct(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathNumber(number): PathNumber,
    JsonBody(body): JsonBody<CorrectionBody>,
) -> Result<Json<Row>, Problem> {
    let verdict = RulingVerdict::Correct(body.event.to_string());
    state.rule(&caller, number, verdict, &body.why).await
}

/// Leave a quarantined element aside for good
#[utoipa::path(
    post, path = "/quarantine/{number}/dismiss", tag = "devices", request_body = RulingBody,
    params(("number" = i64, Path, description = "Its entry")),
    responses((status = 200, description = "How it stands now", body = Row), Problems)
)]
pub(super) async fn dismiss(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathNumber(number): PathNumber,
    JsonBody(body): JsonBody<RulingBody>,
) -> Result<Json<Row>, Problem> {
    state
        .rule(&caller, number, RulingVerdict::Dismiss, &body.why)
        .await
}

impl ApiState {
    /// Has it decided, and answers with how the element stands then.
    async fn rule(
        &self,
        caller: &Caller,
        number: i64,
        verdict: RulingVerdict,
        why: &str,
    ) -> Result<Json<Row>, Problem> {
        let why =
            RulingReason::new(why).map_err(|error| Problem::body("why", error.to_string()))?;
        let number = EntryNumber(number);
        self.intake
            .rule(number, verdict, why, &caller.actor())
            .await?;
        self.live.everything_changed();
        let store = self.store.clone();
        let query = QuarantineQuery {
            before: Some(EntryNumber(number.0.saturating_add(1))),
            limit: 1,
            ..QuarantineQuery::default()
        };
        let row = blocking(move || store.quarantine(&query)).await??.pop();
        let row = row.ok_or_else(|| Problem::internal(&"a decided element is not there"))?;
        Ok(Json(Row::of(row)))
    }
}

impl OpenedElement {
    fn of(number: EntryNumber, opened: Opened) -> Self {
        Self {
            number: number.0,
            device: opened.device.to_string(),
            received: opened.received,
            base64: BASE64_STANDARD.encode(&opened.bytes),
            text: String::from_utf8(opened.bytes).ok(),
        }
    }
}

impl From<RulingError> for Problem {
    fn from(error: RulingError) -> Self {
        match error {
            RulingError::Refused(refused) => refused.into(),
            RulingError::Ledger(error) => error.into(),
            RulingError::Stopped => Self::new(ProblemKind::NotReady, error.to_string()),
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let told = refused.to_string();
        match refused {
            Refused::Unknown(number) => Self::missing("quarantined element", &number.0.to_string()),
            Refused::Decided(_) | Refused::Erased | Refused::Counted { .. } => {
                Self::new(ProblemKind::Conflict, told)
            }
            Refused::Sealed(_) => Self::internal(&told),
            Refused::NotOne
            | Refused::NotUnderstood { .. }
            | Refused::Foreign(_)
            | Refused::OtherPlace => Self::body("event", told),
        }
    }
}
