use std::path::Path;

use lujiang_wire::{
    Allotment, Catalogue, CatalogueMetadata, HiddenTitle, Label, NOTICES_TARGET, Notices,
    blob_target, catalogue_target,
};
use sha2::{Digest as _, Sha256};
use tough::{ExpirationEnforcement, FilesystemTransport, RepositoryLoader, TargetName};
use url::Url;

use super::*;
use crate::offer::{BlobFacts, OfferError, ReleaseTargets, document};
use crate::vault::Vault;

#[tokio::test]
async fn what_is_published_is_what_a_client_reads() {
    let house = House::begun().await;
    let published = house.release(&house.first, "2026-11").await.unwrap();

    let read = load(&house, &published).await.unwrap();

    let name = catalogue_target(&label("2026-11"));
    let target = TargetName::new(&name).unwrap();
    let found = read.targets().signed.find_target(&target, true).unwrap();
    assert_eq!(found.length, document(&catalogue("2026-11")).len() as u64);
    assert_eq!(published.releases(), [label("2026-11")]);
    assert_eq!(published.revision(), 2);
    assert_eq!(house.first.revision(), 1);
    let blob = blob();
    assert_eq!(published.target(&blob_target(&blob)), Some(blob));
    let needed = published.needed();
    assert_eq!(needed.len(), 4, "two documents, a book, the notices");
}

#[tokio::test]
async fn it_is_read_back_as_it_was() {
    let house = House::begun().await;
    let published = house.release(&house.first, "2026-11").await.unwrap();

    let restored = Repository::restore(published.files().clone()).unwrap();

    assert_eq!(restored.files(), published.files());
    assert_eq!(restored.revision(), published.revision());
    let mut torn = published.files().clone();
    torn.remove("2.snapshot.json");
    let error = Repository::restore(torn).unwrap_err().to_string();
    assert!(error.contains("2.snapshot.json"), "{error}");
}

#[tokio::test]
async fn notices_need_no_vault_and_can_name_nothing_else() {
    let house = House::begun().await;
    let published = house.release(&house.first, "2026-11").await.unwrap();
    let said = Said {
        notices: Notices {
            notices: Vec::new(),
            hidden: vec![HiddenTitle {
                title: label("urn:isbn:9787101003048"),
                since: now(),
                reason: label("withdrawn"),
            }],
        },
        ..Said::default()
    };

    let told = published.say(&said, &house.keys, now()).await.unwrap();

    let read = load(&house, &told).await.unwrap();
    let name = TargetName::new(NOTICES_TARGET).unwrap();
    let found = read.targets().signed.find_target(&name, true).unwrap();
    let digest = Sha256::digest(document(&said.notices));
    assert_eq!(found.hashes.sha256.as_ref(), digest.as_slice());
    assert_eq!(told.revision(), published.revision() + 1);

    // Whoever has that key alone, and everything else on-line, still adds no book.
    let mut forged = told.clone();
    let name = TargetName::new(blob_target(&BlobHash::new([7; 32]))).unwrap();
    let target = crate::offer::target(1, [7; 32], Default::default());
    forged.notices.signed.targets.insert(name, target);
    let notices = forged.notices.signed.clone();
    forged.put_notices_for_test(notices, &house.keys).await;
    assert!(load(&house, &forged).await.is_err());
}

