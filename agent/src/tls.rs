//! TLS towards the gateway: TLS 1.2 or 1.3, its chain and its name always verified.
//!
//! Before enrolment the gateway is known by the pin of a token ([`PinnedGateway`]); afterwards by
//! the roots it gave ([`RootedGateway`]). Dates are judged only while our clock is synchronised:
//! a gate that wakes up in 1970 connects, and then learns the time.

mod fellow;
mod pinned;
mod rooted;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::UnixTime;
use rustls::server::NoServerSessionStorage;
use rustls::sign::SingleCertAndKey;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ServerConfig};

use crate::identity::{Identity, facts_of, provider};
use crate::measured_time::MeasuredTime;
pub(crate) use fellow::{Fellow, device_of};
pub(crate) use pinned::{PinnedGateway, Refusal};
pub(crate) use rooted::RootedGateway;

/// How a gateway is verified. The default is right; the other values exist so that the identity
/// suites can show that they would notice, and no configuration reaches them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Its chain and its name.
    #[default]
    ChainAndName,
    /// Planted fault: a chain of our roots will do, whatever the name.
    AnyName,
    /// Planted fault: nothing; whoever answers is the gateway.
    Anybody,
}

/// With the device's certificate, towards the gateway of its roots.
pub(crate) fn with_identity(identity: &Identity, time: MeasuredTime, trust: Trust) -> ClientConfig {
    let verifier = Arc::new(RootedGateway::new(identity.roots(), time, trust));
    let key = SingleCertAndKey::from(identity.certified_key());
    let mut config = builder(verifier).with_client_cert_resolver(Arc::new(key));
    forget_sessions(&mut config);
    config
}

/// With the device's certificate, towards another device of the same gateway.
pub(crate) fn with_fellow(
    identity: &Identity,
    time: MeasuredTime,
    fellow: DeviceId,
) -> ClientConfig {
    let verifier = Arc::new(Fellow::new(identity.roots(), time, vec![fellow]));
    let key = SingleCertAndKey::from(identity.certified_key());
    let mut config = builder(verifier).with_client_cert_resolver(Arc::new(key));
    forget_sessions(&mut config);
    config
}

/// With the device's certificate, towards these other devices of the same gateway, which dial.
pub(crate) fn for_fellows(
    identity: &Identity,
    time: MeasuredTime,
    fellows: Vec<DeviceId>,
) -> ServerConfig {
    let verifier = Arc::new(Fellow::new(identity.roots(), time, fellows));
    let key = SingleCertAndKey::from(identity.certified_key());
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(NoTime))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(key));
    // As with the gateway: each connection is verified.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// Without a certificate, towards the gateway of a token.
pub(crate) fn with_pin(verifier: Arc<PinnedGateway>) -> ClientConfig {
    let mut config = builder(verifier).with_no_client_auth();
    forget_sessions(&mut config);
    config
}

fn builder(
    verifier: Arc<dyn ServerCertVerifier>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    ClientConfig::builder_with_details(provider(), Arc::new(NoTime))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
}

/// A resumed session would skip the verification, and so a renewed or revoked certificate.
fn forget_sessions(config: &mut ClientConfig) {
    config.resumption = Resumption::disabled();
}

/// The library wants a time before it asks our verifiers, which go by their own: so that a clock
/// before 1970 does not end the handshake.
struct NoTime;

impl TimeProvider for NoTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::ZERO))
    }
}

impl fmt::Debug for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NoTime")
    }
}

/// A moment at which these certificates, the gateway's own first, are all good, where there is
/// one; otherwise at which the gateway's own is.
fn moment_within(
    own: &rustls::pki_types::CertificateDer<'_>,
    others: &[rustls::pki_types::CertificateDer<'_>],
) -> Result<Timestamp, rustls::Error> {
    let unreadable = || rustls::Error::InvalidCertificate(rustls::CertificateError::BadEncoding);
    let own = facts_of(own).map_err(|_| unreadable())?.validity;
    let mut begin = own.not_before;
    for other in others {
        begin = begin.max(
            facts_of(other)
                .map_err(|_| unreadable())?
                .validity
                .not_before,
        );
    }
    Ok(if begin <= own.not_after {
        begin
    } else {
        own.not_before
    })
}

/// The TLS error among the causes of an error; an I/O error hides the one it is made of.
pub(crate) fn error_within<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let hidden = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        cause = match hidden {
            Some(hidden) => Some(hidden as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

/// A time as the verifying library wants it; it knows none before 1970.
fn unix_time(time: Timestamp) -> UnixTime {
    let seconds = u64::try_from(time.as_second()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
