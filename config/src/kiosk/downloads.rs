//! `[kiosk.downloads]`: how a release comes over the line.

use std::time::Duration;

use super::WeeklyHours;
use crate::ByteSize;
use crate::section::Section;

/// Most hours of one list.
const HOURS_MAX: usize = 21;

/// The fastest limit that can be said, in kbit/s.
const BANDWIDTH_MAX: u32 = 10_000_000;

/// `[kiosk.downloads]`: how a release comes over the line. Days and hours are those of
/// `kiosk.time_zone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownloadsSection {
    /// So many kbit/s at most; 0 for as fast as the line.
    pub bandwidth: u32,
    /// When the room is open.
    pub opening_hours: Vec<WeeklyHours>,
    /// So many kbit/s at most while it is open; 0 for no other limit than at all times.
    pub bandwidth_open: u32,
    /// When nothing is downloaded.
    pub quiet_hours: Vec<WeeklyHours>,
    /// Blobs on the line at once.
    pub connections: u8,
    /// A source that says nothing for this long is asked anew.
    pub patience: Duration,
    /// The first pause after a break.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// Bytes of the disk that are left to the outbox and the machine.
    pub reserve: ByteSize,
}

impl Default for DownloadsSection {
    fn default() -> Self {
        Self {
            bandwidth: 0,
            opening_hours: Vec::new(),
            bandwidth_open: 0,
            quiet_hours: Vec::new(),
            connections: 1,
            patience: Duration::from_secs(30),
            pause_min: Duration::from_millis(200),
            pause_max: Duration::from_secs(5 * 60),
            reserve: ByteSize::mib(512),
        }
    }
}

impl DownloadsSection {
    /// Reads the section.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let second = Duration::from_secs(1);
        let hours = "a list of hours such as [\"Mon-Fri 08:30-17:30\", \"12:00-13:30\"], or [] for \
                     none, at most 21 of them";
        let mut hours_of = |key, default| {
            section.list(key, hours, default, 0..=HOURS_MAX, |value| {
                value.as_str()?.parse().ok()
            })
        };
        let opening_hours = hours_of("opening_hours", default.opening_hours);
        let quiet_hours = hours_of("quiet_hours", default.quiet_hours);
        let read = Self {
            opening_hours,
            quiet_hours,
            bandwidth: section.number("bandwidth", default.bandwidth, 0..=BANDWIDTH_MAX),
            bandwidth_open: section.number(
                "bandwidth_open",
                default.bandwidth_open,
                0..=BANDWIDTH_MAX,
            ),
            connections: section.number("connections", default.connections, 1..=8),
            patience: section.duration("patience", default.patience, second..=600 * second),
            pause_min: section.duration(
                "pause_min",
                default.pause_min,
                Duration::from_millis(50)..=60 * second,
            ),
            pause_max: section.duration("pause_max", default.pause_max, second..=3_600 * second),
            reserve: section.size(
                "reserve",
                default.reserve,
                ByteSize::mib(16)..=ByteSize::mib(1024 * 1024),
            ),
        };
        section.fits(
            "pause_max",
            read.pause_min <= read.pause_max,
            "at least pause_min of the same section",
        );
        read
    }
}
