//! For tests: an authority that issues whatever certificate a test needs.

use jiff::Timestamp;
use lujiang_wire::{CertificateIssued, DEVICE_URN, DeviceId};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

/// From when and until when.
pub(crate) type Dates = (&'static str, &'static str);

/// Good in the whole of the year most tests play in.
pub(crate) const YEAR: Dates = ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");

/// An authority.
pub(crate) struct Authority {
    pub(crate) root: CertificateDer<'static>,
    pub(crate) root_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one; all have the same name, so that only the key tells them apart.
    pub(crate) fn new() -> Self {
        Self::with_dates(("2020-01-01T00:00:00Z", "2050-01-01T00:00:00Z"))
    }

    pub(crate) fn with_dates(dates: Dates) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params("Test authority", dates);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).unwrap();
        Self {
            root: certificate.der().clone(),
            root_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// What a token of this authority pins.
    pub(crate) fn pin(&self) -> [u8; 32] {
        Sha256::digest(&self.root).into()
    }

    /// A chain and key for a gateway of this name: its own, then the root.
    pub(crate) fn gateway(
        &self,
        name: &str,
        dates: Dates,
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = params("Gateway", dates);
        params.subject_alt_names = CertificateParams::new(vec![name.to_owned()])
            .unwrap()
            .subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let own = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
        (vec![own.der().clone(), self.root.clone()], key)
    }

    /// An intermediate below this authority, with these dates.
    pub(crate) fn intermediate(&self, dates: Dates) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params("Intermediate", dates);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self {
            root: certificate.der().clone(),
            root_pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// What a gateway answers to this signing request.
    pub(crate) fn issue(&self, csr: &str, device: &DeviceId, dates: Dates) -> CertificateIssued {
        let mut request = CertificateSigningRequestParams::from_pem(csr).unwrap();
        request.params = params(device.as_str(), dates);
        let uri = format!("{DEVICE_URN}{device}");
        request.params.subject_alt_names = vec![SanType::URI(uri.as_str().try_into().unwrap())];
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let own = request.signed_by(&self.issuer).unwrap();
        let (not_before, not_after) = timestamps(dates);
        let life = not_after.duration_since(not_before);
        CertificateIssued {
            certificate: format!("{}{}", own.pem(), self.root_pem),
            roots: self.root_pem.clone(),
            not_before,
            not_after,
            renew_after: not_before + life * 2 / 3,
        }
    }
}

fn timestamps((from, until): Dates) -> (Timestamp, Timestamp) {
    (from.parse().unwrap(), until.parse().unwrap())
}

fn params(name: &str, dates: Dates) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let (from, until) = timestamps(dates);
    let epoch = date_time_ymd(1970, 1, 1);
    let since = |time: Timestamp| time.duration_since(Timestamp::UNIX_EPOCH).unsigned_abs();
    params.not_before = epoch + since(from);
    params.not_after = epoch + since(until);
    params
}
