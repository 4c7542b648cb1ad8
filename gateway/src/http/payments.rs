//! `GET /api/v1/payments`: payments at self-checkouts that the library system never confirmed.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::quarantine::limit;
use super::{ApiState, blocking};
use crate::views::report::UnresolvedPayment;

/// Payments where no number of them is asked for, and the most there are at once.
const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1_000;

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `Parameters` reads it")]
struct PaymentParams {
    /// How many, at most 1000. Default: 100.
    #[param(required = false)]
    limit: Option<usize>,
}

/// Payments of unknown fate.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PaymentPage {
    /// The newest first.
    payments: Vec<PaymentRow>,
}

/// A payment the library system was told of and never confirmed. It names no reader.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentRow {
    /// Its entry in the ledger.
    number: i64,
    /// The device with the self-checkouts.
    device: String,
    /// When it was made; where nobody knows, when it was received.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Whether `at` is when it was made.
    dated: bool,
    /// How much, as the machine said it.
    #[schema(required = true)]
    amount: Option<String>,
    /// The currency, three letters.
    #[schema(required = true)]
    currency: Option<String>,
    /// The session; it begins with the machine's name.
    session: String,
}

/// Payments at self-checkouts that nobody knows the fate of
#[utoipa::path(
    get, path = "/payments", tag = "loans", params(PaymentParams),
    responses((status = 200, description = "The newest first", body = PaymentPage), Problems)
)]
pub(super) async fn payments(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<PaymentPage>, Problem> {
    let asked = Parameters::of::<PaymentParams>(&uri)?;
    let limit = limit(&asked, LIMIT_DEFAULT, LIMIT_MAX)?;
    let found = blocking(move || state.views.unresolved_payments(limit)).await??;
    let payments = found.into_iter().map(PaymentRow::from).collect();
    Ok(Json(PaymentPage { payments }))
}

impl From<UnresolvedPayment> for PaymentRow {
    fn from(payment: UnresolvedPayment) -> Self {
        Self {
            number: payment.number.0,
            device: payment.device.to_string(),
            at: payment.at,
            dated: payment.is_dated,
            amount: payment.amount.map(|amount| amount.to_string()),
            currency: payment.currency.map(|currency| currency.to_string()),
            session: payment.session.to_string(),
        }
    }
}
