//! Claims about what a carrier brings, and what it is given.

use std::time::Duration;

use lujiang_wire::{CarriedWish, DeviceId};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use x509_parser::parse_x509_certificate;

use super::*;
use crate::identity::DeviceKey;
use crate::measured_time::tests::SetClock;
use crate::test_authority::{Authority, YEAR};

#[test]
fn what_the_gateway_signed_is_taken_from_anybodys_hand() {
    let house = House::new();
    let signed = house.signed(&house.wish(), SignedFor::Wish);
    let wish: CarriedWish = house.taken(&signed, SignedFor::Wish).unwrap();
    assert_eq!(wish, house.wish());
}

#[test]
fn what_was_changed_or_signed_for_another_purpose_or_by_another_is_not() {
    let house = House::new();
    let good = house.signed(&house.wish(), SignedFor::Wish);
    let mut changed = good.clone();
    changed.payload.0[20] ^= 1;
    let mut scheme = good.clone();
    scheme.scheme = 0x0201;
    let purpose = house.signed(&house.wish(), SignedFor::Receipts);
    let foreign = House::new().signed(&house.wish(), SignedFor::Wish);
    let device = house
        .identity
        .sign(SignedFor::Wish, good.payload.0.clone())
        .unwrap();
    let named = house.signed_as("other.library", &house.wish(), SignedFor::Wish);
    for (what, signed) in [
        ("changed", changed),
        ("scheme", scheme),
        ("purpose", purpose),
        ("foreign", foreign),
        ("device", device),
        ("named", named),
    ] {
        let taken: Result<CarriedWish, _> = house.taken(&signed, SignedFor::Wish);
        assert!(taken.is_err(), "{what}");
    }
}

#[test]
fn facts_are_signed_with_the_key_of_the_certificate() {
    let house = House::new();
    let signed = house
        .identity
        .sign(SignedFor::Facts, b"[]".to_vec())
        .unwrap();
    let (_, own) = parse_x509_certificate(&signed.certificates[0].0).unwrap();
    let key = &own.public_key().subject_public_key.data;
    let algorithms = provider().signature_verification_algorithms.mapping;
    let scheme = SignatureScheme::from(signed.scheme);
    let (_, algorithms) = algorithms.iter().find(|(it, _)| *it == scheme).unwrap();
    let message = Signed::message(SignedFor::Facts, b"[]");
    algorithms[0]
        .verify_signature(key, &message, &signed.signature.0)
        .unwrap();
}

/// A gateway and a device of it.
struct House {
    authority: Authority,
    identity: Identity,
}

impl House {
    fn new() -> Self {
        let authority = Authority::new();
        let key = DeviceKey::generate().unwrap();
        let issued = authority.issue(&key.signing_request(&us()).unwrap(), &us(), YEAR);
        let gateway = "https://gateway.library:8443".parse().unwrap();
        Self {
            identity: Identity::assemble(&us(), gateway, &key, issued).unwrap(),
            authority,
        }
    }

    fn wish(&self) -> CarriedWish {
        CarriedWish {
            device: us(),
            issued: "2026-11-30T08:00:00Z".parse().unwrap(),
            content: None,
        }
    }

    fn signed(&self, wish: &CarriedWish, purpose: SignedFor) -> Signed {
        self.signed_as("gateway.library", wish, purpose)
    }

    fn signed_as(&self, name: &str, wish: &CarriedWish, purpose: SignedFor) -> Signed {
        let (chain, key) = self.authority.gateway(name, YEAR);
        let chain: Vec<CertificateDer<'static>> = chain;
        let own = CertifiedKey::from_der(chain, key, &provider()).unwrap();
        let algorithms = provider().signature_verification_algorithms;
        let signer = own
            .key
            .choose_scheme(&algorithms.supported_schemes())
            .unwrap();
        let payload = serde_json::to_vec(wish).unwrap();
        let signature = signer.sign(&Signed::message(purpose, &payload)).unwrap();
        Signed {
            scheme: signer.scheme().into(),
            certificates: own.cert.iter().map(|it| Octets(it.to_vec())).collect(),
            payload: Octets(payload),
            signature: Octets(signature),
        }
    }

    fn taken<T: DeserializeOwned>(
        &self,
        signed: &Signed,
        purpose: SignedFor,
    ) -> Result<T, NotTheGateways> {
        let time = MeasuredTime::new(SetClock::at("2026-11-30T09:00:00Z", Duration::ZERO));
        let json = serde_json::to_vec(signed).unwrap();
        self.identity.of_gateway(&json, purpose, &time)
    }
}

fn us() -> DeviceId {
    "kiosk-1".parse().unwrap()
}
