//! Who is at the other end of a request, and how it came: told by the listener that accepted it.
//!
//! Headers that name another address (`X-Forwarded-For`) are not believed: anybody can send them.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scheme {
    /// HTTP, which is served on loopback only.
    #[default]
    Plain,
    /// HTTPS.
    Tls,
}

/// The other end of a request; a listener puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// How it came.
    pub scheme: Scheme,
}

impl Scheme {
    /// As addresses begin.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "http",
            Self::Tls => "https",
        }
    }
}

impl Peer {
    /// The peer of a request; one that no listener has told of came over plain loopback.
    #[must_use]
    pub fn of(extensions: &axum::http::Extensions) -> Self {
        let told = extensions.get::<Self>().copied();
        let connected = || {
            let address = extensions.get::<ConnectInfo<SocketAddr>>()?;
            Some(address.0.ip().to_canonical())
        };
        told.unwrap_or_else(|| Self {
            address: connected().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            scheme: Scheme::Plain,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}
