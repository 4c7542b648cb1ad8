//! Who asks, and whether that is allowed: a bearer token or a session cookie, and for changes by
//! cookie the proof that the page of this very site asks.

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::cookie::SessionCookie;
use super::peer::Peer;
use super::problem::{Problem, ProblemKind};
pub(super) use crate::people::{Caller, Means};
use crate::people::{People, Right};

/// What a route needs.
#[derive(Clone)]
pub(super) struct Guard {
    pub(super) people: People,
    pub(super) cookie: SessionCookie,
    pub(super) right: Right,
}

/// Lets through who has the right, and says to the handler who it is.
pub(super) async fn require(
    State(guard): State<Guard>,
    mut request: Request,
    next: Next,
) -> Response {
    match admitted(&guard, &request) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => {
            let signed_out = problem.kind() == ProblemKind::NotSignedIn;
            let mut response = problem.into_response();
            if signed_out {
                let bearer = HeaderValue::from_static("Bearer");
                response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            }
            response
        }
    }
}

fn admitted(guard: &Guard, request: &Request) -> Result<Caller, Problem> {
    let (method, headers) = (request.method(), request.headers());
    let scheme = Peer::of(request.extensions()).scheme;
    let caller = who(&guard.people, headers, guard.cookie.find(scheme, headers))?;
    let by_cookie = matches!(caller.means, Means::Session(_));
    if by_cookie && !method.is_safe() && origin(headers) != Origin::Same {
        return Err(cross_site());
    }
    if !caller.right.covers(guard.right) {
        let (who, own, needed) = (&caller.name, caller.right, guard.right);
        let detail = format!("{who} has the right to {own}; this needs the right to {needed}");
        return Err(Problem::new(ProblemKind::NotAllowed, detail));
    }
    Ok(caller)
}

/// A wrong token is told, also where a good cookie stands beside it.
fn who(people: &People, headers: &HeaderMap, session: Option<&str>) -> Result<Caller, Problem> {
    let not_signed_in = |detail: &str| Problem::new(ProblemKind::NotSignedIn, detail);
    if let Some(authorization) = headers.get(AUTHORIZATION) {
        let token = bearer(authorization)
            .ok_or_else(|| not_signed_in("expected Authorization: Bearer <token>"))?;
        return people
            .bearer(token)
            .ok_or_else(|| not_signed_in("this token is not good, or not any more"));
    }
    let session =
        session.ok_or_else(|| not_signed_in("send Authorization: Bearer <token>, or sign in"))?;
    people
        .session(session)
        .ok_or_else(|| not_signed_in("the session has ended; sign in again"))
}

fn bearer(authorization: &HeaderValue) -> Option<&str> {
    let (scheme, token) = authorization.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// What a browser says of where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// From a page of this site.
    Same,
    /// From elsewhere.
    Other,
    /// Nothing is said: no browser of these days.
    Unsaid,
}

/// Reads `Sec-Fetch-Site` and `Origin`; where both stand there, both must agree.
pub(super) fn origin(headers: &HeaderMap) -> Origin {
    let fetch = headers
        .get("sec-fetch-site")
        .map(|site| site == "same-origin");
    let origin = headers.get(ORIGIN).map(|origin| is_ours(origin, headers));
    match (fetch, origin) {
        (Some(false), _) | (_, Some(false)) => Origin::Other,
        (None, None) => Origin::Unsaid,
        (Some(true), _) | (_, Some(true)) => Origin::Same,
    }
}

fn is_ours(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(HOST).map(|it| it.to_str()))
    else {
        return false;
    };
    let without_scheme = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"));
    without_scheme.is_some_and(|it| it.eq_ignore_ascii_case(host))
}

/// The refusal of a request that another site caused.
pub(super) fn cross_site() -> Problem {
    Problem::new(
        ProblemKind::CrossSite,
        "a change by cookie must come from the page of this gateway",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_it_comes_from_here_comes_from_here() {
        for (said, expected) in [
            (vec![], Origin::Unsaid),
            (vec![("origin", "http://127.0.0.1:8080")], Origin::Same),
            (vec![("sec-fetch-site", "same-origin")], Origin::Same),
            (vec![("sec-fetch-site", "same-site")], Origin::Other),
            (vec![("sec-fetch-site", "none")], Origin::Other),
            (vec![("origin", "null")], Origin::Other),
            (vec![("origin", "http://127.0.0.1:8081")], Origin::Other),
            (vec![("origin", "http://evil.example")], Origin::Other),
            (
                vec![
                    ("origin", "http://127.0.0.1:8080"),
                    ("sec-fetch-site", "cross-site"),
                ],
                Origin::Other,
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("127.0.0.1:8080"));
            for (name, value) in &said {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(origin(&headers), expected, "{said:?}");
        }
    }
}
