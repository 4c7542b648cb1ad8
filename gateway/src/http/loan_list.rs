//! `GET /api/v1/loans`: what the library system has heard of, what it disputes, and what waits.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use utoipa::IntoParams;

use super::csv::{Format, Table};
use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::quarantine::limit;
use super::{ApiState, blocking};
use crate::entry::EntryNumber;
use crate::loans::dto::{LoanPage, LoanRow, LoanTotal};
use crate::store::loans::FactQuery;

/// Rows of a page where none are asked for.
const LIMIT_DEFAULT: usize = 100;
/// Rows of the largest page.
const LIMIT_MAX: usize = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct LoanParams {
    /// Only of this device.
    #[param(required = false)]
    device: Option<String>,
    /// Only of this item.
    #[param(required = false)]
    item: Option<String>,
    /// Only those that are `waiting`, `sent`, `disputed` or `settled`.
    #[param(required = false)]
    state: Option<String>,
    /// Only with this outcome: a kind of conflict, or why it is settled.
    #[param(required = false)]
    outcome: Option<String>,
    /// Only rows before this number: `next` of the page before.
    #[param(required = false)]
    before: Option<i64>,
    /// Rows of the page, at most 1000. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
    /// `json` or `csv`. Default: as `Accept` says.
    #[param(required = false)]
    format: Option<String>,
}

/// Loans, renewals and returns the desk had something to do about, and what became of them
#[utoipa::path(
    get, path = "/loans", tag = "loans", params(LoanParams),
    responses((status = 200, description = "A page, also as text/csv", body = LoanPage), Problems)
)]
pub(super) async fn loans(
    State(state): State<ApiState>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Parameters::of::<LoanParams>(&uri)?;
    let format = Format::asked(asked.text("format"), &headers)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let query = query(&asked, limit)?;
    let reading =
        blocking(move || Ok::<_, Problem>((state.loans.facts(&query)?, state.loans.totals()?)));
    let (mut facts, totals) = reading.await??;
    let more = facts.len() > limit;
    facts.truncate(limit);
    let page = LoanPage {
        next: facts.last().filter(|_| more).map(|fact| fact.number.0),
        rows: facts.into_iter().map(LoanRow::from).collect(),
        totals: LoanTotal::all(totals),
    };
    Ok(match format {
        Format::Json => Json(page).into_response(),
        Format::Csv => table(&page.rows).into_response(),
    })
}

/// The query; one row more than shown, to know whether there is a next page.
pub(super) fn query(asked: &Parameters, limit: usize) -> Result<FactQuery, Problem> {
    let before: Option<i64> = asked.value("before", "the number of a row")?;
    Ok(FactQuery {
        device: asked.value("device", "an id of 1 to 64 letters, digits, -, _ or .")?,
        item: asked.value("item", "a barcode")?,
        state: asked.value("state", "one of waiting, sent, disputed, settled")?,
        outcome: asked.text("outcome").map(str::to_owned),
        before: before.map(EntryNumber),
        limit: limit + 1,
    })
}

fn table(rows: &[LoanRow]) -> Table {
    let columns = [
        "number", "device", "item", "kind", "happened", "due", "state", "outcome", "changed",
        "exported",
    ];
    let mut table = Table::new("loans", &columns);
    for row in rows {
        table.row([
            row.number.to_string(),
            row.device.clone(),
            row.item.clone(),
            row.kind.clone(),
            row.happened.to_string(),
            row.due.map(|due| due.to_string()).unwrap_or_default(),
            row.state.clone(),
            row.outcome.clone().unwrap_or_default(),
            row.changed.to_string(),
            row.exported
                .map(|number| number.to_string())
                .unwrap_or_default(),
        ]);
    }
    table
}