#[tokio::test]
async fn what_is_on_line_is_renewed_at_half_its_life_and_told_at_a_quarter() {
    let house = House::begun().await;
    let at = |days: i64| {
        now()
            .checked_add(jiff::SignedDuration::from_hours(24 * days))
            .unwrap()
    };

    assert!(
        house
            .first
            .renew(&house.keys, at(6))
            .await
            .unwrap()
            .is_none()
    );
    let renewed = house
        .first
        .renew(&house.keys, at(8))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(renewed.revision(), 1, "a timestamp is no news");
    assert!(renewed.of(RoleName::Timestamp).0 > house.first.of(RoleName::Timestamp).0);
    let all = renewed.renew(&house.keys, at(46)).await.unwrap().unwrap();
    assert_eq!(all.of(RoleName::Snapshot).0, 2);
    assert_eq!(all.of(RoleName::Notices).0, 2);
    load_at(&house, &all).await.unwrap();

    let told = |days: i64, role: RoleName| {
        let standing = house.first.standing(at(days));
        standing
            .iter()
            .find(|it| it.role == role)
            .unwrap()
            .ends_soon
    };
    assert!(!told(10, RoleName::Timestamp));
    assert!(told(11, RoleName::Timestamp));
    assert!(!told(67, RoleName::Snapshot));
    assert!(told(68, RoleName::Snapshot), "a quarter of ninety days");
    assert!(!told(2_737, RoleName::Root));
    assert!(told(2_738, RoleName::Root), "a quarter of ten years");
    assert!(!told(547, RoleName::Targets));
    assert!(told(548, RoleName::Targets));
    assert!(told(730, RoleName::Targets), "and when it has ended");
}

