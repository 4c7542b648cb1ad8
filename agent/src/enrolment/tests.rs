//! Claims about enrolment, against a gateway of our own on this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lujiang_config::{AgentSection, UplinkSection};
use lujiang_wire::{LOAN_PAPERS_PATH, TokenSecret};

use super::*;
use crate::clock::SystemClock;
use crate::error_chain::chain;
use crate::lending::first_papers;
use crate::lending::test_lending::test_papers;
use crate::outbox::{Outbox, OutboxOptions};
use crate::test_authority::{Authority, YEAR};
use crate::test_gateway::{Answer, Asked, TestGateway};

fn device() -> DeviceId {
    "gate-1".parse().unwrap()
}

fn config(folder: &Path) -> AgentConfig {
    let mut agent = AgentSection::of_device(device());
    agent.data = folder.join("data");
    let uplink = UplinkSection::in_folder(&agent.data);
    AgentConfig::bare(agent, uplink)
}

fn token(authority: &Authority) -> EnrolmentToken {
    EnrolmentToken {
        secret: TokenSecret::new([7; 32]),
        pin: authority.pin(),
    }
}

/// Issues what is asked for.
fn issues(authority: &Arc<Authority>) -> impl Fn(&Asked) -> Answer + Send + Sync + use<> {
    let authority = authority.clone();
    move |asked| {
        let request: EnrolmentRequest = serde_json::from_slice(&asked.body).unwrap();
        let issued = authority.issue(&request.csr, &request.device, YEAR);
        (200, serde_json::to_vec(&issued).unwrap())
    }
}

fn present(config: &AgentConfig) -> Result<Identity, IdentityError> {
    IdentityFolder::new(&config.uplink.identity, &config.agent.device).load()
}

#[tokio::test]
async fn a_good_token_gives_a_certificate_for_a_key_that_stays_here() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let gateway = TestGateway::start(&authority, issues(&authority)).await;
    let config = config(folder.path());
    let token = token(&authority);
    let identity = enrol(&config, &gateway.url(), &token, Present::Keep)
        .await
        .unwrap();
    assert!(present(&config).unwrap().is_same(&identity));
    let asked = gateway.asked();
    assert_eq!((asked.len(), asked[0].path.as_str()), (1, ENROLMENT_PATH));
    let request: EnrolmentRequest = serde_json::from_slice(&asked[0].body).unwrap();
    assert_eq!(
        (&request.device, &request.secret),
        (&device(), &token.secret)
    );
    assert!(!String::from_utf8_lossy(&asked[0].body).contains("PRIVATE"));
}

#[tokio::test]
async fn a_device_that_was_just_enrolled_gets_its_papers_with_its_new_certificate() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let issues = issues(&authority);
    let gateway = TestGateway::start(&authority, move |asked| {
        if asked.path == LOAN_PAPERS_PATH {
            return (200, serde_json::to_vec(&test_papers(&[])).unwrap());
        }
        issues(asked)
    })
    .await;
    let config = config(folder.path());
    let identity = enrol(&config, &gateway.url(), &token(&authority), Present::Keep)
        .await
        .unwrap();
    let clock = Arc::new(SystemClock::new().unwrap());
    let revision = first_papers(&config, &identity, clock).await.unwrap();
    assert_eq!(revision, test_papers(&[]).revision);
    assert!(gateway.asked()[1].certificate.is_some());
    assert!(config.agent.data.join("loan-papers.json").exists());
}

#[tokio::test]
async fn a_gateway_of_another_authority_is_named_and_learns_nothing() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let gateway = TestGateway::start(&authority, issues(&authority)).await;
    let config = config(folder.path());
    let foreign = token(&Authority::new());
    let error = enrol(&config, &gateway.url(), &foreign, Present::Keep)
        .await
        .unwrap_err();
    let error = chain(&error);
    let expected = format!(
        "the gateway at {} is not the one this token is from",
        gateway.url()
    );
    assert!(error.contains(&expected), "{error}");
    assert!(gateway.asked().is_empty());
    assert!(matches!(
        present(&config),
        Err(IdentityError::Absent { .. })
    ));
}

#[tokio::test]
async fn a_gateway_of_another_name_is_refused_with_both_names() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let (presented, key) = authority.gateway("gateway.library", YEAR);
    let gateway = TestGateway::presenting(presented, key, &authority, issues(&authority)).await;
    let error = enrol(
        &config(folder.path()),
        &gateway.url(),
        &token(&authority),
        Present::Keep,
    )
    .await
    .unwrap_err();
    let error = chain(&error);
    assert!(
        error.contains("localhost") && error.contains("gateway.library"),
        "{error}"
    );
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn a_refusal_is_told_in_the_gateways_words_and_without_the_token() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let gateway = TestGateway::start(&authority, |_| {
        let problem = r#"{"type": "/problems/token", "title": "The token is not good",
            "status": 403, "detail": "it was used\nat noon"}"#;
        (403, problem.as_bytes().to_vec())
    })
    .await;
    let (config, token) = (config(folder.path()), token(&authority));
    let error = enrol(&config, &gateway.url(), &token, Present::Keep)
        .await
        .unwrap_err();
    let error = format!("{} {error:?}", chain(&error));
    assert!(
        error.contains("The token is not good: it was used at noon (status 403)"),
        "{error}"
    );
    let secret = String::from(token.secret);
    assert!(!error.contains(&secret), "{error}");
    assert!(matches!(
        present(&config),
        Err(IdentityError::Absent { .. })
    ));
}

