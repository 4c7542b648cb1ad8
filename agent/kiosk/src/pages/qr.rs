//! The code by which a phone borrows a title.

use lujiang_wire::Publication;
use maud::{Markup, html};
use qrcode::{Color, EcLevel, QrCode};

/// Blank modules around a code [ISO/IEC 18004 §6.3.8].
const QUIET_ZONE: usize = 4;

/// Longest address in a code; beyond it the modules become too small for a phone held by hand.
const ADDRESS_LENGTH_MAX: usize = 400;

/// Where a phone borrows this title; none where phones do not reach the library, or the licence
/// does not let it.
pub(crate) fn borrow_address(public: &str, publication: &Publication) -> Option<String> {
    let link = &publication.borrow_link()?.href;
    if public.is_empty() {
        return None;
    }
    // A link of the licence's own leads where the licence says; a relative one to the library.
    let is_whole = link.starts_with("https://") || link.starts_with("http://");
    Some(match link.strip_prefix('/') {
        Some(path) if !path.starts_with('/') => format!("{public}/{path}"),
        Some(_) => return None,
        None if is_whole => link.clone(),
        None => return None,
    })
}

/// The code, dark on light whatever the page's colours are: not every phone reads it otherwise.
pub(crate) fn draw(address: &str) -> Option<Markup> {
    if address.len() > ADDRESS_LENGTH_MAX {
        return None;
    }
    let code = QrCode::with_error_correction_level(address, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, module) in code.to_colors().into_iter().enumerate() {
        if module == Color::Dark {
            let (x, y) = (index % width + QUIET_ZONE, index / width + QUIET_ZONE);
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    let size = width + 2 * QUIET_ZONE;
    Some(html! {
        svg.qr viewBox=(format!("0 0 {size} {size}")) role="img" aria-label=(address)
            shape-rendering="crispEdges" {
            path fill="#fff" d=(format!("M0 0h{size}v{size}H0z")) {}
            path fill="#000" d=(path) {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_led_to_the_library_or_where_the_licence_says_and_nowhere_without_either() {
        let with = |href: Option<&str>| -> Publication {
            let link = href.map(|href| {
                serde_json::json!({"rel": lujiang_wire::BORROW, "href": href, "type": "text/html"})
            });
            serde_json::from_value(serde_json::json!({
                "metadata": {"@type": "http://schema.org/Book", "identifier": "t", "title": "t"},
                "links": link.into_iter().collect::<Vec<_>>(),
            }))
            .unwrap()
        };
        let public = "https://library.example";
        let at = |public, href| borrow_address(public, &with(href));
        assert_eq!(
            at(public, Some("/borrow/1")).as_deref(),
            Some("https://library.example/borrow/1")
        );
        let other = Some("https://lender.example/1");
        assert_eq!(at(public, other).as_deref(), other);
        assert_eq!(at("", other), None);
        assert_eq!(at(public, None), None);
        for wrong in ["javascript:alert(1)", "//evil.example/", "borrow"] {
            assert_eq!(at(public, Some(wrong)), None, "{wrong}");
        }
        assert!(draw(public).is_some());
        assert!(draw(&"x".repeat(401)).is_none());
    }
}
