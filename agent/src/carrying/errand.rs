//! The carrier's errands at the gateway: what the ledger has of the devices on the route, what
//! they should have, and the releases for it. Run now and then, and at once after facts were
//! brought; what is not done today is done tomorrow.

use std::collections::BTreeMap;
use std::time::Duration;

use lujiang_kiosk::{Expiry, Haul};
use lujiang_wire::{CARRIED_RECEIPTS_PATH, CARRIED_WISH_PATH, DeviceId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::letters::{Letter, Letters, release_of};
use super::satchel::Satchel;
use crate::backoff::Backoff;
use crate::error_chain::chain;
use crate::line::Line;
use crate::measured_time::MeasuredTime;

/// Largest letter: receipts are a few hundred bytes, a chain a few thousand.
const LETTER_BYTES_MAX: usize = 64 * 1024;

/// The first pause after an errand that failed; doubles up to the usual one.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// A release may take days to load: after so long letters are asked for again, and loading goes
/// on from what is there.
const LOADING_MAX: Duration = Duration::from_secs(5 * 60);

/// The task.
pub(super) struct Errand {
    pub(super) devices: Vec<DeviceId>,
    pub(super) gateway: Line,
    pub(super) haul: Haul,
    pub(super) letters: Letters,
    pub(super) satchel: Satchel,
    pub(super) time: MeasuredTime,
    pub(super) every: Duration,
}

impl Errand {
    /// Runs errands until cancelled.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut brought = self.satchel.deliveries();
        let mut backoff = Backoff::new(PAUSE_MIN.min(self.every), self.every);
        let satchel = self.satchel.clone();
        loop {
            brought.mark_unchanged();
            let done = tokio::select! {
                () = stop.cancelled() => return,
                done = self.run_once() => done,
                () = all_brought(&satchel, &mut brought) => continue,
                () = tokio::time::sleep(LOADING_MAX) => continue,
            };
            let pause = match done {
                Ok(()) => {
                    backoff.reset();
                    self.every
                }
                Err(reason) => {
                    tracing::info!(%reason, "an errand for the route is not done");
                    backoff.next_pause()
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                Ok(()) = brought.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn run_once(&mut self) -> Result<(), String> {
        let mut wishes = BTreeMap::new();
        for device in self.devices.clone() {
            if let Some(wish) = self.ask(&device).await? {
                wishes.insert(device, wish);
            }
        }
        let releases = wishes
            .iter()
            .map(|(device, wish)| (device.clone(), release_of(wish)))
            .collect();
        let wall = self.time.wall();
        let (expiry, now) = match self.time.now() {
            Some(now) => (Expiry::Refused(now), now),
            None => (Expiry::Told(wall), wall),
        };
        let loaded = self.haul.load(&releases, expiry, now).await;
        let loaded = loaded.map_err(|error| chain(&error))?;
        for device in &loaded.whole {
            self.keep(device, Letter::Wish, wishes[device].clone())
                .await?;
        }
        for (device, error) in &loaded.missing {
            tracing::warn!(%device, reason = chain(error), "what a device should have is not on board");
        }
        Ok(())
    }

    /// Asks for the letters of a device; its wish, which is kept once it can be met.
    async fn ask(&self, device: &DeviceId) -> Result<Option<Vec<u8>>, String> {
        let receipts = self
            .letter(&format!("{CARRIED_RECEIPTS_PATH}{device}"))
            .await?;
        if let Told::Letter(receipts) = receipts {
            self.keep(device, Letter::Receipts, receipts).await?;
        }
        let told = self.letter(&format!("{CARRIED_WISH_PATH}{device}")).await?;
        let (letters, known) = (self.letters.clone(), device.clone());
        match told {
            Told::Letter(_) | Told::Nothing => on_disk(move || letters.let_in(&known)).await?,
            Told::ShutOut(ref reason) => {
                tracing::warn!(%device, %reason, "a device is shut out: it gets nothing here");
                on_disk(move || letters.shut_out(&known)).await?;
            }
        }
        match told {
            Told::Letter(wish) => Ok(Some(wish)),
            Told::Nothing | Told::ShutOut(_) => Ok(None),
        }
    }

    async fn letter(&self, path: &str) -> Result<Told, String> {
        match self.gateway.get(path, LETTER_BYTES_MAX).await {
            Ok(letter) => Ok(Told::Letter(letter)),
            Err(error) => match error.status() {
                Some(404) => Ok(Told::Nothing),
                Some(403) => Ok(Told::ShutOut(error.to_string())),
                _ => Err(chain(&error)),
            },
        }
    }

    async fn keep(&self, device: &DeviceId, letter: Letter, signed: Vec<u8>) -> Result<(), String> {
        let (letters, device) = (self.letters.clone(), device.clone());
        on_disk(move || letters.keep(&device, letter, &signed)).await
    }
}

/// Waits until more was brought, and nothing is left to bring: there are new receipts then.
async fn all_brought(satchel: &Satchel, brought: &mut watch::Receiver<u64>) {
    loop {
        if brought.changed().await.is_err() {
            return std::future::pending().await;
        }
        if satchel.waiting() == 0 {
            return;
        }
    }
}

/// What the gateway has for a device.
enum Told {
    Letter(Vec<u8>),
    Nothing,
    /// It is not carried for.
    ShutOut(String),
}

async fn on_disk(
    work: impl FnOnce() -> std::io::Result<()> + Send + 'static,
) -> Result<(), String> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(|_| "the agent is stopping".to_owned())?;
    done.map_err(|error| format!("the folder of letters cannot be used: {error}"))
}
