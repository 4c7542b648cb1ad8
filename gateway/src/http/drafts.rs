//! `/api/v1/content/drafts`: files of a release, brought from a browser, and what is understood of
//! them. Signing is not done here: the keys are where `content publish --draft` is typed.

use std::cmp::Reverse;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use tokio_stream::StreamExt as _;

use super::ApiState;
use super::access::Caller;
use super::body::JsonBody;
use super::content::PIECE_TIME_MAX;
use super::problem::{Problem, ProblemKind, Problems};
use crate::drafts::dto::{
    BroughtForm, DraftFileForm, DraftForm, DraftLimitsForm, DraftsForm, NewDraftForm,
    UnderstandingForm,
};
use crate::drafts::{DraftError, DraftId, FileName, StoredDraft};
use crate::ledger::LedgerError;

/// The drafts of releases, the one changed last first
#[utoipa::path(
    get, path = "/content/drafts", tag = "content",
    responses((status = 200, description = "The drafts", body = DraftsForm), Problems)
)]
pub(super) async fn drafts(State(state): State<ApiState>) -> Result<Json<DraftsForm>, Problem> {
    let mut drafts = Vec::new();
    for (id, draft) in state.drafts.all().await? {
        drafts.push(form(&state, &id, draft).await?);
    }
    drafts.sort_by_key(|it| Reverse(it.changed));
    let section = state.drafts.section();
    Ok(Json(DraftsForm {
        drafts,
        limits: DraftLimitsForm {
            drafts: section.drafts_max,
            files: section.draft_files_max,
            file_bytes: section.blob_max.as_u64(),
            bytes: section.draft_max.as_u64(),
        },
    }))
}

/// Begin a draft of a release
#[utoipa::path(
    post, path = "/content/drafts", tag = "content", request_body = NewDraftForm,
    responses((status = 201, description = "It is begun", body = DraftForm), Problems)
)]
pub(super) async fn begin_draft(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(asked): JsonBody<NewDraftForm>,
) -> Result<(StatusCode, Json<DraftForm>), Problem> {
    let expected = "a text of 1 to 200 characters, no blank at either end";
    let release = asked.release.parse();
    let release = release.map_err(|_| Problem::parameter("release", &asked.release, expected))?;
    let id = state.drafts.begin(release, &caller.actor()).await?;
    let draft = state.drafts.one(&id).await?;
    Ok((StatusCode::CREATED, Json(form(&state, &id, draft).await?)))
}

/// A draft: its files, and how far it has come
#[utoipa::path(
    get, path = "/content/drafts/{draft}", tag = "content",
    params(("draft" = String, Path, description = "Its id")),
    responses((status = 200, description = "The draft", body = DraftForm), Problems)
)]
pub(super) async fn draft(
    State(state): State<ApiState>,
    Path(draft): Path<String>,
) -> Result<Json<DraftForm>, Problem> {
    let id = named(&draft)?;
    let draft = state.drafts.one(&id).await?;
    Ok(Json(form(&state, &id, draft).await?))
}

