//! `GET /api/v1/device/carried-receipts/{device}`: a carrier fetches the receipts of a device that
//! has no way to the gateway, signed, so that the device can believe them from anybody's hand.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use lujiang_wire::{CarriedReceipts, SignedFor};

use super::ApiState;
use super::listener::PeerCertificate;
use super::parameters::PathId;
use super::peer::Peer;
use super::problem::{Problem, ProblemKind, Problems};
use crate::places::DeviceKind;

/// What is signed; the form is `Signed` of the wire.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(super) struct SignedForm {
    /// The signature scheme, by its number in TLS.
    pub scheme: u16,
    /// The gateway's certificate, then its issuers', DER in base64.
    pub certificates: Vec<String>,
    /// What is signed, in base64.
    pub payload: String,
    /// The signature, in base64.
    pub signature: String,
}

/// For carriers: what the ledger holds of a device, signed by the gateway (HTTPS only)
#[utoipa::path(
    get, path = "/device/carried-receipts/{device}", tag = "identity", security(()),
    params(("device" = String, Path, description = "Whose receipts")),
    responses(
        (status = 200, description = "The receipts, as `Signed` of `CarriedReceipts` of the wire",
            body = SignedForm),
        Problems
    )
)]
pub(super) async fn carried_receipts(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    PathId(device): PathId,
) -> Result<Response, Problem> {
    let carrier = state.device_of(peer, certificate).await?;
    // Only who comes round carries for others.
    if carrier.kind != DeviceKind::Bus && carrier.id != device {
        let detail = format!("{} carries for nobody: only a bus does", carrier.id);
        return Err(Problem::new(ProblemKind::NotAllowed, detail));
    }
    if state.registry.device(&device).is_none() {
        return Err(Problem::missing("device", device.as_str()));
    }
    let receipts = state.intake.receipts(&device).await;
    let receipts = receipts.ok_or_else(|| {
        let detail = format!("nothing of {device} is in the ledger yet");
        Problem::new(ProblemKind::NotFound, detail)
    })?;
    let carried = CarriedReceipts {
        device,
        issued: state.clock.wall(),
        receipts,
    };
    tracing::debug!(carrier = %carrier.id, device = %carried.device, "receipts are carried");
    let payload = serde_json::to_vec(&carried).expect("receipts are always JSON");
    let signed = state.authority.sign(SignedFor::Receipts, payload);
    let signed = signed.ok_or_else(|| {
        let detail = "the key of the gateway's certificate signs by no scheme of TLS 1.3";
        Problem::new(ProblemKind::NotReady, detail)
    })?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(signed)).into_response())
}
