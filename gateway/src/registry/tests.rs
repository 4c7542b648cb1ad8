use jiff::Timestamp;
use lujiang_wire::{Boot, Uptime};

use super::*;
use crate::places::{DeviceKind, SiteId};
use crate::store::StoreOptions;
use crate::store::audit::{self, AuditRecord};

#[tokio::test]
async fn a_device_added_to_an_empty_folder_makes_its_site_and_opens_with_its_password() {
    let house = House::new().await;
    let issued = house.add("gate-1", "main").await;
    let password = issued.password.reveal().as_bytes();
    let id = id("gate-1");
    let device = house.registry.verify_device(&id, password).await.unwrap();
    let device = device.row;
    assert_eq!(
        (device.site, device.kind),
        (Some(id_of_site()), DeviceKind::Gate)
    );
    assert!(house.registry.verify_device(&id, b"wrong").await.is_none());
    assert_eq!(house.registry.places().sites[0].name, "main");
}

#[tokio::test]
async fn a_name_is_of_one_device_or_reader_only_and_a_refused_change_changes_nothing() {
    let house = House::new().await;
    house.add("gate-1", "main").await;
    let again = house
        .try_add("gate-1", "elsewhere", None)
        .await
        .unwrap_err();
    assert!(matches!(again, RegistryError::NameTaken(_)));
    let bad_name = house
        .try_add("gate-2", "elsewhere", Some("a\nb"))
        .await
        .unwrap_err();
    assert!(matches!(bad_name, RegistryError::Name));
    let filters = vec!["library/v1/devices/+/events".parse().unwrap()];
    let reader = house
        .registry
        .add_reader(&id("gate-1"), filters, &lead())
        .await;
    assert!(matches!(reader.unwrap_err(), RegistryError::NameTaken(_)));
    assert_eq!(house.registry.devices().len(), 1);
    assert_eq!(house.registry.places().sites.len(), 1);
    assert_eq!(house.audit().len(), 2);
}

#[tokio::test]
async fn every_change_leaves_an_audit_record_without_its_secret() {
    let house = House::new().await;
    let issued = house.add("gate-1", "main").await;
    let renewed = house
        .registry
        .renew_password(&id("gate-1"), &lead())
        .await
        .unwrap();
    let actions: Vec<String> = house.audit().into_iter().map(|one| one.action).collect();
    assert_eq!(actions, ["device.password", "device.add", "site.set"]);
    let text = format!("{:?}", house.audit());
    assert!(text.contains("lead") && text.contains("gate-1"));
    for secret in [
        issued.password.reveal(),
        renewed.password.reveal(),
        "argon2",
    ] {
        assert!(!text.contains(secret));
    }
}

#[tokio::test]
async fn a_device_that_is_disabled_or_renewed_is_withdrawn() {
    let house = House::new().await;
    let old = house.add("gate-1", "main").await;
    let mut withdrawn = house.registry.withdrawn();
    house
        .registry
        .renew_password(&id("gate-1"), &lead())
        .await
        .unwrap();
    assert_eq!(
        withdrawn.try_recv().unwrap(),
        Withdrawn::Device(id("gate-1"))
    );
    let old = old.password.reveal().as_bytes();
    assert!(
        house
            .registry
            .verify_device(&id("gate-1"), old)
            .await
            .is_none()
    );
    let off = DeviceChange {
        enabled: Some(false),
        ..DeviceChange::default()
    };
    let device = house
        .registry
        .change_device(&id("gate-1"), off, &lead())
        .await
        .unwrap();
    assert!(!device.enabled);
    assert_eq!(
        withdrawn.try_recv().unwrap(),
        Withdrawn::Device(id("gate-1"))
    );
}

#[tokio::test]
async fn a_move_holds_from_the_next_full_hour_and_is_still_known_after_a_restart() {
    let house = House::new().await;
    house.add("gate-1", "main").await;
    let to = DeviceChange {
        site: Some(id("branch")),
        ..DeviceChange::default()
    };
    house
        .registry
        .change_device(&id("gate-1"), to, &lead())
        .await
        .unwrap();
    let site = SiteChange {
        name: Some("中心馆".to_owned()),
        week: Some("Mon-Sun 08:00-20:00".parse().unwrap()),
        week_from: None,
    };
    house
        .registry
        .set_site(&id("main"), site, &lead())
        .await
        .unwrap();
    let before = house.registry.places();
    let registry = house.open_again().await;
    let places = registry.places();
    // Both decisions fell into one hour, so the newer one replaced the older.
    assert_eq!(places.placements.len(), 1);
    assert_eq!(places.placements[0].site, Some(id("branch")));
    assert_eq!(
        places.placements[0].valid_from.to_string(),
        "2026-03-01T03:00:00Z"
    );
    assert_eq!(places.sites[0].name, "中心馆");
    assert_eq!(places.sites[0].summary().open, "Mon-Sun 08:00-20:00");
    assert_eq!(places.sites, before.sites);
}

#[tokio::test]
async fn a_change_is_followed_even_when_the_one_who_asked_goes_away() {
    let house = House::new().await;
    let adding = house.try_add("gate-1", "main", None);
    // Polled until the change is on its way, then dropped, as by a closed HTTP connection. On a
    // busy machine it may be done before anybody looks.
    let mut adding = Box::pin(adding);
    let mut is_done = false;
    while !is_done && house.registry.changing.is_empty() {
        let once = std::future::poll_fn(|context| {
            std::task::Poll::Ready(adding.as_mut().poll(context).is_ready())
        });
        is_done = once.await;
        tokio::task::yield_now().await;
    }
    drop(adding);
    house.registry.settled().await;
    assert!(house.registry.device(&id("gate-1")).is_some());
}

