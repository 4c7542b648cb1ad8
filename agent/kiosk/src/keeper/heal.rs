//! What is on the shelf stays on it: what the disk has lost of it, and what went because a clock
//! was wrong for weeks, is fetched again.

use lujiang_wire::{ContentRefused, allotment_target, catalogue_target};
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use super::refusal::refused;
use super::{Keeper, StepError, failed};
use crate::download::Wanted;
use crate::state::Installed;

impl Keeper {
    /// Fetches what is missing of the release on the shelf and may still be read; says what of it
    /// is refused. Nothing of the shelf is given up for it.
    pub(super) async fn heal(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<Option<ContentRefused>, StepError> {
        let Some(installed) = self.state.on_shelf().cloned() else {
            return Ok(None);
        };
        match self.heal_release(&installed, cancel).await {
            Err(error @ (StepError::Download(_) | StepError::Failed { .. })) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    release = %installed.release,
                    "what is missing on the shelf cannot be had"
                );
                Ok(refused(&error))
            }
            ended => ended.map(|()| None),
        }
    }

    async fn heal_release(
        &mut self,
        installed: &Installed,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let (catalogue, allotment) = (&installed.catalogue, &installed.allotment);
        let mut lost = Vec::new();
        for (document, name) in [
            (catalogue, catalogue_target(&installed.release)),
            (allotment, allotment_target(&installed.release)),
        ] {
            if self.holds(document) {
                continue;
            }
            let target = self.target(&name)?;
            if target.blob != *document {
                let detail = format!("{name} was lost, and another is signed by now");
                return Err(failed("catalogue", detail));
            }
            lost.push(target);
        }
        self.fetch_documents(&lost, cancel).await?;
        // What is over by either clock went, or will: it comes back with a clock that is right.
        let now = self.trusted_now().max(self.options.clock.wall());
        let plan = self.plan_at(catalogue, allotment, now);
        let mut plan: Plan = plan.map_err(|detail| failed("catalogue", detail))?;
        let is_missing = |it: &Wanted| !self.blobs.has(&it.blob, it.size);
        plan.blobs.retain(is_missing);
        if !plan.blobs.is_empty() {
            let (release, count) = (&installed.release, plan.blobs.len());
            tracing::warn!(%release, count, "files of the shelf are missing: they are fetched again");
            self.make_room(&plan)?;
            self.fetch(plan.blobs, None, cancel).await?;
        }
        self.look().await?;
        Ok(())
    }
}
