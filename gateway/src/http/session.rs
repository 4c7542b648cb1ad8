//! Signing in by a one-time link, signing out, and who is signed in.
//!
//! Opening a link shows a page with one button: a mail program or a browser that looks ahead
//! must not spend it. Signing in goes on when its audit record cannot be written, because a full
//! disk is exactly what somebody has to come and look at; the log has it then.

use axum::extract::{Form, Query, State};
use axum::http::header::{HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ApiState;
use super::access::{self, Caller, Means, Origin};
use super::body::JsonBody;
use super::peer::Peer;
use super::problem::{Problem, Problems};
use super::timespan;
use crate::people::{Person, Role, sign_in_path};
use crate::registry::Actor;
use crate::registry::dto::SignInLink;

/// Longest name of a person, in characters.
const NAME_MAX: usize = 80;

/// Who is signed in, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Session {
    /// Who.
    person: String,
    /// What this person may do.
    role: &'static str,
    /// The name of the library.
    library: String,
    /// The time zone in which days are cut.
    #[schema(example = "Asia/Shanghai")]
    zone: String,
    /// The gateway's time, with the library's offset.
    #[schema(format = DateTime)]
    now: String,
}

/// For whom a link is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInLinkRequest {
    /// The name in audit records. Default: `admin`.
    #[serde(default)]
    #[schema(required = false)]
    person: Option<String>,
}

/// The token in the address of a link, and in the form of its page.
#[derive(Deserialize)]
pub(super) struct LinkToken {
    #[serde(default)]
    token: String,
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
        person: caller.person.name,
        role: caller.person.role.as_str(),
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
    if let Means::Session(session) = &caller.means {
        state.people.sign_out(session);
        record(&state, "person.sign-out", &caller.person.name).await;
    }
    let gone = state.cookie().withdraw(peer.scheme);
    (StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response()
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
    let name = request.person.unwrap_or_else(|| "admin".to_owned());
    let is_name = (1..=NAME_MAX).contains(&name.chars().count());
    if !is_name || name.chars().any(char::is_control) {
        return Err(Problem::body(
            "person",
            "expected a name of 1 to 80 characters",
        ));
    }
    let actor = caller.actor();
    state.registry.audit("person.link", &name, &actor).await?;
    let token = state.people.make_link(Person {
        name,
        role: Role::Admin,
    });
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let link = match host {
        Some(host) => format!("{}://{host}{}", peer.scheme.as_str(), sign_in_path(&token)),
        None => sign_in_path(&token),
    };
    Ok((StatusCode::CREATED, Json(SignInLink { link })))
}

/// The page of a link; looking at it spends nothing.
pub(super) async fn sign_in_page(
    State(state): State<ApiState>,
    Query(LinkToken { token }): Query<LinkToken>,
) -> Response {
    if !is_token(&token) {
        return spent();
    }
    let library = escaped(&state.library.name);
    page(
        StatusCode::OK,
        &format!(
            "<h1>{library}</h1>\
             <form method=\"post\" action=\"/sign-in\">\
             <input type=\"hidden\" name=\"token\" value=\"{token}\">\
             <button autofocus style=\"font-size:20px;padding:12px 32px\">登录 Sign in</button>\
             </form>\
             <p>此链接只能使用一次。 This link works once.</p>"
        ),
    )
}

/// Spends a link.
pub(super) async fn sign_in(
    State(state): State<ApiState>,
    peer: Peer,
    headers: HeaderMap,
    Form(LinkToken { token }): Form<LinkToken>,
) -> Response {
    // Nobody is to be signed in by another site's form.
    if access::origin(&headers) == Origin::Other {
        return access::cross_site().into_response();
    }
    let Some((session, person)) = state.people.sign_in(&token) else {
        return spent();
    };
    record(&state, "person.sign-in", &person.name).await;
    let cookie = state.cookie().set(peer.scheme, &session);
    let head = [(SET_COOKIE, cookie), (LOCATION, "/".to_owned())];
    (StatusCode::SEE_OTHER, head).into_response()
}

async fn record(state: &ApiState, action: &'static str, person: &str) {
    let actor = Actor::named(person);
    if let Err(error) = state.registry.audit(action, person, &actor).await {
        tracing::warn!(action, person, %error, "no audit record could be written");
    }
}

fn spent() -> Response {
    page(
        StatusCode::FORBIDDEN,
        "<h1>此链接已失效</h1>\
         <p>链接只能使用一次，并会过期。请在网关所在的机器上运行 \
         <code>lujiang-gateway sign-in</code> 取得新链接。</p>\
         <h1>This link is not good any more</h1>\
         <p>A link works once and expires. Run <code>lujiang-gateway sign-in</code> on the \
         gateway's machine for a new one.</p>",
    )
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"robots\" content=\"noindex\"><title>登录 Sign in</title>\
         <link rel=\"icon\" href=\"/favicon.svg\">\
         <body style=\"font-family:system-ui,sans-serif;max-width:32em;margin:15vh auto;\
         padding:0 16px;text-align:center\"><main>{body}</main></body></html>"
    );
    (status, Html(html)).into_response()
}

/// Only what we make goes into the page.
fn is_token(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
