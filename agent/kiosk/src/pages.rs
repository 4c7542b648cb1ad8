//! The pages of both screens, as HTML. The left one works without script; nothing stands in them
//! that a strict content security policy would refuse. They decide nothing and know no socket.

pub(crate) mod announcements;
pub(crate) mod contents;
pub(crate) mod cover;
pub(crate) mod find;
pub(crate) mod frame;
pub(crate) mod icon;
pub(crate) mod qr;
pub(crate) mod reader;
pub(crate) mod shelf;
pub(crate) mod title;
pub(crate) mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lujiang_config::{ScreenLanguage, ScreensSection};
use lujiang_wire::Label;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use words::Labels;

/// What stands in an address as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// For whom a page is made, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// The language.
    pub(crate) language: ScreenLanguage,
    /// The kiosk's time zone.
    pub(crate) zone: &'a TimeZone,
    /// The time, by the wall clock of this machine.
    pub(crate) now: Timestamp,
    /// What was configured.
    pub(crate) section: &'a ScreensSection,
    /// The release on display.
    pub(crate) release: Option<&'a Label>,
}

impl View<'_> {
    /// The fixed texts.
    pub(crate) fn labels(&self) -> &'static Labels {
        words::labels(self.language)
    }

    /// A day in the library.
    pub(crate) fn day(&self, time: Timestamp) -> String {
        let day = self.zone.to_datetime(time).date();
        words::day(self.language, day, self.zone.to_datetime(self.now).date())
    }
}

/// A text as it stands in an address.
pub(crate) fn in_address(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Where a title's page is.
pub(crate) fn title_address(title: &Label) -> String {
    format!("/titles/{}", in_address(title.as_str()))
}

/// Where its cover is, its own or a drawn one.
pub(crate) fn cover_address(title: &Label) -> String {
    format!("/covers/{}", in_address(title.as_str()))
}
