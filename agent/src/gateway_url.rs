//! The address of a gateway's HTTPS listener, as a technician writes it.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};

/// `https://host` or `https://host:port`, and nothing after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GatewayUrl(Url);

/// Why a text is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a gateway: expected https://HOST or https://HOST:PORT")]
pub struct GatewayUrlError;

impl GatewayUrl {
    /// Another device's, at this place on a local network.
    pub(crate) fn of_fellow(host: &str, port: u16) -> Result<Self, GatewayUrlError> {
        let host = match host.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => host.to_owned(),
        };
        format!("https://{host}:{port}").parse()
    }

    /// The name that its certificate bears.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        let host = self.0.host_str()?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        ServerName::try_from(host.to_owned()).ok()
    }

    /// The address of one path there.
    pub(crate) fn at(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url
    }
}

impl FromStr for GatewayUrl {
    type Err = GatewayUrlError;

    fn from_str(text: &str) -> Result<Self, GatewayUrlError> {
        let url: Url = text.trim().parse().map_err(|_| GatewayUrlError)?;
        let is_bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if url.scheme() != "https" || !url.has_host() || !is_bare {
            return Err(GatewayUrlError);
        }
        Ok(Self(url))
    }
}

impl TryFrom<String> for GatewayUrl {
    type Error = GatewayUrlError;

    fn try_from(text: String) -> Result<Self, GatewayUrlError> {
        text.parse()
    }
}

impl From<GatewayUrl> for String {
    fn from(url: GatewayUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_bare_address_of_an_https_listener_is_taken() {
        for good in [
            "https://gateway:8443",
            "https://127.0.0.1:8443/",
            "https://[::1]",
        ] {
            let url: GatewayUrl = good.parse().unwrap();
            assert_eq!(url.to_string(), good.trim_end_matches('/'));
        }
        for bad in [
            "gateway:8443",
            "http://gateway:8443",
            "https://user:secret@gateway",
            "https://gateway/api",
            "https://gateway?token=x",
            "https://",
            "",
        ] {
            assert_eq!(bad.parse::<GatewayUrl>(), Err(GatewayUrlError), "{bad}");
        }
    }
}
