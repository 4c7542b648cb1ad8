//! Releases over HTTP: what is offered, what is refused, what is said without the vault.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lujiang_broker::Word;
use lujiang_content::{BlobFacts, Offer, ReleaseTargets, Vault, document};
use lujiang_wire::{
    Allotment, Availability, BlobHash, Catalogue, CatalogueMetadata, Copies, Label, Link,
    LinkProperties, Publication, PublicationMetadata, Reported, ReportedContent, TitleAllotment,
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
    assert_eq!(
        (&said["notices"], &said["hidden"]),
        (&json!([]), &json!([]))
    );
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
async fn a_hidden_title_names_the_kiosks_that_hide_it_and_those_that_have_not_said_so() {
    let house = House::open().await;
    let desk = Desk::begun(&house).await;
    let blob = desk.bring(&house, BOOK).await;
    desk.release(&house, "2026-11", blob).await;
    for kiosk in ["kiosk-1", "kiosk-2", "kiosk-3"] {
        let body = json!({"id": kiosk, "kind": "kiosk", "site": "main"});
        let added = house
            .ask(house.sending("POST", "/api/v1/devices", &body))
            .await;
        assert_eq!(added.status, 201, "{}", added.text);
    }
    let notices_of = |kiosk: &str, revision: u64, notices: Option<u64>| {
        let content = ReportedContent {
            revision: Some(revision),
            notices,
            ..ReportedContent::default()
        };
        let word = Word::Reported {
            device: kiosk.parse().unwrap(),
            reported: Reported {
                content: Some(content),
                screens: Vec::new(),
            },
        };
        house.state.presence.hear(word, NOW.parse().unwrap());
    };
    let hide = json!({"title": TITLE, "reason": "出版社撤回"});
    let path = "/api/v1/content/hidden";
    let hidden = house.ask(house.sending("POST", path, &hide)).await.json();
    let revision = hidden["revision"].as_u64().unwrap();

    // One hides it, one has heard of it and not yet done it, one was never heard of.
    notices_of("kiosk-1", revision, Some(revision));
    notices_of("kiosk-2", revision, Some(revision - 1));
    let rows = house.get(path).await.json()["hidden"].clone();

    assert_eq!(rows[0]["name"], "庄子");
    assert_eq!(rows[0]["reason"], "出版社撤回");
    assert_eq!(rows[0]["confirmed"], json!(["kiosk-1"]));
    assert_eq!(rows[0]["waiting"], json!(["kiosk-2", "kiosk-3"]));

    // What is said of something else afterwards takes nothing back.
    let notice = json!({"id": "closed", "title": "明日闭馆"});
    let path_of_notices = "/api/v1/content/notices";
    house
        .ask(house.sending("POST", path_of_notices, &notice))
        .await;
    notices_of("kiosk-2", revision, Some(revision));
    let rows = house.get(path).await.json()["hidden"].clone();
    assert_eq!(rows[0]["confirmed"], json!(["kiosk-1", "kiosk-2"]));
}

#[tokio::test]
async fn a_notices_picture_has_bounds_and_the_problem_names_the_place() {
    let house = House::open().await;
    Desk::begun(&house).await;
    let path = "/api/v1/content/notices";
    let png = |width: u32, height: u32, more: usize| {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend([width.to_be_bytes(), height.to_be_bytes()].concat());
        bytes.resize(bytes.len() + more, 0);
        bytes
    };
    let say = async |image: &[u8]| {
        let body = json!({"id": "a", "title": "b", "image": STANDARD.encode(image)});
        house.ask(house.sending("POST", path, &body)).await
    };
    let limits = house.get(path).await.json()["limits"].clone();
    assert_eq!(limits["image_bytes"], 5 * 1024 * 1024);
    assert_eq!(limits["image_pixels"], 16_000_000);

    for (image, status, expected) in [
        (png(4_001, 4_000, 0), 413, "4001 × 4000 pixels"),
        (
            png(60_000, 60_000, 0),
            413,
            "content.notice_image_pixels_max",
        ),
        (
            png(10, 10, 5 * 1024 * 1024),
            413,
            "content.notice_image_max",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0".to_vec(), 422, "cut off"),
    ] {
        let refused = say(&image).await;
        assert_eq!(refused.status, status, "{}", refused.text);
        assert!(refused.text.contains(expected), "{}", refused.text);
        assert_eq!(refused.json()["parameter"], "image");
    }
    assert_eq!(house.get(path).await.json()["notices"], json!([]));

    let taken = say(&png(4_000, 4_000, 0)).await;

    assert_eq!(taken.status, 201, "{}", taken.text);
    let said = house.get(path).await.json();
    let blob = said["notices"][0]["image"]["blob"].as_str().unwrap();
    let shown = house.get(&format!("/api/v1/content/pictures/{blob}")).await;
    assert_eq!(
        (shown.status, &shown.headers[CONTENT_TYPE]),
        (200, &"image/png".parse().unwrap())
    );
}

#[tokio::test]
async fn a_book_is_no_picture_whoever_asks_for_one() {
    let house = House::open().await;
    let desk = Desk::begun(&house).await;
    let blob = desk.bring(&house, BOOK).await;

    let refused = house.get(&format!("/api/v1/content/pictures/{blob}")).await;

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