#[tokio::test]
async fn a_token_is_good_until_it_expires_and_an_old_one_is_told_so() {
    let house = House::new().await;
    house.add("gate-1", "main").await;
    house.add("gate-2", "main").await;
    let (short, long) = (TokenHash([1; 32]), TokenHash([2; 32]));
    let add = |device: &'static str, secret, valid| {
        let registry = house.registry.clone();
        async move {
            registry
                .add_token(&id(device), secret, valid, &lead())
                .await
        }
    };
    let minute = std::time::Duration::from_secs(60);
    add("gate-1", short, std::time::Duration::ZERO)
        .await
        .unwrap();
    add("gate-2", long, minute).await.unwrap();
    let check = |device, secret| house.registry.check_token(&id(device), secret);
    assert_eq!(check("gate-1", &short), Err(TokenRefusal::Expired));
    assert_eq!(check("gate-2", &long), Ok(()));
    assert_eq!(check("gate-1", &long), Err(TokenRefusal::Foreign));
    assert_eq!(
        check("gate-2", &TokenHash([3; 32])),
        Err(TokenRefusal::Unknown)
    );
    let off = DeviceChange {
        enabled: Some(false),
        ..DeviceChange::default()
    };
    let disabled = house
        .registry
        .change_device(&id("gate-2"), off, &lead())
        .await;
    disabled.unwrap();
    assert_eq!(check("gate-2", &long), Err(TokenRefusal::Disabled));
    house
        .registry
        .revoke_device(&id("gate-2"), &lead())
        .await
        .unwrap();
    assert_eq!(check("gate-2", &long), Err(TokenRefusal::Withdrawn));
    let nobody = add("gate-9", TokenHash([4; 32]), minute).await.unwrap_err();
    assert!(matches!(nobody, RegistryError::UnknownDevice(_)));
    let text = format!("{:?}", house.audit());
    assert!(!text.contains(&hex::encode([2; 32])), "{text}");
}

#[tokio::test]
async fn a_device_that_was_revoked_may_not_connect_with_what_it_had() {
    let house = House::new().await;
    let issued = house.add("gate-1", "main").await;
    let gate = id("gate-1");
    let mut withdrawn = house.registry.withdrawn();
    house.registry.revoke_device(&gate, &lead()).await.unwrap();
    assert_eq!(
        withdrawn.try_recv().unwrap(),
        Withdrawn::Device(gate.clone())
    );
    let password = issued.password.reveal().as_bytes();
    assert!(
        house
            .registry
            .verify_device(&gate, password)
            .await
            .is_none()
    );
    assert!(house.registry.verify_device(&gate, b"").await.is_none());
    let renewed = house.registry.renew_password(&gate, &lead()).await.unwrap();
    let renewed = renewed.password.reveal().as_bytes();
    let registry = house.open_again().await;
    assert!(registry.verify_device(&gate, renewed).await.is_some());
    assert!(registry.verify_device(&gate, password).await.is_none());
}

struct House {
    _folder: tempfile::TempDir,
    store: Store,
    registry: Registry,
}

struct Stopped;

impl Clock for Stopped {
    fn wall(&self) -> Timestamp {
        "2026-03-01T02:30:00Z".parse().unwrap()
    }

    fn uptime(&self) -> Uptime {
        Uptime::new(std::time::Duration::ZERO)
    }

    fn boot(&self) -> Boot {
        "boot".parse().unwrap()
    }
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let store = Store::open(&path, StoreOptions::default()).unwrap();
        let registry = open(&store).await;
        Self {
            _folder: folder,
            store,
            registry,
        }
    }

    async fn add(&self, device: &str, site: &str) -> Issued<DeviceId> {
        self.try_add(device, site, None).await.unwrap()
    }

    async fn try_add(
        &self,
        device: &str,
        site: &str,
        name: Option<&str>,
    ) -> Result<Issued<DeviceId>, RegistryError> {
        let device = NewDevice {
            id: id(device),
            kind: DeviceKind::Gate,
            site: id(site),
            name: name.map(str::to_owned),
        };
        self.registry.add_device(device, &lead()).await
    }

    async fn open_again(&self) -> Registry {
        open(&self.store).await
    }

    fn audit(&self) -> Vec<AuditRecord> {
        self.store
            .read(|connection| audit::newest(connection, 100))
            .unwrap()
    }
}

async fn open(store: &Store) -> Registry {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    Registry::open(store.clone(), zone, Arc::new(Stopped))
        .await
        .unwrap()
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

fn id_of_site() -> SiteId {
    id("main")
}

fn lead() -> Actor {
    Actor::named("lead")
}

#[tokio::test]
async fn a_reader_that_is_removed_is_withdrawn_and_its_password_opens_nothing() {
    let house = House::new().await;
    let filters = vec!["library/v1/devices/+/events".parse().unwrap()];
    let (registry, name) = (&house.registry, id("node-red"));
    let issued = registry.add_reader(&name, filters, &lead()).await.unwrap();
    let mut withdrawn = registry.withdrawn();

    registry.remove_reader(&name, &lead()).await.unwrap();

    assert_eq!(
        withdrawn.try_recv().unwrap(),
        Withdrawn::Reader(name.clone())
    );
    let password = issued.password.reveal().as_bytes();
    assert!(registry.verify_reader(&name, password).await.is_none());
    assert!(!registry.is_reader(&name));
    let again = registry.remove_reader(&name, &lead()).await;
    assert!(matches!(again, Err(RegistryError::UnknownReader(_))));
    assert!(format!("{:?}", house.audit()).contains("reader.remove"));
}
