//! The session cookie: its name, its attributes, and finding it among others.
//!
//! A browser sends cookies to every port of a host, so the name holds the ledger's: two gateways
//! on one host do not sign each other out. Over HTTPS it is `Secure` and carries the prefix that
//! lets no other host and no plain page set it [RFC 6265bis §4.1.3.2].

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use lujiang_wire::LedgerId;

use super::peer::Scheme;
use crate::people::Secret;

/// Digits of the ledger's name in the cookie's: enough to tell the gateways of one host apart.
const LEDGER_DIGITS: usize = 8;

/// The cookie of one gateway; clones share its name.
#[derive(Debug, Clone)]
pub(super) struct SessionCookie(Arc<str>);

impl SessionCookie {
    /// The cookie of the gateway with this ledger.
    pub(super) fn of(ledger: &LedgerId) -> Self {
        let digits: String = ledger.0.chars().take(LEDGER_DIGITS).collect();
        Self(format!("lujiang_session_{digits}").into())
    }

    /// Its name.
    pub(super) fn name(&self, scheme: Scheme) -> String {
        match scheme {
            Scheme::Plain => self.0.to_string(),
            Scheme::Tls => format!("__Host-{}", self.0),
        }
    }

    /// What sets it, to be kept until the browser ends.
    pub(super) fn set(&self, scheme: Scheme, session: &Secret) -> String {
        let (name, attributes) = (self.name(scheme), attributes(scheme));
        format!("{name}={}; {attributes}", session.as_str())
    }

    /// What takes it back.
    pub(super) fn withdraw(&self, scheme: Scheme) -> String {
        let (name, attributes) = (self.name(scheme), attributes(scheme));
        format!("{name}=; {attributes}; Max-Age=0")
    }

    /// The session that a request brings.
    pub(super) fn find<'h>(&self, scheme: Scheme, headers: &'h HeaderMap) -> Option<&'h str> {
        let wanted = self.name(scheme);
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|cookie| cookie.trim().split_once('='))
            .find_map(|(name, value)| (name == wanted).then_some(value))
    }
}

fn attributes(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Plain => "Path=/; HttpOnly; SameSite=Strict",
        Scheme::Tls => "Path=/; HttpOnly; SameSite=Strict; Secure",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_session_is_found_among_other_cookies_and_other_gateways() {
        let cookie = SessionCookie::of(&LedgerId("0123456789abcdef".to_owned()));
        let mut headers = HeaderMap::new();
        for other in [
            "a=b; xlujiang_session_01234567=no; lujiang_session_76543210=no",
            "c=d;lujiang_session_01234567=yes; e",
            "__Host-lujiang_session_01234567=secure",
        ] {
            headers.append(COOKIE, HeaderValue::from_static(other));
        }
        assert_eq!(cookie.find(Scheme::Plain, &headers), Some("yes"));
        assert_eq!(cookie.find(Scheme::Tls, &headers), Some("secure"));
    }

    #[test]
    fn the_cookie_is_secure_over_https() {
        let cookie = SessionCookie::of(&LedgerId("0123456789abcdef".to_owned()));
        let set = cookie.set(Scheme::Tls, &Secret::random());
        assert!(set.starts_with("__Host-lujiang_session_01234567="), "{set}");
        for attribute in ["; HttpOnly", "; SameSite=Strict", "; Secure", "; Path=/"] {
            assert!(set.contains(attribute), "{set}");
        }
        assert!(!set.contains("Domain"));
        let plain = cookie.set(Scheme::Plain, &Secret::random());
        assert!(!plain.contains("Secure"), "{plain}");
    }
}
