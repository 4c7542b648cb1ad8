//! `/api/v1/content`: releases for people and for the command that publishes them.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lujiang_wire::{BlobHash, Label};
use tokio_stream::StreamExt as _;

use super::access::Caller;
use super::body::JsonBody;
use super::problem::{Problem, ProblemKind, Problems};
use super::{ApiState, blocking};
use crate::content::dto::{
    BlobForm, HideForm, NoticeForm, NoticesForm, OfferForm, ReleaseForm, RepositoryForm,
    RevisionForm, RoleForm,
};
use crate::content::{ContentError, NewNotice, SayError};

/// Largest document of targets: tough's own bound.
const OFFER_BYTES_MAX: usize = 12 * 1024 * 1024;

/// Longest wait for a next piece of a file that is brought.
pub(super) const PIECE_TIME_MAX: Duration = Duration::from_secs(30);

/// A notice without its picture, at most.
const NOTICE_WORDS_BYTES_MAX: usize = 64 * 1024;

/// The repository: what whoever signs goes on from, and how long each signature is good
#[utoipa::path(
    get, path = "/content/repository", tag = "content",
    responses((status = 200, description = "The repository", body = RepositoryForm), Problems)
)]
pub(super) async fn repository(
    State(state): State<ApiState>,
) -> Result<Json<RepositoryForm>, Problem> {
    let online = serde_json::to_value(state.content.online());
    let online = online.map_err(|error| Problem::internal(&error))?;
    let published = state.content.published().ok();
    let (root, targets) = published.map(|it| (it.root, it.targets)).unzip();
    let roles = state.content.standing();
    Ok(Json(RepositoryForm {
        root,
        targets,
        online,
        roles: roles.into_iter().map(RoleForm::from).collect(),
    }))
}

/// Publish what was signed off-line; every blob it names is here already
#[utoipa::path(
    post, path = "/content/publications", tag = "content", request_body = OfferForm,
    responses(
        (status = 201, description = "It is what devices are told of now", body = RevisionForm),
        Problems
    )
)]
pub(super) async fn publish(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<RevisionForm>), Problem> {
    let form: OfferForm = large_json(&headers, body, OFFER_BYTES_MAX).await?;
    let given = state.rollouts.given();
    let (offer, actor) = (form.into(), caller.actor());
    let revision = state.content.publish(&offer, &given, &actor).await?;
    Ok((StatusCode::CREATED, Json(RevisionForm { revision })))
}

/// Whether a blob is here
#[utoipa::path(
    get, path = "/content/blobs/{blob}", tag = "content",
    params(("blob" = String, Path, description = "Its SHA-256")),
    responses((status = 200, description = "It is", body = BlobForm), Problems)
)]
pub(super) async fn look_at_blob(
    State(state): State<ApiState>,
    Path(blob): Path<String>,
) -> Result<Json<BlobForm>, Problem> {
    let blob = named(&blob)?;
    let absent = || Problem::missing("blob", &blob.to_string());
    let size = state.content.blob_size(&blob).await?.ok_or_else(absent)?;
    let list = state.content.block_list(&blob).await?.ok_or_else(absent)?;
    use sha2::{Digest as _, Sha256};
    let blocks = hex::encode(Sha256::digest(&list));
    Ok(Json(BlobForm { size, blocks }))
}

/// Bring a blob; it is here once this is answered, whole or not at all
#[utoipa::path(
    put, path = "/content/blobs/{blob}", tag = "content",
    params(("blob" = String, Path, description = "Its SHA-256")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, description = "It is here", body = BlobForm), Problems)
)]
pub(super) async fn take_blob(
    State(state): State<ApiState>,
    Path(blob): Path<String>,
    body: Body,
) -> Result<(StatusCode, Json<BlobForm>), Problem> {
    let blob = named(&blob)?;
    let pieces = body.into_data_stream().timeout(PIECE_TIME_MAX);
    let pieces = pieces.map(|piece| piece.map_err(drop).and_then(|it| it.map_err(drop)));
    let facts = state.content.take_blob(blob, Box::pin(pieces)).await?;
    let form = BlobForm {
        size: facts.size,
        blocks: facts.blocks.to_string(),
    };
    Ok((StatusCode::CREATED, Json(form)))
}

