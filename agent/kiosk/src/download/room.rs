//! Whether the disk has room to go on: a budget that is looked at while bytes come, for others
//! write to the same disk. The rule is a core ([`Budget`]); the disk is asked by [`Room`].
//!
//! Too little room is waited for, not given up: what has come stays, and who makes room need tell
//! nobody.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::DownloadError;

/// The disk is looked at again after so many bytes at the most: others may fill it meanwhile.
const LOOK_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// And after so many at the least: asking costs more than writing less.
const LOOK_BYTES_MIN: u64 = 64 * 1024;

/// How often it is looked whether there is room again.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What a disk says of itself: bytes that are free.
pub(super) type Free = dyn Fn() -> io::Result<u64> + Send + Sync;

/// The room on a disk; clones share it.
#[derive(Clone)]
pub(super) struct Room {
    free: Arc<Free>,
    budget: Arc<Mutex<Budget>>,
}

/// What may be written before the disk is looked at again.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes that are left to others.
    reserve: u64,
    left: u64,
}

impl Budget {
    /// A disk of which so much is left to others.
    pub(super) fn new(reserve: u64) -> Self {
        Self { reserve, left: 0 }
    }

    /// Bytes were written; whether the disk is to be looked at now.
    pub(super) fn wrote(&mut self, bytes: u64) -> bool {
        self.left = self.left.saturating_sub(bytes);
        self.left == 0
    }

    /// So many bytes are free: how many are missing, where it cannot go on.
    pub(super) fn judge(&mut self, free: u64) -> Option<u64> {
        let spare = free.saturating_sub(self.reserve);
        // Half of what is to spare, so that two who look at the same disk do not meet below.
        self.left = (spare / 2).clamp(LOOK_BYTES_MIN, LOOK_BYTES_MAX);
        (free < self.reserve).then(|| self.reserve - free)
    }

    /// Whether it goes on after a wait: with a little more than is just enough, so that it does not
    /// stop again at once.
    pub(super) fn is_enough(&self, free: u64) -> bool {
        free >= self.reserve.saturating_add(LOOK_BYTES_MAX)
    }
}

impl Room {
    /// The room on the disk of this folder, of which so much is left to others.
    pub(super) fn on_disk_of(folder: PathBuf, reserve: u64) -> Self {
        let free = move || {
            let found = nix::sys::statvfs::statvfs(&folder)?;
            Ok(found.blocks_available() * found.fragment_size())
        };
        Self::new(Arc::new(free), reserve)
    }

    /// The room that this says there is.
    pub(super) fn new(free: Arc<Free>, reserve: u64) -> Self {
        Self {
            free,
            budget: Arc::new(Mutex::new(Budget::new(reserve))),
        }
    }

    /// So many bytes were written.
    ///
    /// # Errors
    /// Where there is too little room for more.
    pub(super) async fn wrote(&self, bytes: u64) -> Result<(), DownloadError> {
        if !self.budget().wrote(bytes) {
            return Ok(());
        }
        let free = self.free().await?;
        match self.budget().judge(free) {
            None => Ok(()),
            Some(missing) => Err(DownloadError::Room { missing }),
        }
    }

    /// Waits until there is room again.
    pub(super) async fn again(&self) {
        loop {
            // No disk tells anybody that there is room again.
            sleep(LOOK_EVERY).await;
            // A disk that cannot be asked is asked again: who writes to it finds out why.
            if let Ok(free) = self.free().await
                && self.budget().is_enough(free)
            {
                return;
            }
        }
    }

    async fn free(&self) -> Result<u64, DownloadError> {
        let free = self.free.clone();
        let asked = spawn_blocking(move || free()).await;
        let asked = asked.unwrap_or_else(|broken| Err(io::Error::other(broken)));
        asked.map_err(DownloadError::Disk)
    }

    fn budget(&self) -> std::sync::MutexGuard<'_, Budget> {
        self.budget.lock().expect("nobody panics while holding it")
    }
}

impl std::fmt::Debug for Room {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Room")
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_reserve_is_kept_but_for_one_look_however_much_is_written(
            reserve in 0_u64..1 << 32,
            spare in 0_u64..1 << 28,
            pieces in prop::collection::vec(1_u64..1 << 17, 1..4_000),
        ) {
            let mut budget = Budget::new(reserve);
            let mut free = reserve + spare;
            for piece in pieces {
                free = free.saturating_sub(piece);
                if budget.wrote(piece) && budget.judge(free).is_some() {
                    break;
                }
            }
            prop_assert!(free + LOOK_BYTES_MIN + (1 << 17) >= reserve, "{free} of {reserve}");
        }
    }

    #[test]
    fn what_is_missing_is_said_and_a_little_more_is_waited_for() {
        let mut budget = Budget::new(1_000);
        assert!(budget.wrote(1), "at first it is looked at once");
        assert_eq!(budget.judge(900), Some(100));
        assert!(!budget.is_enough(1_000));
        assert!(budget.is_enough(1_000 + LOOK_BYTES_MAX));
        assert_eq!(budget.judge(1_000), None);
        assert!(!budget.wrote(LOOK_BYTES_MIN - 1) && budget.wrote(1));
    }
}
