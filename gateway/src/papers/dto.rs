//! What people see and say of papers over the API and the command line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use lujiang_wire::{DeviceId, Label};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::blocks::{BlockListState, Imported};
use super::stops::{NewStop, Plan};

/// `GET /api/v1/loans/blocks`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockListSummary {
    /// How many readers nothing is lent to.
    pub readers: u64,
    /// When the library system said so; null where no list was ever imported.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// When it was imported.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    pub imported: Option<Timestamp>,
}

/// What was understood of a list, and whether it is the block list now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockImportReport {
    /// Whether it was taken.
    pub taken: bool,
    /// As of when it is.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// Readers nothing is lent to.
    pub readers: u64,
    /// Lines with a reader who is barred, or whose card is lost.
    pub blocked: u64,
    /// Lines with a reader whose card has expired.
    pub expired: u64,
    /// Lines with a reader who may borrow.
    pub free: u64,
    /// Lines with a reader an earlier line has blocked.
    pub repeated: u64,
    /// Lines that were not understood.
    pub problems_total: u64,
    /// The first of them, at most 1000.
    pub problems: Vec<BlockProblemRow>,
}

/// A line that was not understood. What stood there is not shown: it may name a reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockProblemRow {
    /// Which, from 1.
    pub line: u64,
    /// The column; null for the whole line.
    #[schema(required = true)]
    pub column: Option<String>,
    /// What was expected there.
    pub expected: String,
}

/// `POST /api/v1/loans/stops`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStopRequest {
    /// On which day, in the library's time zone.
    #[schema(value_type = String, format = Date, example = "2026-12-03")]
    pub date: Date,
    /// Whom it serves (流动服务单位).
    #[schema(value_type = String, example = "东岗村小学")]
    pub unit: Label,
    /// On what occasion (活动内容).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub occasion: Option<Label>,
    /// Where (活动地点).
    #[schema(value_type = String, example = "操场")]
    pub place: Label,
    /// The bus it is for; every bus where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "bus-1")]
    pub device: Option<DeviceId>,
}

/// A planned stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedStopRow {
    /// Its name; the facts of the stop carry it.
    pub stop: String,
    /// On which day, in the library's time zone.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// Whom it serves (流动服务单位).
    pub unit: String,
    /// On what occasion (活动内容).
    #[schema(required = true)]
    pub occasion: Option<String>,
    /// Where (活动地点).
    pub place: String,
    /// The bus it is for; null where every bus is given it.
    #[schema(required = true)]
    pub device: Option<String>,
}

/// `GET /api/v1/loans/stops`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedStops {
    /// The earliest first.
    pub stops: Vec<PlannedStopRow>,
}

/// `POST /api/v1/loans/rotate-key`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotatedKey {
    /// The name of the new key.
    pub kid: String,
}

impl From<Option<BlockListState>> for BlockListSummary {
    fn from(state: Option<BlockListState>) -> Self {
        Self {
            readers: state.as_ref().map_or(0, |state| state.readers),
            as_of: state.as_ref().map(|state| state.as_of),
            imported: state.map(|state| state.imported),
        }
    }
}

impl From<Imported> for BlockImportReport {
    fn from(imported: Imported) -> Self {
        let file = imported.file;
        let problems = file.problems.into_iter().map(|problem| BlockProblemRow {
            line: problem.line,
            column: problem.column,
            expected: problem.expected,
        });
        Self {
            taken: imported.is_taken,
            as_of: imported.as_of,
            readers: file.readers.len() as u64,
            blocked: file.understood.blocked,
            expired: file.understood.expired,
            free: file.understood.free,
            repeated: file.understood.repeated,
            problems_total: file.problems_total,
            problems: problems.collect(),
        }
    }
}

impl From<NewStopRequest> for NewStop {
    fn from(request: NewStopRequest) -> Self {
        Self {
            date: request.date,
            unit: request.unit,
            occasion: request.occasion,
            place: request.place,
            device: request.device,
        }
    }
}

impl From<Plan> for PlannedStopRow {
    fn from(Plan { stop, device }: Plan) -> Self {
        Self {
            stop: stop.stop.into(),
            date: stop.date,
            unit: stop.unit.into(),
            occasion: stop.occasion.map(String::from),
            place: stop.place.into(),
            device: device.map(String::from),
        }
    }
}

/// What a device gets from `/api/v1/device/loan-papers`; the form is `LoanPapers` of the wire.
#[derive(ToSchema)]
pub struct LoanPapersForm {
    /// Names this state; it is the `ETag`, too.
    pub revision: String,
    /// Whom readers are sealed to: `kid` and `public`, X25519, base64url.
    pub desk: BTreeMap<String, String>,
    /// Whom nothing is lent: `key`, `as_of` and `readers`, HMACs under that key.
    #[schema(value_type = Object)]
    pub blocks: (),
    /// Where the bus is to stop: `stop`, `date`, `unit`, `occasion` and `place`.
    #[schema(value_type = Vec<Object>)]
    pub stops: Vec<()>,
    /// What the library system disputes of this device's facts.
    #[schema(value_type = Vec<Object>)]
    pub conflicts: Vec<()>,
}
