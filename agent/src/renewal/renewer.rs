//! The task that renews the certificate: waits until it is due, makes a new key, asks, writes,
//! tells the uplink. It never gives up, and never asks often.

use std::sync::Arc;

use lujiang_config::UplinkSection;
use lujiang_wire::{RENEWAL_PATH, RenewalRequest};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Clocks, Next, Schedule};
use crate::backoff::Backoff;
use crate::error_chain::chain;
use crate::gateway_client::{AskError, GatewayClient};
use crate::identity::{DeviceKey, ENROL_AGAIN, Identity, IdentityError, IdentityFolder};
use crate::measured_time::MeasuredTime;
use crate::status::{Board, CertificateStatus};

/// The task.
pub(crate) struct Renewer {
    pub(crate) folder: IdentityFolder,
    pub(crate) section: UplinkSection,
    pub(crate) time: MeasuredTime,
    pub(crate) board: Arc<Board>,
    /// Moves with each new certificate.
    pub(crate) renewals: watch::Sender<u64>,
}

/// Why there is no next certificate yet.
enum Trouble {
    /// It may pass.
    Passing(String),
    /// Somebody has to do something.
    Lasting(String),
}

impl Renewer {
    /// Renews whenever it is due, until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.renew_for_ever() => {}
        }
    }

    /// # Cancel safety
    /// A replacement that has begun ends by itself, whole; an answer that is lost leaves the old
    /// certificate good.
    async fn renew_for_ever(&self) {
        let begun = Instant::now();
        let (least, most) = (
            self.section.renewal_pause_min,
            self.section.renewal_pause_max,
        );
        let mut backoff = Backoff::new(least, most);
        // What lasts is asked again as seldom as we may, and not by all at once.
        let mut seldom = Backoff::new(most, most);
        let mut trouble = None;
        loop {
            let pause = match self.renew_when_due(begun, trouble.take()).await {
                Ok(()) => {
                    backoff.reset();
                    continue;
                }
                Err(Trouble::Passing(reason)) => {
                    tracing::info!(%reason, "the certificate is not renewed yet");
                    trouble = Some(reason);
                    backoff.next_pause()
                }
                Err(Trouble::Lasting(reason)) => {
                    tracing::warn!(%reason, "the certificate cannot be renewed");
                    trouble = Some(reason);
                    seldom.next_pause()
                }
            };
            self.show(trouble.clone()).await;
            sleep(pause).await;
        }
    }

    /// Waits until the certificate is due, and renews it.
    async fn renew_when_due(&self, begun: Instant, trouble: Option<String>) -> Result<(), Trouble> {
        let mut changes = self.time.changes();
        let mut trouble = trouble;
        loop {
            let identity = self.load().await.map_err(|e| Trouble::Lasting(chain(&e)))?;
            let schedule = Schedule::of(&identity);
            self.board
                .certificate(CertificateStatus::of(&identity, trouble.clone()));
            match schedule.next(self.clocks(begun)) {
                Next::Renew => return self.renew(&identity).await,
                // It was replaced from outside, or the clock was wrong.
                Next::Wait(pause) => {
                    trouble = None;
                    tokio::select! {
                        () = sleep(pause) => {}
                        _ = changes.changed() => {}
                    }
                }
            }
        }
    }

    fn clocks(&self, begun: Instant) -> Clocks {
        Clocks {
            measured: self.time.now(),
            wall: self.time.wall(),
            running: begun.elapsed(),
        }
    }

    async fn renew(&self, identity: &Identity) -> Result<(), Trouble> {
        let device = self.folder.device().clone();
        let key = DeviceKey::generate().map_err(|e| Trouble::Passing(chain(&e)))?;
        let csr = key
            .signing_request(&device)
            .map_err(|e| Trouble::Passing(chain(&e)))?;
        let deadline = self.section.https_timeout;
        let client = GatewayClient::of_identity(identity, self.time.clone(), deadline)
            .map_err(|e| judge(&e))?;
        let issued = client
            .post(RENEWAL_PATH, &RenewalRequest { csr })
            .await
            .map_err(|e| judge(&e))?;
        let next =
            Identity::assemble(&device, identity.gateway().clone(), &key, issued).map_err(|e| {
                Trouble::Passing(format!("what was issued cannot be used: {}", chain(&e)))
            })?;
        // One that a technician put there meanwhile is the newer one.
        let present = self.load().await.map_err(|e| Trouble::Lasting(chain(&e)))?;
        if !present.is_same(identity) {
            return Ok(());
        }
        let until = next.not_after();
        self.folder
            .with(move |folder| folder.succeed(&present, &next))
            .await
            .map_err(|e| Trouble::Passing(chain(&e)))?;
        tracing::info!(%until, "the certificate is renewed");
        self.renewals.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Says on the board what keeps the certificate from being renewed.
    async fn show(&self, trouble: Option<String>) {
        if let Ok(identity) = self.load().await {
            self.board
                .certificate(CertificateStatus::of(&identity, trouble));
        }
    }

    async fn load(&self) -> Result<Identity, IdentityError> {
        self.folder.with(IdentityFolder::load).await
    }
}

fn judge(error: &AskError) -> Trouble {
    let reason = chain(error);
    if error.is_final() {
        return Trouble::Lasting(format!("{reason}; {ENROL_AGAIN}"));
    }
    Trouble::Passing(reason)
}

#[cfg(test)]
mod tests;
