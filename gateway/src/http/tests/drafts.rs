//! Drafts of releases over HTTP: what is brought, what it is understood as, what goes by itself.

use super::*;

const CSV: &[u8] = b"file,end\nnobook.epub,2099-12-31\nabsent.epub,2099-12-31\n";

impl House {
    async fn begin_draft(&self, release: &str) -> String {
        let begun = self
            .ask(self.sending(
                "POST",
                "/api/v1/content/drafts",
                &json!({"release": release}),
            ))
            .await;
        assert_eq!(begun.status, 201, "{}", begun.text);
        begun.json()["id"].as_str().unwrap().to_owned()
    }

    async fn put(&self, draft: &str, file: &str, bytes: &'static [u8]) -> Answer {
        let path = format!("/api/v1/content/drafts/{draft}/files/{file}");
        let request = self.building("PUT", &path).body(Body::from(bytes)).unwrap();
        self.ask(request).await
    }

    fn draft_folder(&self, draft: &str) -> std::path::PathBuf {
        self._folder.path().join("drafts").join(draft)
    }
}

#[tokio::test]
async fn what_is_brought_is_read_by_the_core_that_makes_releases_and_each_step_is_on_record() {
    let house = House::open().await;
    let draft = house.begin_draft("2026-12").await;
    assert_eq!(
        house.put(&draft, "nobook.epub", b"no book").await.status,
        201
    );
    assert_eq!(house.put(&draft, "licences.csv", CSV).await.status, 201);

    let path = format!("/api/v1/content/drafts/{draft}");
    let understood = house.get(&format!("{path}/understanding")).await.json();

    let problems = understood["problems"].as_array().unwrap();
    let named = |about: &str| problems.iter().find(|it| it["about"] == about);
    assert_eq!(
        named("nobook.epub").unwrap()["word"],
        "book",
        "{problems:?}"
    );
    let absent = problems.iter().find(|it| it["word"] == "no-title");
    assert_eq!(absent.unwrap()["is_refused"], true, "{problems:?}");
    assert_eq!(understood["is_refused_in_part"], true);
    let told = house.get(&path).await.json();
    assert_eq!(told["licences"], "licences.csv");
    assert_eq!(told["published"], Value::Null);
    assert_eq!(told["files"][1], json!({"name": "nobook.epub", "bytes": 7}));

    let file = format!("{path}/files/nobook.epub");
    assert_eq!(house.ask(house.asking("DELETE", &file)).await.status, 204);
    assert_eq!(house.ask(house.asking("DELETE", &file)).await.status, 404);
    assert_eq!(house.ask(house.asking("DELETE", &path)).await.status, 204);
    assert!(!house.draft_folder(&draft).exists());
    let acts = house.acts().await;
    let acts: Vec<&str> = acts
        .iter()
        .filter_map(|act| act.rsplit(' ').next())
        .take(5)
        .collect();
    let expected = [
        "content.draft.discard",
        "content.draft.file.remove",
        "content.draft.file.add",
        "content.draft.file.add",
        "content.draft.begin",
    ];
    assert_eq!(acts, expected);
}

#[tokio::test]
async fn a_draft_has_bounds_and_the_problem_names_the_one_that_is_met() {
    let house = House::open().await;
    let draft = house.begin_draft("2026-12").await;
    house.begin_draft("2027-01").await;
    let third = json!({"release": "2027-02"});
    let third = house
        .ask(house.sending("POST", "/api/v1/content/drafts", &third))
        .await;
    assert_eq!(third.status, 409, "{}", third.text);
    assert!(third.text.contains("content.drafts_max"), "{}", third.text);

    for name in ["a.epub", "b.epub", "licences.csv"] {
        assert_eq!(house.put(&draft, name, b"x").await.status, 201);
    }
    let fourth = house.put(&draft, "c.epub", b"x").await;
    assert_eq!(fourth.status, 409, "{}", fourth.text);
    assert!(fourth.text.contains("content.draft_files_max"));
    // Another in its place is no other.
    assert_eq!(house.put(&draft, "a.epub", b"xy").await.status, 201);
    for odd in ["..%2Fa.epub", ".hidden.epub", "a.exe"] {
        let refused = house.put(&draft, odd, b"x").await;
        assert_eq!(refused.json()["parameter"], "file", "{odd}");
    }
    let lists: Vec<_> = std::fs::read_dir(house.draft_folder(&draft))
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    assert_eq!(lists.len(), 3, "nothing half there: {lists:?}");
}

#[tokio::test]
async fn a_file_that_breaks_off_is_no_part_of_the_draft() {
    let house = House::open().await;
    let draft = house.begin_draft("2026-12").await;
    let pieces = [
        Ok("half of "),
        Err(std::io::Error::other("the line was cut")),
    ];
    let body = Body::from_stream(tokio_stream::iter(pieces));
    let path = format!("/api/v1/content/drafts/{draft}/files/a.epub");

    let cut = house
        .ask(house.building("PUT", &path).body(body).unwrap())
        .await;

    assert!((400..500).contains(&cut.status), "{}", cut.text);
    assert!(cut.text.contains("broke off after 8 bytes"), "{}", cut.text);
    let told = house.get(&format!("/api/v1/content/drafts/{draft}")).await;
    assert_eq!(told.json()["files"], json!([]));
    assert_eq!(
        std::fs::read_dir(house.draft_folder(&draft))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn a_draft_is_there_after_a_restart_and_what_belongs_to_none_is_gone() {
    let house = House::open().await;
    let draft = house.begin_draft("2026-12").await;
    house.put(&draft, "a.epub", b"a book").await;
    let folder = house.draft_folder(&draft);
    std::fs::write(folder.join(".part-0011"), "half").unwrap();
    std::fs::create_dir(folder.with_file_name("0000000000000000")).unwrap();

    let again = house.drafts_anew();

    let id = draft.parse().unwrap();
    let kept = again.one(&id).await.unwrap();
    assert_eq!(kept.files.len(), 1);
    assert_eq!(std::fs::read(folder.join("a.epub")).unwrap(), b"a book");
    assert!(!folder.join(".part-0011").exists());
    assert!(!folder.with_file_name("0000000000000000").exists());
}

#[tokio::test]
async fn a_draft_nobody_changes_goes_by_itself_and_not_before() {
    let house = House::open().await;
    let draft = house.begin_draft("2026-12").await;
    let on_day = |day: i64| {
        let days = jiff::SignedDuration::from_hours(24 * day);
        NOW.parse::<Timestamp>().unwrap().checked_add(days).unwrap()
    };
    let path = format!("/api/v1/content/drafts/{draft}");
    let expires = house.get(&path).await.json()["expires"].clone();
    assert_eq!(expires, on_day(30).to_string());

    house.state.drafts.tidy(on_day(29)).await.unwrap();
    assert_eq!(house.get(&path).await.status, 200);
    house.state.drafts.tidy(on_day(30)).await.unwrap();

    assert_eq!(house.get(&path).await.status, 404);
    assert!(!house.draft_folder(&draft).exists());
    assert!(house.acts().await[0].contains("content.draft.expire"));
}
