//! The gateway itself: what it shows, and how long that is still good.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiState;
use super::problem::Problems;
use super::timespan;
use crate::authority::{Origin, Standing};
use crate::content::dto::RoleForm;

/// The gateway itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GatewayDocument {
    /// The certificate it shows to devices and browsers.
    certificate: CertificateDocument,
    /// How long what is signed of the releases is good, by role; nothing before the first.
    signatures: Vec<RoleForm>,
}

/// A certificate, with those above it in its chain.
#[derive(Debug, Serialize, ToSchema)]
struct CertificateDocument {
    /// From when all of the chain is good, with the library's offset.
    #[schema(format = DateTime)]
    not_before: String,
    /// When the first of the chain ends, with the library's offset.
    #[schema(format = DateTime)]
    not_after: String,
    /// `good`, `ends-soon`, `ended` or `not-begun`; all but the first need somebody.
    standing: &'static str,
    /// `gateway`: it makes and replaces it by itself; `operator`: as `[tls] certificate` says.
    origin: &'static str,
}

/// The gateway itself: its certificate and its signatures, and whether they end soon
#[utoipa::path(
    get, path = "/gateway", tag = "identity",
    responses((status = 200, description = "The gateway", body = GatewayDocument), Problems)
)]
pub(super) async fn gateway(State(state): State<ApiState>) -> Json<GatewayDocument> {
    let shown = state.authority.shown();
    let local = |at| timespan::local(at, &state.library.time_zone);
    Json(GatewayDocument {
        certificate: CertificateDocument {
            not_before: local(shown.validity.not_before),
            not_after: local(shown.validity.not_after),
            standing: shown.standing.as_str(),
            origin: match shown.origin {
                Origin::Gateway => "gateway",
                Origin::Operator => "operator",
            },
        },
        signatures: state
            .content
            .standing()
            .into_iter()
            .map(RoleForm::from)
            .collect(),
    })
}

impl ApiState {
    /// Whether somebody has to see to the gateway's certificate.
    pub(super) fn has_certificate_alarm(&self) -> bool {
        self.authority.shown().standing != Standing::Good
    }
}
