//! Claims about the task that keeps papers, against a gateway of our own on this machine.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use lujiang_wire::LoanPapers;
use tokio::time::timeout;

use super::*;
use crate::identity::DeviceKey;
use crate::lending::test_lending::{TestLending, test_papers};
use crate::measured_time::tests::report;
use crate::status::{Board, Link};
use crate::test_authority::{Authority, YEAR};
use crate::test_gateway::{Answer, Asked, TestGateway};

/// Longer than any machine takes for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

struct Keeping {
    lending: Lending,
    board: Arc<Board>,
    desired: watch::Sender<Desired>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    folder: tempfile::TempDir,
}

/// A gateway that gives what is put there, by the rules of ETags.
fn gives(papers: &Arc<Mutex<LoanPapers>>) -> impl Fn(&Asked) -> Answer + Send + Sync + use<> {
    let papers = papers.clone();
    move |asked| {
        let papers = papers.lock().unwrap();
        if asked.known.as_deref() == Some(&format!("\"{}\"", papers.revision)) {
            return (304, Vec::new());
        }
        (200, serde_json::to_vec(&*papers).unwrap())
    }
}

fn device() -> DeviceId {
    "bus-1".parse().unwrap()
}

fn revised(revision: &str, blocked: &[&str]) -> LoanPapers {
    LoanPapers {
        revision: revision.parse().unwrap(),
        ..test_papers(blocked)
    }
}

/// Starts the task for an enrolled device without papers.
fn keeping(authority: &Authority, gateway: &TestGateway) -> Keeping {
    kept_by(|identities| {
        let key = DeviceKey::generate().unwrap();
        let csr = key.signing_request(&device()).unwrap();
        let issued = authority.issue(&csr, &device(), YEAR);
        let identity = Identity::assemble(&device(), gateway.url(), &key, issued).unwrap();
        identities.replace(&identity).unwrap();
    })
}

/// Starts the task for a device that has no certificate.
fn unenrolled() -> Keeping {
    kept_by(|_| ())
}

fn kept_by(enrol: impl FnOnce(&IdentityFolder)) -> Keeping {
    let (lending, board, time, folder) = TestLending::without_papers().parts();
    time.measured(report("2026-11-24T12:00:00Z"));
    let uplink = UplinkSection::in_folder(folder.path());
    enrol(&IdentityFolder::new(&uplink.identity, &device()));
    let section = LendingSection {
        papers_pause_min: Duration::from_millis(10),
        papers_pause_max: Duration::from_millis(20),
        ..LendingSection::default()
    };
    let desired = watch::Sender::default();
    let heard = desired.subscribe();
    let keeper = PapersKeeper::new(lending.clone(), section, &uplink, &device(), heard);
    let stop = CancellationToken::new();
    Keeping {
        lending,
        board,
        desired,
        task: tokio::spawn(keeper.run(stop.clone())),
        stop,
        folder,
    }
}