/// Throw a draft away with its files
#[utoipa::path(
    delete, path = "/content/drafts/{draft}", tag = "content",
    params(("draft" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(super) async fn discard_draft(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(draft): Path<String>,
) -> Result<StatusCode, Problem> {
    state
        .drafts
        .discard(&named(&draft)?, &caller.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bring a file of a draft, or another in the place of the one of its name
#[utoipa::path(
    put, path = "/content/drafts/{draft}/files/{file}", tag = "content",
    params(
        ("draft" = String, Path, description = "Its id"),
        ("file" = String, Path, description = "The file's name: an EPUB, PDF, CSV or JSON file")
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "It is there, whole", body = DraftFileForm),
        Problems
    )
)]
pub(super) async fn take_draft_file(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((draft, file)): Path<(String, String)>,
    body: Body,
) -> Result<(StatusCode, Json<DraftFileForm>), Problem> {
    let (id, name) = (named(&draft)?, file_named(&file)?);
    let pieces = body.into_data_stream().timeout(PIECE_TIME_MAX);
    let pieces = pieces.map(|piece| piece.map_err(drop).and_then(|it| it.map_err(drop)));
    let actor = caller.actor();
    let taken = state
        .drafts
        .take_file(&id, &name, Box::pin(pieces), &actor)
        .await?;
    let form = DraftFileForm {
        name: name.as_str().to_owned(),
        bytes: taken,
    };
    Ok((StatusCode::CREATED, Json(form)))
}

/// Take a file out of a draft
#[utoipa::path(
    delete, path = "/content/drafts/{draft}/files/{file}", tag = "content",
    params(
        ("draft" = String, Path, description = "Its id"),
        ("file" = String, Path, description = "The file's name")
    ),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(super) async fn remove_draft_file(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path((draft, file)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let (id, name) = (named(&draft)?, file_named(&file)?);
    state
        .drafts
        .remove_file(&id, &name, &caller.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is understood of a draft's files: titles, copies, and every problem by file
#[utoipa::path(
    get, path = "/content/drafts/{draft}/understanding", tag = "content",
    params(("draft" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "What is understood", body = UnderstandingForm),
        Problems
    )
)]
pub(super) async fn understanding(
    State(state): State<ApiState>,
    Path(draft): Path<String>,
) -> Result<Json<UnderstandingForm>, Problem> {
    let understood = state.drafts.understand(&named(&draft)?).await?;
    Ok(Json(UnderstandingForm::from(&*understood)))
}

async fn form(state: &ApiState, id: &DraftId, draft: StoredDraft) -> Result<DraftForm, Problem> {
    let published = state.drafts.published(&draft).await?;
    let brought = state.drafts.brought(id).await?;
    let kept = state.drafts.section().draft_kept;
    Ok(DraftForm {
        id: id.to_string(),
        expires: draft.expires(kept, published),
        licences: draft.licences().map(|it| it.as_str().to_owned()),
        release: draft.release,
        made: draft.made,
        by: draft.by,
        changed: draft.changed,
        files: draft
            .files
            .into_iter()
            .map(|(name, bytes)| DraftFileForm {
                name: name.into(),
                bytes,
            })
            .collect(),
        published,
        brought: brought.map(|(files, of)| BroughtForm { files, of }),
    })
}

fn named(text: &str) -> Result<DraftId, Problem> {
    let wrong =
        |error: crate::drafts::NameError| Problem::parameter("draft", text, error.to_string());
    text.parse().map_err(wrong)
}

fn file_named(text: &str) -> Result<FileName, Problem> {
    let wrong =
        |error: crate::drafts::NameError| Problem::parameter("file", text, error.to_string());
    text.parse().map_err(wrong)
}

impl From<DraftError> for Problem {
    fn from(error: DraftError) -> Self {
        let kind = match &error {
            DraftError::NoDraft(_) | DraftError::NoFile(_) => ProblemKind::NotFound,
            DraftError::TooMany(_) | DraftError::Release(_) => ProblemKind::Conflict,
            DraftError::Files(_) | DraftError::TwoLicences(_) => ProblemKind::Conflict,
            DraftError::Large { .. } => ProblemKind::TooLarge,
            DraftError::BrokeOff { .. } => ProblemKind::BadRequest,
            DraftError::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    ProblemKind::NoRoom
                }
                _ => return Self::internal(&error),
            },
            DraftError::Folder(_) | DraftError::Data(_) => return Self::internal(&error),
            DraftError::Ledger(LedgerError::Full) => return LedgerError::Full.into(),
            DraftError::Content(_) | DraftError::Ledger(_) => return Self::internal(&error),
        };
        let problem = Self::new(kind, error.to_string());
        match matches!(error, DraftError::Release(_)) {
            true => problem.at("release"),
            false => problem,
        }
    }
}
