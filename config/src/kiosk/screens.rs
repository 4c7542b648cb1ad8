//! `[kiosk.screens]`: the pages of both screens, and the books in them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::ByteSize;
use crate::section::Section;

/// `[kiosk.screens]`: what the browsers on the screens are shown. The pages ask for no password,
/// so they are shown to this machine only.
#[derive(Debug, Clone, PartialEq)]
pub struct ScreensSection {
    /// Where the pages are served: loopback only.
    pub listen: SocketAddr,
    /// Where books are served, so that they are of another origin than the pages: loopback only.
    pub listen_books: SocketAddr,
    /// The language before a reader chose one.
    pub language: ScreenLanguage,
    /// What the reading room is called.
    pub name: String,
    /// When it is open, as it is to be read; empty where that is not to be shown.
    pub opening_hours: String,
    /// Where readers' phones reach the library, with the scheme; empty where they do not.
    pub public_address: String,
    /// After this long without a touch the shelf asks whether anybody is there.
    pub idle: Duration,
    /// The same while a book is open: a page takes longer to read than a shelf to look at.
    pub idle_in_book: Duration,
    /// So long it waits for the answer, then it goes home.
    pub countdown: Duration,
    /// Shortest time a notice stays.
    pub notice: Duration,
    /// How long a screen may take to paint a new shelf before it is taken back.
    pub paint_patience: Duration,
    /// Most files in a book.
    pub book_files_max: u32,
    /// Most bytes of one file of a book, expanded.
    pub book_file_max: ByteSize,
    /// Most bytes of a book, expanded.
    pub book_max: ByteSize,
}

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScreenLanguage {
    /// 中文.
    Chinese,
    /// English.
    English,
}

impl Default for ScreensSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_091)),
            listen_books: SocketAddr::from((Ipv4Addr::LOCALHOST, 8_092)),
            language: ScreenLanguage::Chinese,
            name: "图书室".to_owned(),
            opening_hours: String::new(),
            public_address: String::new(),
            idle: Duration::from_secs(60),
            idle_in_book: Duration::from_secs(5 * 60),
            countdown: Duration::from_secs(15),
            notice: Duration::from_secs(12),
            // The machine's browser may be restarted meanwhile, and a room opens within an hour.
            paint_patience: Duration::from_secs(3_600),
            book_files_max: 20_000,
            book_file_max: ByteSize::bytes(lujiang_wire::BOOK_FILE_BYTES_MAX),
            book_max: ByteSize::mib(1_024),
        }
    }
}

impl ScreensSection {
    /// Reads the section.
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let second = Duration::from_secs(1);
        let languages = [
            ("zh", ScreenLanguage::Chinese),
            ("en", ScreenLanguage::English),
        ];
        let idle = second..=3_600 * second;
        let read = Self {
            listen: section.listen("listen", default.listen),
            listen_books: section.listen("listen_books", default.listen_books),
            language: section.choice("language", default.language, &languages),
            name: section.text("name", default.name, "1 to 40 characters", is_name),
            opening_hours: section.text(
                "opening_hours",
                default.opening_hours,
                "at most 60 characters, or \"\" for none",
                is_hours,
            ),
            public_address: section.text(
                "public_address",
                default.public_address,
                "an address such as \"https://library.example\", or \"\" for none",
                is_public,
            ),
            idle: section.duration("idle", default.idle, idle.clone()),
            idle_in_book: section.duration("idle_in_book", default.idle_in_book, idle),
            countdown: section.duration("countdown", default.countdown, second..=60 * second),
            notice: section.duration("notice", default.notice, second..=300 * second),
            paint_patience: section.duration(
                "paint_patience",
                default.paint_patience,
                60 * second..=24 * 3_600 * second,
            ),
            book_files_max: section.number("book_files_max", default.book_files_max, 10..=65_000),
            book_file_max: section.size(
                "book_file_max",
                default.book_file_max,
                ByteSize::mib(1)..=ByteSize::mib(512),
            ),
            book_max: section.size(
                "book_max",
                default.book_max,
                ByteSize::mib(1)..=ByteSize::mib(8_192),
            ),
        };
        let is_apart = read.listen != read.listen_books || read.listen.port() == 0;
        section.fits(
            "listen_books",
            is_apart,
            "another address than kiosk.screens.listen",
        );
        read
    }
}

fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && is_line(text, 40)
}

fn is_hours(text: &str) -> bool {
    is_line(text, 60)
}

fn is_line(text: &str, length_max: usize) -> bool {
    text.chars().count() <= length_max && !text.chars().any(char::is_control)
}

/// An origin and nothing after it: the way within comes from the licence's own link.
fn is_public(text: &str) -> bool {
    let Some(host) = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
    else {
        return text.is_empty();
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    !host.is_empty() && host.len() <= 255 && host.chars().all(is_host)
}
