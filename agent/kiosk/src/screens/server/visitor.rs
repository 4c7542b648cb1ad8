//! Who asks: the session in its cookie, and the language chosen. Neither names anybody, and both
//! are forgotten when the reader leaves.

use axum::http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use axum::response::Response;
use lujiang_config::ScreenLanguage;

use crate::pages::words;
use crate::screens::desk::{Desk, random};
use crate::session::SessionId;

/// The cookie with the session.
const SESSION: &str = "kiosk-session";

/// The cookie with the language.
const LANGUAGE: &str = "kiosk-language";

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(super) struct Visitor {
    /// The session, as the browser names it; it may have ended.
    pub(super) session: Option<SessionId>,
    chosen: Option<ScreenLanguage>,
}

impl Visitor {
    /// As the headers of a request say.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let language = cookie(headers, LANGUAGE);
        let languages = [ScreenLanguage::Chinese, ScreenLanguage::English];
        let is_chosen = |it: &ScreenLanguage| language == Some(words::code(*it));
        Self {
            session: cookie(headers, SESSION).and_then(SessionId::read),
            chosen: languages.into_iter().find(is_chosen),
        }
    }

    /// The language of the pages.
    pub(super) fn language(&self, desk: &Desk) -> ScreenLanguage {
        self.chosen.unwrap_or(desk.section.language)
    }

    /// The session that is there, or a new one.
    pub(super) fn session(&self, desk: &Desk) -> SessionId {
        let known = self.session.clone().filter(|it| desk.is_there(it));
        known.unwrap_or_else(|| SessionId::new(random()))
    }
}

/// The browser keeps the session, for as long as it runs.
pub(super) fn remembering(session: &SessionId, response: Response) -> Response {
    with_cookie(
        response,
        &format!("{SESSION}={}; {LIMITS}", session.as_str()),
    )
}

/// The browser forgets who was here.
pub(super) fn forgetting(response: Response) -> Response {
    let response = with_cookie(response, &format!("{SESSION}=; Max-Age=0; {LIMITS}"));
    with_cookie(response, &format!("{LANGUAGE}=; Max-Age=0; {LIMITS}"))
}

/// The browser keeps the language; a word that is none changes nothing.
pub(super) fn speaking(language: &str, response: Response) -> Response {
    let languages = [ScreenLanguage::Chinese, ScreenLanguage::English];
    match languages
        .into_iter()
        .find(|it| words::code(*it) == language)
    {
        Some(language) => {
            let code = words::code(language);
            with_cookie(response, &format!("{LANGUAGE}={code}; {LIMITS}"))
        }
        None => response,
    }
}

const LIMITS: &str = "Path=/; HttpOnly; SameSite=Strict";

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    let cookie = HeaderValue::from_str(cookie).expect("letters, digits and signs");
    response.headers_mut().append(SET_COOKIE, cookie);
    response
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).into_iter();
    let mut pairs = all
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(';'));
    pairs.find_map(|pair| {
        let (its, value) = pair.trim().split_once('=')?;
        (its == name).then_some(value)
    })
}
