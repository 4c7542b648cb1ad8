//! The task that gets a device its papers over mutual TLS and keeps the last good ones: what
//! cannot be used does not replace what can.

use std::time::Duration;

use lujiang_config::{LendingSection, UplinkSection};
use lujiang_wire::{Desired, DeviceId, LOAN_PAPERS_PATH, Label};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Lending;
use super::papers::Papers;
use super::papers_clock::{Came, PapersClock};
use super::papers_file::{PAPERS_BYTES_MAX, PapersFile, PapersFileError};
use crate::backoff::Backoff;
use crate::error_chain::chain;
use crate::gateway_client::{AskError, Document, GatewayClient};
use crate::identity::{Identity, IdentityError, IdentityFolder};
use crate::measured_time::MeasuredTime;

/// The task.
pub(crate) struct PapersKeeper {
    lending: Lending,
    section: LendingSection,
    folder: IdentityFolder,
    https_timeout: Duration,
    /// What the gateway wants of this device.
    desired: watch::Receiver<Desired>,
}

/// Why there are no new papers.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nobody to ask by: papers come over mutual TLS only.
    #[error("papers are given for a certificate only")]
    Identity(#[from] IdentityError),
    /// The gateway.
    #[error("the gateway gives no papers")]
    Ask(#[from] AskError),
    /// What came, or the disk.
    #[error("the papers are not kept")]
    Keep(#[source] anyhow::Error),
}

impl PapersKeeper {
    pub(crate) fn new(
        lending: Lending,
        section: LendingSection,
        uplink: &UplinkSection,
        device: &DeviceId,
        desired: watch::Receiver<Desired>,
    ) -> Self {
        Self {
            lending,
            section,
            folder: IdentityFolder::new(&uplink.identity, device),
            https_timeout: uplink.https_timeout,
            desired,
        }
    }

    /// Asks whenever it is time, until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.ask_for_ever() => {}
        }
    }

    /// # Cancel safety
    /// Papers that are being kept are kept whole, or not at all.
    async fn ask_for_ever(mut self) {
        let begun = Instant::now();
        let mut clock = PapersClock::new(self.section.papers_interval);
        let (least, most) = (self.section.papers_pause_min, self.section.papers_pause_max);
        let mut backoff = Backoff::new(least, most);
        let mut board = self.lending.clerk.board.changes();
        let clerk = &self.lending.clerk;
        clerk.board.papers(self.lending.papers_status());
        loop {
            clock.handle_line(begun.elapsed(), self.lending.clerk.line());
            let wanted = self.desired.borrow_and_update().papers.clone();
            clock.handle_wanted(begun.elapsed(), wanted, self.held().as_ref());
            if clock.next() <= begun.elapsed() {
                self.ask(begun, &mut clock, &mut backoff).await;
                continue;
            }
            tokio::select! {
                () = sleep_until(begun + clock.next()) => {}
                // Both live as long as we do.
                _ = board.changed() => {}
                Ok(()) = self.desired.changed() => {}
            }
        }
    }

    async fn ask(&self, begun: Instant, clock: &mut PapersClock, backoff: &mut Backoff) {
        let fetched = self.fetch().await;
        let now = begun.elapsed();
        let trouble = match fetched {
            Ok(revision) => {
                if clock.handle_fetched(now, &revision, backoff.next_pause()) == Came::Wanted {
                    backoff.reset();
                }
                None
            }
            Err(error) => {
                let reason = chain(&error);
                let pause = backoff.next_pause();
                tracing::info!(%reason, ?pause, "no new papers");
                clock.handle_failed(now, pause);
                Some(reason)
            }
        };
        let clerk = &self.lending.clerk;
        clerk.papers_trouble.store(trouble.map(Into::into));
        clerk.board.papers(self.lending.papers_status());
        clerk.changed();
    }

    /// Asks for papers, and lends by them from now on; their revision.
    async fn fetch(&self) -> Result<Label, FetchError> {
        let clerk = &self.lending.clerk;
        let identity = self.folder.with(IdentityFolder::load).await?;
        let held = clerk.papers.load_full();
        let known = held.as_ref().map(|papers| &papers.revision);
        let ask = Fetch {
            identity: &identity,
            time: &clerk.time,
            deadline: self.https_timeout,
            file: &clerk.papers_file,
        };
        let Some(papers) = ask.papers(known).await? else {
            return Ok(known.cloned().expect("what is the same is known"));
        };
        let revision = papers.revision.clone();
        tracing::info!(%revision, blocked = papers.blocked(), "new papers to lend by");
        clerk.papers.store(Some(papers.into()));
        Ok(revision)
    }

    fn held(&self) -> Option<Label> {
        let papers = self.lending.clerk.papers.load();
        papers.as_ref().map(|papers| papers.revision.clone())
    }
}

/// One asking.
pub(super) struct Fetch<'a> {
    pub(super) identity: &'a Identity,
    pub(super) time: &'a MeasuredTime,
    pub(super) deadline: Duration,
    pub(super) file: &'a PapersFile,
}

impl Fetch<'_> {
    /// Papers other than those of this revision, which are kept; none where there are no others.
    pub(super) async fn papers(self, known: Option<&Label>) -> Result<Option<Papers>, FetchError> {
        let client = GatewayClient::of_identity(self.identity, self.time.clone(), self.deadline)?;
        let known = known.map(Label::as_str);
        let document = client
            .get(LOAN_PAPERS_PATH, known, PAPERS_BYTES_MAX)
            .await?;
        let text = match document {
            Document::Same => return Ok(None),
            Document::New(text) => text,
        };
        let (file, now) = (self.file.clone(), self.time.now());
        let kept = tokio::task::spawn_blocking(move || file.keep(&text, now)).await;
        let kept = kept.map_err(|error| FetchError::Keep(error.into()))?;
        let papers = kept.map_err(|error: PapersFileError| FetchError::Keep(error.into()))?;
        Ok(Some(papers))
    }
}

#[cfg(test)]
mod tests;
