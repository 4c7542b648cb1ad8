//! The pages: what is shown, as HTML. They work without script; nothing stands in them that a
//! strict content security policy would refuse. They decide nothing and know no socket.

pub(crate) mod block;
pub(crate) mod close;
pub(crate) mod commands;
pub(crate) mod desk;
pub(crate) mod frame;
pub(crate) mod icon;
pub(crate) mod open;
pub(crate) mod strip;
pub(crate) mod sync;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lujiang_config::DeskLanguage;

use super::words::{self, Labels};

/// For whom a page is made, and when.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    /// The language.
    pub(crate) language: DeskLanguage,
    /// The library's time zone.
    pub(crate) zone: TimeZone,
    /// The time, by the wall clock of this machine.
    pub(crate) now: Timestamp,
}

impl Reading {
    /// The fixed texts.
    pub(crate) fn labels(&self) -> &'static Labels {
        words::labels(self.language)
    }

    /// Today in the library.
    pub(crate) fn today(&self) -> Date {
        self.zone.to_datetime(self.now).date()
    }

    /// A time as a clock shows it, with its day where that is not today.
    pub(crate) fn time(&self, time: Timestamp) -> String {
        let local = self.zone.to_datetime(time);
        let clock = format!("{:02}:{:02}", local.hour(), local.minute());
        if local.date() == self.today() {
            return clock;
        }
        let day = words::day(self.language, local.date(), self.today());
        format!("{day} {clock}")
    }
}
