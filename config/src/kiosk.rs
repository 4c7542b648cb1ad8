//! `[kiosk]` of the agent's configuration: an e-book kiosk with two screens.

mod downloads;
mod screens;
mod weekly_hours;

pub use downloads::DownloadsSection;
pub use screens::{ScreenLanguage, ScreensSection};
pub use weekly_hours::{WeeklyHours, WeeklyHoursError};

use jiff::tz::TimeZone;

use crate::section::Section;

/// `[kiosk]`: what makes this device an e-book kiosk.
#[derive(Debug, Clone, PartialEq)]
pub struct KioskSection {
    /// Days are cut and clocks are shown here.
    pub time_zone: TimeZone,
    /// `[kiosk.downloads]`
    pub downloads: DownloadsSection,
    /// `[kiosk.screens]`
    pub screens: ScreensSection,
}

impl Default for KioskSection {
    fn default() -> Self {
        Self {
            time_zone: TimeZone::get("Asia/Shanghai").expect("the zone data is built in"),
            downloads: DownloadsSection::default(),
            screens: ScreensSection::default(),
        }
    }
}

impl KioskSection {
    /// Reads the section.
    pub(crate) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        Self {
            time_zone: section.time_zone("time_zone", default.time_zone),
            downloads: section.section("downloads", DownloadsSection::read),
            screens: section.section("screens", ScreensSection::read),
        }
    }
}
