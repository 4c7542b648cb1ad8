//! What is said without the vault: notices for the right-hand screen, and titles that are hidden.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lujiang_content::{Picture, PictureKind, Said};
use lujiang_wire::{BlobHash, HiddenTitle, Label, Notice, NoticeImage, Notices};
use rusqlite::Transaction;
use serde_json::json;

use super::{Audit, Content, ContentError};
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::store::content as rows;

/// Most notices at once: an hour of a loop.
const NOTICES_MAX: usize = 200;

/// Most hidden titles at once.
const HIDDEN_MAX: usize = 5_000;

/// The longest text of a notice, in characters: more is not read from where people stand.
const BODY_MAX: usize = 500;

/// What a notice may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeLimits {
    /// Notices at once.
    pub notices: usize,
    /// Characters of a text.
    pub body: usize,
    /// Bytes of a picture.
    pub image_bytes: u64,
    /// Pixels of a picture.
    pub image_pixels: u64,
}

/// A notice to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// What it is called; another of this name is replaced.
    pub id: Label,
    /// Its headline.
    pub title: Label,
    /// Its text.
    pub body: String,
    /// Its picture, as it came from the file.
    pub image: Option<Vec<u8>>,
    /// Shown from then on; none: at once.
    pub from: Option<Timestamp>,
    /// Shown no more from then on.
    pub until: Option<Timestamp>,
    /// The lower, the earlier.
    pub order: i32,
}

/// Why something cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum SayError {
    /// Too long a text.
    #[error("the text has {0} characters, expected at most {BODY_MAX}")]
    Body(usize),
    /// A picture of another kind.
    #[error("the picture is no JPEG, PNG or WebP")]
    Image,
    /// A picture that is too large a file.
    #[error(
        "the picture has {found} bytes, expected at most {max} (content.notice_image_max): save it \
         smaller"
    )]
    ImageBytes {
        /// Its bytes.
        found: u64,
        /// Bytes it may have.
        max: u64,
    },
    /// A picture that needs too much memory to be shown.
    #[error(
        "the picture has {width} × {height} pixels, expected at most {max} in all \
         (content.notice_image_pixels_max): a screen has 1920 × 1080"
    )]
    ImagePixels {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// Pixels it may have.
        max: u64,
    },
    /// A picture whose first bytes end before they say how large it is.
    #[error("the picture does not tell its width and height: the file may be cut off")]
    ImageCut,
    /// It would never be shown.
    #[error("the notice would end before it begins")]
    Period,
    /// Too many of them.
    #[error("there are {0} already: remove some that are over")]
    TooMany(usize),
    /// No such notice.
    #[error("no notice {0}")]
    NoNotice(Label),
    /// The title is not hidden.
    #[error("{0} is not hidden")]
    NotHidden(Label),
    /// No release has it.
    #[error("no release has the title {0}")]
    NoTitle(Label),
}

impl SayError {
    /// The member of the request that is wrong, where one is.
    #[must_use]
    pub fn member(&self) -> Option<&'static str> {
        match self {
            Self::Body(_) => Some("body"),
            Self::Image | Self::ImageCut => Some("image"),
            Self::ImageBytes { .. } | Self::ImagePixels { .. } => Some("image"),
            Self::Period => Some("until"),
            Self::NoTitle(_) => Some("title"),
            Self::TooMany(_) | Self::NoNotice(_) | Self::NotHidden(_) => None,
        }
    }
}

impl Content {
    /// What a notice may be.
    #[must_use]
    pub fn notice_limits(&self) -> NoticeLimits {
        NoticeLimits {
            notices: NOTICES_MAX,
            body: BODY_MAX,
            image_bytes: self.0.section.notice_image_max.as_u64(),
            image_pixels: self.0.section.notice_image_pixels_max,
        }
    }

