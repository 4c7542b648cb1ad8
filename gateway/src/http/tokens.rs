//! API tokens: made, listed, removed. Each has a scope, and is known in the audit by its name.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use super::ApiState;
use super::access::Caller;
use super::body::JsonBody;
use super::parameters::PathId;
use super::problem::{Problem, Problems};
use crate::people::dto::{IssuedToken, NewTokenRequest, TokenSummary, Tokens};

/// All API tokens, without their secrets
#[utoipa::path(
    get, path = "/tokens", tag = "people",
    responses((status = 200, description = "The tokens, by name", body = Tokens), Problems)
)]
pub(super) async fn tokens(State(state): State<ApiState>) -> Json<Tokens> {
    let tokens = state.people.tokens();
    let tokens = tokens.into_iter().map(TokenSummary::from).collect();
    Json(Tokens { tokens })
}

/// Make an API token; the answer holds it, once
#[utoipa::path(
    post, path = "/tokens", tag = "people", request_body = NewTokenRequest,
    responses((status = 201, description = "The token", body = IssuedToken), Problems)
)]
pub(super) async fn add_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<NewTokenRequest>,
) -> Result<(StatusCode, Json<IssuedToken>), Problem> {
    let token = request
        .new_token()
        .map_err(|error| Problem::body("scope", error.to_string()))?;
    let (token, secret) = state.people.add_token(token, &caller).await?;
    Ok((StatusCode::CREATED, Json(IssuedToken::of(token, &secret))))
}

/// Remove an API token; what it still does ends within seconds
#[utoipa::path(
    delete, path = "/tokens/{token}", tag = "people",
    params(("token" = String, Path, description = "Its name")),
    responses((status = 204, description = "Removed"), Problems)
)]
pub(super) async fn remove_token(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(name): PathId,
) -> Result<StatusCode, Problem> {
    state.people.remove_token(&name, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
