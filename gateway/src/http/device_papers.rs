//! `GET /api/v1/device/loan-papers`: a device fetches what it needs to lend off-line, known by
//! its certificate. Over HTTPS only, and never over MQTT: there others may read along.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use lujiang_wire::Label;

use super::enrolment::over_https;
use super::listener::PeerCertificate;
use super::peer::Peer;
use super::problem::{Problem, ProblemKind, Problems};
use super::{ApiState, blocking};
use crate::authority::Identity;
use crate::enrolment::EnrolmentError;
use crate::papers::PapersError;
use crate::papers::dto::LoanPapersForm;
use crate::registry::Device;

/// For devices: the papers with which it may lend off-line (HTTPS only)
#[utoipa::path(
    get, path = "/device/loan-papers", tag = "identity", security(()),
    responses(
        (status = 200, description = "The papers, as `LoanPapers` of the wire; `ETag` is their \
            revision", body = LoanPapersForm),
        (status = 304, description = "The device has them: `If-None-Match` names the revision"),
        Problems
    )
)]
pub(super) async fn loan_papers(
    State(state): State<ApiState>,
    peer: Peer,
    certificate: Option<Extension<PeerCertificate>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let device = state.device_of(peer, certificate).await?;
    let papers = (state.papers.clone(), device.clone());
    let revision = blocking(move || papers.0.revision(&papers.1)).await??;
    if headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .any(|it| names(it, &revision))
    {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag(&revision))]).into_response());
    }
    let papers = (state.papers.clone(), device);
    let papers = blocking(move || papers.0.of(&papers.1)).await??;
    // They may have moved since the revision was asked for: the tag is that of what is sent.
    let head = [
        (ETAG, etag(&papers.revision)),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((head, Json(papers)).into_response())
}

impl ApiState {
    /// The device whose certificate was shown, where the registry takes it.
    pub(super) async fn device_of(
        &self,
        peer: Peer,
        certificate: Option<Extension<PeerCertificate>>,
    ) -> Result<Device, Problem> {
        over_https(peer)?;
        let Some(Extension(PeerCertificate(certificate))) = certificate else {
            return Err(Problem::new(
                ProblemKind::NotSignedIn,
                "expected the device's certificate in the TLS handshake",
            ));
        };
        let identity = Identity::read(&certificate).map_err(EnrolmentError::from)?;
        let shown = self.registry.show_certificate(&identity).await;
        let shown = shown.inspect_err(|error| {
            tracing::info!(device = %identity.device, peer = %peer.address, %error, "a device is refused");
        });
        Ok(shown.map_err(EnrolmentError::from)?.device)
    }
}

/// Whether a header `If-None-Match` names this revision, in any of its forms [RFC 9110 §13.1.2].
fn names(header: &HeaderValue, revision: &Label) -> bool {
    let Ok(text) = header.to_str() else {
        return false;
    };
    text.split(',').any(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag == "*" || tag.trim_matches('"') == revision.as_str()
    })
}

fn etag(revision: &Label) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).expect("a revision is hexadecimal digits")
}

impl From<PapersError> for Problem {
    fn from(error: PapersError) -> Self {
        match error {
            PapersError::Ledger(error) => error.into(),
            PapersError::Seal(error) => Self::internal(&error),
            PapersError::NoStop(stop) => Self::missing("stop", stop.as_str()),
            PapersError::StopTaken(_) | PapersError::TooManyStops { .. } => {
                Self::new(ProblemKind::Conflict, error.to_string())
            }
            PapersError::Interrupted => Self::new(ProblemKind::NotReady, error.to_string()),
        }
    }
}