/// The releases there are and were, the latest first
#[utoipa::path(
    get, path = "/content/releases", tag = "content",
    responses((status = 200, description = "The releases", body = Vec<ReleaseForm>), Problems)
)]
pub(super) async fn releases(
    State(state): State<ApiState>,
) -> Result<Json<Vec<ReleaseForm>>, Problem> {
    let content = state.content.clone();
    let rows = blocking(move || content.release_rows()).await??;
    Ok(Json(rows.into_iter().map(ReleaseForm::from).collect()))
}

/// The catalogue of a release: an OPDS 2.0 feed
#[utoipa::path(
    get, path = "/content/releases/{release}", tag = "content",
    params(("release" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The feed, as `Catalogue` of the wire",
            body = serde_json::Value),
        Problems
    )
)]
pub(super) async fn release(
    State(state): State<ApiState>,
    Path(release): Path<String>,
) -> Result<Json<lujiang_wire::Catalogue>, Problem> {
    let release = label(&release, "release")?;
    Ok(Json(state.content.catalogue(&release).await?))
}

/// What is said without the vault: notices, and hidden titles
#[utoipa::path(
    get, path = "/content/notices", tag = "content",
    responses((status = 200, description = "What is said now", body = NoticesForm), Problems)
)]
pub(super) async fn notices(State(state): State<ApiState>) -> Result<Json<NoticesForm>, Problem> {
    let content = state.content.clone();
    let said = blocking(move || content.said()).await??;
    Ok(Json(NoticesForm {
        notices: said.notices,
        hidden: said.hidden,
        limits: state.content.notice_limits().into(),
    }))
}

/// Show a notice on the right-hand screens, or another in the place of the one of its name
#[utoipa::path(
    post, path = "/content/notices", tag = "content", request_body = NoticeForm,
    responses((status = 201, description = "Devices are told", body = RevisionForm), Problems)
)]
pub(super) async fn add_notice(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<RevisionForm>), Problem> {
    // Base64 has four characters for three bytes. A picture that is a little too large is let in,
    // to be told by its own size.
    let image = state.content.notice_limits().image_bytes as usize / 3 * 4;
    let max = image.saturating_mul(2) + NOTICE_WORDS_BYTES_MAX;
    let form: NoticeForm = large_json(&headers, body, max).await?;
    let image = form.image.map(|text| STANDARD.decode(text)).transpose();
    let image = image.map_err(|_| Problem::body("image", "expected base64".to_owned()))?;
    let notice = NewNotice {
        id: label(&form.id, "id")?,
        title: label(&form.title, "title")?,
        body: form.body,
        image,
        from: form.from,
        until: form.until,
        order: form.order,
    };
    let revision = state.content.add_notice(notice, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(RevisionForm { revision })))
}

/// A picture: a title's cover, or a notice's
#[utoipa::path(
    get, path = "/content/pictures/{blob}", tag = "content",
    params(("blob" = String, Path, description = "Its SHA-256")),
    responses(
        (status = 200, description = "The picture", body = Vec<u8>, content_type = "image/*"),
        Problems
    )
)]
pub(super) async fn picture(
    State(state): State<ApiState>,
    Path(blob): Path<String>,
) -> Result<impl IntoResponse, Problem> {
    let picture = state.content.picture(&named(&blob)?).await?;
    let kind = HeaderValue::from_static(picture.media_type);
    // Another picture has another name.
    let kept = HeaderValue::from_static("private, max-age=31536000, immutable");
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, kept)], picture.bytes))
}

