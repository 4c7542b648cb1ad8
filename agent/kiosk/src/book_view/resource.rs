//! A file of a book, and which kinds of files a browser is given.

/// A file of a book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resource {
    /// What it is.
    pub(crate) media_type: MediaType,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// A kind of file that a book may show. Scripts are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// A document, whose XML is looked through.
    Document,
    /// Whatever a document needs: a picture, a font, a style, a sound.
    Part(&'static str),
}

/// By the ending of a name, where the package does not say.
const BY_ENDING: [(&str, &str); 21] = [
    ("xhtml", "application/xhtml+xml"),
    ("html", "application/xhtml+xml"),
    ("htm", "application/xhtml+xml"),
    ("svg", "image/svg+xml"),
    ("css", "text/css"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("ogg", "audio/ogg"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
];

/// Other names of the same in older books.
const ALIASES: [(&str, &str); 8] = [
    ("text/html", "application/xhtml+xml"),
    ("text/x-oeb1-document", "application/xhtml+xml"),
    ("application/x-dtbook+xml", "application/xhtml+xml"),
    ("application/vnd.ms-opentype", "font/otf"),
    ("application/font-sfnt", "font/ttf"),
    ("application/x-font-ttf", "font/ttf"),
    ("application/font-woff", "font/woff"),
    ("image/jpg", "image/jpeg"),
];

impl MediaType {
    /// What a file is: what the package declares, where that is one of the kinds we give out;
    /// otherwise by its name.
    pub(super) fn of(name: &str, declared: Option<&str>) -> Option<Self> {
        let known = |kind: &str| BY_ENDING.iter().find(|(_, it)| *it == kind).map(|it| it.1);
        let alias = |kind: &str| ALIASES.iter().find(|(it, _)| *it == kind).map(|it| it.1);
        let declared = declared.and_then(|kind| known(kind).or_else(|| alias(kind)));
        let ending = name.rsplit_once('.').map(|(_, it)| it.to_ascii_lowercase());
        let by_name = || {
            let ending = ending?;
            BY_ENDING
                .iter()
                .find(|(it, _)| *it == ending)
                .map(|it| it.1)
        };
        let kind = declared.or_else(by_name)?;
        Some(if kind == "application/xhtml+xml" {
            Self::Document
        } else {
            Self::Part(kind)
        })
    }

    /// As it stands in `Content-Type`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Document => "application/xhtml+xml; charset=utf-8",
            Self::Part(kind) => kind,
        }
    }
}
