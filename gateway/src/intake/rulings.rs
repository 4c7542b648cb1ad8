//! What people ask of the intake: a decision on a quarantined element, or a look into it. Carried
//! out between the groups of the collector, so that those who are told hear of commits in order.

use jiff::Timestamp;
use lujiang_wire::{Clock, DeviceId};
use serde_json::json;
use tokio::sync::oneshot;

use crate::entry::EntryNumber;
use crate::intake::Intake;
use crate::intake::judge::admit;
use crate::intake::payload::whole_micros;
use crate::ledger::LedgerError;
use crate::registry::Actor;
use crate::ruling::{AsideState, RulingReason};
use crate::store::audit::AuditRecord;

/// Decisions waiting to be carried out; people are slower than that.
pub(super) const RULINGS_MAX: usize = 16;

/// A decision on a quarantined element.
#[derive(Debug, Clone)]
pub(crate) struct RulingRequest {
    /// The element.
    pub(crate) number: EntryNumber,
    /// What is decided.
    pub(crate) verdict: RulingVerdict,
    /// Why.
    pub(crate) why: RulingReason,
    /// By whom.
    pub(crate) by: Actor,
    /// When, in whole microseconds.
    pub(crate) at: Timestamp,
}

/// What somebody decides on a quarantined element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulingVerdict {
    /// It counts as it is.
    Accept,
    /// This event, as JSON, counts in its place.
    Correct(String),
    /// It does not count.
    Dismiss,
}

/// What came of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// Whose element it is.
    pub device: DeviceId,
    /// How it stands now.
    pub state: AsideState,
    /// The entry that counts in its place, where one does.
    pub admitted: Option<EntryNumber>,
}

/// The bytes of an element, opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Whose connection it came over.
    pub device: DeviceId,
    /// When the door read it.
    pub received: Timestamp,
    /// As received.
    pub bytes: Vec<u8>,
}

/// Why a decision cannot be carried out; nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum RulingError {
    /// The rules are against it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Nothing could be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The intake has stopped.
    #[error("the intake has stopped")]
    Stopped,
}

/// What rule is against a decision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no such element.
    #[error("there is no quarantined element {}", .0.0)]
    Unknown(EntryNumber),
    /// Somebody has decided on it.
    #[error("it is {} already", .0.as_str())]
    Decided(AsideState),
    /// Its bytes are gone.
    #[error("its bytes were erased; it can be corrected or dismissed")]
    Erased,
    /// Its bytes cannot be opened.
    #[error("its bytes cannot be opened: {0}")]
    Sealed(String),
    /// There is more than one event, or none.
    #[error("expected one event")]
    NotOne,
    /// It is no event.
    #[error("at {place:?}: expected {expected}")]
    NotUnderstood {
        /// The attribute, or the path within `data`; empty for the whole.
        place: String,
        /// What was expected there.
        expected: String,
    },
    /// Its source is another device.
    #[error("at \"source\": expected \"/devices/{0}\", whose connection it came over")]
    Foreign(DeviceId),
    /// It stands at another place than the element.
    #[error("at \"sequence\": expected the epoch, stream and sequence of the element, or none")]
    OtherPlace,
    /// It counts already.
    #[error("at {attribute:?}: expected one that does not count yet, as entry {} does", entry.0)]
    Counted {
        /// Which attribute is taken.
        attribute: &'static str,
        /// By which entry.
        entry: EntryNumber,
    },
}

/// A decision in the queue, and who waits for it.
pub(super) struct WaitingRuling {
    pub(super) request: RulingRequest,
    pub(super) answer: oneshot::Sender<Result<Ruled, RulingError>>,
}

impl RulingRequest {
    /// The audit record of a decision that was carried out.
    pub(super) fn record(&self, ruled: &Ruled) -> AuditRecord {
        let action = match self.verdict {
            RulingVerdict::Accept => "quarantine.accept",
            RulingVerdict::Correct(_) => "quarantine.correct",
            RulingVerdict::Dismiss => "quarantine.dismiss",
        };
        AuditRecord {
            at: self.at,
            actor: self.by.as_str().to_owned(),
            action: action.to_owned(),
            subject: self.number.0.to_string(),
            before: Some(json!({ "device": ruled.device, "state": AsideState::Open.as_str() })),
            after: Some(json!({
                "state": ruled.state.as_str(), "why": self.why, "admitted": ruled.admitted,
            })),
        }
    }
}

impl Intake {
    /// Decides on a quarantined element, with its audit record. Ends when that is on disk.
    ///
    /// # Errors
    /// What rule is against it, or why nothing could be written.
    ///
    /// # Cancel safety
    /// Once queued the decision is carried out, whoever waits for it.
    pub async fn rule(
        &self,
        number: EntryNumber,
        verdict: RulingVerdict,
        why: RulingReason,
        by: &Actor,
    ) -> Result<Ruled, RulingError> {
        let (answer, answered) = oneshot::channel();
        let request = RulingRequest {
            number,
            verdict,
            why,
            by: by.clone(),
            at: self.now(),
        };
        let waiting = WaitingRuling { request, answer };
        let sent = self.inner.rulings.send(waiting).await;
        sent.map_err(|_| RulingError::Stopped)?;
        answered.await.map_err(|_| RulingError::Stopped)?
    }

    /// Opens a quarantined element. Who did so is in the audit, on disk, before anybody sees it.
    ///
    /// # Errors
    /// Where there is no such element, its bytes were erased, or nothing could be written.
    pub async fn open_aside(&self, number: EntryNumber, by: &Actor) -> Result<Opened, RulingError> {
        let record = AuditRecord {
            at: self.now(),
            actor: by.as_str().to_owned(),
            action: "quarantine.open".to_owned(),
            subject: number.0.to_string(),
            before: None,
            after: None,
        };
        let found = self.inner.store.write_audited(move |tx| {
            let element = tx.quarantined(number)?;
            let record = element.is_some().then_some(record);
            Ok((element, record))
        });
        let element = found.await?.ok_or(Refused::Unknown(number))?;
        let bytes = admit::open(&self.inner.seals, &element)?;
        Ok(Opened {
            device: element.device,
            received: element.received,
            bytes,
        })
    }

    fn now(&self) -> Timestamp {
        let clock: &dyn Clock = self.inner.clock.as_ref();
        whole_micros(clock.wall())
    }
}
