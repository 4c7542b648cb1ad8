mod carried;

use jiff::tz::TimeZone;
use lujiang_broker::ProtocolVersion;
use lujiang_config::{GatewayConfig, IntakeSection, MqttSection};
use lujiang_wire::{CertificateIssued, EnrolmentRequest, RenewalRequest, TopicFilter};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::*;
use crate::authority::Authority;
use crate::data_dir::DataPaths;
use crate::enrolment::Enrolment;
use crate::places::DeviceKind;
use crate::registry::{Actor, DeviceChange, DeviceLimits, NewDevice};
use crate::run::SystemClock;
use crate::seal::Seals;
use crate::store::{Store, StoreOptions};

#[tokio::test]
async fn whoever_was_let_in_by_a_password_that_is_changed_meanwhile_does_not_stand() {
    let rooms = Rooms::open().await;
    let issued = rooms.registry.renew_password(&gate(), &lead()).await;
    let password = issued.unwrap().password.reveal().to_owned();
    let admission = rooms.admit("gate-1", &password).await.unwrap();
    assert!(rooms.house.stands(&admission));
    let newer = rooms.registry.renew_password(&gate(), &lead()).await;
    assert!(!rooms.house.stands(&admission), "the password is another");
    let newer = newer.unwrap().password.reveal().to_owned();

    let admission = rooms.admit("gate-1", &newer).await.unwrap();
    let limits = DeviceLimits {
        messages_per_second: Some(7),
        ..DeviceLimits::default()
    };
    let set = rooms.registry.set_limits(&gate(), limits, &lead()).await;
    set.unwrap();
    assert!(!rooms.house.stands(&admission), "it came under others");

    let admission = rooms.admit("gate-1", &newer).await.unwrap();
    assert!(rooms.house.stands(&admission));
    let off = DeviceChange {
        enabled: Some(false),
        ..DeviceChange::default()
    };
    rooms
        .registry
        .change_device(&gate(), off, &lead())
        .await
        .unwrap();
    assert!(!rooms.house.stands(&admission), "it is disabled");
}

#[tokio::test]
async fn whoever_was_let_in_by_a_certificate_that_ends_meanwhile_does_not_stand() {
    let rooms = Rooms::open().await;
    let first = rooms.enrol().await;
    let by_first = rooms.admit_by(&first).await.unwrap();
    let next = rooms.renew(&first).await;
    assert!(rooms.house.stands(&by_first), "the next is not in use yet");
    let by_next = rooms.admit_by(&next).await.unwrap();
    assert!(!rooms.house.stands(&by_first), "its successor is in use");
    assert!(rooms.house.stands(&by_next));
    rooms
        .registry
        .revoke_device(&gate(), &lead())
        .await
        .unwrap();
    // What the device may be given later does not bring back who was let in before.
    rooms
        .registry
        .renew_password(&gate(), &lead())
        .await
        .unwrap();
    assert!(!rooms.house.stands(&by_next), "it was revoked");
}

#[tokio::test]
async fn the_first_use_of_a_certificate_for_renewing_ends_the_connections_of_the_one_before() {
    let rooms = Rooms::open().await;
    let first = rooms.enrol().await;
    rooms.admit_by(&first).await.unwrap();
    let next = rooms.renew(&first).await;
    let mut withdrawn = rooms.registry.withdrawn();
    rooms.renew(&next).await;
    let told = withdrawn.try_recv().unwrap();
    assert_eq!(told, crate::registry::Withdrawn::Device(gate()));
}

#[tokio::test]
async fn a_reader_that_is_removed_meanwhile_does_not_stand() {
    let rooms = Rooms::open().await;
    let filters: Vec<TopicFilter> = vec!["library/v1/devices/+/events".parse().unwrap()];
    let name: DeviceId = "node-red".parse().unwrap();
    let (registry, lead) = (&rooms.registry, lead());
    let issued = registry.add_reader(&name, filters.clone(), &lead).await;
    let password = issued.unwrap().password.reveal().to_owned();
    let admission = rooms.admit("node-red", &password).await.unwrap();
    assert!(rooms.house.stands(&admission));
    registry.remove_reader(&name, &lead).await.unwrap();
    assert!(!rooms.house.stands(&admission));
    let again = registry.add_reader(&name, filters, &lead).await;
    again.unwrap();
    assert!(!rooms.house.stands(&admission), "another of the same name");
}

/// A house and what stands behind it, with one gate.
struct Rooms {
    house: GatewayHouse,
    registry: Registry,
    enrolment: Enrolment,
    authority: Authority,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Rooms {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let database = folder.path().join("ledger.db");
        let store = Store::open(&database, StoreOptions::default()).unwrap();
        let registry = Registry::open(store.clone(), TimeZone::UTC, Arc::clone(&clock)).await;
        let registry = registry.unwrap();
        let device = NewDevice {
            id: gate(),
            kind: DeviceKind::Gate,
            site: "main".parse().unwrap(),
            name: None,
        };
        registry.add_device(device, &lead()).await.unwrap();
        let paths = DataPaths::new(folder.path());
        std::fs::create_dir(paths.keys_dir()).unwrap();
        let config = GatewayConfig::default();
        let authority = Authority::open(&paths, &config, Arc::clone(&clock)).unwrap();
        let enrolment = Enrolment::new(
            authority.clone(),
            registry.clone(),
            Arc::clone(&clock),
            &config,
        );
        let switchboard = Switchboard::new(&config.mqtt);
        let intake = Intake::start(
            store.clone(),
            IntakeSection::default(),
            Seals::open(folder.path()).unwrap(),
            Arc::clone(&clock),
            Arc::new(Announcer::new(Arc::clone(&switchboard))),
        );
        let house = GatewayHouse::new(
            registry.clone(),
            authority.clone(),
            intake,
            Presence::restored(Vec::new(), clock.wall()),
            switchboard,
            clock,
            ClientLimits::of(&MqttSection::default()),
        );
        Self {
            house,
            registry,
            enrolment,
            authority,
            store,
            _folder: folder,
        }
    }

    async fn admit(&self, name: &str, password: &str) -> Result<Admission, Refusal> {
        let mut credentials = credentials();
        credentials.user_name = Some(name.to_owned());
        credentials.password = Some(password.to_owned().into());
        self.house.admit(credentials).await
    }

    async fn admit_by(&self, certificate: &CertificateDer<'_>) -> Result<Admission, Refusal> {
        let mut credentials = credentials();
        credentials.certificate = Some(certificate.to_vec().into());
        self.house.admit(credentials).await
    }

    async fn enrol(&self) -> CertificateDer<'static> {
        let issued = self.enrolment.token(&gate(), &lead()).await.unwrap();
        let request = EnrolmentRequest {
            device: gate(),
            secret: issued.token.secret,
            csr: csr(),
        };
        leaf(&self.enrolment.enrol(request).await.unwrap())
    }

    async fn renew(&self, present: &CertificateDer<'_>) -> CertificateDer<'static> {
        let request = RenewalRequest { csr: csr() };
        leaf(&self.enrolment.renew(present, request).await.unwrap())
    }
}

fn credentials() -> Credentials {
    Credentials {
        user_name: None,
        password: None,
        client_id: "any".to_owned(),
        peer: "192.0.2.1:1883".parse().unwrap(),
        version: ProtocolVersion::V5,
        certificate: None,
    }
}

fn leaf(issued: &CertificateIssued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()
}

fn csr() -> String {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key);
    request.unwrap().pem().unwrap()
}

fn gate() -> DeviceId {
    "gate-1".parse().unwrap()
}

fn lead() -> Actor {
    Actor::named("lead")
}
