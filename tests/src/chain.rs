//! A gateway's certificate chain as an operator brings it: made on the spot, with its own root.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::site::write_password;

/// A chain, its key, and its root; each a PEM file.
#[derive(Debug, Clone)]
pub struct Chain {
    /// From the gateway's own up to the root.
    pub certificate: PathBuf,
    /// The key, for its owner alone.
    pub key: PathBuf,
    /// The root.
    pub roots: PathBuf,
}

impl Chain {
    /// Makes a chain for this machine, in place of one that is there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn make(folder: &Path) -> anyhow::Result<Self> {
        Self::with(folder, CertificateParams::new(names())?)
    }

    /// The same, where the gateway's own certificate is good at these times only.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn good(folder: &Path, from: Timestamp, to: Timestamp) -> anyhow::Result<Self> {
        let mut leaf = CertificateParams::new(names())?;
        let epoch = date_time_ymd(1970, 1, 1);
        leaf.not_before = epoch + since_epoch(from)?;
        leaf.not_after = epoch + since_epoch(to)?;
        Self::with(folder, leaf)
    }

    fn with(folder: &Path, leaf: CertificateParams) -> anyhow::Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let leaf = leaf.signed_by(&key, &authority)?;
        let chain = Self {
            certificate: folder.join("chain.pem"),
            key: folder.join("key.pem"),
            roots: folder.join("root.pem"),
        };
        let pem = leaf.pem() + &authority.as_ref().pem();
        // The key first: a certificate without its key is never taken up.
        write_password(&chain.key, &key.serialize_pem())?;
        std::fs::write(&chain.certificate, pem).context("writing the chain")?;
        std::fs::write(&chain.roots, authority.as_ref().pem()).context("writing the root")?;
        Ok(chain)
    }
}

fn names() -> [String; 2] {
    ["localhost".to_owned(), "127.0.0.1".to_owned()]
}

fn since_epoch(at: Timestamp) -> anyhow::Result<Duration> {
    Ok(Duration::from_secs(at.as_second().try_into()?))
}
