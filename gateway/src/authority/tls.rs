//! TLS as both listeners speak it: 1.2 and 1.3, a client's certificate taken where it shows one,
//! and every handshake a full one.

use std::sync::Arc;
use std::time::Duration;

use lujiang_wire::Clock;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientCertVerifierBuilder, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::time_provider::TimeProvider;
use rustls::{RootCertStore, ServerConfig};

use super::{AuthorityError, provider};

/// The gateway's clock, as TLS asks it.
struct GatewayTime(Arc<dyn Clock>);

/// Whose names TLS takes from clients, what it shows them, and by which clock.
pub(super) fn server_config(
    root: &CertificateDer<'static>,
    shown: Arc<dyn ResolvesServerCert>,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, AuthorityError> {
    let verifier = verifier(root, ClientCertVerifierBuilder::allow_unauthenticated)?;
    let mut config = ServerConfig::builder_with_details(provider(), Arc::new(GatewayTime(clock)))
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(shown);
    // Who resumes shows no certificate again, and would be let in with one that has lapsed.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// Whoever takes certificates of devices that come without a handshake.
pub(super) fn signers(
    root: &CertificateDer<'static>,
) -> Result<Arc<dyn ClientCertVerifier>, AuthorityError> {
    verifier(root, std::convert::identity)
}

fn verifier(
    root: &CertificateDer<'static>,
    choose: fn(ClientCertVerifierBuilder) -> ClientCertVerifierBuilder,
) -> Result<Arc<dyn ClientCertVerifier>, AuthorityError> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).map_err(failed)?;
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    choose(builder).build().map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Tls(error.to_string())
}

impl TimeProvider for GatewayTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.wall().as_second()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl std::fmt::Debug for GatewayTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayTime")
    }
}
