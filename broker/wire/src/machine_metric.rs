//! Metrics of self-checkouts in telemetry: `self_checkout_<machine>_<what>`, 1 where it is so.

/// What begins the name of each.
const PREFIX: &str = "self_checkout_";

/// A state of a self-checkout that somebody may have to look after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineMetric {
    /// It is connected.
    Connected,
    /// The library system serves it.
    LibrarySystem,
    /// Its printer has no paper, as it said.
    OutOfPaper,
    /// It is shutting down, as it said.
    ShuttingDown,
    /// Payments at it that the library system never confirmed, since the agent started.
    PaymentsUnresolved,
}

impl MachineMetric {
    /// The metric of this name for a machine.
    #[must_use]
    pub fn name_for(machine: &str, what: &str) -> String {
        format!("{PREFIX}{machine}_{what}")
    }

    /// What the name ends in.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::LibrarySystem => "library_system",
            Self::OutOfPaper => "out_of_paper",
            Self::ShuttingDown => "shutting_down",
            Self::PaymentsUnresolved => "payments_unresolved",
        }
    }

    /// The machine this metric is of, where it is this metric of a machine.
    #[must_use]
    pub fn machine_of(self, name: &str) -> Option<&str> {
        let rest = name.strip_prefix(PREFIX)?.strip_suffix(self.as_str())?;
        rest.strip_suffix('_').filter(|machine| !machine.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_names_its_machine() {
        let name = MachineMetric::name_for("front_desk", "out_of_paper");
        assert_eq!(name, "self_checkout_front_desk_out_of_paper");
        assert_eq!(
            MachineMetric::OutOfPaper.machine_of(&name),
            Some("front_desk")
        );
        assert_eq!(MachineMetric::Connected.machine_of(&name), None);
        assert_eq!(MachineMetric::Connected.machine_of("disk_connected"), None);
    }
}