#[tokio::test]
async fn a_rotated_key_is_followed_and_the_one_before_is_good_for_nothing() {
    let house = House::begun().await;
    let lost = house.vault.clone();
    let mut vault = house.vault.clone();
    vault.rotate_root().unwrap();
    vault.rotate_targets().unwrap();
    let offer = Offer::renew(&vault, &house.first.published(&house.keys), now())
        .await
        .unwrap();
    let rotated = house
        .first
        .publish(&offer, &house.keys, now())
        .await
        .unwrap();
    vault.forget_former().unwrap();

    load(&house, &rotated).await.unwrap();

    let published = rotated.published(&house.keys);
    let release = release_targets("2026-12");
    let by_lost = Offer::release(&lost, &published, &release, now()).await;
    assert!(
        matches!(by_lost, Err(OfferError::ForeignVault)),
        "{by_lost:?}"
    );
    let offer = Offer::release(&vault, &published, &release, now())
        .await
        .unwrap();
    rotated.publish(&offer, &house.keys, now()).await.unwrap();
    // A root made with the lost key alone is no successor either.
    let forged = Offer::renew(&lost, &published, now()).await.unwrap();
    let refused = rotated
        .publish(&forged, &house.keys, now())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, PublicationError::Signature { role: "root", .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_rotation_whose_answer_was_lost_is_rotated_on_from() {
    let house = House::begun().await;
    let mut vault = house.vault.clone();
    vault.rotate_root().unwrap();
    let offer = Offer::renew(&vault, &house.first.published(&house.keys), now()).await;
    let offer = offer.unwrap();
    let rotated = house.first.publish(&offer, &house.keys, now());
    let rotated = rotated.await.unwrap();

    // The vault never heard that it was taken, and rotates once more.
    vault.rotate_root().unwrap();
    let offer = Offer::renew(&vault, &rotated.published(&house.keys), now()).await;
    let again = rotated.publish(&offer.unwrap(), &house.keys, now()).await;

    load(&house, &again.unwrap()).await.unwrap();
}

#[tokio::test]
async fn an_offer_is_taken_once_and_in_its_turn() {
    let house = House::begun().await;
    let published = house.first.published(&house.keys);
    let offer = |name: &'static str| {
        let (vault, published) = (house.vault.clone(), published.clone());
        async move {
            let release = release_targets(name);
            Offer::release(&vault, &published, &release, now())
                .await
                .unwrap()
        }
    };
    let (one, other) = (offer("2026-11").await, offer("2026-12").await);
    let with_one = house.first.publish(&one, &house.keys, now()).await.unwrap();

    for late in [&one, &other] {
        let refused = with_one
            .publish(late, &house.keys, now())
            .await
            .unwrap_err();
        let expected = PublicationError::Version {
            role: "targets",
            found: 2,
            expected: 3,
        };
        assert_eq!(refused.to_string(), expected.to_string());
    }
    let mut unsigned = offer("2026-12").await;
    unsigned.targets = unsigned.targets.replace("2026-12", "2026-13");
    let refused = house
        .first
        .publish(&unsigned, &house.keys, now())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, PublicationError::Signature { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_gateway_restored_from_an_older_copy_comes_out_above_what_devices_have_seen() {
    let house = House::begun().await;
    let backup = house.first.clone();
    let device = tempfile::tempdir().unwrap();
    let mut lost = backup.clone();
    for name in ["2026-11", "2026-12"] {
        let published = lost.published(&house.keys);
        let release = release_targets(name);
        let offer = Offer::release(&house.vault, &published, &release, now());
        let offer = offer.await.unwrap();
        lost = lost.publish(&offer, &house.keys, now()).await.unwrap();
    }
    load_into(&house, &lost, device.path()).await.unwrap();
    assert_eq!(lost.revision(), 3);

    // Restored, the gateway says something else, and the device takes it for a roll-back.
    let said = backup.say(&Said::default(), &house.keys, now()).await;
    let said = said.unwrap();
    assert!(load_into(&house, &said, device.path()).await.is_err());

    let above = said.above(3, &house.keys, now()).await.unwrap().unwrap();
    assert_eq!(above.revision(), 103);
    assert_eq!(
        above
            .above(103, &house.keys, now())
            .await
            .unwrap()
            .map(|_| ()),
        None
    );
    // What needs the vault is older still: it is signed anew with the keys there are.
    assert!(load_into(&house, &above, device.path()).await.is_err());
    let published = above.published(&house.keys);
    let offer = Offer::renew(&house.vault, &published, now());
    let renewed = above
        .publish(&offer.await.unwrap(), &house.keys, now())
        .await;
    let renewed = renewed.unwrap();
    load_into(&house, &renewed, device.path()).await.unwrap();
    assert_eq!(renewed.of(RoleName::Targets).0, renewed.revision());
    // And it is read back, and goes on from there.
    let restored = Repository::restore(renewed.files().clone()).unwrap();
    let next = restored
        .say(&Said::default(), &house.keys, now())
        .await
        .unwrap();
    load_into(&house, &next, device.path()).await.unwrap();
}

#[tokio::test]
async fn what_a_lying_device_says_it_has_seen_is_not_followed_beyond_a_bound() {
    let house = House::begun().await;
    let above = async |seen| house.first.above(seen, &house.keys, now()).await;
    assert!(above(0).await.unwrap().is_none());
    assert!(above(1).await.unwrap().is_none());
    assert_eq!(above(10_001).await.unwrap().unwrap().revision(), 10_101);
    for lie in [10_002, u64::MAX] {
        let refused = above(lie).await.unwrap_err();
        assert!(
            matches!(refused, PublicationError::Beyond { own: 1, .. }),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn a_root_with_keys_of_another_gateway_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let vault = Vault::init(folder.path()).unwrap();
    let others = OnlineKeys::generate();
    let offer = Offer::begin(&vault, &others.public(), now()).await.unwrap();

    let refused = Repository::begin(&offer, &OnlineKeys::generate(), now()).await;

    assert!(matches!(refused, Err(PublicationError::OnlineKeys)));
}

#[tokio::test]
async fn a_name_that_could_lead_elsewhere_is_no_target_of_ours() {
    let house = House::begun().await;
    for name in [
        "releases/../x/catalogue.json",
        "books/a.epub",
        "releases/a/b/catalogue.json",
    ] {
        let published = house.first.published(&house.keys);
        let offer = crate::offer::offer_naming(&house.vault, &published, name, now()).await;
        let Ok(offer) = offer else {
            continue; // tough itself refuses it.
        };
        let refused = house.first.publish(&offer, &house.keys, now()).await;
        assert!(
            matches!(refused, Err(PublicationError::Target(_))),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_release_that_is_withdrawn_is_no_target_and_its_books_neither() {
    let house = House::begun().await;
    let published = house.release(&house.first, "2026-11").await.unwrap();
    let (from, release) = (published.published(&house.keys), label("2026-11"));
    let offer = Offer::without(&house.vault, &from, &release, &[], now()).await;
    let without = published
        .publish(&offer.unwrap(), &house.keys, now())
        .await
        .unwrap();

    assert_eq!(without.releases(), []);
    assert_eq!(without.needed().len(), 1, "the notices");
    load(&house, &without).await.unwrap();
}

struct House {
    folder: tempfile::TempDir,
    vault: Vault,
    keys: OnlineKeys,
    first: Repository,
}

impl House {
    async fn begun() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::init(&folder.path().join("stick")).unwrap();
        let keys = OnlineKeys::generate();
        let offer = Offer::begin(&vault, &keys.public(), now()).await.unwrap();
        let first = Repository::begin(&offer, &keys, now()).await.unwrap();
        Self {
            folder,
            vault,
            keys,
            first,
        }
    }

    async fn release(
        &self,
        before: &Repository,
        name: &str,
    ) -> Result<Repository, PublicationError> {
        let published = before.published(&self.keys);
        let release = release_targets(name);
        let offer = Offer::release(&self.vault, &published, &release, now())
            .await
            .unwrap();
        before.publish(&offer, &self.keys, now()).await
    }
}

/// As a client does it, with the first root as what it was given.
async fn load(
    house: &House,
    repository: &Repository,
) -> Result<tough::Repository, tough::error::Error> {
    load_from(house.folder.path(), repository, ExpirationEnforcement::Safe).await
}

/// The same, whatever time it is here.
async fn load_at(
    house: &House,
    repository: &Repository,
) -> Result<tough::Repository, tough::error::Error> {
    load_from(
        house.folder.path(),
        repository,
        ExpirationEnforcement::Unsafe,
    )
    .await
}

/// As a device that keeps what it has seen in this folder.
async fn load_into(
    house: &House,
    repository: &Repository,
    datastore: &Path,
) -> Result<tough::Repository, tough::error::Error> {
    let loader = loader(house.folder.path(), repository);
    loader.datastore(datastore).load().await
}

async fn load_from(
    folder: &Path,
    repository: &Repository,
    enforcement: ExpirationEnforcement,
) -> Result<tough::Repository, tough::error::Error> {
    let loader = loader(folder, repository);
    loader.expiration_enforcement(enforcement).load().await
}

/// A client of what is served, all of it from a folder.
fn loader<'a>(folder: &Path, repository: &'a Repository) -> RepositoryLoader<'a> {
    let folder = folder.join("served");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in repository.files() {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let url = Url::from_directory_path(&folder).unwrap();
    let root = &repository.files()["1.root.json"];
    RepositoryLoader::new(root, url.clone(), url).transport(FilesystemTransport)
}

fn release_targets(name: &str) -> ReleaseTargets {
    let facts = BlobFacts {
        size: 5_000_000,
        blocks: BlobHash::new([9; 32]),
    };
    ReleaseTargets {
        catalogue: catalogue(name),
        allotment: Allotment {
            release: label(name),
            titles: BTreeMap::new(),
        },
        blobs: BTreeMap::from([(blob(), facts)]),
    }
}

fn catalogue(name: &str) -> Catalogue {
    Catalogue {
        metadata: CatalogueMetadata {
            identifier: label(name),
            title: label(name),
            modified: "2026-11-20T00:00:00Z".parse().unwrap(),
        },
        links: Vec::new(),
        publications: Vec::new(),
    }
}

fn blob() -> BlobHash {
    BlobHash::new([5; 32])
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

/// Today: tough asks the machine's clock.
fn now() -> Timestamp {
    Timestamp::now()
}
