//! Releases over HTTP: what is offered, what is refused, what is said without the vault.

use lujiang_content::{BlobFacts, Offer, ReleaseTargets, Vault, document};
use lujiang_wire::{
    Allotment, Availability, BlobHash, Catalogue, CatalogueMetadata, Copies, Label, Link,
    LinkProperties, Publication, PublicationMetadata, TitleAllotment,
};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::content::dto::{OfferForm, RepositoryForm};

const BOOK: &[u8] = b"not a book, but a blob";
const TITLE: &str = "urn:isbn:9787101003048";

#[tokio::test]
async fn a_release_is_published_by_what_was_signed_elsewhere_and_each_step_is_on_record() {
    let house = House::open().await;
    let desk = Desk::begun(&house).await;
    let blob = desk.bring(&house, BOOK).await;

    let told = desk.release(&house, "2026-11", blob).await;

    assert_eq!(told.status, 201, "{}", told.text);
    assert_eq!(told.json()["revision"], 2);
    let releases = house.get("/api/v1/content/releases").await.json();
    assert_eq!(releases[0]["name"], "2026-11");
    assert_eq!(releases[0]["titles"], 1);
    assert_eq!(releases[0]["bytes"], BOOK.len());
    let catalogue = house.get("/api/v1/content/releases/2026-11").await.json();
    assert_eq!(catalogue["publications"][0]["metadata"]["title"], "庄子");
    let roles = house.get("/api/v1/content/repository").await.json();
    assert_eq!(roles["roles"][1]["role"], "targets");
    assert_eq!(roles["roles"][1]["version"], 2);

    let hidden = json!({"title": TITLE, "reason": "withdrawn"});
    let notice = json!({"id": "closed", "title": "明日闭馆", "body": "全天闭馆。"});
    let steps = [
        ("POST", "/api/v1/content/hidden".to_owned(), hidden),
        (
            "DELETE",
            format!("/api/v1/content/hidden/{TITLE}"),
            json!({}),
        ),
        ("POST", "/api/v1/content/notices".to_owned(), notice),
        (
            "DELETE",
            "/api/v1/content/notices/closed".to_owned(),
            json!({}),
        ),
    ];
    for (number, (method, path, body)) in (3..).zip(steps) {
        let told = house.ask(house.sending(method, &path, &body)).await;
        assert!(told.status < 300, "{method} {path}: {}", told.text);
        assert_eq!(told.json()["revision"], number, "{method} {path}");
    }
    let said = house.get("/api/v1/content/notices").await.json();
    assert_eq!(said, json!({"notices": [], "hidden": []}));
    let acts = house.acts().await;
    let expected = [
        "content.notice.remove",
        "content.notice.add",
        "content.show",
        "content.hide",
        "content.publish",
        "content.publish",
    ];
    let acts: Vec<&str> = acts
        .iter()
        .filter_map(|act| act.rsplit(' ').next())
        .collect();
    assert_eq!(acts[..6], expected);
}

#[tokio::test]
async fn what_is_not_here_is_not_published() {
    let house = House::open().await;
    let desk = Desk::begun(&house).await;

    let told = desk
        .release(&house, "2026-11", BlobHash::new([7; 32]))
        .await;

    assert_eq!(told.status, 409, "{}", told.text);
    assert!(told.text.contains("is not here"), "{}", told.text);
    assert_eq!(
        house.get("/api/v1/content/releases").await.json(),
        json!([])
    );
}

#[tokio::test]
async fn a_blob_is_what_its_name_says_or_is_not_taken() {
    let house = House::open().await;
    let wrong = BlobHash::new([1; 32]);
    let path = format!("/api/v1/content/blobs/{wrong}");
    let request = house.building("PUT", &path).body(Body::from(BOOK)).unwrap();

    let refused = house.ask(request).await;

    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(house.get(&path).await.status, 404);
    let odd = house.get("/api/v1/content/blobs/..%2Fledger.db").await;
    assert_eq!(odd.json()["type"], "/problems/bad-parameter");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_with_the_reason() {
    let house = House::open().await;
    let early = json!({"id": "a", "title": "b"});
    let refused = house
        .ask(house.sending("POST", "/api/v1/content/notices", &early))
        .await;
    assert!(
        refused.text.contains("content keys init"),
        "{}",
        refused.text
    );
    Desk::begun(&house).await;
    let cases = [
        (
            json!({"id": "a", "title": "b", "body": "长".repeat(501)}),
            "501 characters",
        ),
        (
            json!({"id": "a", "title": "b", "image": "R0lGODlh"}),
            "no JPEG, PNG or WebP",
        ),
        (
            json!({"id": "a", "title": "b", "until": "2020-01-01T00:00:00Z"}),
            "before it begins",
        ),
        (json!({"id": "", "title": "b"}), "id"),
    ];
    for (body, expected) in cases {
        let refused = house
            .ask(house.sending("POST", "/api/v1/content/notices", &body))
            .await;
        assert!((400..500).contains(&refused.status), "{}", refused.text);
        assert!(refused.text.contains(expected), "{}", refused.text);
    }
    let unknown = json!({"title": "urn:isbn:1", "reason": "r"});
    let refused = house
        .ask(house.sending("POST", "/api/v1/content/hidden", &unknown))
        .await;
    assert_eq!(refused.status, 404, "{}", refused.text);
}

#[tokio::test]
async fn what_was_published_is_there_after_a_restart() {
    let house = House::open().await;
    let desk = Desk::begun(&house).await;
    let blob = desk.bring(&house, BOOK).await;
    desk.release(&house, "2026-11", blob).await;
    let store = house.state.store.clone();
    let paths = DataPaths::new(house._folder.path());
    let clock = Arc::clone(&house.state.clock);

    let again = Content::open(store, &paths, clock, ContentSection::default()).unwrap();

    assert_eq!(*again.revision().borrow(), 2);
    assert_eq!(again.releases(), ["2026-11".parse().unwrap()]);
    let file = "timestamp.json";
    assert_eq!(again.metadata(file), house.state.content.metadata(file));
}

#[tokio::test]
async fn a_blob_that_nothing_names_goes_after_its_time_and_the_numbers_say_what_there_is() {
    let house = House::open().await;
    let desk = Desk::begun(&house).await;
    let book = desk.bring(&house, BOOK).await;
    let stray = desk.bring(&house, b"never released").await;
    desk.release(&house, "2026-11", book).await;
    let content = &house.state.content;
    let is_here = async |blob: BlobHash| content.blob_size(&blob).await.unwrap().is_some();
    let on_day = |day: i64| {
        let days = jiff::SignedDuration::from_hours(24 * day);
        NOW.parse::<Timestamp>().unwrap().checked_add(days).unwrap()
    };

    content.tidy(on_day(0)).await.unwrap();
    let stored = content.blob_bytes();
    content.tidy(on_day(13)).await.unwrap();
    assert!(is_here(stray).await);
    content.tidy(on_day(14)).await.unwrap();

    assert!(!is_here(stray).await && is_here(book).await);
    assert_eq!(
        content.blob_bytes(),
        stored - b"never released".len() as u64
    );
    let ends = on_day(730).as_second();
    let metrics = house.get("/metrics").await.text;
    for line in [
        format!("lujiang_content_stored_bytes {}", content.blob_bytes()),
        format!("lujiang_content_signature_expiry_timestamp_seconds{{role=\"targets\"}} {ends}"),
        "lujiang_alarms{kind=\"content-signature\"} 0".to_owned(),
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line} in\n{metrics}");
    }
    let gateway = house.get("/api/v1/gateway").await.json();
    assert_eq!(gateway["signatures"][4]["role"], "timestamp");
    assert_eq!(gateway["signatures"][4]["ends_soon"], false);
}

