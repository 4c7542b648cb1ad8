//! Processor time of a process: what a fact costs, however busy the machine is.

use std::time::Duration;

use anyhow::Context as _;

/// One tick in /proc, on every Linux whatever its kernel was built with (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// Processor time a process has used, its threads and the kernel on its behalf included. `id` is
/// its number, or `self`.
///
/// # Errors
/// Where the process is gone.
pub fn used(id: &str) -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name in brackets may hold blanks; utime and stime are fields 14 and 15 (proc_pid_stat(5)).
    let (_, fields) = stat.rsplit_once(')').context("the name in stat")?;
    let ticks = |field: usize| -> anyhow::Result<u32> {
        let text = fields.split_whitespace().nth(field - 3);
        Ok(text.context("a field of stat")?.parse()?)
    };
    Ok(TICK * (ticks(14)? + ticks(15)?))
}
