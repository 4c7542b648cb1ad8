//! What the gateway's clock says now, carried on by our uptime since it was last asked.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lujiang_wire::{Clock, ClockReport};
use tokio::sync::watch;

/// How far the wall clock may be from the measured time to be called synchronised: more than a
/// cheap clock drifts between two measurements, less than what a certificate's dates mean.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// The last measurement of this boot, shared by who makes it and who goes by it.
#[derive(Clone)]
pub(crate) struct MeasuredTime {
    clock: Arc<dyn Clock>,
    report: watch::Sender<Option<ClockReport>>,
}

impl MeasuredTime {
    /// Nothing measured yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            report: watch::Sender::new(None),
        }
    }

    /// Takes a measurement.
    pub(crate) fn measured(&self, report: ClockReport) {
        self.report.send_replace(Some(report));
    }

    /// Moves with each measurement.
    pub(crate) fn changes(&self) -> watch::Receiver<Option<ClockReport>> {
        self.report.subscribe()
    }

    /// The wall clock, right or wrong.
    pub(crate) fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    /// The gateway's time now; none where this boot never measured it.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let report = self.report.borrow();
        let report = report.as_ref()?;
        if report.boot != self.clock.boot() {
            return None;
        }
        let since = self.clock.uptime().as_duration();
        let since = since.saturating_sub(report.uptime.as_duration());
        report.time.checked_add(since).ok()
    }

    /// The wall clock, where it is synchronised: measured in this boot, and near what was
    /// measured. Only then do dates in certificates mean anything.
    pub(crate) fn synchronised_wall(&self) -> Option<Timestamp> {
        let wall = self.clock.wall();
        let apart: SignedDuration = self.now()?.duration_since(wall);
        (apart.unsigned_abs() <= TOLERANCE).then_some(wall)
    }
}

impl std::fmt::Debug for MeasuredTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeasuredTime")
            .field("report", &*self.report.borrow())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use lujiang_wire::{Boot, Uptime};

    use super::*;

    /// A clock the test sets.
    pub(crate) struct SetClock(pub(crate) Mutex<(Timestamp, Duration, &'static str)>);

    impl SetClock {
        pub(crate) fn at(wall: &str, uptime: Duration) -> Arc<Self> {
            Arc::new(Self(Mutex::new((wall.parse().unwrap(), uptime, "boot"))))
        }
    }

    impl Clock for SetClock {
        fn wall(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }

        fn uptime(&self) -> Uptime {
            Uptime::new(self.0.lock().unwrap().1)
        }

        fn boot(&self) -> Boot {
            self.0.lock().unwrap().2.parse().unwrap()
        }
    }

    /// A measurement at uptime zero of the boot of [`SetClock`].
    pub(crate) fn report(time: &str) -> ClockReport {
        ClockReport {
            boot: "boot".parse().unwrap(),
            uptime: Uptime::new(Duration::ZERO),
            time: time.parse().unwrap(),
            error_ms: 5,
        }
    }

    #[test]
    fn a_clock_is_synchronised_only_after_a_measurement_of_this_boot_that_it_agrees_with() {
        let hour = Duration::from_secs(3_600);
        let clock = SetClock::at("2026-05-01T01:04:00Z", hour);
        let time = MeasuredTime::new(clock.clone());
        assert_eq!((time.now(), time.synchronised_wall()), (None, None));

        time.measured(report("2026-05-01T00:00:00Z"));
        assert_eq!(time.now(), Some("2026-05-01T01:00:00Z".parse().unwrap()));
        assert_eq!(time.synchronised_wall(), Some(clock.wall()));

        for wrong in [
            "2026-05-01T01:06:00Z",
            "2026-05-01T00:54:00Z",
            "1970-01-01T00:00:00Z",
            "2099-01-01T00:00:00Z",
        ] {
            clock.0.lock().unwrap().0 = wrong.parse().unwrap();
            assert_eq!(time.synchronised_wall(), None, "{wrong}");
            assert!(time.now().is_some(), "{wrong}");
        }

        clock.0.lock().unwrap().2 = "next-boot";
        assert_eq!(time.now(), None);
    }
}
