//! A house that believes too much: planted between the door and the real one, to show that the
//! identity suites would notice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use lujiang_broker::{Admission, Arrival, Credentials, House, Keeping, Principal, Refusal, Word};
use lujiang_wire::{DeviceId, Receipts};

/// What is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// A user name, whosever the certificate beside it is.
    UserName,
    /// A certificate that was good once.
    EndedCertificate,
    /// That there is time: wrong passwords are looked at on the runtime's own threads.
    Leisure,
}

/// What looking at a password takes from a thread there.
const LEISURE: Duration = Duration::from_millis(200);

/// The house, and what stands before it.
pub struct Gullible {
    house: Arc<dyn House>,
    belief: Belief,
    admitted: Mutex<BTreeMap<Bytes, Admission>>,
}

impl Gullible {
    /// Stands before this house.
    #[must_use]
    pub fn before(house: Arc<dyn House>, belief: Belief) -> Self {
        let admitted = Mutex::default();
        Self {
            house,
            belief,
            admitted,
        }
    }

    /// Asks about the certificate alone, and goes by the name.
    async fn by_name(&self, credentials: Credentials) -> Result<Admission, Refusal> {
        let name = match &credentials.certificate {
            Some(_) => credentials.user_name.clone(),
            None => None,
        };
        let Some(name) = name else {
            return self.house.admit(credentials).await;
        };
        let nameless = Credentials {
            user_name: None,
            ..credentials
        };
        let device: DeviceId = name.parse().map_err(|_| Refusal::BadCredentials)?;
        let admission = self.house.admit(nameless).await?;
        Ok(Admission {
            principal: Principal::Device(device),
            ..admission
        })
    }

    /// Lets in whoever was let in with it before.
    async fn as_before(&self, credentials: Credentials) -> Result<Admission, Refusal> {
        let certificate = credentials.certificate.clone();
        let asked = self.house.admit(credentials).await;
        let mut admitted = self.admitted.lock().expect("nobody panics with it held");
        match (certificate, asked) {
            (Some(certificate), Ok(admission)) => {
                admitted.insert(certificate, admission.clone());
                Ok(admission)
            }
            (Some(certificate), Err(refusal)) => admitted.get(&certificate).cloned().ok_or(refusal),
            (None, asked) => asked,
        }
    }
}

impl House for Gullible {
    fn admit(&self, credentials: Credentials) -> BoxFuture<'_, Result<Admission, Refusal>> {
        Box::pin(async move {
            match self.belief {
                Belief::UserName => self.by_name(credentials).await,
                Belief::EndedCertificate => self.as_before(credentials).await,
                Belief::Leisure => {
                    let admitted = self.house.admit(credentials).await;
                    if admitted.is_err() {
                        std::thread::park_timeout(LEISURE);
                    }
                    admitted
                }
            }
        })
    }

    fn stands(&self, _admission: &Admission) -> bool {
        true
    }

    fn keep(&self, arrival: Arrival) -> BoxFuture<'_, Keeping> {
        self.house.keep(arrival)
    }

    fn has_room(&self) -> bool {
        self.house.has_room()
    }

    fn receipts(&self, device: &DeviceId) -> BoxFuture<'_, Option<Receipts>> {
        self.house.receipts(device)
    }

    fn heard(&self, word: Word) {
        self.house.heard(word);
    }

    fn now(&self) -> Timestamp {
        self.house.now()
    }
}
