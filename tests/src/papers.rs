//! A certificate and its key in files, as a foreign client wants them: got from a gateway by the
//! words of its API alone, or signed by an authority nobody trusts.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lujiang_wire::{ENROLMENT_PATH, EnrolmentToken};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::site::{Library, write_password};

/// A device's certificate, its key, and whom it trusts; each a PEM file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Papers {
    /// Its chain.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// What the gateway's certificates are rooted in.
    pub roots: PathBuf,
}

impl Papers {
    /// Enrols a registered device with a fresh token.
    ///
    /// # Errors
    /// Where the gateway refuses.
    pub async fn of(library: &Library, device: &str) -> anyhow::Result<Self> {
        let token = library.token(device).await?;
        Self::with_token(library, device, &token)
            .await?
            .map_err(|(status, problem)| anyhow::anyhow!("{status}: {problem}"))
    }

    /// Enrols with this token; the inner error is the gateway's refusal.
    ///
    /// # Errors
    /// Where there is no answer.
    pub async fn with_token(
        library: &Library,
        device: &str,
        token: &str,
    ) -> anyhow::Result<Result<Self, (u16, Value)>> {
        let token: EnrolmentToken = token.parse().context("a token")?;
        let key = KeyPair::generate()?;
        let csr = CertificateParams::default()
            .serialize_request(&key)?
            .pem()
            .context("a signing request")?;
        let body = json!({"device": device, "secret": token.secret, "csr": csr});
        let root = std::fs::read(library.authority_file()).context("the authority")?;
        let http = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&root)?])
            .build()?;
        let https = library.endpoints().https;
        let url = format!("https://localhost:{}{ENROLMENT_PATH}", https.port());
        let answer = http.post(url).json(&body).send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        if !status.is_success() {
            return Ok(Err((status.as_u16(), answer)));
        }
        let part = |name: &str| answer[name].as_str().context("a PEM").map(str::to_owned);
        let folder = library.folder();
        Self::write(
            folder,
            device,
            &part("certificate")?,
            &key.serialize_pem(),
            &part("roots")?,
        )
        .map(Ok)
    }

    /// Papers of this device that another authority signed, which calls itself the same.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn forged(library: &Library, device: &str) -> anyhow::Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority
            .distinguished_name
            .push(DnType::CommonName, "Lujiang");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let mut leaf = CertificateParams::default();
        let name = format!("{}{device}", lujiang_wire::DEVICE_URN);
        leaf.subject_alt_names
            .push(SanType::URI(name.try_into().context("a URI")?));
        let key = KeyPair::generate()?;
        let leaf = leaf.signed_by(&key, &authority)?;
        let roots = std::fs::read_to_string(library.authority_file())?;
        let (chain, key) = (leaf.pem() + &authority.as_ref().pem(), key.serialize_pem());
        let name = format!("forged-{device}");
        Self::write(library.folder(), &name, &chain, &key, &roots)
    }

    fn write(
        folder: &Path,
        name: &str,
        certificate: &str,
        key: &str,
        roots: &str,
    ) -> anyhow::Result<Self> {
        let papers = Self {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
            roots: folder.join(format!("{name}.roots")),
        };
        write_password(&papers.certificate, certificate)?;
        write_password(&papers.key, key)?;
        write_password(&papers.roots, roots)?;
        Ok(papers)
    }
}
