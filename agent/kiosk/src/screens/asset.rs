//! The files of the page, within the binary. Each is named by its content, so that a browser may
//! keep it for ever and never shows an old one beside a new page.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// Characters of the hash that stand in the address.
const NAME_LENGTH: usize = 16;

/// One file.
#[derive(Debug)]
pub(crate) struct Asset {
    /// Its text.
    pub(crate) text: &'static str,
    /// Its media type.
    pub(crate) kind: &'static str,
    ending: &'static str,
    hash: LazyLock<String, fn() -> String>,
}

/// How the page looks.
pub(crate) static STYLE: Asset = Asset {
    text: include_str!("assets/screens.css"),
    kind: "text/css; charset=utf-8",
    ending: "css",
    hash: LazyLock::new(|| hash(STYLE.text)),
};

/// What makes it quicker.
pub(crate) static SCRIPT: Asset = Asset {
    text: include_str!("assets/screens.js"),
    kind: "text/javascript; charset=utf-8",
    ending: "js",
    hash: LazyLock::new(|| hash(SCRIPT.text)),
};

/// The sign in the browser's tab.
pub(crate) static ICON: Asset = Asset {
    text: include_str!("assets/icon.svg"),
    kind: "image/svg+xml",
    ending: "svg",
    hash: LazyLock::new(|| hash(ICON.text)),
};

impl Asset {
    /// All of them.
    pub(crate) fn all() -> [&'static Self; 3] {
        [&STYLE, &SCRIPT, &ICON]
    }

    /// Where it is.
    pub(crate) fn address(&self) -> String {
        format!("/screens-{}.{}", &self.hash[..NAME_LENGTH], self.ending)
    }

    /// Its ETag.
    pub(crate) fn etag(&self) -> String {
        format!("\"{}\"", *self.hash)
    }
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script may weigh that is to start on an old computer at once.
    const SCRIPT_MAX: usize = 8 * 1024;

    #[test]
    fn the_script_stays_small() {
        assert!(SCRIPT.text.len() <= SCRIPT_MAX, "{}", SCRIPT.text.len());
    }

    #[test]
    fn each_file_has_an_address_of_its_own() {
        let [style, script, icon] = Asset::all().map(Asset::address);
        assert!(style.ends_with(".css") && script.ends_with(".js") && icon.ends_with(".svg"));
        assert_ne!(STYLE.etag(), SCRIPT.etag());
    }
}