impl Keeping {
    /// Waits until lending is as wanted.
    async fn until(&self, wanted: impl Fn(&Lending) -> bool) {
        let mut changes = self.lending.changes();
        let shown = async {
            while !wanted(&self.lending) {
                changes.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, shown).await.unwrap();
    }

    /// Waits until it lends by this revision.
    async fn until_revision(&self, revision: &str) {
        let is = |lending: &Lending| {
            let papers = lending.papers();
            papers.is_some_and(|papers| papers.revision.as_str() == revision)
        };
        self.until(is).await;
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// Waits until the gateway was asked so often.
async fn asked(gateway: &TestGateway, times: usize) {
    let often = async {
        while gateway.asked().len() < times {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, often).await.unwrap();
}

#[tokio::test]
async fn papers_are_got_at_the_start_with_the_certificate_and_kept_for_the_next_start() {
    let authority = Authority::new();
    let papers = Arc::new(Mutex::new(revised("r-1", &["43022319900101123X"])));
    let gateway = TestGateway::start(&authority, gives(&papers)).await;
    let keeping = keeping(&authority, &gateway);
    keeping.until_revision("r-1").await;
    let asked = gateway.asked();
    assert_eq!(asked[0].path, LOAN_PAPERS_PATH);
    assert!(asked[0].certificate.is_some());
    let shown = keeping.lending.papers().unwrap();
    let now: Timestamp = "2026-11-24T12:01:00Z".parse().unwrap();
    assert_eq!((shown.blocked, shown.fetched), (1, Some(now)));
    let kept = PapersFile::in_folder(keeping.folder.path()).load().unwrap();
    assert_eq!(kept.unwrap().fetched, Some(now));
    keeping.end().await;
}

#[tokio::test]
async fn a_link_that_comes_up_and_another_revision_ask_again_and_what_is_the_same_is_not_sent() {
    let authority = Authority::new();
    let papers = Arc::new(Mutex::new(revised("r-1", &[])));
    let gateway = TestGateway::start(&authority, gives(&papers)).await;
    let keeping = keeping(&authority, &gateway);
    keeping.until_revision("r-1").await;
    keeping.board.link(Link::Online, Timestamp::UNIX_EPOCH);
    asked(&gateway, 2).await;
    assert_eq!(gateway.asked()[1].known.as_deref(), Some("\"r-1\""));

    *papers.lock().unwrap() = revised("r-2", &[]);
    let wanted = Some("r-2".parse().unwrap());
    keeping.desired.send_replace(Desired {
        papers: wanted,
        ..Desired::default()
    });
    keeping.until_revision("r-2").await;
    assert_eq!(gateway.asked().len(), 3);
    keeping.end().await;
}

#[tokio::test]
async fn papers_that_cannot_be_used_leave_the_old_ones_and_are_asked_for_again() {
    let authority = Authority::new();
    let papers = Arc::new(Mutex::new(revised("r-1", &[])));
    let gateway = TestGateway::start(&authority, gives(&papers)).await;
    let keeping = keeping(&authority, &gateway);
    keeping.until_revision("r-1").await;

    let mut bad = revised("r-2", &[]);
    bad.blocks.readers.push("AAAA".to_owned());
    *papers.lock().unwrap() = bad;
    let wanted = Some("r-2".parse().unwrap());
    keeping.desired.send_replace(Desired {
        papers: wanted,
        ..Desired::default()
    });
    keeping
        .until(|lending| lending.papers_trouble().is_some())
        .await;
    let trouble = keeping.lending.papers_trouble().unwrap();
    assert!(trouble.contains("entry 1 of the block list"), "{trouble}");
    keeping.until_revision("r-1").await;

    *papers.lock().unwrap() = revised("r-3", &[]);
    keeping.until_revision("r-3").await;
    keeping
        .until(|lending| lending.papers_trouble().is_none())
        .await;
    keeping.end().await;
}

#[tokio::test]
async fn a_device_known_by_its_password_gets_no_papers_and_says_why() {
    let authority = Authority::new();
    let gateway = TestGateway::start(&authority, |_| (200, Vec::new())).await;
    let keeping = unenrolled();
    keeping
        .until(|lending| lending.papers_trouble().is_some())
        .await;
    let trouble = keeping.lending.papers_trouble().unwrap();
    assert!(trouble.contains("for a certificate only"), "{trouble}");
    assert_eq!(keeping.lending.papers(), None);
    assert!(gateway.asked().is_empty(), "it has nothing to ask by");
    keeping.end().await;
}

#[tokio::test]
async fn a_gateway_that_gives_none_or_too_much_is_asked_again_and_says_why() {
    let authority = Authority::new();
    let gateway = TestGateway::start(&authority, |_| (200, vec![b' '; PAPERS_BYTES_MAX + 1])).await;
    let keeping = keeping(&authority, &gateway);
    keeping
        .until(|lending| lending.papers_trouble().is_some())
        .await;
    asked(&gateway, 2).await;
    let trouble = keeping.lending.papers_trouble().unwrap();
    assert!(trouble.contains("not what was asked for"), "{trouble}");
    assert_eq!(keeping.lending.papers(), None);
    keeping.end().await;
}
