//! Whose requests a page of the agent takes, the bus desk's and the kiosk's. It listens on this
//! machine only, but other pages in the same browser are on this machine, too: a page elsewhere may
//! send forms here, and a name of its own may be made to lead here (DNS rebinding). So the request
//! must be for us by name, and a change must say that it comes from our own page.

use std::net::SocketAddr;

use axum::http::Method;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// All of the page comes from here, nothing is inline, forms go nowhere else, nothing frames it.
pub const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
);

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// It is for another host.
    Away,
    /// It is a change that another page caused, or that does not say who did.
    CrossSite,
}

/// Lets through what is for us, and changes that come from us.
///
/// # Errors
/// Why it is not taken.
pub fn check(method: &Method, headers: &HeaderMap, listen: SocketAddr) -> Result<(), Turned> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(host) = host.filter(|host| is_ours(host, listen)) else {
        return Err(Turned::Away);
    };
    if method.is_safe() || comes_from(host, headers) {
        Ok(())
    } else {
        Err(Turned::CrossSite)
    }
}

/// The headers of every answer, with this policy. Pages are not kept: they say who was here.
pub fn secure(headers: &mut HeaderMap, policy: HeaderValue) {
    let always = [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        // With `no-referrer` a browser would send `Origin: null` with our own forms.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    headers.extend(always);
    let kept = headers.entry(CACHE_CONTROL);
    kept.or_insert(HeaderValue::from_static("no-store"));
}

/// Whether a host is this address, or its port on `localhost`.
pub(crate) fn is_ours(host: &str, listen: SocketAddr) -> bool {
    let port = listen.port();
    let by_name = host.eq_ignore_ascii_case(&format!("localhost:{port}"));
    by_name || host == listen.to_string()
}

/// `Sec-Fetch-Site` and `Origin` must both say so where both stand there; where neither does, it
/// is no browser of these days, and nothing of ours.
fn comes_from(host: &str, headers: &HeaderMap) -> bool {
    let site = headers
        .get("sec-fetch-site")
        .map(|site| site == "same-origin");
    let origin = headers.get(ORIGIN).map(|origin| {
        let origin = origin
            .to_str()
            .ok()
            .and_then(|it| it.strip_prefix("http://"));
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
    });
    match (site, origin) {
        (Some(false), _) | (_, Some(false)) | (None, None) => false,
        (Some(true), _) | (_, Some(true)) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, headers: &[(&'static str, &'static str)]) -> Result<(), Turned> {
        let named = headers.iter().map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        });
        check(method, &named.collect(), "127.0.0.1:8090".parse().unwrap())
    }

    #[test]
    fn only_what_is_for_us_by_name_is_answered() {
        for host in ["127.0.0.1:8090", "localhost:8090", "LOCALHOST:8090"] {
            assert_eq!(asked(&Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        let others = [
            "evil.example:8090",
            "127.0.0.1:8091",
            "127.0.0.1",
            "[::1]:8090",
            "",
        ];
        for host in others {
            let answer = asked(&Method::GET, &[("host", host)]);
            assert_eq!(answer, Err(Turned::Away), "{host}");
        }
        assert_eq!(asked(&Method::GET, &[]), Err(Turned::Away));
    }

    #[test]
    fn only_our_own_page_changes_anything() {
        let host = ("host", "127.0.0.1:8090");
        let ours = ("origin", "http://127.0.0.1:8090");
        let good: [&[(&str, &str)]; 3] = [
            &[host, ours],
            &[host, ("sec-fetch-site", "same-origin")],
            &[host, ours, ("sec-fetch-site", "same-origin")],
        ];
        for headers in good {
            assert_eq!(asked(&Method::POST, headers), Ok(()), "{headers:?}");
        }
        let bad: [&[(&str, &str)]; 7] = [
            &[host],
            &[host, ("sec-fetch-site", "cross-site")],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ours, ("sec-fetch-site", "cross-site")],
            &[host, ("origin", "http://localhost:8090")],
            &[host, ("origin", "null")],
        ];
        for headers in bad {
            let answer = asked(&Method::POST, headers);
            assert_eq!(answer, Err(Turned::CrossSite), "{headers:?}");
        }
    }
}
