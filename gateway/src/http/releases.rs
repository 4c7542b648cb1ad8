//! `/api/v1/content/releases/{release}/…`: what is in a release, title by title, and what changed
//! against the one before it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use lujiang_content::{Difference, Shelved};
use lujiang_wire::{Allotment, Copies, Label, Publication, TitleAllotment};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, Problems};
use super::{ApiState, blocking};
use crate::drafts::dto::number;

/// A release, title by title.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReleaseTitles {
    /// Its name.
    release: String,
    /// The release it is compared with: the one published last before it that is not withdrawn.
    #[schema(required = true)]
    before: Option<String>,
    /// Its titles, in the order of the shelf.
    titles: Vec<TitleRow>,
    /// Titles of the one before that it does not have.
    removed: Vec<RemovedTitle>,
}

/// A title of a release.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TitleRow {
    /// What it is known by: `urn:isbn:…` or `urn:sha256:…`.
    identifier: String,
    /// Its title.
    title: String,
    /// Who wrote it.
    authors: Vec<String>,
    /// `application/epub+zip` or `application/pdf`.
    media_type: String,
    /// Bytes of its file and cover.
    bytes: u64,
    /// When its licence begins; null where it has always begun.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// When its licence is over; null where it never ends.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Copies of its licence in all; null for as many as like.
    #[schema(required = true)]
    copies: Option<u32>,
    /// Copies of each device that has some; -1 for as many as like.
    devices: BTreeMap<String, i64>,
    /// Copies of each device that is not named; -1 for as many as like.
    others: i64,
    /// Whether a phone may borrow it.
    phone: bool,
    /// Its cover, to be had at `/content/pictures/{blob}`.
    #[schema(required = true)]
    cover: Option<String>,
    /// What changed against the release before: `added`, or any of `file`, `cover`, `window`,
    /// `copies`, `allotment`, `phone`, `words`; nothing where it is the same.
    changes: Vec<String>,
}

/// A title that is no more in a release.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RemovedTitle {
    /// What it was known by.
    identifier: String,
    /// Its title.
    title: String,
    /// When its licence was over.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// What is in a release, title by title, and what changed against the one before
#[utoipa::path(
    get, path = "/content/releases/{release}/titles", tag = "content",
    params(("release" = String, Path, description = "Its name")),
    responses((status = 200, description = "Its titles", body = ReleaseTitles), Problems)
)]
pub(super) async fn titles(
    State(state): State<ApiState>,
    Path(release): Path<String>,
) -> Result<Json<ReleaseTitles>, Problem> {
    let release = named(&release)?;
    let shelved = state.content.shelved(&release).await?;
    let content = state.content.clone();
    let rows = blocking(move || content.release_rows()).await??;
    let published = rows.iter().find(|row| row.name == release.as_str());
    let published = published.map(|row| row.published);
    let earlier = rows.iter().filter(|row| {
        row.withdrawn.is_none() && row.name != release.as_str() && Some(row.published) < published
    });
    let before = match earlier.max_by_key(|row| row.published) {
        None => None,
        Some(row) => Some(state.content.shelved(&named(&row.name)?).await?),
    };
    Ok(Json(ReleaseTitles::of(&shelved, before.as_ref())))
}

/// How many copies of each title each device has
#[utoipa::path(
    get, path = "/content/releases/{release}/allotment", tag = "content",
    params(("release" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The copies, as `Allotment` of the wire",
            body = serde_json::Value),
        Problems
    )
)]
pub(super) async fn allotment(
    State(state): State<ApiState>,
    Path(release): Path<String>,
) -> Result<Json<Allotment>, Problem> {
    Ok(Json(state.content.allotment(&named(&release)?).await?))
}

impl ReleaseTitles {
    /// A release, and what changed against one before it.
    fn of(release: &Shelved, before: Option<&Shelved>) -> Self {
        let difference = before.map(|before| Difference::between(before, release));
        let mut changes: BTreeMap<&Label, Vec<String>> = BTreeMap::new();
        let mut removed = Vec::new();
        if let Some(difference) = &difference {
            for title in &difference.added {
                changes.insert(&title.metadata.identifier, vec!["added".into()]);
            }
            for (title, changed) in &difference.changed {
                let words = changed.iter().map(|it| it.as_str().to_owned());
                changes.insert(&title.metadata.identifier, words.collect());
            }
            removed = difference
                .removed
                .iter()
                .map(|it| RemovedTitle::of(it))
                .collect();
        }
        let row = |title: &Publication| {
            let identifier = &title.metadata.identifier;
            let allotted = release.allotment.titles.get(identifier);
            let changes = changes.get(identifier).cloned().unwrap_or_default();
            TitleRow::of(title, allotted, changes)
        };
        Self {
            release: release.catalogue.metadata.identifier.to_string(),
            before: before.map(|it| it.catalogue.metadata.identifier.to_string()),
            titles: release.catalogue.publications.iter().map(row).collect(),
            removed,
        }
    }
}

impl TitleRow {
    fn of(title: &Publication, allotted: Option<&TitleAllotment>, changes: Vec<String>) -> Self {
        let acquisition = title.acquisition();
        let properties = acquisition.and_then(|link| link.properties.as_ref());
        let window = title.window();
        let links = title.links.iter().chain(&title.images);
        let devices = allotted.into_iter().flat_map(|it| &it.devices);
        let devices = devices.filter(|(_, copies)| **copies != Copies::None);
        Self {
            identifier: title.metadata.identifier.to_string(),
            title: title.metadata.title.to_string(),
            authors: title
                .metadata
                .author
                .iter()
                .map(ToString::to_string)
                .collect(),
            media_type: acquisition.map_or_else(String::new, |link| link.media_type.to_string()),
            bytes: links.filter_map(|link| link.size).sum(),
            since: window.and_then(|it| it.since),
            until: window.and_then(|it| it.until),
            copies: properties
                .and_then(|it| it.copies.as_ref())
                .map(|it| it.total),
            devices: devices
                .map(|(device, copies)| (device.to_string(), number(*copies)))
                .collect(),
            others: allotted.map_or(0, |it| number(it.others)),
            phone: title.borrow_link().is_some(),
            cover: title
                .images
                .iter()
                .find_map(|link| link.blob())
                .map(|it| it.to_string()),
            changes,
        }
    }
}

impl RemovedTitle {
    fn of(title: &Publication) -> Self {
        Self {
            identifier: title.metadata.identifier.to_string(),
            title: title.metadata.title.to_string(),
            until: title.window().and_then(|it| it.until),
        }
    }
}

fn named(text: &str) -> Result<Label, Problem> {
    let expected = "a text of 1 to 200 characters, no blank at either end";
    text.parse()
        .map_err(|_| Problem::parameter("release", text, expected))
}
