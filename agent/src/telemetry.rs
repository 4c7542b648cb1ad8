//! The health of the machine an agent runs on, as metrics.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sysinfo::{Disks, System};

/// Samples the machine; the first processor figure covers the time since it was made.
#[derive(Debug)]
pub(crate) struct Health {
    system: Option<System>,
    data: PathBuf,
}

impl Health {
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            system: System::new().ok(),
            data: std::fs::canonicalize(data).unwrap_or_else(|_| data.to_owned()),
        }
    }

    /// What can be known now; what cannot is left out.
    pub(crate) fn sample(&mut self) -> BTreeMap<String, f64> {
        let mut metrics = BTreeMap::new();
        let mut put = |name: &str, value: f64| {
            metrics.insert(name.to_owned(), value);
        };
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            system.refresh_memory();
            put(
                "cpu_usage_ratio",
                f64::from(system.global_cpu_usage()) / 100.0,
            );
            put("memory_total_bytes", approximate(system.total_memory()));
            put(
                "memory_available_bytes",
                approximate(system.available_memory()),
            );
        }
        if let Ok(load) = System::load_average() {
            put("load_1m", load.one);
        }
        if let Some(free) = self.disk_free() {
            put("disk_free_bytes", approximate(free));
        }
        metrics
    }

    /// Free bytes where the data folder is: of the longest mount point above it.
    fn disk_free(&self) -> Option<u64> {
        let disks = Disks::new_with_refreshed_list().ok()?;
        disks
            .iter()
            .filter(|disk| self.data.starts_with(disk.mount_point()))
            .max_by_key(|disk| disk.mount_point().as_os_str().len())
            .map(sysinfo::Disk::available_space)
    }
}

/// A count as a measurement: exact to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "metrics are floating point; bytes above 2^53 are not met"
)]
pub(crate) fn approximate(count: u64) -> f64 {
    count as f64
}
