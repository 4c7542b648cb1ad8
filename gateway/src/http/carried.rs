//! `GET /api/v1/device/carried-receipts/{device}` and `…/carried-wish/{device}`: a carrier fetches
//! what is for a device that has no way to the gateway, signed, so that the device can believe it
//! from anybody's hand.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use lujiang_wire::{CarriedReceipts, CarriedWish, DeviceId, SignedFor};
use serde::Serialize;

use super::ApiState;
use super::listener::PeerCertificate;
use super::parameters::PathId;
use super::peer::Peer;
use super::problem::{Problem, ProblemKind, Problems};
use crate::places::DeviceKind;
use crate::registry::Device;

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
    let device = state.carried_for(peer, certificate, device).await?.id;
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
    state.signed(SignedFor::Receipts, &carried)
}

/// For carriers: what a device should have, signed by the gateway (HTTPS only)
#[utoipa::path(
    get, path = "/device/carried-wish/{device}", tag = "identity", security(()),
    params(("device" = String, Path, description = "For whom")),
    responses(
        (status = 200, description = "What it should have, as `Signed` of `CarriedWish` of the wire",
            body = SignedForm),
        Problems
    )
)]
pub(super) async fn carried_wish(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    PathId(device): PathId,
) -> Result<Response, Problem> {
    let device = state.carried_for(peer, certificate, device).await?;
    let wish = CarriedWish {
        content: state.rollouts.wanted_of(&device, &state.content),
        device: device.id,
        issued: state.clock.wall(),
    };
    state.signed(SignedFor::Wish, &wish)
}

impl ApiState {
    /// For whom it is carried, where who asks may carry for it. A device that was shut out gets
    /// nothing by others either.
    async fn carried_for(
        &self,
        peer: Peer,
        certificate: Option<Extension<PeerCertificate>>,
        device: DeviceId,
    ) -> Result<Device, Problem> {
        let carrier = self.device_of(peer, certificate).await?;
        // Only who comes round carries for others.
        if carrier.kind != DeviceKind::Bus && carrier.id != device {
            let detail = format!("{} carries for nobody: only a bus does", carrier.id);
            return Err(Problem::new(ProblemKind::NotAllowed, detail));
        }
        let found = self.registry.device(&device);
        let found = found.ok_or_else(|| Problem::missing("device", device.as_str()))?;
        if !self.registry.is_certified(&device) {
            let detail = format!("{device} has no certificate that is taken: nothing is for it");
            return Err(Problem::new(ProblemKind::NotAllowed, detail));
        }
        tracing::debug!(carrier = %carrier.id, %device, "a carrier asks for a device");
        Ok(found)
    }

    fn signed<T: Serialize>(&self, purpose: SignedFor, carried: &T) -> Result<Response, Problem> {
        let payload = serde_json::to_vec(carried).expect("what is carried is always JSON");
        let signed = self.authority.sign(purpose, payload);
        let signed = signed.ok_or_else(|| {
            let detail = "the key of the gateway's certificate signs by no scheme of TLS 1.3";
            Problem::new(ProblemKind::NotReady, detail)
        })?;
        Ok(([(CACHE_CONTROL, "no-store")], Json(signed)).into_response())
    }
}
