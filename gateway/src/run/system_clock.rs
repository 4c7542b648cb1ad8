//! The clocks of this machine, as Linux has them.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::{Boot, Clock, Uptime};
use nix::time::{ClockId, clock_gettime};

/// The random name Linux gives each boot.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The clocks of this machine.
#[derive(Debug, Clone)]
pub struct SystemClock {
    boot: Boot,
}

impl SystemClock {
    /// Asks which boot this is.
    #[must_use]
    pub fn new() -> Self {
        let read = std::fs::read_to_string(BOOT_ID).ok();
        let boot = read.and_then(|text| text.trim().parse().ok());
        // Without /proc the gateway's own boot is only shown, never compared.
        let unknown = || {
            "unknown"
                .parse()
                .expect("it is a well-formed name of a boot")
        };
        Self {
            boot: boot.unwrap_or_else(unknown),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Uptime {
        let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME)
            .expect("every Linux we run on has CLOCK_BOOTTIME");
        Uptime::new(Duration::from(since_boot))
    }

    fn boot(&self) -> Boot {
        self.boot.clone()
    }
}
