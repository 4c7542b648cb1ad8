//! Clocks for simulations: one that runs faster, and one that is set by hand.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Boot, Clock, Uptime};

/// This machine's clocks, the wall clock off by so much.
#[derive(Debug)]
pub struct WrongClock<C> {
    /// The right ones.
    pub right: C,
    /// To be added.
    pub off: SignedDuration,
}

impl<C: Clock> Clock for WrongClock<C> {
    fn wall(&self) -> Timestamp {
        let right = self.right.wall();
        right.saturating_add(self.off).unwrap_or(right)
    }

    fn uptime(&self) -> Uptime {
        self.right.uptime()
    }

    fn boot(&self) -> Boot {
        self.right.boot()
    }
}

/// A clock that runs `speed` times as fast as the real one, from a given moment on.
#[derive(Debug)]
pub struct FastClock {
    began: Instant,
    from: Timestamp,
    speed: f64,
    boot: Boot,
}

impl FastClock {
    /// Starts at `from`, now.
    #[must_use]
    pub fn starting(from: Timestamp, speed: f64, boot: Boot) -> Self {
        Self {
            began: Instant::now(),
            from,
            speed,
            boot,
        }
    }

    /// The same time on another machine.
    #[must_use]
    pub fn on_another_machine(&self, boot: Boot) -> Self {
        Self {
            began: self.began,
            from: self.from,
            speed: self.speed,
            boot,
        }
    }

    /// Simulated time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed().mul_f64(self.speed)
    }
}

impl Clock for FastClock {
    fn wall(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.elapsed()).unwrap_or(SignedDuration::MAX);
        self.from.saturating_add(elapsed).unwrap_or(self.from)
    }

    fn uptime(&self) -> Uptime {
        // An hour is added: a machine that has just booted has not yet started its agent.
        Uptime::new(self.elapsed() + Duration::from_secs(3_600))
    }

    fn boot(&self) -> Boot {
        self.boot.clone()
    }
}

/// A clock whose wall and uptime are set apart from each other.
#[derive(Debug)]
pub struct SetClock {
    wall_ms: AtomicI64,
    uptime_ms: AtomicU64,
    boot: std::sync::Mutex<Boot>,
}

impl SetClock {
    /// A clock that stands at `wall`, an hour after its boot.
    #[must_use]
    pub fn at(wall: Timestamp, boot: &str) -> Self {
        Self {
            wall_ms: AtomicI64::new(wall.as_millisecond()),
            uptime_ms: AtomicU64::new(3_600_000),
            boot: std::sync::Mutex::new(boot.parse().expect("a boot is a-z 0-9 -")),
        }
    }

    /// Lets time pass: wall and uptime together.
    pub fn pass(&self, time: Duration) {
        let millis =
            u64::try_from(time.as_millis()).expect("tests last less than 584 million years");
        // One writer, and readers that need no order with other memory.
        self.uptime_ms.fetch_add(millis, Ordering::Relaxed);
        self.wall_ms
            .fetch_add(i64::try_from(millis).expect("as above"), Ordering::Relaxed);
    }

    /// Sets the wall clock alone, as a person or a bad battery does.
    pub fn set_wall(&self, wall: Timestamp) {
        self.wall_ms.store(wall.as_millisecond(), Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millisecond(self.wall_ms.load(Ordering::Relaxed))
            .unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(Duration::from_millis(
            self.uptime_ms.load(Ordering::Relaxed),
        ))
    }

    fn boot(&self) -> Boot {
        self.boot
            .lock()
            .expect("nobody panics with it held")
            .clone()
    }
}
