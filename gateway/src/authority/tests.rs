use std::fs;

use jiff::Timestamp;
use lujiang_wire::{Boot, Uptime};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, SanType};
use rustls::RootCertStore;
use rustls::pki_types::UnixTime;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::WebPkiClientVerifier;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::*;

#[test]
fn a_device_gets_what_the_gateway_decides_whatever_its_request_asks_for() {
    let house = House::new();
    let evil = evil_request();
    let issued = house.authority().name_device(&id("gate-1"), &evil).unwrap();
    let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let (_, read) = X509Certificate::from_der(&der).unwrap();
    assert!(!read.is_ca());
    let usage = read.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any);
    assert_eq!(read.subject().to_string(), "CN=gate-1");
    let identity = Identity::read(&der).unwrap();
    assert_eq!(identity.device, id("gate-1"));
    assert_eq!(identity.serial, issued.serial);
    let text = format!("{read:?}");
    assert!(!text.contains("evil"), "{text}");
}

#[test]
fn a_certificate_is_taken_from_its_not_before_to_its_not_after_and_from_this_authority_alone() {
    let house = House::new();
    let authority = house.authority();
    let issued = authority.name_device(&id("a_b.c"), &request()).unwrap();
    let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    let now: Timestamp = NOW.parse().unwrap();
    let (from, to) = (issued.validity.not_before, issued.validity.not_after);
    assert_eq!(from, now - Duration::from_secs(300));
    assert_eq!(to, now + Duration::from_secs(400 * 24 * 3_600));
    let renew_after = issued.validity.renew_after(now).duration_since(now);
    assert_eq!(renew_after.as_secs(), 400 * 24 * 3_600 * 2 / 3);
    let second = Duration::from_secs(1);
    for (at, expected) in [
        (from - second, false),
        (from, true),
        (to, true),
        (to + second, false),
    ] {
        assert_eq!(takes(&authority, &der, at), expected, "{at}");
    }
    let other = House::new().authority();
    assert!(!takes(&other, &der, now));
}

#[test]
fn the_authority_is_the_same_after_a_restart_and_what_it_named_before_is_still_taken() {
    let house = House::new();
    let before = house.authority();
    let issued = before.name_device(&id("gate-1"), &request()).unwrap();
    let after = house.authority();
    assert_eq!(before.certificate(), after.certificate());
    assert_eq!(before.pin(), after.pin());
    let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
    assert!(takes(&after, &der, NOW.parse().unwrap()));
    let public = fs::read_to_string(house.paths.authority_file()).unwrap();
    assert_eq!(public, after.certificate());
    // ECDSA on P-256, as its certificate tells.
    let (_, read) = X509Certificate::from_der(after.issuer.der()).unwrap();
    let algorithm = &read.public_key().algorithm;
    assert_eq!(algorithm.algorithm.to_id_string(), "1.2.840.10045.2.1");
    let curve = algorithm.parameters.as_ref().unwrap().as_oid().unwrap();
    assert_eq!(curve.to_id_string(), "1.2.840.10045.3.1.7");
}

#[test]
fn an_authority_whose_secret_is_gone_is_not_made_anew() {
    let house = House::new();
    let first = house.authority();
    let secret = house.paths.authority_secret_file();
    let kept = fs::read(&secret).unwrap();
    fs::remove_file(&secret).unwrap();
    let Err(missing) = Authority::open(&house.paths, &house.config, Arc::new(Stopped)) else {
        panic!("an authority without its secret");
    };
    assert!(
        missing.to_string().contains("authority.secret"),
        "{missing}"
    );
    replace_file(&secret, &kept).unwrap();
    assert_eq!(house.authority().certificate(), first.certificate());
}

