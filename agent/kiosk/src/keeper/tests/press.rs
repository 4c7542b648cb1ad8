//! Who makes releases, and what is in them.

use super::*;

/// Who makes releases, and the folder they are served from.
pub(super) struct Press {
    pub(super) stick: tempfile::TempDir,
    pub(super) served: PathBuf,
    pub(super) vault: Vault,
    pub(super) keys: OnlineKeys,
    pub(super) repository: Mutex<Repository>,
}

impl Press {
    /// Where the off-line keys are.
    pub(super) fn vault_file(&self) -> PathBuf {
        self.stick.path().join("keys/vault.json")
    }

    pub(super) async fn begun() -> Self {
        let stick = tempfile::tempdir().unwrap();
        let vault = Vault::init(&stick.path().join("keys")).unwrap();
        let keys = OnlineKeys::generate();
        let offer = Offer::begin(&vault, &keys.public(), now()).await.unwrap();
        let repository = Repository::begin(&offer, &keys, now()).await.unwrap();
        let press = Self {
            served: stick.path().join("served"),
            stick,
            vault,
            keys,
            repository: Mutex::new(repository.clone()),
        };
        press.put(&document(&Notices::default()));
        press.serve(repository);
        press
    }

    pub(super) async fn release(&self, name: &str, titles: &[&str]) {
        self.release_allotted(name, titles, |_| Copies::Unlimited)
            .await;
    }

    pub(super) async fn release_allotted(
        &self,
        name: &str,
        titles: &[&str],
        copies: impl Fn(&str) -> Copies,
    ) {
        self.publish(release(name, titles, copies), titles).await;
    }

    pub(super) async fn publish(&self, mut release: ReleaseTargets, titles: &[&str]) {
        for title in titles {
            let (blob, facts) = self.put(&book(title));
            release.blobs.insert(blob, facts);
        }
        self.put(&document(&release.catalogue));
        self.put(&document(&release.allotment));
        let before = self.repository.lock().unwrap().clone();
        let from = before.published(&self.keys);
        let offer = Offer::release(&self.vault, &from, &release, now())
            .await
            .unwrap();
        self.serve(before.publish(&offer, &self.keys, now()).await.unwrap());
    }

    pub(super) async fn say(&self, hidden: Vec<HiddenTitle>) {
        let notices = Notices {
            notices: Vec::new(),
            hidden,
        };
        self.say_all(notices, BTreeMap::new()).await;
    }

    pub(super) async fn say_all(&self, notices: Notices, images: BTreeMap<BlobHash, u64>) {
        self.put(&document(&notices));
        let said = Said { notices, images };
        let before = self.repository.lock().unwrap().clone();
        self.serve(before.say(&said, &self.keys, now()).await.unwrap());
    }

    pub(super) fn serve(&self, repository: Repository) {
        let folder = self.served.join("metadata");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in repository.files() {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        *self.repository.lock().unwrap() = repository;
    }

    /// The file a blob is served from.
    pub(super) fn blob(&self, blob: &BlobHash) -> PathBuf {
        self.served.join("blobs").join(blob.to_string())
    }

    pub(super) fn put(&self, bytes: &[u8]) -> (BlobHash, BlobFacts) {
        let mut hasher = BlockHasher::default();
        hasher.update(bytes);
        let hashed = hasher.finish();
        for (folder, bytes) in [("blobs", bytes), ("blocks", &hashed.list)] {
            let folder = self.served.join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(hashed.blob.to_string()), bytes).unwrap();
        }
        let facts = BlobFacts {
            size: hashed.size,
            blocks: hashed.blocks(),
        };
        (hashed.blob, facts)
    }
}

pub(super) fn release(
    name: &str,
    titles: &[&str],
    copies: impl Fn(&str) -> Copies,
) -> ReleaseTargets {
    let allotted = titles.iter().map(|title| {
        let others = copies(title);
        (
            title_id(title),
            TitleAllotment {
                others,
                ..TitleAllotment::default()
            },
        )
    });
    ReleaseTargets {
        catalogue: Catalogue {
            metadata: CatalogueMetadata {
                identifier: label(name),
                title: label(name),
                modified: now(),
            },
            links: Vec::new(),
            publications: titles.iter().map(|title| publication(title)).collect(),
        },
        allotment: Allotment {
            release: label(name),
            titles: allotted.collect(),
        },
        blobs: BTreeMap::new(),
    }
}

pub(super) fn publication(title: &str) -> Publication {
    let bytes = book(title);
    let month = jiff::SignedDuration::from_hours(24 * 30);
    let link = Link {
        rel: Some(label(lujiang_wire::ACQUISITION)),
        href: format!("{}{}", lujiang_wire::CONTENT_BLOBS_PATH, hash(&bytes)),
        media_type: label("application/epub+zip"),
        size: Some(bytes.len() as u64),
        properties: Some(LinkProperties {
            availability: Some(Availability {
                state: label("available"),
                since: Some(now() - month),
                until: Some(now() + month),
            }),
            copies: None,
        }),
    };
    Publication {
        metadata: PublicationMetadata {
            kind: label("http://schema.org/Book"),
            identifier: title_id(title),
            title: label(title),
            author: Vec::new(),
            language: Vec::new(),
            publisher: None,
            description: None,
        },
        links: vec![link],
        images: Vec::new(),
    }
}