#[tokio::test]
async fn a_good_certificate_is_replaced_only_when_told_and_outbox_and_epoch_stay() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    // Dates that are good now: what is there is judged by the clock on the wall.
    let issuing = authority.clone();
    let gateway = TestGateway::start(&authority, move |asked| {
        let request: EnrolmentRequest = serde_json::from_slice(&asked.body).unwrap();
        let dates = ("2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
        let issued = issuing.issue(&request.csr, &request.device, dates);
        (200, serde_json::to_vec(&issued).unwrap())
    })
    .await;
    let config = config(folder.path());
    std::fs::create_dir_all(&config.agent.data).unwrap();
    let file = config.agent.data.join("outbox.db");
    let outbox = Outbox::open(&file, &device(), &config.outbox, OutboxOptions::default()).unwrap();
    let epoch = outbox.epoch().clone();
    outbox.checkpoint().unwrap();
    drop(outbox);
    let before = std::fs::read(&file).unwrap();

    let token = token(&authority);
    let first = enrol(&config, &gateway.url(), &token, Present::Keep)
        .await
        .unwrap();
    let error = enrol(&config, &gateway.url(), &token, Present::Keep)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("add --again"), "{error}");
    assert_eq!(gateway.asked().len(), 1, "no token is spent for that");
    assert!(present(&config).unwrap().is_same(&first));

    let second = enrol(&config, &gateway.url(), &token, Present::Replace)
        .await
        .unwrap();
    assert!(!second.is_same(&first) && present(&config).unwrap().is_same(&second));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let outbox = Outbox::open(&file, &device(), &config.outbox, OutboxOptions::default()).unwrap();
    assert_eq!(outbox.epoch(), &epoch);
}

#[tokio::test]
async fn a_lapsed_certificate_is_replaced_without_being_told() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let issuing = authority.clone();
    let gateway = TestGateway::start(&authority, move |asked| {
        let request: EnrolmentRequest = serde_json::from_slice(&asked.body).unwrap();
        let dates = ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
        let issued = issuing.issue(&request.csr, &request.device, dates);
        (200, serde_json::to_vec(&issued).unwrap())
    })
    .await;
    let (config, token) = (config(folder.path()), token(&authority));
    for _ in 0..2 {
        enrol(&config, &gateway.url(), &token, Present::Keep)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_certificate_for_another_key_or_device_is_not_kept() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let (config, token) = (config(folder.path()), token(&authority));
    for (device, own_key) in [("gate-1", false), ("gate-2", true)] {
        let issuing = authority.clone();
        let gateway = TestGateway::start(&authority, move |asked| {
            let request: EnrolmentRequest = serde_json::from_slice(&asked.body).unwrap();
            let device: DeviceId = device.parse().unwrap();
            let other = DeviceKey::generate().unwrap();
            let other = other.signing_request(&device).unwrap();
            let csr = if own_key { &request.csr } else { &other };
            let issued = issuing.issue(csr, &device, YEAR);
            (200, serde_json::to_vec(&issued).unwrap())
        })
        .await;
        let error = enrol(&config, &gateway.url(), &token, Present::Keep)
            .await
            .unwrap_err();
        assert!(matches!(error, EnrolError::Issued { .. }), "{error}");
        assert!(matches!(
            present(&config),
            Err(IdentityError::Absent { .. })
        ));
    }
}

#[tokio::test]
async fn an_endless_answer_and_a_silent_gateway_end_in_time() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Arc::new(Authority::new()));
    let (mut config, token) = (config(folder.path()), token(&authority));
    let gateway = TestGateway::start(&authority, |_| (200, vec![b' '; 1 << 20])).await;
    let error = enrol(&config, &gateway.url(), &token, Present::Keep)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EnrolError::Ask(AskError::Answer { .. })),
        "{error}"
    );

    // It listens, and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", silent.local_addr().unwrap().port());
    config.uplink.https_timeout = Duration::from_millis(100);
    let error = enrol(&config, &url.parse().unwrap(), &token, Present::Keep)
        .await
        .unwrap_err();
    assert!(
        matches!(error, EnrolError::Ask(AskError::Silent { .. })),
        "{error}"
    );
}
