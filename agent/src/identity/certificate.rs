//! What stands in a certificate: whom it names, and when it is good.

use jiff::Timestamp;
use lujiang_wire::DEVICE_URN;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::IdentityError;

/// When a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    /// From.
    pub(crate) not_before: Timestamp,
    /// Until.
    pub(crate) not_after: Timestamp,
}

/// What we want to know of a certificate. It says nothing of whether it is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    /// The device it names, where it names one and nothing else.
    pub(crate) device: Option<String>,
    /// When it is good.
    pub(crate) validity: Validity,
}

/// Reads a certificate.
pub(crate) fn facts_of(
    certificate: &CertificateDer<'_>,
) -> Result<CertificateFacts, IdentityError> {
    let unreadable = IdentityError::Part {
        part: "certificate",
    };
    let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
        return Err(unreadable);
    };
    let device = match certificate.subject_alternative_name() {
        Ok(Some(names)) => match names.value.general_names.as_slice() {
            [GeneralName::URI(uri)] => uri.strip_prefix(DEVICE_URN).map(str::to_owned),
            _ => None,
        },
        _ => None,
    };
    let validity = certificate.validity();
    let (Some(not_before), Some(not_after)) = (
        timestamp(validity.not_before),
        timestamp(validity.not_after),
    ) else {
        return Err(unreadable);
    };
    Ok(CertificateFacts {
        device,
        validity: Validity {
            not_before,
            not_after,
        },
    })
}

fn timestamp(time: ASN1Time) -> Option<Timestamp> {
    Timestamp::from_second(time.timestamp()).ok()
}
