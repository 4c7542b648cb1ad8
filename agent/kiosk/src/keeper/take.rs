//! Taking a release: its documents, its blobs, then the switch.

use jiff::Timestamp;
use lujiang_wire::{BlobHash, Label, TakingState, allotment_target, catalogue_target};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::plan::Plan;
use super::{Keeper, StepError, failed};
use crate::state::Installed;

impl Keeper {
    /// Takes a release: all of it, or nothing changes on the shelf.
    pub(super) async fn take(
        &mut self,
        release: &Label,
        attempt: u32,
        cancel: &CancellationToken,
    ) -> Result<(), StepError> {
        let is_known = self
            .state
            .taking
            .as_ref()
            .is_some_and(|it| it.release == *release && it.attempt == attempt);
        if !is_known {
            self.state.go_on(release, attempt, TakingState::Offered);
            self.keep(Vec::new()).await?;
        }
        let (catalogue, allotment) = (
            self.target(&catalogue_target(release))?,
            self.target(&allotment_target(release))?,
        );
        self.fetch_documents(&[catalogue, allotment], cancel)
            .await?;
        let plan = self.plan(&catalogue.blob, &allotment.blob);
        let plan = plan.map_err(|detail| failed("catalogue", detail))?;
        self.make_room(&plan)?;
        let told = Some((release.clone(), attempt));
        self.fetch(plan.blobs, told, cancel).await?;
        self.state.go_on(release, attempt, TakingState::Verified);
        self.keep(Vec::new()).await?;
        self.wait_for_readers(cancel).await?;
        self.state.switch(
            Installed {
                release: release.clone(),
                catalogue: catalogue.blob,
                allotment: allotment.blob,
                at: self.options.clock.wall(),
            },
            attempt,
        );
        self.options.shelf.was_switched();
        self.keep(Vec::new()).await?;
        self.paint_until = Some(Instant::now() + self.options.paint_patience);
        tracing::info!(%release, "the shelf is switched");
        Ok(())
    }

    /// What nobody names any more goes before there is too little room; what is still missing is
    /// said.
    pub(super) fn make_room(&self, plan: &Plan) -> Result<(), StepError> {
        let missing: u64 = plan
            .blobs
            .iter()
            .map(|it| it.size.saturating_sub(self.blobs.come(&it.blob)))
            .sum();
        if missing == 0 {
            // Nothing comes: it makes room, if anything.
            return Ok(());
        }
        let room = || {
            nix::sys::statvfs::statvfs(self.blobs.path())
                .map(|it| it.blocks_available() * it.fragment_size())
        };
        let needed = missing + self.options.reserve;
        if room().is_ok_and(|room| room < needed) {
            self.sweep(&plan.named);
        }
        match room() {
            Ok(room) if room < needed => Err(failed(
                "no-space",
                format!(
                    "{missing} bytes are to come and {} are to stay free, {room} are: {} are missing",
                    self.options.reserve,
                    needed - room
                ),
            )),
            Ok(_) => Ok(()),
            Err(error) => Err(failed("disk", error.to_string())),
        }
    }

    /// Never during a reader's session.
    async fn wait_for_readers(&mut self, cancel: &CancellationToken) -> Result<(), StepError> {
        let mut readings = self.options.shelf.readings();
        let gone = async move { readings.wait_for(|it| *it == 0).await.is_ok() };
        // The shelf is ours: it outlives the wait.
        self.attend(gone, |_| {}, cancel).await.map(drop)
    }

    /// What this device is to have of a release whose documents are here.
    pub(super) fn plan(&self, catalogue: &BlobHash, allotment: &BlobHash) -> Result<Plan, String> {
        self.plan_at(catalogue, allotment, self.trusted_now())
    }

    /// As [`Keeper::plan`], without what is over at this time.
    pub(super) fn plan_at(
        &self,
        catalogue: &BlobHash,
        allotment: &BlobHash,
        now: Timestamp,
    ) -> Result<Plan, String> {
        let verified = self.verified.as_ref();
        let target = |name: &str| verified.and_then(|it| it.target(name));
        let device = &self.options.device;
        Plan::read(&self.blobs, device, (catalogue, allotment), target, now)
    }
}
