//! What programs are given: the feed, the playlist, and the files both lead to.

use std::path::Path as FilePath;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use lujiang_wire::{CATALOGUE_MEDIA_TYPE, Label};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::kept::{Age, Kept};
use super::visitor::{self, Visitor};
use super::{Server, act_of, denied};
use crate::feed;
use crate::pages::cover;
use crate::playlist::{self, Playlist};
use crate::screens::desk::{Denied, Lending};
use crate::usage::Act;

/// `GET /feed.json`: the OPDS 2.0 feed.
pub(super) async fn feed(State(server): State<Server>, headers: HeaderMap) -> Response {
    let display = server.desk.shelf().now();
    let name = server.desk.section.name.trim();
    let name: Label = name.parse().expect("checked as the configuration was read");
    let before: Label = "none".parse().expect("letters");
    let feed = feed::feed(&display, &name, &before);
    document(&headers, CATALOGUE_MEDIA_TYPE, &feed)
}

/// `GET /playlist.json`: the notices of now.
pub(super) async fn playlist(State(server): State<Server>, headers: HeaderMap) -> Response {
    let display = server.desk.shelf().now();
    let items = playlist::now(&display, server.desk.clock.wall());
    let playlist = Playlist::new(&items, server.desk.section.notice.as_secs());
    document(&headers, "application/json", &playlist)
}

fn document<T: Serialize>(headers: &HeaderMap, media_type: &str, document: &T) -> Response {
    let text = serde_json::to_vec(document).expect("a document of texts and numbers");
    let kept = Kept {
        etag: etag(&text),
        media_type: media_type.to_owned(),
        age: Age::Asked,
    };
    kept.answer(headers, || text.into())
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(Sha256::digest(bytes)))
}

/// `GET /covers/…`: a title's cover, or the one that is drawn for it.
pub(super) async fn cover(
    State(server): State<Server>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let display = server.desk.shelf().now();
    let title = id.parse().map_err(|_| Denied::Absent);
    let title = match title.and_then(|id| server.desk.title(&display, &id)) {
        Ok(title) => title,
        Err(why) => return denied(&server, &visitor, &why),
    };
    let media_type = feed::cover_type(&title).to_owned();
    let image = title.publication.images.first().and_then(|it| it.blob());
    if let (Some(file), Some(blob)) = (&title.cover, image) {
        let kept = Kept {
            etag: format!("\"{blob}\""),
            media_type,
            age: Age::Asked,
        };
        return picture(&server, &visitor, &headers, kept, file).await;
    }
    let drawn = cover::draw(&title.publication.metadata);
    let kept = Kept {
        etag: etag(drawn.as_bytes()),
        media_type: "image/svg+xml".to_owned(),
        age: Age::Asked,
    };
    kept.answer(&headers, || drawn.into())
}

/// `GET /notices/…`: the picture of a notice. Its address holds its hash.
pub(super) async fn notice_image(
    State(server): State<Server>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let display = server.desk.shelf().now();
    let mut notices = display.notices.iter();
    let found = notices.find(|it| it.notice.id.as_str() == id);
    let found = found.and_then(|it| Some((it.notice.image.as_ref()?, it.image.as_ref()?)));
    let Some((image, file)) = found else {
        return denied(&server, &visitor, &Denied::Absent);
    };
    let kept = Kept {
        etag: format!("\"{}\"", image.blob),
        media_type: image.media_type.to_string(),
        age: Age::ForEver,
    };
    picture(&server, &visitor, &headers, kept, file).await
}

async fn picture(
    server: &Server,
    visitor: &Visitor,
    asked: &HeaderMap,
    kept: Kept,
    file: &FilePath,
) -> Response {
    match body(file).await {
        Ok((body, _)) => kept.answer(asked, || body),
        Err(error) => faulty(server, visitor, file, &error),
    }
}

/// `GET /files/…`: a title's file whole, for another program on the kiosk. Taking it is a request.
pub(super) async fn file(
    State(server): State<Server>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let Ok(id) = id.parse::<Label>() else {
        return denied(&server, &visitor, &Denied::Absent);
    };
    let session = visitor.session(&server.desk);
    let display = server.desk.shelf().now();
    let found = server.desk.title(&display, &id).and_then(|title| {
        let lending = server.desk.lend(&session, &title)?;
        Ok((title, lending))
    });
    if let Some(act) = act_of(&found, Act::Request) {
        server.desk.count(&session, &id, act).await;
    }
    let response = match found {
        Ok((title, lending)) => match lent(&title.file, lending).await {
            Ok((body, length)) => {
                let kind = title.publication.acquisition();
                let kind = kind.map_or("", |link| link.media_type.as_str()).to_owned();
                let headers = [
                    (CONTENT_LENGTH, length.to_string()),
                    (CONTENT_DISPOSITION, "attachment".to_owned()),
                    (axum::http::header::CONTENT_TYPE, kind),
                ];
                (headers, body).into_response()
            }
            Err(error) => faulty(&server, &visitor, &title.file, &error),
        },
        Err(why) => denied(&server, &visitor, &why),
    };
    visitor::remembering(&session, response)
}

async fn body(file: &FilePath) -> std::io::Result<(Body, u64)> {
    let file = File::open(file).await?;
    let length = file.metadata().await?.len();
    Ok((Body::from_stream(ReaderStream::new(file)), length))
}

/// A file whose copy is in use for as long as it is read.
async fn lent(file: &FilePath, lending: Lending) -> std::io::Result<(Body, u64)> {
    let file = File::open(file).await?;
    let length = file.metadata().await?.len();
    let stream = ReaderStream::new(file).inspect(move |_| lending.taken());
    Ok((Body::from_stream(stream), length))
}

fn faulty(server: &Server, visitor: &Visitor, file: &FilePath, error: &std::io::Error) -> Response {
    tracing::warn!(file = %file.display(), %error, "a file on display cannot be read");
    let mut response = server.told(visitor, StatusCode::INTERNAL_SERVER_ERROR, |labels| {
        (labels.unreadable, labels.unreadable_remedy)
    });
    let headers = response.headers_mut();
    headers.insert(
        axum::http::header::CACHE_CONTROL,
        HeaderValue::from_static("no-store"),
    );
    response
}
