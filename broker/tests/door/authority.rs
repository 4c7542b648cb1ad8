//! A certificate authority for one test, and the two ends of TLS that trust it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lujiang_broker::DoorTls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::soon;

pub(crate) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
pub(crate) struct Identity {
    pub(crate) certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of one name: only the key tells them apart.
        params.distinguished_name.push(DnType::CommonName, "Test");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().into();
        let issuer = Issuer::new(params, key);
        Self {
            certificate,
            issuer,
        }
    }

    pub(crate) fn issue(&self, name: &str) -> Identity {
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().into();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Identity { certificate, key }
    }

    pub(crate) fn door(&self, handshake_timeout: Duration) -> DoorTls {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), provider())
                .allow_unauthenticated()
                .build()
                .unwrap();
        let own = self.issue("localhost");
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![own.certificate], own.key)
            .unwrap();
        DoorTls {
            listen: "127.0.0.1:0".parse().unwrap(),
            config: Arc::new(config),
            handshake_timeout,
        }
    }

    /// Speaks TLS of one version to a door, with or without a certificate.
    pub(crate) async fn dial(
        &self,
        address: SocketAddr,
        version: &'static SupportedProtocolVersion,
        identity: Option<Identity>,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.roots());
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(own) => builder
                .with_client_auth_cert(vec![own.certificate], own.key)
                .unwrap(),
        };
        let stream = soon(TcpStream::connect(address)).await?;
        let name = ServerName::try_from("localhost").unwrap();
        soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
