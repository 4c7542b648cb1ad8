//! What goes by itself: drafts nobody changed for long, those that are published, and what lies in
//! their folders without belonging to one.

use std::ffi::OsStr;
use std::fs;
use std::io;

use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::{DraftError, Drafts, at};
use crate::data_dir::make_folder;
use crate::registry::Actor;

impl Drafts {
    /// Takes away what is over, until cancelled.
    pub(crate) async fn keep_tidy(self, cancel: CancellationToken) {
        let mut ticks = tokio::time::interval(self.0.section.renewal_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = cancel.cancelled() => return,
            }
            if let Err(error) = self.tidy(self.0.clock.wall()).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "drafts that are over could not be taken away");
            }
        }
    }

    /// Takes away what is over at this moment.
    ///
    /// # Errors
    /// Where a store fails; what was not done is done at the next look.
    pub(crate) async fn tidy(&self, now: Timestamp) -> Result<(), DraftError> {
        let _one = self.0.steps.lock().await;
        let gateway = Actor::named("gateway");
        for (id, draft) in self.all().await? {
            let published = self.published(&draft).await?;
            if draft.expires(self.0.section.draft_kept, published) <= now {
                self.drop_draft(&id, "content.draft.expire", &gateway)
                    .await?;
            }
        }
        Ok(())
    }

    /// What a crash left between a file and its row. Blocks.
    pub(super) fn sweep(&self) -> Result<(), DraftError> {
        let root = self.0.paths.drafts_dir();
        make_folder(&root)?;
        let drafts = self.read()?;
        for entry in fs::read_dir(&root).map_err(at(&root))? {
            let entry = entry.map_err(at(&root))?;
            let name = entry.file_name();
            let known = drafts
                .iter()
                .find(|(id, _)| name == OsStr::new(id.as_str()));
            let path = entry.path();
            let Some((_, draft)) = known else {
                fs::remove_dir_all(&path).map_err(at(&path))?;
                continue;
            };
            for file in fs::read_dir(&path).map_err(at(&path))? {
                let file = file.map_err(at(&path))?;
                let is_named = |name: &super::FileName| file.file_name() == name.as_str();
                if !draft.files.keys().any(is_named) {
                    match fs::remove_file(file.path()) {
                        Err(error) if error.kind() != io::ErrorKind::NotFound => {
                            return Err(at(&file.path())(error));
                        }
                        Ok(()) | Err(_) => {}
                    }
                }
            }
        }
        Ok(())
    }
}