#[test]
fn no_request_no_certificate() {
    let authority = House::new().authority();
    let garbage = "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n";
    let forged = {
        let mut text = request();
        // One bit of the signature, which ends the request.
        let at = text.rfind("\n-----END").unwrap() - 8;
        let other = if &text[at..=at] == "A" { "B" } else { "A" };
        text.replace_range(at..=at, other);
        text
    };
    for wrong in ["", "nothing", garbage, &forged] {
        assert!(
            authority.name_device(&id("gate-1"), wrong).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn a_certificate_that_names_no_device_is_nobodys() {
    let key = KeyPair::generate().unwrap();
    let certificate = |names: Vec<SanType>| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names;
        params.self_signed(&key).unwrap().der().clone()
    };
    let uri = |text: &str| SanType::URI(text.try_into().unwrap());
    let good = uri("urn:lujiang:device:gate-1");
    assert!(Identity::read(&certificate(vec![good.clone()])).is_ok());
    for names in [
        vec![],
        vec![uri("urn:lujiang:device:")],
        vec![uri("urn:lujiang:device:a/b")],
        vec![uri("urn:lujiang:reader:gate-1")],
        vec![SanType::DnsName("gate-1".try_into().unwrap())],
        vec![good, uri("urn:lujiang:device:gate-2")],
    ] {
        assert_eq!(Identity::read(&certificate(names)), Err(NoIdentity));
    }
    assert_eq!(Identity::read(b"garbage"), Err(NoIdentity));
}

#[test]
fn the_gateways_own_certificate_is_renewed_at_two_thirds_of_its_life() {
    let house = House::new();
    let authority = house.authority();
    let now: Timestamp = NOW.parse().unwrap();
    let life = house.config.authority.gateway_certificate_valid;
    let refresh = |at| authority.presented.refresh(at).unwrap();
    assert_eq!(refresh(now), Refreshed::Same);
    let due = now + life * 2 / 3;
    assert_eq!(refresh(due - Duration::from_secs(1)), Refreshed::Same);
    assert_eq!(refresh(due), Refreshed::Newer);
    assert_eq!(refresh(due), Refreshed::Same);
}

#[test]
fn an_operators_chain_is_pinned_by_its_top_and_a_bad_newer_one_changes_nothing() {
    let mut house = House::new();
    let folder = house._folder.path().to_owned();
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    let write = |year: u32| {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = rcgen::CertifiedIssuer::self_signed(root, root_key).unwrap();
        let leaf_key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["library.example".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&leaf_key, &root).unwrap();
        replace_file(&key, leaf_key.serialize_pem().as_bytes()).unwrap();
        replace_file(&chain, (leaf.pem() + &root.pem()).as_bytes()).unwrap();
        touch(&chain, year);
        <[u8; 32]>::from(Sha256::digest(root.der()))
    };
    let first = write(2001);
    house.config.tls.certificate = Some(chain.clone());
    house.config.tls.key = Some(key.clone());
    let authority = house.authority();
    assert_eq!(authority.pin(), first);
    assert_eq!(authority.roots().matches("BEGIN CERTIFICATE").count(), 2);
    let refresh = || authority.presented.refresh(NOW.parse().unwrap());
    assert_eq!(refresh().unwrap(), Refreshed::Same);
    let second = write(2002);
    assert_eq!(refresh().unwrap(), Refreshed::Newer);
    assert_eq!(authority.pin(), second);
    replace_file(&chain, b"no chain").unwrap();
    touch(&chain, 2003);
    assert!(refresh().is_err());
    assert_eq!(authority.pin(), second);
    assert_eq!(
        refresh().unwrap(),
        Refreshed::Same,
        "a bad file is told once"
    );
    let other_key = KeyPair::generate().unwrap();
    write(2004);
    replace_file(&key, other_key.serialize_pem().as_bytes()).unwrap();
    let wrong_key = refresh().unwrap_err().to_string();
    assert!(wrong_key.contains("key.pem"), "{wrong_key}");
    assert_eq!(authority.pin(), second);
}

const NOW: &str = "2026-11-04T02:30:00Z";

struct House {
    _folder: tempfile::TempDir,
    paths: DataPaths,
    config: GatewayConfig,
}

struct Stopped;

impl Clock for Stopped {
    fn wall(&self) -> Timestamp {
        NOW.parse().unwrap()
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(Duration::ZERO)
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let paths = DataPaths::new(folder.path());
        fs::create_dir(paths.keys_dir()).unwrap();
        Self {
            paths,
            config: GatewayConfig::default(),
            _folder: folder,
        }
    }

    fn authority(&self) -> Authority {
        Authority::open(&self.paths, &self.config, Arc::new(Stopped)).unwrap()
    }
}

/// Whether TLS would take this certificate from a client at that time.
fn takes(authority: &Authority, leaf: &CertificateDer<'_>, at: Timestamp) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(authority.issuer.der().clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let seconds = u64::try_from(at.as_second()).unwrap();
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    verifier
        .build()
        .unwrap()
        .verify_client_cert(leaf, &[], at)
        .is_ok()
}

fn request() -> String {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::default();
    params.serialize_request(&key).unwrap().pem().unwrap()
}

/// One that would like to be an authority and the gateway itself.
fn evil_request() -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["evil.example".to_owned()]).unwrap();
    params
        .distinguished_name
        .push(DnType::CommonName, "evil authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::Any];
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    params.serialize_request(&key).unwrap().pem().unwrap()
}

fn touch(path: &Path, year: u32) {
    let at = std::time::UNIX_EPOCH + Duration::from_secs(u64::from(year - 1970) * 31_557_600);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(at).unwrap();
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}
