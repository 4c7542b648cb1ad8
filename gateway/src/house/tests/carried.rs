//! Facts that a bus brings for a kiosk.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use lujiang_broker::{Kept, Origin};
use lujiang_wire::{CarriedReceipts, Octets, Receipts, Signed, SignedFor};
use x509_parser::parse_x509_certificate;

use super::*;
use crate::entry::{Entry, EntryNumber, QuarantineReason, Verdict};
use crate::ledger::LedgerReader as _;

/// ecdsa_secp256r1_sha256 [RFC 8446 §4.2.3].
const SCHEME: u16 = 0x0403;

#[tokio::test]
async fn what_a_bus_brings_counts_as_the_signers_and_once() {
    let rooms = Rooms::open().await;
    let kiosk = Kiosk::enrolled(&rooms).await;
    let signed = kiosk.sign(&used(1));

    for _ in 0..2 {
        assert_eq!(rooms.brings(&signed).await, Kept::Committed);
    }

    let [entry] = rooms.entries().try_into().unwrap();
    assert_eq!(entry.device, gate());
    assert!(matches!(entry.verdict, Verdict::Accepted { .. }));
    // The device says it itself, later, when it is in range: a repeat.
    let own = Arrival {
        device: gate(),
        origin: Origin::Own,
        payload: used(1).into(),
        received: rooms.house.now(),
    };
    rooms.house.keep(own).await.await.unwrap();
    assert_eq!(rooms.entries().len(), 1);
}

#[tokio::test]
async fn what_was_changed_on_the_way_or_signed_by_nobody_is_kept_aside_as_the_carriers() {
    let rooms = Rooms::open().await;
    let kiosk = Kiosk::enrolled(&rooms).await;
    let good = kiosk.sign(&used(1));
    let mut changed = good.clone();
    changed.payload = Octets(used(2).into_bytes());
    let mut other_purpose = good.clone();
    let message = Signed::message(SignedFor::Receipts, &good.payload.0);
    other_purpose.signature = Octets(kiosk.signature(&message));
    let mut foreign = good.clone();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::default().self_signed(&key).unwrap();
    foreign.certificates = vec![Octets(own.der().to_vec())];
    let mut scheme = good;
    scheme.scheme = 0x0201;

    for signed in [changed, other_purpose, foreign, scheme] {
        assert_eq!(rooms.brings(&signed).await, Kept::Committed);
    }
    assert_eq!(rooms.brings_bytes(b"{}".to_vec()).await, Kept::Committed);

    let entries = rooms.entries();
    assert_eq!(entries.len(), 5);
    for entry in entries {
        assert_eq!(entry.device, bus());
        let reason = QuarantineReason::NotSigned;
        assert_eq!(entry.verdict, Verdict::Quarantined { reason });
    }
}

#[tokio::test]
async fn a_replaced_certificate_signs_on_and_a_revoked_one_does_not() {
    let rooms = Rooms::open().await;
    let kiosk = Kiosk::enrolled(&rooms).await;
    rooms.admit_by(&kiosk.certificate).await.unwrap();
    let next = rooms.renew(&kiosk.certificate).await;
    rooms.admit_by(&next).await.unwrap();
    rooms.brings(&kiosk.sign(&used(1))).await;
    assert_eq!(rooms.entries()[0].device, gate());

    let (device, actor) = (gate(), lead());
    let revoked = rooms.registry.revoke_device(&device, &actor).await;
    revoked.unwrap();
    rooms.brings(&kiosk.sign(&used(2))).await;
    assert_eq!(rooms.entries()[1].device, bus());
}

#[tokio::test]
async fn a_fact_that_names_another_source_than_its_signer_does_not_count() {
    let rooms = Rooms::open().await;
    let kiosk = Kiosk::enrolled(&rooms).await;
    let of_another = used(1).replace("/devices/gate-1", "/devices/gate-2");

    rooms.brings(&kiosk.sign(&of_another)).await;

    let reason = QuarantineReason::ForeignSource;
    assert_eq!(rooms.entries()[0].verdict, Verdict::Quarantined { reason });
}

#[tokio::test]
async fn receipts_are_signed_with_the_certificate_the_gateway_shows() {
    let rooms = Rooms::open().await;
    let receipts = CarriedReceipts {
        device: gate(),
        issued: rooms.house.now(),
        receipts: Receipts {
            ledger: rooms.store.ledger_id(),
            epoch: EPOCH.parse().unwrap(),
            streams: std::iter::empty().collect(),
        },
    };
    let payload = serde_json::to_vec(&receipts).unwrap();

    let signed = rooms.authority.sign(SignedFor::Receipts, payload).unwrap();

    let (_, shown) = parse_x509_certificate(&signed.certificates[0].0).unwrap();
    let key = &shown.public_key().subject_public_key.data;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key);
    let message = Signed::message(SignedFor::Receipts, &signed.payload.0);
    assert_eq!(signed.scheme, SCHEME);
    key.verify(&message, &signed.signature.0).unwrap();
}

/// A kiosk with its own key.
struct Kiosk {
    key: KeyPair,
    certificate: CertificateDer<'static>,
}

impl Kiosk {
    async fn enrolled(rooms: &Rooms) -> Self {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key);
        let issued = rooms.enrolment.token(&gate(), &lead()).await.unwrap();
        let request = EnrolmentRequest {
            device: gate(),
            secret: issued.token.secret,
            csr: request.unwrap().pem().unwrap(),
        };
        let certificate = leaf(&rooms.enrolment.enrol(request).await.unwrap());
        Self { key, certificate }
    }

    fn sign(&self, payload: &str) -> Signed {
        let message = Signed::message(SignedFor::Facts, payload.as_bytes());
        Signed {
            scheme: SCHEME,
            certificates: vec![Octets(self.certificate.to_vec())],
            payload: Octets(payload.as_bytes().to_vec()),
            signature: Octets(self.signature(&message)),
        }
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let scheme = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let key = EcdsaKeyPair::from_pkcs8(scheme, &self.key.serialize_der()).unwrap();
        let signature = key.sign(&SystemRandom::new(), message).unwrap();
        signature.as_ref().to_vec()
    }
}

impl Rooms {
    async fn brings(&self, signed: &Signed) -> Kept {
        self.brings_bytes(serde_json::to_vec(signed).unwrap()).await
    }

    async fn brings_bytes(&self, payload: Vec<u8>) -> Kept {
        let arrival = Arrival {
            device: bus(),
            origin: Origin::Carried,
            payload: payload.into(),
            received: self.house.now(),
        };
        self.house.keep(arrival).await.await.unwrap()
    }

    fn entries(&self) -> Vec<Entry> {
        self.store.entries_after(EntryNumber::NONE, 100).unwrap()
    }
}

const EPOCH: &str = "0123456789abcdef0123456789abcdef";

fn used(sequence: u64) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{EPOCH}-usage-{sequence}","source":"/devices/gate-1",
            "type":"library.kiosk.used.v1","time":"2026-11-25T08:00:00Z","epoch":"{EPOCH}",
            "stream":"usage","sequence":"{sequence:020}",
            "data":{{"title":"urn:isbn:9787101003048","metric":"Total_Item_Requests",
                "session":"s1"}}}}"#,
    )
}

fn bus() -> DeviceId {
    "bus-1".parse().unwrap()
}
