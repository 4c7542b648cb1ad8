//! A file of a page, within the binary. It is named by its content, so that a browser may keep it
//! for ever and never shows an old one beside a new page.

use sha2::{Digest, Sha256};

/// Characters of the hash that stand in the address.
const NAME_LENGTH: usize = 16;

/// One file.
#[derive(Debug)]
pub struct Asset {
    text: &'static str,
    kind: AssetKind,
    /// What its address begins with.
    page: &'static str,
    hash: String,
}

/// What a file of a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetKind {
    /// How the page looks.
    Style,
    /// What makes it quicker.
    Script,
    /// The sign in the browser's tab.
    Icon,
}

impl AssetKind {
    fn ending(self) -> &'static str {
        match self {
            Self::Style => "css",
            Self::Script => "js",
            Self::Icon => "svg",
        }
    }
}

impl Asset {
    /// A file of the page whose files begin with that word.
    #[must_use]
    pub fn new(page: &'static str, kind: AssetKind, text: &'static str) -> Self {
        Self {
            text,
            kind,
            page,
            hash: hex::encode(Sha256::digest(text)),
        }
    }

    /// What stands in it.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.kind {
            AssetKind::Style => "text/css; charset=utf-8",
            AssetKind::Script => "text/javascript; charset=utf-8",
            AssetKind::Icon => "image/svg+xml",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> String {
        let (page, name, ending) = (self.page, &self.hash[..NAME_LENGTH], self.kind.ending());
        format!("/{page}-{name}.{ending}")
    }

    /// Its ETag.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_its_page_its_content_and_its_kind() {
        let style = Asset::new("desk", AssetKind::Style, "a{}");
        let other = Asset::new("desk", AssetKind::Style, "b{}");
        let address = style.address();
        assert!(address.starts_with("/desk-") && address.ends_with(".css"));
        assert_ne!(address, other.address());
        assert_ne!(style.etag(), other.etag());
        assert_eq!(style.media_type(), "text/css; charset=utf-8");
    }
}
