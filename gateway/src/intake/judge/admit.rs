//! Rulings: what a person decides on a quarantined element, under the rules everything else is
//! judged by. A fact counts once, whoever lets it in; its place stays the outbox's business.

use lujiang_broker::{Arrival, Origin};
use lujiang_wire::{DeviceId, EventId, Place};

use super::{Judge, Judgement, place_of_id};
use crate::entry::EntryNumber;
use crate::intake::IntakeRules;
use crate::intake::payload::{Payload, Reading, Sealed};
use crate::intake::rulings::{Refused, Ruled, RulingRequest, RulingVerdict};
use crate::ledger::{Decided, Draft, LedgerError, LedgerTransaction, Outcome, Quarantined};
use crate::ruling::{Admitted, AsideState, Ruling};
use crate::seal::Seals;

/// Decides as asked, or says why that cannot be; then nothing was written.
///
/// # Errors
/// Where the database fails; the transaction must then be undone.
pub(crate) fn rule(
    tx: &mut dyn LedgerTransaction,
    rules: &IntakeRules,
    seals: &Seals,
    request: &RulingRequest,
) -> Result<Result<(Ruled, Judgement), Refused>, LedgerError> {
    let mut judge = Judge::new(tx, rules, seals);
    let Some(element) = judge.tx.quarantined(request.number)? else {
        return Ok(Err(Refused::Unknown(request.number)));
    };
    if element.state != AsideState::Open {
        return Ok(Err(Refused::Decided(element.state)));
    }
    let form = match request.verdict {
        RulingVerdict::Accept => Some(Admitted::Accepted),
        RulingVerdict::Correct(_) => Some(Admitted::Corrected),
        RulingVerdict::Dismiss => None,
    };
    let admitted = match form {
        None => None,
        Some(form) => {
            let sealed = match read(seals, &element, &request.verdict) {
                Ok(sealed) => sealed,
                Err(refused) => return Ok(Err(refused)),
            };
            if let Some(refused) = judge.objection(&element, &sealed)? {
                return Ok(Err(refused));
            }
            Some(judge.admit(request, form, &element, &sealed)?)
        }
    };
    let state = form.map_or(AsideState::Dismissed, AsideState::Admitted);
    let decided = Decided {
        state,
        at: request.at,
        by: request.by.as_str().to_owned(),
        why: request.why.clone(),
        admitted,
    };
    judge.tx.decide(request.number, &decided)?;
    judge.settle()?;
    let ruled = Ruled {
        device: element.device,
        state,
        admitted,
    };
    Ok(Ok((ruled, judge.judgement)))
}

/// The event that is to count: the element's own, or the corrected one.
fn read(seals: &Seals, element: &Quarantined, verdict: &RulingVerdict) -> Result<Sealed, Refused> {
    let bytes = match verdict {
        RulingVerdict::Correct(event) => event.clone().into_bytes(),
        RulingVerdict::Accept | RulingVerdict::Dismiss => open(seals, element)?,
    };
    let arrival = Arrival {
        device: element.device.clone(),
        origin: Origin::Own,
        payload: bytes.into(),
        received: element.received,
    };
    let mut elements = Payload::read(&arrival, seals).elements;
    let (Some(one), true) = (elements.pop(), elements.is_empty()) else {
        return Err(Refused::NotOne);
    };
    match one.reading {
        Reading::Event(sealed) => Ok(*sealed),
        Reading::Nothing(not_read) => Err(Refused::NotUnderstood {
            place: not_read.error_place,
            expected: not_read.expected,
        }),
    }
}

/// The bytes of an element, as received.
pub(crate) fn open(seals: &Seals, element: &Quarantined) -> Result<Vec<u8>, Refused> {
    if element.sealed.is_empty() {
        return Err(Refused::Erased);
    }
    seals
        .open_quarantined(&element.sealed)
        .map_err(|error| Refused::Sealed(error.to_string()))
}

impl Judge<'_> {
    /// Why an event cannot count for an element.
    fn objection(
        &mut self,
        element: &Quarantined,
        sealed: &Sealed,
    ) -> Result<Option<Refused>, LedgerError> {
        let event = &sealed.event;
        if event.source != element.device {
            return Ok(Some(Refused::Foreign(element.device.clone())));
        }
        if event.place.is_some() && event.place != element.place {
            return Ok(Some(Refused::OtherPlace));
        }
        let counted = self.counting(&element.device, &event.id, event.place.as_ref())?;
        Ok(counted.map(|(attribute, entry)| Refused::Counted { attribute, entry }))
    }

    /// What counts already under this id or at this place.
    fn counting(
        &mut self,
        device: &DeviceId,
        id: &EventId,
        place: Option<&Place>,
    ) -> Result<Option<(&'static str, EntryNumber)>, LedgerError> {
        if let Some(place) = place
            && let Some(entry) = self.tx.counted_at(device, place)?
        {
            return Ok(Some(("sequence", entry)));
        }
        if let Some(entry) = self.tx.counted_as(device, id)? {
            return Ok(Some(("id", entry)));
        }
        // The id may be that of a place, without standing there.
        let of_place = place_of_id(id).filter(|of_id| Some(of_id) != place);
        let entry = match of_place {
            Some(of_id) => self.tx.counted_at(device, &of_id)?,
            None => None,
        };
        Ok(entry.map(|entry| ("id", entry)))
    }

    /// Lets an element in by a new entry that counts in its place.
    fn admit(
        &mut self,
        request: &RulingRequest,
        form: Admitted,
        element: &Quarantined,
        sealed: &Sealed,
    ) -> Result<EntryNumber, LedgerError> {
        let (device, event) = (&element.device, &sealed.event);
        let time = self.date(device, element.received, event)?;
        let number = self.tx.append(Draft {
            device: device.clone(),
            received: element.received,
            place: event.place.clone(),
            outcome: Outcome::Admitted {
                body: sealed.body.clone(),
                time,
                ruling: Ruling {
                    quarantined: request.number,
                    form,
                    at: request.at,
                    by: request.by.as_str().to_owned(),
                    why: request.why.clone(),
                },
            },
            digest: sealed.digest,
        })?;
        if !sealed.has_id_of_place() {
            self.tx.take_id(device, &event.id, sealed.digest, number)?;
        }
        // The life of the outbox was heard of when the element came, not now.
        self.beside(device, sealed, number, request.number)?;
        Ok(number)
    }
}
