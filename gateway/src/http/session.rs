//! Who is signed in, and signing out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::ApiState;
use super::access::Caller;
use super::peer::Peer;
use super::problem::Problems;
use super::timespan;

/// Who is signed in, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// Who.
    person: String,
    /// What this person, or this token, may do: `read`, `operate` or `administer`.
    right: &'static str,
    /// The name of the library.
    library: String,
    /// The time zone in which days are cut.
    #[schema(example = "Asia/Shanghai")]
    zone: String,
    /// The gateway's time, with the library's offset.
    #[schema(format = DateTime)]
    now: String,
}

/// Who is signed in
#[utoipa::path(
    get, path = "/session", tag = "people",
    responses((status = 200, description = "Who asks", body = Session), Problems)
)]
pub(super) async fn session(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Json<Session> {
    let zone = &state.library.time_zone;
    Json(Session {
        person: caller.name,
        right: caller.right.as_str(),
        library: state.library.name.clone(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        now: timespan::local(state.clock.wall(), zone),
    })
}

/// Sign out
#[utoipa::path(
    post, path = "/sign-out", tag = "people",
    responses((status = 204, description = "Signed out"), Problems)
)]
pub(super) async fn sign_out(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    peer: Peer,
) -> Response {
    state.people.sign_out(&caller).await;
    let gone = state.cookie().withdraw(peer.scheme);
    (StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response()
}
