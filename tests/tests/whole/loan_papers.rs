//! Papers for lending off-line, as a device gets them: over mutual TLS, told by `desired`.

use lujiang_tests::packet::Version;
use lujiang_tests::papers::Papers;
use lujiang_tests::site::{Library, PATIENCE};
use lujiang_tests::subscriber::Subscriber;
use lujiang_wire::{LOAN_PAPERS_PATH, LoanPapers};
use reqwest::StatusCode;
use reqwest::header::{ETAG, IF_NONE_MATCH};

/// Asks as a device does, with the certificate of these papers or none.
async fn ask(library: &Library, papers: Option<&Papers>, known: Option<&str>) -> reqwest::Response {
    let root = std::fs::read(library.authority_file()).unwrap();
    let mut http =
        reqwest::Client::builder().tls_certs_only([reqwest::Certificate::from_pem(&root).unwrap()]);
    if let Some(papers) = papers {
        let pem = [&papers.certificate, &papers.key].map(|file| std::fs::read(file).unwrap());
        http = http.identity(reqwest::Identity::from_pem(&pem.concat()).unwrap());
    }
    let port = library.endpoints().https.port();
    let url = format!("https://localhost:{port}{LOAN_PAPERS_PATH}");
    let mut request = http.build().unwrap().get(url);
    if let Some(known) = known {
        request = request.header(IF_NONE_MATCH, known);
    }
    request.send().await.unwrap()
}

fn etag(answer: &reqwest::Response) -> String {
    answer.headers()[ETAG].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_come_to_the_device_of_the_certificate_and_desired_says_when_there_are_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.start().await.unwrap();
    let issued = library.add_device("bus-1", "bus", "main").await.unwrap();
    let papers = Papers::of(&library, "bus-1").await.unwrap();
    let door = library.endpoints().mqtt;
    let topic = "library/v1/devices/bus-1/desired";
    let mut desired = Subscriber::connect(door, &issued, Version::V5, topic)
        .await
        .unwrap();

    let first = ask(&library, Some(&papers), None).await;
    assert_eq!(first.status(), StatusCode::OK);
    let tag = etag(&first);
    let first: LoanPapers = first.json().await.unwrap();
    assert_eq!(tag, format!("\"{}\"", first.revision));
    assert_eq!((first.stops.len(), first.blocks.as_of), (0, None));
    let told = desired
        .says("papers", first.revision.as_str(), PATIENCE)
        .await;
    assert!(told.unwrap().starts_with("{\"papers\""));
    let same = ask(&library, Some(&papers), Some(&tag)).await;
    assert_eq!(
        (same.status(), etag(&same)),
        (StatusCode::NOT_MODIFIED, tag.clone())
    );

    let list = folder.path().join("borrowers.csv");
    std::fs::write(&list, "cardnumber;debarred\nR350200;9999-12-31\n").unwrap();
    let import = [
        "loans",
        "blocks",
        "import",
        "--from",
        "koha",
        list.to_str().unwrap(),
    ];
    let shown = library.command(&import).await.unwrap();
    assert!(shown.contains("taken: 1 readers"), "{shown}");
    let date = jiff::Zoned::now().date().to_string();
    let plan = [
        "loans", "stops", "plan", "--date", &date, "--unit", "小学", "--place", "操场",
    ];
    let stop = library.command(&plan).await.unwrap();
    let before = first.desk.clone();
    library.command(&["loans", "rotate-key"]).await.unwrap();

    let second = ask(&library, Some(&papers), Some(&tag)).await;
    assert_eq!(second.status(), StatusCode::OK);
    let second: LoanPapers = second.json().await.unwrap();
    assert_eq!((second.blocks.readers.len(), second.stops.len()), (1, 1));
    assert_eq!(second.stops[0].stop.as_str(), stop.trim());
    assert_ne!(second.desk.kid, before.kid);
    assert_eq!(second.blocks.key, first.blocks.key);
    desired
        .says("papers", second.revision.as_str(), PATIENCE)
        .await
        .unwrap();
    // Retained, also for who comes after a restart of the gateway.
    library.stop().await.unwrap();
    library.start().await.unwrap();
    let door = library.endpoints().mqtt;
    let mut desired = Subscriber::connect(door, &issued, Version::V311, topic)
        .await
        .unwrap();
    desired
        .says("papers", second.revision.as_str(), PATIENCE)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_that_is_taken_there_are_no_papers() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Library::in_folder(folder.path(), &folder.path().join("data")).unwrap();
    library.start().await.unwrap();
    library.add_device("bus-1", "bus", "main").await.unwrap();
    let papers = Papers::of(&library, "bus-1").await.unwrap();

    let nobody = ask(&library, None, None).await;
    assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED);
    let plain = library
        .text(LOAN_PAPERS_PATH)
        .await
        .unwrap_err()
        .to_string();
    assert!(plain.contains("403"), "{plain}");
    assert_eq!(
        ask(&library, Some(&papers), None).await.status(),
        StatusCode::OK
    );
    library
        .command(&["device", "revoke", "bus-1"])
        .await
        .unwrap();
    let revoked = ask(&library, Some(&papers), None).await;
    assert_eq!(revoked.status(), StatusCode::FORBIDDEN);
}
