//! The files of the kiosk's screens, within the binary.

use std::sync::LazyLock;

use crate::asset::{Asset, AssetKind};

/// How they look. The order of the parts counts: what comes later has the last word.
pub(crate) static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = concat!(
        include_str!("assets/screens.css"),
        include_str!("assets/shelf.css"),
        include_str!("assets/reader.css"),
        include_str!("assets/sideways.css"),
        include_str!("assets/announcements.css"),
        include_str!("assets/narrow.css"),
    );
    Asset::new("screens", AssetKind::Style, text)
});

/// What makes them quicker.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("assets/screens.js");
    Asset::new("screens", AssetKind::Script, text)
});

/// The sign in the browser's tab.
pub(crate) static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("assets/icon.svg");
    Asset::new("screens", AssetKind::Icon, text)
});

/// The one with this address.
pub(crate) fn at(address: &str) -> Option<&'static Asset> {
    let all: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    all.into_iter().find(|asset| asset.address() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script may weigh that is to start on an old computer at once.
    const SCRIPT_MAX: usize = 8 * 1024;

    #[test]
    fn the_script_stays_small() {
        let bytes = SCRIPT.text().len();
        assert!(bytes <= SCRIPT_MAX, "{bytes}");
    }

    #[test]
    fn each_file_is_found_at_its_address() {
        for asset in [&STYLE, &SCRIPT, &ICON] {
            let found = at(&asset.address());
            assert_eq!(found.map(Asset::text), Some(asset.text()));
        }
        assert!(at("/screens.css").is_none());
    }
}
