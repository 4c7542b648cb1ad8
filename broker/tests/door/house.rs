//! A house in memory: says yes by name, keeps as it is told, remembers what it heard.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lujiang_broker::{
    Admission, Arrival, ClientLimits, Credentials, House, Keeping, Kept, Pass, Principal, Refusal,
    Word,
};
use lujiang_wire::{DeviceId, Receipts};
use tokio::sync::{Semaphore, oneshot, watch};

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "secret";

/// What becomes of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Commit,
    /// The test settles them itself.
    Hold,
    Full,
    QuarantineFull,
}

/// Where the house panics, for one device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PanicIn {
    Admit,
    Keep,
    Receipts,
    Connected,
    Status,
    /// At its first word, and again at every other: also while the connection goes down.
    EveryWord,
}

pub(crate) struct TestHouse {
    /// For `gate-1` alone.
    pub(crate) panic_in: Mutex<Option<PanicIn>>,
    pub(crate) keep: Mutex<Keep>,
    pub(crate) has_room: AtomicBool,
    /// One permit a payload: a place in the queue.
    pub(crate) places: Semaphore,
    /// Permits let `slow` in.
    pub(crate) slow: Semaphore,
    /// Whether it still says of the newcomers it admitted that they may come in.
    pub(crate) stands: AtomicBool,
    pub(crate) held: Mutex<Vec<oneshot::Sender<Kept>>>,
    pub(crate) receipts: Mutex<Option<Receipts>>,
    pub(crate) limits: ClientLimits,
    /// What it was asked of each CONNECT.
    asked: Mutex<Vec<Credentials>>,
    arrivals: watch::Sender<Vec<Arrival>>,
    words: watch::Sender<Vec<Word>>,
}

impl TestHouse {
    /// Grants everybody the same.
    pub(crate) fn new(limits: ClientLimits) -> Self {
        Self {
            panic_in: Mutex::default(),
            keep: Mutex::new(Keep::Commit),
            has_room: AtomicBool::new(true),
            places: Semaphore::new(100_000),
            slow: Semaphore::new(0),
            stands: AtomicBool::new(true),
            held: Mutex::default(),
            receipts: Mutex::default(),
            limits,
            asked: Mutex::default(),
            arrivals: watch::Sender::default(),
            words: watch::Sender::default(),
        }
    }

    pub(crate) fn set_keep(&self, keep: Keep) {
        *self.keep.lock().unwrap() = keep;
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Credentials> {
        self.asked.lock().unwrap().clone()
    }

    /// The payloads that came so far.
    pub(crate) fn payloads(&self) -> Vec<String> {
        let arrivals = self.arrivals.borrow();
        let text = |arrival: &Arrival| String::from_utf8_lossy(&arrival.payload).into_owned();
        arrivals.iter().map(text).collect()
    }

    /// Waits until this many payloads came.
    pub(crate) async fn arrived(&self, count: usize) -> Vec<Arrival> {
        let mut arrivals = self.arrivals.subscribe();
        let enough = arrivals.wait_for(|arrivals| arrivals.len() >= count);
        super::soon(enough).await.unwrap().clone()
    }

    /// Waits until the words heard satisfy a claim.
    pub(crate) async fn heard_that(&self, claim: impl FnMut(&Vec<Word>) -> bool) -> Vec<Word> {
        let mut words = self.words.subscribe();
        super::soon(words.wait_for(claim)).await.unwrap().clone()
    }

    pub(crate) fn words(&self) -> Vec<Word> {
        self.words.borrow().clone()
    }

    fn panic_for(&self, device: &str, places: &[PanicIn]) {
        // Not while the lock is held: the next caller is not to find it poisoned.
        let chosen = *self.panic_in.lock().unwrap();
        if let Some(chosen) = chosen.filter(|it| device == "gate-1" && places.contains(it)) {
            panic!("planted in {chosen:?}");
        }
    }

    async fn place(&self, arrival: Arrival) -> Keeping {
        self.panic_for(arrival.device.as_str(), &[PanicIn::Keep]);
        self.places.acquire().await.unwrap().forget();
        self.arrivals.send_modify(|arrivals| arrivals.push(arrival));
        let (settle, keeping) = oneshot::channel();
        let verdict = match *self.keep.lock().unwrap() {
            Keep::Commit => Kept::Committed,
            Keep::Full => Kept::Full,
            Keep::QuarantineFull => Kept::QuarantineFull,
            Keep::Hold => {
                self.held.lock().unwrap().push(settle);
                return keeping;
            }
        };
        settle.send(verdict).unwrap();
        keeping
    }

    fn decide(&self, credentials: &Credentials) -> Result<Principal, Refusal> {
        let name = credentials.user_name.as_deref().unwrap_or_default();
        let by_certificate = credentials.certificate.is_some();
        if !by_certificate && credentials.password.as_deref() != Some(PASSWORD.as_bytes()) {
            return Err(Refusal::BadCredentials);
        }
        let reader = |filters: &[&str]| Principal::Reader {
            name: name.to_owned(),
            filters: filters
                .iter()
                .map(|filter| filter.parse().unwrap())
                .collect(),
        };
        match name {
            "revoked" => Err(Refusal::NotAuthorised),
            "unavailable" => Err(Refusal::Unavailable),
            "reader" => Ok(reader(&["library/v1/devices/#"])),
            "narrow" => Ok(reader(&["library/v1/devices/+/events"])),
            device => Ok(Principal::Device(
                device.parse().map_err(|_| Refusal::BadCredentials)?,
            )),
        }
    }
}

impl House for TestHouse {
    fn admit(&self, credentials: Credentials) -> BoxFuture<'_, Result<Admission, Refusal>> {
        self.asked.lock().unwrap().push(credentials.clone());
        async move {
            self.panic_for(
                credentials.user_name.as_deref().unwrap_or_default(),
                &[PanicIn::Admit],
            );
            if credentials.user_name.as_deref() == Some("slow") {
                self.slow.acquire().await.unwrap().forget();
            }
            let principal = self.decide(&credentials)?;
            Ok(Admission {
                principal,
                limits: self.limits.clone(),
                pass: Pass::new(PASSWORD),
            })
        }
        .boxed()
    }

    fn stands(&self, admission: &Admission) -> bool {
        assert_eq!(admission.pass.reveal(), PASSWORD, "it is given back");
        self.stands.load(Ordering::SeqCst)
    }

    fn keep(&self, arrival: Arrival) -> BoxFuture<'_, Keeping> {
        self.place(arrival).boxed()
    }

    fn has_room(&self) -> bool {
        self.has_room.load(Ordering::SeqCst)
    }

    fn receipts(&self, device: &DeviceId) -> BoxFuture<'_, Option<Receipts>> {
        self.panic_for(device.as_str(), &[PanicIn::Receipts]);
        async move { self.receipts.lock().unwrap().clone() }.boxed()
    }

    fn heard(&self, word: Word) {
        match &word {
            Word::Connected { device, .. } => {
                self.panic_for(device.as_str(), &[PanicIn::Connected, PanicIn::EveryWord]);
            }
            Word::Status { device, .. } => {
                self.panic_for(device.as_str(), &[PanicIn::Status, PanicIn::EveryWord]);
            }
            Word::Disconnected { device, .. } => {
                self.panic_for(device.as_str(), &[PanicIn::EveryWord]);
            }
            _ => {}
        }
        self.words.send_modify(|words| words.push(word));
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }
}
