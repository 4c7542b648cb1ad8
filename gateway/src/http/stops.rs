//! `GET /api/v1/stops`: the yearly table of the bus, as JSON, CSV or a workbook; and
//! `POST …/past`, which takes the table of a year before the ledger.

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::Caller;
use super::body::JsonBody;
use super::csv::{Format, Table};
use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::{ApiState, blocking};
use crate::past_stops::{PastStop, RowProblem, read_past_stops};
use crate::stop_table::{StopRow, StopSource, StopTable, Total};
use crate::store::past_stops as rows;
use crate::workbook::{Cell, Sheet, XLSX, workbook};

/// Years that are asked for.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2200;

/// What stands above the table, as the form has it.
const TITLE: &str = "流动服务活动一览表";

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct StopParams {
    /// The year. Default: this year of the library.
    #[param(required = false)]
    year: Option<i16>,
    /// `json`, `csv` or `xlsx`. Default: as `Accept` says.
    #[param(required = false)]
    format: Option<String>,
}

/// The yearly table of the bus (流动服务活动一览表).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Stops {
    year: i16,
    rows: Vec<Row>,
    /// 册数
    volumes: TotalOf,
    /// 参与人数
    participants: TotalOf,
}

/// A sum, and in how many rows the number is missing.
#[derive(Debug, Serialize, ToSchema)]
struct TotalOf {
    sum: u64,
    missing: u64,
}

/// A stop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StopRow)]
struct Row {
    /// 序号
    number: u32,
    /// 流动服务单位
    #[schema(required = true)]
    unit: Option<String>,
    /// 活动内容
    #[schema(required = true)]
    occasion: Option<String>,
    /// Its first day; null where it is not known.
    #[schema(required = true, value_type = Option<String>, format = Date)]
    date: Option<jiff::civil::Date>,
    /// 活动时间, as printed.
    #[schema(required = true)]
    printed: Option<String>,
    /// 活动地点
    #[schema(required = true)]
    place: Option<String>,
    /// 册数: volumes carried, not loans.
    #[schema(required = true)]
    volumes: Option<u64>,
    /// 参与人数
    #[schema(required = true)]
    participants: Option<u64>,
    /// `ledger` or `imported`.
    source: &'static str,
    /// The bus; null of imported ones.
    #[schema(required = true)]
    device: Option<String>,
    /// The stop's name; null of imported ones.
    #[schema(required = true)]
    stop: Option<String>,
    /// Whether the crew closed it.
    closed: bool,
    /// Items lent at it; null of imported ones.
    #[schema(required = true)]
    checkouts: Option<u64>,
    /// Items taken back at it; null of imported ones.
    #[schema(required = true)]
    checkins: Option<u64>,
}

/// `POST /api/v1/stops/past`
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PastStopsBody {
    /// Which year the table is of; what was imported of it before is replaced.
    pub(crate) year: i16,
    /// The table as CSV, with its columns named 序号, 流动服务单位, 活动内容, 活动时间, 活动地点, 册数 and
    /// 参与人数.
    pub(crate) csv: String,
    /// Only read it and say what was understood.
    #[serde(default)]
    pub(crate) dry_run: bool,
}

/// What was understood of a table.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PastStopsTaken {
    /// Whether it stands in the database now.
    pub(crate) taken: bool,
    /// Stops understood.
    pub(crate) stops: usize,
    /// 册数 of all of them.
    pub(crate) volumes: u64,
    /// 参与人数 of all of them.
    pub(crate) participants: u64,
    /// What is wrong; a table with problems is not taken.
    pub(crate) problems: Vec<RowProblem>,
}

/// The yearly table of the bus
#[utoipa::path(
    get, path = "/stops", tag = "figures", params(StopParams),
    responses(
        (status = 200, description = "The table; also text/csv, or a workbook with `format=xlsx`",
         body = Stops),
        Problems,
    )
)]
pub(super) async fn stops(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Parameters::of::<StopParams>(&uri)?;
    let zone = state.library.time_zone.clone();
    let year = match asked.value::<i16>("year", "a year such as 2026")? {
        Some(year) => checked(year)?,
        None => state.clock.wall().to_zoned(zone.clone()).year(),
    };
    let is_workbook = asked.text("format") == Some("xlsx");
    let format = match is_workbook {
        true => Format::Json,
        false => Format::asked(asked.text("format"), &headers)?,
    };
    let table = blocking(move || {
        let past = state.store.read(|tx| rows::of_year(tx, year))?;
        let stops = state.views.stops()?;
        Ok::<_, Problem>(StopTable::of(year, past, &stops, &zone))
    });
    let table = table.await??;
    if is_workbook {
        return blocking(move || as_workbook(&table)).await?;
    }
    Ok(match format {
        Format::Json => Json(Stops::of(table)).into_response(),
        Format::Csv => as_csv(&table).into_response(),
    })
}

