//! Claims about who is taken for the gateway.

use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::danger::ClientCertVerifier;
use rustls::{CertificateError, Error, RootCertStore};

use super::*;
use crate::identity::DeviceKey;
use crate::measured_time::tests::{SetClock, report};
use crate::test_authority::{Authority, YEAR};

const NAME: &str = "gateway.library";
const LAPSED: (&str, &str) = ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
const MIDDLE: &str = "2026-06-01T00:00:00Z";

fn verify(
    verifier: &dyn ServerCertVerifier,
    chain: &[CertificateDer<'_>],
    name: &str,
) -> Result<(), Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = unix_time(Timestamp::UNIX_EPOCH);
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], now)
        .map(|_| ())
}

/// How an enrolled device with this wall clock sees a chain; synchronised where it was told so.
fn rooted(root: &Authority, wall: &str, measured: Option<&str>) -> RootedGateway {
    let mut roots = RootCertStore::empty();
    roots.add(root.root.clone()).unwrap();
    let time = MeasuredTime::new(SetClock::at(wall, Duration::ZERO));
    if let Some(measured) = measured {
        time.measured(report(measured));
    }
    RootedGateway::new(roots.into(), time, Trust::default())
}

fn is_of_dates(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::ExpiredContext { .. } | CertificateError::NotValidYetContext { .. }
        )
    )
}

#[test]
fn chain_and_name_count_whatever_the_clock_says() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    for (wall, measured) in [
        (MIDDLE, Some(MIDDLE)),
        (MIDDLE, None),
        ("1970-01-01T00:00:00Z", None),
        ("2099-01-01T00:00:00Z", None),
        ("2099-01-01T00:00:00Z", Some(MIDDLE)),
    ] {
        let verifier = rooted(&ours, wall, measured);
        let (chain, _) = ours.gateway(NAME, YEAR);
        verify(&verifier, &chain, NAME).unwrap();
        let wrong_name = verify(&verifier, &chain, "other.library").unwrap_err();
        assert!(
            matches!(
                wrong_name,
                Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. })
            ),
            "{wall}: {wrong_name}"
        );
        let (chain, _) = foreign.gateway(NAME, YEAR);
        verify(&verifier, &chain, NAME).unwrap_err();
    }
}

#[test]
fn dates_count_only_while_the_clock_is_synchronised() {
    let authority = Authority::new();
    let (lapsed, _) = authority.gateway(NAME, LAPSED);
    let error = verify(&rooted(&authority, MIDDLE, Some(MIDDLE)), &lapsed, NAME).unwrap_err();
    assert!(is_of_dates(&error), "{error}");
    // Never measured, or measured and seen to be wrong.
    verify(&rooted(&authority, MIDDLE, None), &lapsed, NAME).unwrap();
    let jumped = rooted(&authority, "2099-01-01T00:00:00Z", Some(MIDDLE));
    verify(&jumped, &lapsed, NAME).unwrap();
    let (early, _) = authority.gateway(NAME, ("2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"));
    let error = verify(&rooted(&authority, MIDDLE, Some(MIDDLE)), &early, NAME).unwrap_err();
    assert!(is_of_dates(&error), "{error}");
}

#[test]
fn an_unsynchronised_clock_takes_a_chain_whose_intermediate_is_younger_than_the_gateways_own() {
    let authority = Authority::new();
    let intermediate = authority.intermediate(("2026-03-01T00:00:00Z", "2026-12-01T00:00:00Z"));
    let (mut chain, _) = intermediate.gateway(NAME, YEAR);
    chain.push(authority.root.clone());
    verify(
        &rooted(&authority, "1970-01-01T00:00:00Z", None),
        &chain,
        NAME,
    )
    .unwrap();
}

#[test]
fn before_enrolment_only_a_chain_from_the_pinned_certificate_is_taken() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    let (chain, _) = ours.gateway(NAME, LAPSED);
    verify(&PinnedGateway::new(ours.pin()), &chain, NAME).unwrap();

    let pinned = PinnedGateway::new(foreign.pin());
    verify(&pinned, &chain, NAME).unwrap_err();
    assert_eq!(pinned.refusal(), Some(Refusal::Foreign));

    let pinned = PinnedGateway::new(ours.pin());
    verify(&pinned, &chain, "other.library").unwrap_err();
    assert!(matches!(pinned.refusal(), Some(Refusal::Unsound(_))));

    // Somebody shows our root behind a certificate of his own making.
    let (stolen, _) = foreign.gateway(NAME, YEAR);
    let pinned = PinnedGateway::new(ours.pin());
    let forged = [stolen[0].clone(), ours.root.clone()];
    verify(&pinned, &forged, NAME).unwrap_err();
    assert!(matches!(pinned.refusal(), Some(Refusal::Unsound(_))));
}

#[test]
fn the_pinned_certificate_may_be_the_gateways_own() {
    use sha2::{Digest, Sha256};
    let (chain, _) = Authority::new().gateway(NAME, YEAR);
    let pin = Sha256::digest(&chain[0]).into();
    verify(&PinnedGateway::new(pin), &chain[..1], NAME).unwrap();
    verify(&PinnedGateway::new(pin), &chain[..1], "other.library").unwrap_err();
}

/// The certificate of a device of this authority, with its issuer's.
fn device(authority: &Authority, name: &str) -> Vec<CertificateDer<'static>> {
    let key = DeviceKey::generate().unwrap();
    let id: DeviceId = name.parse().unwrap();
    let issued = authority.issue(&key.signing_request(&id).unwrap(), &id, YEAR);
    let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes());
    chain.map(Result::unwrap).collect()
}

/// How a device knows those it meets, as who dials and as who answers.
fn met(authority: &Authority, chain: &[CertificateDer<'_>]) -> [Result<(), Error>; 2] {
    let mut roots = RootCertStore::empty();
    roots.add(authority.root.clone()).unwrap();
    let time = MeasuredTime::new(SetClock::at(MIDDLE, Duration::ZERO));
    time.measured(report(MIDDLE));
    let fellow = Fellow::new(roots.into(), time, vec!["kiosk-1".parse().unwrap()]);
    let now = unix_time(Timestamp::UNIX_EPOCH);
    let dialled = ClientCertVerifier::verify_client_cert(&fellow, &chain[0], &chain[1..], now);
    [dialled.map(|_| ()), verify(&fellow, chain, "192.168.8.1")]
}

#[test]
fn on_the_road_only_the_devices_meant_are_known_whoever_of_the_two_dials() {
    let (ours, foreign) = (Authority::new(), Authority::new());
    for known in met(&ours, &device(&ours, "kiosk-1")) {
        known.unwrap();
    }
    let (gateway, _) = ours.gateway("kiosk-1", YEAR);
    for (what, chain) in [
        ("another device", device(&ours, "kiosk-2")),
        ("another library's", device(&foreign, "kiosk-1")),
        ("a gateway of that name", gateway),
    ] {
        for known in met(&ours, &chain) {
            assert!(known.is_err(), "{what}");
        }
    }
}
