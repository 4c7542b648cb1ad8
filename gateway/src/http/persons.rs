//! `POST /api/v1/persons/erase`: readers forgotten, by entry or by age.

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiState;
use super::access::Caller;
use super::body::JsonBody;
use super::problem::{Problem, Problems};
use crate::entry::EntryNumber;
use crate::ruling::RulingReason;
use crate::store::{Erased, Erasure};

/// Entries of one request; more are several requests.
const ENTRIES_MAX: usize = 1_000;

/// Whose persons are erased: `entries` or `before`, not both.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErasureBody {
    /// These entries of the ledger, at most 1000; a quarantined element and what counts in its
    /// place go together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(crate) entries: Option<Vec<i64>>,
    /// Everything received before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub(crate) before: Option<Timestamp>,
    /// Why, a line of at most 500 characters.
    pub(crate) why: String,
}

/// What was erased.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ErasedBody {
    /// Sealed readers.
    pub(crate) persons: u64,
    /// Originals of quarantined elements.
    pub(crate) originals: u64,
    /// Whether no file of the store holds their bytes any more. Where not, somebody reads an
    /// older state; erase again afterwards.
    pub(crate) log_emptied: bool,
}

/// Erase readers beside facts, and originals of quarantined elements; figures stay
#[utoipa::path(
    post, path = "/persons/erase", tag = "people", request_body = ErasureBody,
    responses((status = 200, description = "How many", body = ErasedBody), Problems)
)]
pub(super) async fn erase(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<ErasureBody>,
) -> Result<Json<ErasedBody>, Problem> {
    let (erasure, why) = body.read()?;
    let at = state.clock.wall();
    let erased = state.store.erase(erasure, why, &caller.actor(), at).await?;
    Ok(Json(erased.into()))
}

impl ErasureBody {
    /// What is asked for.
    ///
    /// # Errors
    /// Where it is asked for in no way, in two, or without a reason.
    pub(crate) fn read(self) -> Result<(Erasure, RulingReason), Problem> {
        let why = RulingReason::new(&self.why);
        let why = why.map_err(|error| Problem::body("why", error.to_string()))?;
        match (self.entries, self.before) {
            (Some(entries), None) if (1..=ENTRIES_MAX).contains(&entries.len()) => {
                let entries = entries.into_iter().map(EntryNumber).collect();
                Ok((Erasure::Entries(entries), why))
            }
            (None, Some(before)) => Ok((Erasure::Before(before), why)),
            _ => Err(Problem::body(
                "entries",
                format!("expected 1 to {ENTRIES_MAX} entries, or `before`, not both"),
            )),
        }
    }
}

impl From<Erased> for ErasedBody {
    fn from(erased: Erased) -> Self {
        Self {
            persons: erased.persons,
            originals: erased.originals,
            log_emptied: erased.is_log_empty,
        }
    }
}
