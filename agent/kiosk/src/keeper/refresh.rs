//! Asking what is newest, and showing at once what needs no release: notices and withdrawals.

use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::{ContentRefused, NOTICES_TARGET};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::refusal::refused;
use super::{Keeper, StepError, display};
use crate::metadata::Expiry;
use crate::source::Source;

/// How long pictures may hold up what follows them. What has come of one is gone on from.
const PICTURES_WITHIN: Duration = Duration::from_secs(120);

impl Keeper {
    /// Asks the gateway what is newest; where it is out of reach, the neighbour. What a neighbour
    /// says that does not hold, or is older than what was seen, is no news.
    pub(super) async fn refresh(&mut self, cancel: &CancellationToken) -> Result<(), StepError> {
        let expiry = match (self.options.measured)() {
            Some(now) => Expiry::Refused(now),
            None => Expiry::Told(self.trusted_now()),
        };
        let gateway = Arc::clone(&self.options.source);
        let error = match self.refresh_by(&gateway, expiry, cancel).await {
            Err(StepError::Metadata(error)) if error.is_transient() => error,
            ended => return ended,
        };
        let neighbour = self.options.neighbour.as_ref();
        let Some(neighbour) = neighbour.filter(|it| it.is_present()) else {
            return Err(error.into());
        };
        let neighbour = Arc::clone(&neighbour.source);
        // Off-line: that what it brings is the newest nobody can say.
        let expiry = Expiry::Told(self.trusted_now());
        match self.refresh_by(&neighbour, expiry, cancel).await {
            Err(StepError::Metadata(refused)) => {
                tracing::info!(
                    error = &refused as &dyn std::error::Error,
                    "the neighbour has no news"
                );
                Err(error.into())
            }
            ended => ended,
        }
    }

    pub(super) async fn refresh_by(
        &mut self,
        source: &Arc<dyn Source>,
        expiry: Expiry,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let (metadata, source) = (self.metadata.clone(), Arc::clone(source));
        let asked = async move { metadata.refresh(&source, expiry).await };
        let verified = self.attend(asked, |_| {}, cancel).await??;
        for role in &verified.expired {
            tracing::warn!(
                role,
                "the metadata of a role has expired, and is taken: there is no line, or nobody knows \
                 what time it is"
            );
        }
        let (boot, uptime) = (self.options.clock.boot(), self.options.clock.uptime());
        self.time.learn(verified.signed_at, &boot, uptime);
        self.state.revision = Some(verified.revision);
        self.verified = Some(verified);
        self.keep(Vec::new()).await?;
        Ok(())
    }

    /// The notices are shown as soon as they are here, and titles hidden: no picture, however large
    /// and slow its line, keeps a withdrawn title on the shelf. Pictures follow.
    pub(super) async fn fetch_notices(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let target = self.target(NOTICES_TARGET)?;
        self.fetch_documents(&[target], cancel).await?;
        let revision = self.verified.as_ref().map(|it| it.revision);
        if self.state.notices != Some(target.blob) {
            self.state.notices = Some(target.blob);
            self.keep(Vec::new()).await?;
        }
        self.look().await?;
        // Told once what is hidden is off the shelf, and not when it was only heard of.
        self.said = revision;
        self.tell();
        Ok(())
    }

    /// The pictures of the notices; says which is refused. A notice without its picture is shown
    /// all the same, and no release waits for one.
    pub(super) async fn fetch_pictures(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<Option<ContentRefused>, StepError> {
        let Some(blob) = self.state.notices else {
            return Ok(None);
        };
        let until = Instant::now() + PICTURES_WITHIN;
        let notices = display::notices(&self.blobs, &blob);
        let mut faulty = None;
        for image in notices.notices.iter().filter_map(|it| it.image.as_ref()) {
            let Ok(target) = self.target(&lujiang_wire::notice_image_target(&image.blob)) else {
                continue;
            };
            match self.fetch_picture(target, until, cancel).await {
                Err(error @ (StepError::Download(_) | StepError::Failed { .. })) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        picture = %image.blob,
                        "a notice is shown without its picture"
                    );
                    faulty = faulty.or_else(|| refused(&error));
                }
                Err(StepError::Late) => {
                    tracing::info!(picture = %image.blob, "a picture comes another time");
                }
                ended => ended?,
            }
        }
        self.look().await?;
        Ok(faulty)
    }
}