/// Show a notice no more
#[utoipa::path(
    delete, path = "/content/notices/{notice}", tag = "content",
    params(("notice" = String, Path, description = "Its name")),
    responses((status = 200, description = "Devices are told", body = RevisionForm), Problems)
)]
pub(super) async fn remove_notice(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(notice): Path<String>,
) -> Result<Json<RevisionForm>, Problem> {
    let notice = label(&notice, "notice")?;
    let revision = state
        .content
        .remove_notice(&notice, &caller.actor())
        .await?;
    Ok(Json(RevisionForm { revision }))
}

/// Hide a title on every kiosk at its next contact
#[utoipa::path(
    post, path = "/content/hidden", tag = "content", request_body = HideForm,
    responses((status = 201, description = "Devices are told", body = RevisionForm), Problems)
)]
pub(super) async fn hide(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(form): JsonBody<HideForm>,
) -> Result<(StatusCode, Json<RevisionForm>), Problem> {
    let (title, reason) = (label(&form.title, "title")?, label(&form.reason, "reason")?);
    let revision = state.content.hide(&title, reason, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(RevisionForm { revision })))
}

/// Show a title again that was hidden
#[utoipa::path(
    delete, path = "/content/hidden/{title}", tag = "content",
    params(("title" = String, Path, description = "The title's identifier")),
    responses((status = 200, description = "Devices are told", body = RevisionForm), Problems)
)]
pub(super) async fn show(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(title): Path<String>,
) -> Result<Json<RevisionForm>, Problem> {
    let title = label(&title, "title")?;
    let revision = state.content.unhide(&title, &caller.actor()).await?;
    Ok(Json(RevisionForm { revision }))
}

/// A JSON body that may be larger than others.
async fn large_json<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    max: usize,
) -> Result<T, Problem> {
    super::body::check_kind(headers)?;
    let bytes = axum::body::to_bytes(body, max).await.map_err(|_| {
        let detail = format!("the body is larger than {max} bytes, or broke off");
        Problem::new(ProblemKind::TooLarge, detail)
    })?;
    super::body::read(&bytes)
}

fn named(text: &str) -> Result<BlobHash, Problem> {
    let expected = "a SHA-256 as 64 lower-case hexadecimal digits";
    text.parse()
        .map_err(|_| Problem::parameter("blob", text, expected))
}

fn label(text: &str, name: &'static str) -> Result<Label, Problem> {
    let expected = "a text of 1 to 200 characters, no blank at either end";
    text.parse()
        .map_err(|_| Problem::parameter(name, text, expected))
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        use lujiang_content::BlobError;
        let kind = match &error {
            ContentError::NotBegun | ContentError::Begun => ProblemKind::Conflict,
            ContentError::Publication(_) | ContentError::Given(_) => ProblemKind::Conflict,
            ContentError::Blob { .. } | ContentError::Catalogue { .. } => ProblemKind::Conflict,
            ContentError::NoRelease(_) | ContentError::NoPicture(_) => ProblemKind::NotFound,
            ContentError::Say(said) => match said {
                SayError::NoNotice(_) | SayError::NotHidden(_) | SayError::NoTitle(_) => {
                    ProblemKind::NotFound
                }
                SayError::TooMany(_) => ProblemKind::Conflict,
                SayError::ImageBytes { .. } | SayError::ImagePixels { .. } => ProblemKind::TooLarge,
                SayError::Body(_) | SayError::Period => ProblemKind::BadBody,
                SayError::Image | SayError::ImageCut => ProblemKind::BadBody,
            },
            ContentError::Store(BlobError::Hash { .. }) => ProblemKind::BadBody,
            ContentError::Store(BlobError::TooLarge { .. }) => ProblemKind::TooLarge,
            ContentError::Store(BlobError::BrokeOff(_)) => ProblemKind::BadRequest,
            ContentError::Store(BlobError::Store(_)) => return Self::internal(&error),
            ContentError::Ledger(_) => return Self::internal(&error),
        };
        let problem = Self::new(kind, error.to_string());
        if let ContentError::Say(said) = &error
            && let Some(member) = said.member()
        {
            return problem.at(member);
        }
        problem
    }
}