    /// What is said now. Blocks.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn said(&self) -> Result<Notices, ContentError> {
        Ok(self.read_said()?.notices)
    }

    /// Shows a notice, or another in the place of the one of its name.
    ///
    /// # Errors
    /// Where it cannot be shown, or there is no repository yet.
    pub async fn add_notice(&self, new: NewNotice, actor: &Actor) -> Result<u64, ContentError> {
        let length = new.body.chars().count();
        if length > BODY_MAX {
            return Err(SayError::Body(length).into());
        }
        let from = new.from.unwrap_or_else(|| self.0.clock.wall());
        if new.until.is_some_and(|until| until <= from) {
            return Err(SayError::Period.into());
        }
        let image = match new.image {
            None => None,
            Some(bytes) => Some(self.put_image(bytes).await?),
        };
        let notice = Notice {
            id: new.id.clone(),
            title: new.title,
            body: new.body,
            image: image.as_ref().map(|(image, _)| image.clone()),
            from,
            until: new.until,
            order: new.order,
        };
        let change = move |said: &mut Said| {
            said.notices.notices.retain(|it| it.id != notice.id);
            if said.notices.notices.len() >= NOTICES_MAX {
                return Err(SayError::TooMany(NOTICES_MAX));
            }
            said.images
                .extend(image.map(|(image, size)| (image.blob, size)));
            said.notices.notices.push(notice);
            Ok(())
        };
        self.change_said("content.notice.add", &new.id, actor, change)
            .await
    }

    /// Shows a notice no more.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub async fn remove_notice(&self, id: &Label, actor: &Actor) -> Result<u64, ContentError> {
        let name = id.clone();
        let change = move |said: &mut Said| {
            let before = said.notices.notices.len();
            said.notices.notices.retain(|notice| notice.id != name);
            match said.notices.notices.len() == before {
                true => Err(SayError::NoNotice(name)),
                false => Ok(()),
            }
        };
        self.change_said("content.notice.remove", id, actor, change)
            .await
    }

    /// Hides a title on every kiosk at its next contact.
    ///
    /// # Errors
    /// Where no release has it.
    pub async fn hide(
        &self,
        title: &Label,
        reason: Label,
        actor: &Actor,
    ) -> Result<u64, ContentError> {
        let mut is_known = false;
        for release in self.releases() {
            let titles = self.catalogue(&release).await?.publications;
            is_known |= titles.iter().any(|it| it.metadata.identifier == *title);
        }
        if !is_known {
            return Err(SayError::NoTitle(title.clone()).into());
        }
        let hidden = HiddenTitle {
            title: title.clone(),
            since: self.0.clock.wall(),
            reason,
        };
        let change = move |said: &mut Said| {
            said.notices.hidden.retain(|it| it.title != hidden.title);
            if said.notices.hidden.len() >= HIDDEN_MAX {
                return Err(SayError::TooMany(HIDDEN_MAX));
            }
            said.notices.hidden.push(hidden);
            Ok(())
        };
        self.change_said("content.hide", title, actor, change).await
    }

    /// The first revision that hides each hidden title, where that is known. Blocks.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn hidden_since(&self) -> Result<BTreeMap<Label, u64>, ContentError> {
        let told = self.0.store.read(rows::told)?;
        let hidden = told.into_iter().filter_map(|(subject, revision)| {
            let title = subject.strip_prefix("hidden:")?.parse().ok()?;
            Some((title, revision))
        });
        Ok(hidden.collect())
    }

    /// Shows a title again that was hidden.
    ///
    /// # Errors
    /// Where it is not hidden.
    pub async fn unhide(&self, title: &Label, actor: &Actor) -> Result<u64, ContentError> {
        let name = title.clone();
        let change = move |said: &mut Said| {
            let before = said.notices.hidden.len();
            said.notices.hidden.retain(|it| it.title != name);
            match said.notices.hidden.len() == before {
                true => Err(SayError::NotHidden(name)),
                false => Ok(()),
            }
        };
        self.change_said("content.show", title, actor, change).await
    }

    /// One step: what was said is changed, signed, and written with its audit record.
    async fn change_said(
        &self,
        action: &'static str,
        subject: &Label,
        actor: &Actor,
        change: impl FnOnce(&mut Said) -> Result<(), SayError>,
    ) -> Result<u64, ContentError> {
        let _one = self.0.steps.lock().await;
        let current = self.current()?;
        let content = self.clone();
        let mut said = super::blocking(move || content.read_said_rows()).await?;
        let before = json!({ "notices": said.notices });
        change(&mut said)?;
        let shown: Vec<BlobHash> = said
            .notices
            .notices
            .iter()
            .filter_map(|it| Some(it.image.as_ref()?.blob))
            .collect();
        said.images.retain(|blob, _| shown.contains(blob));
        self.put_document(&said.notices).await?;
        let now = self.0.clock.wall();
        let following = current.say(&said, &self.0.keys, now).await?;
        let notices = serde_json::to_string(&said.notices).expect("notices are always JSON");
        let images = serde_json::to_string(&said.images).expect("sizes are always JSON");
        let audit = Audit {
            action,
            subject: subject.to_string(),
            before: Some(before),
            after: Some(json!({ "notices": said.notices })),
        };
        let hidden = said.notices.hidden.iter().map(|it| told_subject(&it.title));
        let hidden: Vec<String> = hidden.collect();
        let (changed, revision) = (told_subject(subject), following.revision());
        let put = move |tx: &Transaction<'_>| {
            rows::put_said(tx, &notices, &images)?;
            rows::put_told(tx, &hidden, &changed, revision)
        };
        self.keep(following, Some((actor.clone(), audit)), put)
            .await
    }

    async fn put_image(&self, bytes: Vec<u8>) -> Result<(NoticeImage, u64), ContentError> {
        let media_type = judge_image(&bytes, &self.notice_limits())?;
        let (blob, facts) = self.0.blobs.put_bytes(bytes).await?;
        let media_type = media_type.parse().expect("a media type is a label");
        Ok((NoticeImage { blob, media_type }, facts.size))
    }

    fn read_said(&self) -> Result<Said, ContentError> {
        Ok(self.read_said_rows()?)
    }

    fn read_said_rows(&self) -> Result<Said, LedgerError> {
        let Some((notices, images)) = self.0.store.read(rows::said)? else {
            return Ok(Said::default());
        };
        let unread = |error: serde_json::Error| {
            LedgerError::Database(format!("the notices kept cannot be read: {error}"))
        };
        let images: BTreeMap<BlobHash, u64> = serde_json::from_str(&images).map_err(unread)?;
        Ok(Said {
            notices: serde_json::from_str(&notices).map_err(unread)?,
            images,
        })
    }
}

/// What a hidden title is called among what is told.
fn told_subject(title: &Label) -> String {
    format!("hidden:{title}")
}

/// The media type of a picture that a kiosk can show.
fn judge_image(bytes: &[u8], limits: &NoticeLimits) -> Result<&'static str, SayError> {
    let (found, max) = (bytes.len() as u64, limits.image_bytes);
    if found > max {
        return Err(SayError::ImageBytes { found, max });
    }
    let picture = Picture::read(bytes).ok_or(SayError::Image)?;
    match picture.kind {
        PictureKind::Jpeg | PictureKind::Png | PictureKind::WebP => {}
        PictureKind::Gif => return Err(SayError::Image),
    }
    let (width, height) = picture.size.ok_or(SayError::ImageCut)?;
    match u64::from(width) * u64::from(height) > limits.image_pixels {
        true => Err(SayError::ImagePixels {
            width,
            height,
            max: limits.image_pixels,
        }),
        false => Ok(picture.kind.media_type()),
    }
}