/// Take the table of a year before the ledger, in place of what was taken of that year
#[utoipa::path(
    post, path = "/stops/past", tag = "figures", request_body = PastStopsBody,
    responses((status = 200, description = "What was understood", body = PastStopsTaken), Problems)
)]
pub(super) async fn take_past_stops(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(body): JsonBody<PastStopsBody>,
) -> Result<Json<PastStopsTaken>, Problem> {
    let year = checked(body.year)?;
    let stops = match read_past_stops(year, &body.csv) {
        Ok(stops) => stops,
        Err(problems) if body.dry_run => {
            return Ok(Json(PastStopsTaken {
                problems,
                ..PastStopsTaken::of(&[], false)
            }));
        }
        Err(problems) => {
            let reasons = problems.iter().map(ToString::to_string).collect();
            let expected = "a table without problems; nothing was taken";
            return Err(Problem::body("csv", expected).with_reasons(reasons));
        }
    };
    let taken = PastStopsTaken::of(&stops, !body.dry_run);
    if taken.taken {
        let (by, at) = (caller.actor(), state.clock.wall());
        state.store.take_past_stops(year, stops, &by, at).await?;
    }
    Ok(Json(taken))
}

fn checked(year: i16) -> Result<i16, Problem> {
    match YEARS.contains(&year) {
        true => Ok(year),
        false => Err(Problem::parameter(
            "year",
            &year.to_string(),
            "a year from 1900 to 2200",
        )),
    }
}

impl PastStopsTaken {
    /// What was understood of a table without problems.
    pub(crate) fn of(stops: &[PastStop], taken: bool) -> Self {
        Self {
            taken,
            stops: stops.len(),
            volumes: stops.iter().map(|stop| stop.volumes).sum(),
            participants: stops.iter().map(|stop| stop.participants).sum(),
            problems: Vec::new(),
        }
    }
}

impl Stops {
    fn of(table: StopTable) -> Self {
        let total = |total: Total| TotalOf {
            sum: total.sum,
            missing: total.missing,
        };
        Self {
            year: table.year,
            volumes: total(table.volumes()),
            participants: total(table.participants()),
            rows: table.rows.into_iter().map(Row::of).collect(),
        }
    }
}

impl Row {
    fn of(row: StopRow) -> Self {
        let (source, device, stop, closed) = match row.source {
            StopSource::Imported => ("imported", None, None, true),
            StopSource::Ledger {
                device,
                stop,
                is_closed,
            } => ("ledger", Some(device), Some(stop), is_closed),
        };
        Self {
            number: row.number,
            unit: row.unit,
            occasion: row.occasion,
            date: row.date,
            printed: row.printed,
            place: row.place,
            volumes: row.volumes,
            participants: row.participants,
            source,
            device,
            stop,
            closed,
            checkouts: row.checkouts,
            checkins: row.checkins,
        }
    }
}

/// The columns of the form, and their widths in characters.
const COLUMNS: [(&str, f64); 7] = [
    ("序号", 6.0),
    ("流动服务单位", 30.0),
    ("活动内容", 16.0),
    ("活动时间", 14.0),
    ("活动地点", 34.0),
    ("册数", 10.0),
    ("参与人数", 12.0),
];

fn as_csv(table: &StopTable) -> Table {
    let mut csv = Table::new("stops", &COLUMNS.map(|(name, _)| name));
    let number = |number: Option<u64>| number.map_or(String::new(), |it| it.to_string());
    for row in &table.rows {
        csv.row([
            row.number.to_string(),
            row.unit.clone().unwrap_or_default(),
            row.occasion.clone().unwrap_or_default(),
            row.printed.clone().unwrap_or_default(),
            row.place.clone().unwrap_or_default(),
            number(row.volumes),
            number(row.participants),
        ]);
    }
    let empty = String::new;
    csv.row([
        "合计".to_owned(),
        empty(),
        empty(),
        empty(),
        empty(),
        table.volumes().sum.to_string(),
        table.participants().sum.to_string(),
    ]);
    csv
}

fn as_workbook(table: &StopTable) -> Result<Response, Problem> {
    let title = format!("{}年{TITLE}", table.year);
    let row = |row: &StopRow| {
        vec![
            Cell::Number(u64::from(row.number)),
            Cell::text(row.unit.as_deref()),
            Cell::text(row.occasion.as_deref()),
            Cell::text(row.printed.as_deref()),
            Cell::text(row.place.as_deref()),
            Cell::number(row.volumes),
            Cell::number(row.participants),
        ]
    };
    let mut total = vec![Cell::Empty; 5];
    total[0] = Cell::Text("合计".to_owned());
    total.push(Cell::Number(table.volumes().sum));
    total.push(Cell::Number(table.participants().sum));
    let lacking = [
        ("册数", table.volumes()),
        ("参与人数", table.participants()),
    ];
    let note = |(name, total): (&str, Total)| {
        (total.missing > 0).then(|| format!("{name}：{} 行未填，合计不含", total.missing))
    };
    let sheet = Sheet {
        title: &title,
        columns: &COLUMNS,
        rows: table.rows.iter().map(row).collect(),
        total,
        notes: lacking.into_iter().filter_map(note).collect(),
    };
    let bytes = workbook(&sheet).map_err(|error| Problem::internal(&error))?;
    let name = format!("attachment; filename=\"stops-{}.xlsx\"", table.year);
    let head = [(CONTENT_TYPE, XLSX.to_owned()), (CONTENT_DISPOSITION, name)];
    Ok((head, bytes).into_response())
}
