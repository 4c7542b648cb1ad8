//! The routes of identity: tokens and revocation for people, certificates for devices.
//!
//! Certificates are given over HTTPS only: there the device sees by the chain who it talks to.
//! Attempts are counted by address, and so are wrong tokens.

use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use lujiang_wire::{CertificateIssued, EnrolmentRequest, RenewalRequest};

use super::ApiState;
use super::access::Caller;
use super::body::JsonBody;
use super::listener::PeerCertificate;
use super::parameters::PathId;
use super::peer::{Peer, Scheme};
use super::problem::{Problem, ProblemKind, Problems};
use crate::enrolment::EnrolmentError;
use crate::registry::dto::{CertificateForm, EnrolmentForm, IssuedEnrolment, RenewalForm};
use crate::registry::{CertificateRefusal, RegistryError, TokenRefusal};

/// Make a one-time token by which a device gets its certificate; the one before is withdrawn
#[utoipa::path(
    post, path = "/devices/{device}/enrolment", tag = "registry",
    params(("device" = String, Path, description = "Its id")),
    responses((status = 201, description = "The token, shown once", body = IssuedEnrolment), Problems)
)]
pub(super) async fn make_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(device): PathId,
) -> Result<(StatusCode, Json<IssuedEnrolment>), Problem> {
    let issued = state.enrolment.token(&device, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json((device, issued).into())))
}

/// Refuse a device's certificates, tokens and password from now on, and end its connections
#[utoipa::path(
    post, path = "/devices/{device}/revoke", tag = "registry",
    params(("device" = String, Path, description = "Its id")),
    responses((status = 204, description = "Revoked"), Problems)
)]
pub(super) async fn revoke(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(device): PathId,
) -> Result<StatusCode, Problem> {
    state
        .registry
        .revoke_device(&device, &caller.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// For devices: a token becomes a certificate (HTTPS only)
#[utoipa::path(
    post, path = "/enrolment", tag = "identity", security(()), request_body = EnrolmentForm,
    responses((status = 201, description = "The certificate", body = CertificateForm), Problems)
)]
pub(super) async fn enrol(
    State(state): State<ApiState>,
    peer: Peer,
    JsonBody(request): JsonBody<EnrolmentRequest>,
) -> Result<(StatusCode, Json<CertificateIssued>), Problem> {
    over_https(peer)?;
    let addresses = state.enrolment.addresses();
    let now = Instant::now();
    addresses.attempt(peer.address, now).map_err(|held| {
        Problem::held("too many attempts from this address", held.retry_after(now))
    })?;
    let device = request.device.clone();
    match state.enrolment.enrol(request).await {
        Ok(issued) => {
            addresses.succeeded(peer.address, Instant::now());
            tracing::info!(%device, peer = %peer.address, "enrolled");
            Ok((StatusCode::CREATED, Json(issued)))
        }
        Err(error) => {
            let is_guess = matches!(
                error,
                EnrolmentError::Registry(RegistryError::Token(TokenRefusal::Unknown))
            );
            if is_guess {
                addresses.failed(peer.address, Instant::now());
            }
            tracing::info!(%device, peer = %peer.address, %error, "enrolment refused");
            Err(error.into())
        }
    }
}

/// For devices: the next certificate, asked for with the present one (HTTPS only)
#[utoipa::path(
    post, path = "/certificate", tag = "identity", security(()), request_body = RenewalForm,
    responses((status = 201, description = "The certificate", body = CertificateForm), Problems)
)]
pub(super) async fn renew(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    JsonBody(request): JsonBody<RenewalRequest>,
) -> Result<(StatusCode, Json<CertificateIssued>), Problem> {
    over_https(peer)?;
    let Some(Extension(PeerCertificate(certificate))) = certificate else {
        return Err(Problem::new(
            ProblemKind::NotSignedIn,
            "expected the device's present certificate in the TLS handshake",
        ));
    };
    let renewed = state.enrolment.renew(&certificate, request).await;
    let issued = renewed.inspect_err(|error| {
        tracing::info!(peer = %peer.address, %error, "renewal refused");
    })?;
    Ok((StatusCode::CREATED, Json(issued)))
}

pub(super) fn over_https(peer: Peer) -> Result<(), Problem> {
    match peer.scheme {
        Scheme::Tls => Ok(()),
        Scheme::Plain => Err(Problem::new(
            ProblemKind::NotAllowed,
            "devices are answered over HTTPS only ([tls] http_listen)",
        )),
    }
}

impl From<EnrolmentError> for Problem {
    fn from(error: EnrolmentError) -> Self {
        match error {
            EnrolmentError::Registry(error)
            | EnrolmentError::Certificate(CertificateRefusal::Registry(error)) => error.into(),
            EnrolmentError::Request(_) => Self::body("csr", error.to_string()),
            EnrolmentError::Certificate(_) | EnrolmentError::NoIdentity(_) => {
                Self::new(ProblemKind::NotAllowed, error.to_string())
            }
        }
    }
}
