//! The issuer: the authority's certificate and key, and what it puts its name to.
//!
//! A request is asked for nothing but its key: names, uses and dates are the gateway's decision,
//! whatever the request says (it may well ask to be an authority itself).

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName,
    DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use super::AuthorityError;
use super::identity::{Serial, device_uri};
use crate::data_dir::random_bytes;

/// How long the authority lives: devices know the gateway by it, so it outlives them.
const AUTHORITY_YEARS: i64 = 20;

/// Clocks of devices and browsers may be behind by this much.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// A clock before this is wrong: an authority made by it would be too old by tomorrow.
const BUILT: &str = "2026-01-01T00:00:00Z";

/// Random bytes of a serial number: 20 at most, the first bit 0 [RFC 5280 4.1.2.2].
const SERIAL_BYTES: usize = 16;

/// A key as PKCS #8 (DER). Never printed.
pub(super) struct IssuerKey(pub(super) Vec<u8>);

/// What issues certificates.
pub(super) struct CertificateIssuer {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    der: CertificateDer<'static>,
}

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From here.
    pub not_before: Timestamp,
    /// Up to here.
    pub not_after: Timestamp,
}

/// A device's new certificate.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    /// The certificate (PEM).
    pub certificate: String,
    /// Its number.
    pub serial: Serial,
    /// When it is good.
    pub validity: Validity,
}

/// Why a request gets no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate signing request: {reason}")]
pub struct RequestError {
    reason: String,
}

impl CertificateIssuer {
    /// Makes an authority for this library: its certificate, and the key to be kept.
    pub(super) fn make(library: &str, now: Timestamp) -> Result<(Self, IssuerKey), AuthorityError> {
        let failed = |error: rcgen::Error| AuthorityError::Make {
            what: "the authority's certificate",
            reason: error.to_string(),
        };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("Lujiang authority of {library}"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(serial().0);
        let built = BUILT.parse().expect("a constant time");
        let from = now.max(built);
        let years = Duration::from_secs(AUTHORITY_YEARS as u64 * 365 * 24 * 3_600);
        // From long before: what checks it may have a clock that is behind.
        set_dates(&mut params, built, from + years);
        let certificate = params.self_signed(&key).map_err(failed)?.pem();
        let stored = IssuerKey(key.serialize_der());
        Ok((Self::open(certificate, &stored)?, stored))
    }

    /// Takes up an authority that was made before.
    pub(super) fn open(certificate: String, key: &IssuerKey) -> Result<Self, AuthorityError> {
        let failed = |error: &dyn std::fmt::Display| AuthorityError::Make {
            what: "the issuer of the authority",
            reason: error.to_string(),
        };
        let key = KeyPair::try_from(key.0.as_slice()).map_err(|error| failed(&error))?;
        let issuer = Issuer::from_ca_cert_pem(&certificate, key).map_err(|error| failed(&error))?;
        let der = rustls::pki_types::pem::PemObject::from_pem_slice(certificate.as_bytes())
            .map_err(|error| failed(&error))?;
        Ok(Self {
            issuer,
            certificate,
            der,
        })
    }

    /// Its certificate (PEM).
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its certificate.
    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Names a device.
    pub(super) fn name_device(
        &self,
        device: &DeviceId,
        request: &str,
        valid: Duration,
        now: Timestamp,
    ) -> Result<IssuedCertificate, RequestError> {
        let failed = |error: rcgen::Error| RequestError {
            reason: error.to_string(),
        };
        let mut request = CertificateSigningRequestParams::from_pem(request).map_err(failed)?;
        let (number, serial) = serial();
        let mut params = CertificateParams::default();
        params.distinguished_name = named(device.as_str());
        let uri = device_uri(device);
        let uri = uri.as_str().try_into().map_err(failed)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(number);
        let validity = Validity::of(now, valid);
        set_dates(&mut params, validity.not_before, validity.not_after);
        request.params = params;
        let certificate = request.signed_by(&self.issuer).map_err(failed)?;
        Ok(IssuedCertificate {
            certificate: certificate.pem(),
            serial,
            validity,
        })
    }

    /// Names the gateway itself: a certificate and its key (PKCS #8).
    pub(super) fn name_gateway(
        &self,
        names: &[String],
        validity: Validity,
    ) -> Result<(CertificateDer<'static>, Vec<u8>), AuthorityError> {
        let failed = |error: rcgen::Error| AuthorityError::Make {
            what: "the gateway's certificate ([tls] names)",
            reason: error.to_string(),
        };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
        params.distinguished_name = named("Lujiang gateway");
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.serial_number = Some(serial().0);
        set_dates(&mut params, validity.not_before, validity.not_after);
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok((certificate.der().clone(), key.serialize_der()))
    }
}

impl Validity {
    /// From a little before now.
    pub(super) fn of(now: Timestamp, valid: Duration) -> Self {
        Self {
            not_before: whole_second(now.saturating_sub(SKEW).unwrap_or(Timestamp::MIN)),
            not_after: whole_second(now.saturating_add(valid).unwrap_or(Timestamp::MAX)),
        }
    }

    /// When it is to be replaced: after two thirds of its life from `now` on.
    #[must_use]
    pub fn renew_after(&self, now: Timestamp) -> Timestamp {
        let left = Duration::try_from(self.not_after.duration_since(now)).unwrap_or_default();
        now.saturating_add(left * 2 / 3).unwrap_or(Timestamp::MAX)
    }
}

/// Certificates know no fractions of a second.
fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // A common name has 64 characters at most [RFC 5280 A.1]; a device id never has more.
    let short: String = common_name.chars().take(64).collect();
    name.push(DnType::CommonName, short);
    name
}

fn serial() -> (SerialNumber, Serial) {
    let mut bytes = random_bytes::<SERIAL_BYTES>();
    // A positive number that begins with no zero, so that every reader sees the same bytes.
    bytes[0] = bytes[0] & 0x7f | 0x40;
    (SerialNumber::from_slice(&bytes), Serial::of(&bytes))
}

fn set_dates(params: &mut CertificateParams, not_before: Timestamp, not_after: Timestamp) {
    let at = |time: Timestamp| {
        let seconds = u64::try_from(time.as_second()).unwrap_or(0);
        date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds)
    };
    params.not_before = at(not_before);
    params.not_after = at(not_after);
}
