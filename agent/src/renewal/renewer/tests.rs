//! Claims about the task that renews, against a gateway of our own on this machine.

use std::time::Duration;

use lujiang_wire::DeviceId;
use tokio::time::timeout;

use super::*;
use crate::measured_time::tests::{SetClock, report};
use crate::test_authority::{Authority, Dates, YEAR};
use crate::test_gateway::{Answer, Asked, TestGateway};

/// Longer than any machine takes for a renewal.
const PATIENCE: Duration = Duration::from_secs(20);

/// The next year.
const NEXT: Dates = ("2026-08-01T00:00:00Z", "2027-08-01T00:00:00Z");

struct Renewing {
    folder: IdentityFolder,
    board: Arc<Board>,
    renewals: watch::Receiver<u64>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    _outer: tempfile::TempDir,
}

fn device() -> DeviceId {
    "gate-1".parse().unwrap()
}

/// Starts the task for a device with this year's certificate, at this measured time, by a wall
/// clock that stands at 1970.
fn renewing(authority: &Authority, gateway: &TestGateway, now: &str) -> Renewing {
    let outer = tempfile::tempdir().unwrap();
    let folder = IdentityFolder::new(&outer.path().join("identity"), &device());
    let key = DeviceKey::generate().unwrap();
    let csr = key.signing_request(&device()).unwrap();
    let issued = authority.issue(&csr, &device(), YEAR);
    let identity = Identity::assemble(&device(), gateway.url(), &key, issued).unwrap();
    folder.replace(&identity).unwrap();
    let clock = SetClock::at("1970-01-01T00:00:00Z", Duration::ZERO);
    let time = MeasuredTime::new(clock);
    time.measured(report(now));
    let board = Arc::new(Board::new(time.wall(), false));
    let mut section = UplinkSection::in_folder(outer.path());
    section.renewal_pause_min = Duration::from_millis(10);
    section.renewal_pause_max = Duration::from_millis(20);
    let renewals = watch::Sender::new(0);
    let heard = renewals.subscribe();
    let renewer = Renewer {
        folder: folder.clone(),
        section,
        time,
        board: board.clone(),
        renewals,
    };
    let stop = CancellationToken::new();
    let task = tokio::spawn(renewer.run(stop.clone()));
    Renewing {
        folder,
        board,
        renewals: heard,
        stop,
        task,
        _outer: outer,
    }
}

impl Renewing {
    /// Waits until the board shows what is wanted.
    async fn shown(&self, wanted: impl Fn(&CertificateStatus) -> bool) -> CertificateStatus {
        let mut changes = self.board.changes();
        let shown = async {
            loop {
                if let Some(status) = self.board.certificate_shown().filter(&wanted) {
                    return status;
                }
                changes.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, shown).await.unwrap()
    }

    async fn end(self) {
        self.stop.cancel();
        timeout(PATIENCE, self.task).await.unwrap().unwrap();
    }
}

/// Issues next year's certificate.
fn issues(authority: &Arc<Authority>) -> impl Fn(&Asked) -> Answer + Send + Sync + use<> {
    let authority = authority.clone();
    move |asked| {
        let request: RenewalRequest = serde_json::from_slice(&asked.body).unwrap();
        let issued = authority.issue(&request.csr, &device(), NEXT);
        (200, serde_json::to_vec(&issued).unwrap())
    }
}

#[tokio::test]
async fn a_certificate_that_is_due_is_renewed_with_a_new_key_and_the_uplink_is_told() {
    let authority = Arc::new(Authority::new());
    let gateway = TestGateway::start(&authority, issues(&authority)).await;
    let mut renewing = renewing(&authority, &gateway, "2026-10-15T00:00:00Z");
    let old = renewing.folder.load().unwrap();
    timeout(PATIENCE, renewing.renewals.changed())
        .await
        .unwrap()
        .unwrap();
    let new = renewing.folder.load().unwrap();
    assert!(!new.is_same(&old));
    assert_eq!(new.not_after(), NEXT.1.parse().unwrap());
    let asked = gateway.asked();
    assert_eq!(asked[0].path, RENEWAL_PATH);
    let with = asked[0].certificate.as_deref();
    assert_eq!(
        with,
        Some(old.certified_key().cert[0].as_ref()),
        "asked with the present one"
    );
    let until = NEXT.1.parse().unwrap();
    renewing.shown(|status| status.not_after == until).await;
    renewing.end().await;
}

#[tokio::test]
async fn a_certificate_that_is_not_due_is_left_alone() {
    let authority = Arc::new(Authority::new());
    let gateway = TestGateway::start(&authority, issues(&authority)).await;
    let renewing = renewing(&authority, &gateway, "2026-08-01T00:00:00Z");
    let shown = renewing.shown(|_| true).await;
    assert_eq!(shown.trouble, None);
    assert!(shown.renews > "2026-09-01T00:00:00Z".parse().unwrap());
    renewing.end().await;
    assert!(gateway.asked().is_empty());
}

#[tokio::test]
async fn a_refused_renewal_says_what_to_do_keeps_the_old_certificate_and_is_asked_again() {
    let authority = Arc::new(Authority::new());
    let gateway = TestGateway::start(&authority, |_| {
        (
            403,
            br#"{"title": "Revoked", "detail": "on Monday"}"#.to_vec(),
        )
    })
    .await;
    let renewing = renewing(&authority, &gateway, "2026-10-15T00:00:00Z");
    let old = renewing.folder.load().unwrap();
    let shown = renewing.shown(|status| status.trouble.is_some()).await;
    let trouble = shown.trouble.unwrap();
    for part in ["Revoked: on Monday", "lujiang-agent enrol --again"] {
        assert!(trouble.contains(part), "{trouble}");
    }
    let again = async {
        while gateway.asked().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
    assert!(renewing.folder.load().unwrap().is_same(&old));
    renewing.end().await;
}

#[tokio::test]
async fn a_certificate_the_gateway_no_longer_takes_is_said_to_need_a_person() {
    let authority = Arc::new(Authority::new());
    // It takes the certificates of another authority only.
    let (chain, key) = authority.gateway("localhost", YEAR);
    let other = Authority::new();
    let gateway = TestGateway::presenting(chain, key, &other, |_| (500, Vec::new())).await;
    let renewing = renewing(&authority, &gateway, "2026-10-15T00:00:00Z");
    let shown = renewing.shown(|status| status.trouble.is_some()).await;
    let trouble = shown.trouble.unwrap();
    assert!(
        trouble.contains("does not take our certificate"),
        "{trouble}"
    );
    assert!(trouble.contains("lujiang-agent enrol --again"), "{trouble}");
    assert!(gateway.asked().is_empty());
    renewing.end().await;
}
