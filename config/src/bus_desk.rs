//! `[bus_desk]` of the agent's configuration: the page on the book bus's own computer.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::SerialSection;
use crate::section::Section;

/// `[bus_desk]`: the page with which the crew lends. It asks for no password, so it is shown to
/// this machine only.
#[derive(Debug, Clone, PartialEq)]
pub struct BusDeskSection {
    /// Where the page is served: loopback only.
    pub listen: SocketAddr,
    /// The language before anybody chose one.
    pub language: DeskLanguage,
    /// After this long without a scan the reader at the desk is forgotten.
    pub reader_idle: Duration,
    /// The same code again within this time is the same scan.
    pub repeat_within: Duration,
    /// A barcode scanner on a serial line; one that types needs none of this.
    pub scanner: Option<SerialSection>,
}

/// A language of the bus desk's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskLanguage {
    /// 中文.
    Chinese,
    /// English.
    English,
}

impl Default for BusDeskSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_090)),
            language: DeskLanguage::Chinese,
            reader_idle: Duration::from_secs(60),
            repeat_within: Duration::from_secs(2),
            scanner: None,
        }
    }
}

impl BusDeskSection {
    /// Reads the section; none where its scanner cannot be read, which was named as a problem.
    pub(crate) fn read(section: &mut Section<'_>) -> Option<Self> {
        let default = Self::default();
        let scanner = section.optional_section("scanner", SerialSection::read);
        let second = Duration::from_secs(1);
        let languages = [("zh", DeskLanguage::Chinese), ("en", DeskLanguage::English)];
        let read = Self {
            listen: section.listen("listen", default.listen),
            language: section.choice("language", default.language, &languages),
            reader_idle: section.duration(
                "reader_idle",
                default.reader_idle,
                second..=600 * second,
            ),
            repeat_within: section.duration(
                "repeat_within",
                default.repeat_within,
                Duration::ZERO..=10 * second,
            ),
            scanner: None,
        };
        match scanner {
            None => Some(read),
            Some(scanner) => Some(Self {
                scanner: Some(scanner?),
                ..read
            }),
        }
    }
}
