//! The stops planned for the bus, for its crew to choose from. What was really made of them are
//! facts.

use jiff::civil::Date;
use lujiang_wire::{DeviceId, Label, PlannedStop};
use rusqlite::Transaction;
use serde::Serialize;

use super::{Papers, PapersError};
use crate::data_dir::random_bytes;
use crate::registry::Actor;
use crate::store::papers as rows;

/// Most stops planned at once: some years of them.
const STOPS_MAX: usize = 2_000;

/// A stop to be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStop {
    /// On which day, in the library's time zone.
    pub date: Date,
    /// Whom it serves (流动服务单位).
    pub unit: Label,
    /// On what occasion (活动内容).
    pub occasion: Option<Label>,
    /// Where (活动地点).
    pub place: Label,
    /// The bus it is for; none where any bus may make it.
    pub device: Option<DeviceId>,
}

/// A planned stop, and which bus is given it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The stop, as the bus's crew sees it.
    #[serde(flatten)]
    pub stop: PlannedStop,
    /// The bus it is for. Where there is none every bus is given it, and two of them may make it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
}

impl Plan {
    /// Whether a bus is given it.
    pub(super) fn is_for(&self, bus: &DeviceId) -> bool {
        self.device.as_ref().is_none_or(|device| device == bus)
    }
}

impl Papers {
    /// All planned stops, the earliest first. Blocks while it reads.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub fn stops(&self) -> Result<Vec<Plan>, PapersError> {
        Ok(self.0.store.read(rows::stops)?)
    }

    /// Plans a stop; it gets a name of its own, for two stops can share a day and a place.
    ///
    /// # Errors
    /// Where there are too many, or nothing could be written.
    ///
    /// # Panics
    /// Never: a date and hexadecimal digits are a label.
    pub async fn plan_stop(&self, planned: NewStop, actor: &Actor) -> Result<Plan, PapersError> {
        let name = format!("{}-{}", planned.date, hex::encode(random_bytes::<4>()));
        let plan = Plan {
            stop: PlannedStop {
                stop: name.parse().expect("a date and digits are a label"),
                date: planned.date,
                unit: planned.unit,
                occasion: planned.occasion,
                place: planned.place,
            },
            device: planned.device,
        };
        let add = move |tx: &Transaction<'_>| {
            if rows::stops(tx)?.len() >= STOPS_MAX {
                return Ok(Err(PapersError::TooManyStops { max: STOPS_MAX }));
            }
            if !rows::add_stop(tx, &plan)? {
                return Ok(Err(PapersError::StopTaken(plan.stop.stop)));
            }
            let after = serde_json::to_value(&plan).expect("labels and a date are JSON");
            Ok(Ok((plan, None, Some(after))))
        };
        self.change("loans.stop.plan", &name, actor, add).await
    }

    /// Removes a planned stop.
    ///
    /// # Errors
    /// Where there is none, or nothing could be written.
    pub async fn remove_stop(&self, name: Label, actor: &Actor) -> Result<(), PapersError> {
        let subject = name.to_string();
        let remove = move |tx: &Transaction<'_>| match rows::remove_stop(tx, &name)? {
            Some(plan) => {
                let before = serde_json::to_value(&plan).expect("labels and a date are JSON");
                Ok(Ok(((), Some(before), None)))
            }
            None => Ok(Err(PapersError::NoStop(name))),
        };
        self.change("loans.stop.remove", &subject, actor, remove)
            .await
    }
}
