//! Signing in: by name and password, or by a one-time link, which may also set the password.
//!
//! Opening a link shows a page and spends nothing: a mail program or a browser that looks ahead
//! must not use it up. These routes need no right, so they take JSON only, and nothing that a
//! page of another site sends.

use axum::extract::State;
use axum::http::header::{HOST, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiState;
use super::access::{self, Caller, Origin};
use super::body::JsonBody;
use super::peer::Peer;
use super::problem::{Problem, ProblemKind, Problems};
use crate::people::dto::SignInLink;
use crate::people::{AccountName, PeopleError, Secret, Typed, sign_in_path};

/// What a page that signs in shows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entrance {
    /// The name of the library.
    library: String,
    /// Whether the administrator has set a password; until then only a link signs in.
    has_password: bool,
}

/// A name and its password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    /// The name of the account.
    name: String,
    /// Its password.
    #[schema(value_type = String)]
    password: Typed,
}

/// The token of a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkToken {
    /// `token` of the link's address.
    #[schema(value_type = String)]
    token: Typed,
}

/// For whom a link is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct LinkOwner {
    /// The name it was made for.
    person: String,
}

/// The token of a link, and what the account is to be called and its password to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// `token` of the link's address.
    #[schema(value_type = String)]
    token: Typed,
    /// The name of the account, as the audit will have it.
    name: String,
    /// Its password: 12 to 256 characters, not the name of the account or of the library.
    #[schema(value_type = String)]
    password: Typed,
}

/// For whom a link is to be made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInLinkRequest {
    /// The name in audit records. Default: that of the account, or `admin`.
    #[serde(default)]
    #[schema(required = false)]
    person: Option<String>,
}

/// What the page for signing in shows
#[utoipa::path(
    get, path = "/sign-in", tag = "people", security(()),
    responses((status = 200, description = "What it shows", body = Entrance), Problems)
)]
pub(super) async fn entrance(State(state): State<ApiState>) -> Json<Entrance> {
    Json(Entrance {
        library: state.library.name.clone(),
        has_password: state.people.has_password(),
    })
}

/// Sign in with name and password
#[utoipa::path(
    post, path = "/sign-in", tag = "people", request_body = Credentials, security(()),
    responses(
        (status = 204, description = "Signed in: the answer sets the session cookie"),
        (status = 429, description = "Too many attempts; `Retry-After` says how long to wait",
         body = super::problem::ProblemDocument, content_type = "application/problem+json"),
        Problems,
    )
)]
pub(super) async fn sign_in(
    State(state): State<ApiState>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(Credentials { name, password }): JsonBody<Credentials>,
) -> Result<Response, Problem> {
    from_here(&headers)?;
    let signing_in = state.people.sign_in(&name, password, peer.address);
    let session = signing_in.await?;
    Ok(signed_in(&state, peer, &session))
}

/// For whom a link is; looking spends nothing
#[utoipa::path(
    post, path = "/sign-in/link/look", tag = "people", request_body = LinkToken, security(()),
    responses((status = 200, description = "The link is good", body = LinkOwner), Problems)
)]
pub(super) async fn look_at_link(
    State(state): State<ApiState>,
    headers: HeaderMap,
    JsonBody(LinkToken { token }): JsonBody<LinkToken>,
) -> Result<Json<LinkOwner>, Problem> {
    from_here(&headers)?;
    let person = state.people.link_is_for(&token);
    let person = person.ok_or(PeopleError::LinkSpent)?;
    Ok(Json(LinkOwner { person }))
}

/// Sign in by a one-time link
#[utoipa::path(
    post, path = "/sign-in/link", tag = "people", request_body = LinkToken, security(()),
    responses(
        (status = 204, description = "Signed in: the answer sets the session cookie"),
        Problems,
    )
)]
pub(super) async fn sign_in_by_link(
    State(state): State<ApiState>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(LinkToken { token }): JsonBody<LinkToken>,
) -> Result<Response, Problem> {
    from_here(&headers)?;
    let session = state.people.sign_in_by_link(&token).await?;
    Ok(signed_in(&state, peer, &session))
}

/// Set the administrator's name and password by a one-time link, and sign in
///
/// There is one account: what was set before is replaced, and every other session ends.
#[utoipa::path(
    post, path = "/sign-in/password", tag = "people", request_body = NewPassword, security(()),
    responses(
        (status = 204, description = "Set, and signed in: the answer sets the session cookie"),
        Problems,
    )
)]
pub(super) async fn set_password(
    State(state): State<ApiState>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(request): JsonBody<NewPassword>,
) -> Result<Response, Problem> {
    from_here(&headers)?;
    let name = AccountName::read(&request.name).map_err(PeopleError::from)?;
    let setting = state
        .people
        .set_password(&request.token, name, request.password);
    let session = setting.await?;
    Ok(signed_in(&state, peer, &session))
}

/// Make a one-time sign-in link
#[utoipa::path(
    post, path = "/sign-in-links", tag = "people", request_body = SignInLinkRequest,
    responses((status = 201, description = "The link, shown once", body = SignInLink), Problems)
)]
pub(super) async fn make_link(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    peer: Peer,
    headers: HeaderMap,
    JsonBody(request): JsonBody<SignInLinkRequest>,
) -> Result<(StatusCode, Json<SignInLink>), Problem> {
    let name = request.person.as_deref().map(AccountName::read);
    let name = name
        .transpose()
        .map_err(|error| Problem::body("person", error.to_string()))?;
    let token = state.people.make_link(name, &caller.actor()).await?;
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let link = match host {
        Some(host) => format!("{}://{host}{}", peer.scheme.as_str(), sign_in_path(&token)),
        None => sign_in_path(&token),
    };
    Ok((StatusCode::CREATED, Json(SignInLink { link })))
}

/// Nobody is to be signed in by another site's page.
fn from_here(headers: &HeaderMap) -> Result<(), Problem> {
    match access::origin(headers) {
        Origin::Other => Err(access::cross_site()),
        Origin::Same | Origin::Unsaid => Ok(()),
    }
}

fn signed_in(state: &ApiState, peer: Peer, session: &Secret) -> Response {
    let cookie = state.cookie().set(peer.scheme, session);
    (StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response()
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        let told = error.to_string();
        match error {
            PeopleError::LinkSpent => Self::new(ProblemKind::LinkSpent, told),
            PeopleError::WrongPassword => Self::new(ProblemKind::WrongPassword, told),
            PeopleError::Held { wait } => Self::held(&told, wait),
            PeopleError::Name(_) => Self::body("name", told),
            PeopleError::Password(_) => Self::body("password", told),
            PeopleError::TokenTaken(_) | PeopleError::TokensFull { .. } => {
                Self::new(ProblemKind::Conflict, told)
            }
            PeopleError::UnknownToken(name) => Self::missing("token", name.as_str()),
            PeopleError::TokenScope { .. } => Self::new(ProblemKind::NotAllowed, told),
            PeopleError::TokenExpired => Self::body("expires", told),
            PeopleError::Interrupted => Self::new(ProblemKind::NotReady, told),
            PeopleError::Ledger(error) => error.into(),
        }
    }
}