/// Who publishes, with the vault.
struct Desk {
    vault: Vault,
    _stick: TempDir,
}

impl Desk {
    async fn begun(house: &House) -> Self {
        let stick = TempDir::new().unwrap();
        let vault = Vault::init(stick.path()).unwrap();
        let online = house.state.content.online();
        let offer = Offer::begin(&vault, &online, house.state.clock.wall()).await;
        let form = OfferForm::from(offer.unwrap());
        let told = publish(house, &form).await;
        assert_eq!(told.status, 201, "{}", told.text);
        Self {
            vault,
            _stick: stick,
        }
    }

    async fn bring(&self, house: &House, bytes: &'static [u8]) -> BlobHash {
        let blob = BlobHash::new(Sha256::digest(bytes).into());
        let path = format!("/api/v1/content/blobs/{blob}");
        let request = house
            .building("PUT", &path)
            .body(Body::from(bytes))
            .unwrap();
        let answer = house.ask(request).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(house.get(&path).await.json(), answer.json());
        blob
    }

    async fn release(&self, house: &House, name: &str, blob: BlobHash) -> Answer {
        let release = release(name, blob);
        for bytes in [document(&release.catalogue), document(&release.allotment)] {
            self.bring(house, bytes.leak()).await;
        }
        let form = house.get("/api/v1/content/repository").await.json();
        let form: RepositoryForm = serde_json::from_value(form).unwrap();
        let from = form.published().unwrap();
        let now = house.state.clock.wall();
        let offer = Offer::release(&self.vault, &from, &release, now).await;
        publish(house, &OfferForm::from(offer.unwrap())).await
    }
}

async fn publish(house: &House, form: &OfferForm) -> Answer {
    let body = serde_json::to_value(form).unwrap();
    let path = "/api/v1/content/publications";
    house.ask(house.sending("POST", path, &body)).await
}

fn release(name: &str, blob: BlobHash) -> ReleaseTargets {
    let label = |text: &str| -> Label { text.parse().unwrap() };
    let link = Link {
        rel: Some(label(lujiang_wire::ACQUISITION)),
        href: format!("{}{blob}", lujiang_wire::CONTENT_BLOBS_PATH),
        media_type: label("application/epub+zip"),
        size: Some(BOOK.len() as u64),
        properties: Some(LinkProperties {
            availability: Some(Availability {
                state: label("available"),
                since: None,
                until: None,
            }),
            copies: None,
        }),
    };
    let publication = Publication {
        metadata: PublicationMetadata {
            kind: label("http://schema.org/Book"),
            identifier: label(TITLE),
            title: label("庄子"),
            author: Vec::new(),
            language: Vec::new(),
            publisher: None,
            description: None,
        },
        links: vec![link],
        images: Vec::new(),
    };
    let allotted = TitleAllotment {
        others: Copies::Unlimited,
        ..TitleAllotment::default()
    };
    // What is in the file is for who reads it: here it is bytes.
    let blocks = BlobHash::new(Sha256::digest(Sha256::digest(BOOK)).into());
    let size = BOOK.len() as u64;
    ReleaseTargets {
        catalogue: Catalogue {
            metadata: CatalogueMetadata {
                identifier: label(name),
                title: label(name),
                modified: NOW.parse().unwrap(),
            },
            links: Vec::new(),
            publications: vec![publication],
        },
        allotment: Allotment {
            release: label(name),
            titles: [(label(TITLE), allotted)].into(),
        },
        blobs: [(blob, BlobFacts { size, blocks })].into(),
    }
}
