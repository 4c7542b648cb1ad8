//! The desk's forms: scans, keys, opening and closing a stop, the language.

use axum::extract::{Form, Query, State};
use axum::http::header::{COOKIE, HOST, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lujiang_config::DeskLanguage;
use lujiang_wire::{Label, StopClosed, StopOpened};
use serde::Deserialize;

use super::{Server, closed, look_at, shown};
use crate::bus_desk::attendant::{Ask, new_name};
use crate::bus_desk::desk::LineId;
use crate::bus_desk::page;
use crate::bus_desk::page::close::CloseForm;
use crate::bus_desk::page::open::OpenForm;
use crate::bus_desk::scan::{Command, normalise};
use crate::bus_desk::words;
use crate::lending::Refused;

/// More volumes than a bus carries, more people than a village has.
const COUNT_MAX: u64 = 1_000_000;

/// The cookie that remembers the language.
const LANGUAGE: &str = "language";

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    plan: Option<String>,
    closed: Option<String>,
}

/// The desk, or the form that opens a stop.
pub(super) async fn desk(
    State(server): State<Server>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let reading = server.reading(&headers);
    let desk = server.counter.shown();
    let Some(stop) = &desk.stop else {
        let plan = asked.plan.unwrap_or_default();
        let planned = desk.planned.iter().find(|it| it.stop.as_str() == plan);
        let form = planned.map(OpenForm::of).unwrap_or_default();
        let page = page::open::page(&reading, &desk, &form, asked.closed.is_some());
        return shown(page).into_response();
    };
    shown(page::desk::page(&reading, &desk, stop)).into_response()
}

#[derive(Deserialize)]
pub(super) struct Scanned {
    code: String,
}

/// One scan.
pub(super) async fn scan(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(Scanned { code }): Form<Scanned>,
) -> Response {
    let done = server.counter.ask(|answer| Ask::Scan(code, answer)).await;
    done.map_or_else(|| closed(&server, &headers), |()| look_at("/"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Pressed {
    command: String,
}

/// One key.
pub(super) async fn command(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(Pressed { command }): Form<Pressed>,
) -> Response {
    let known = Command::ALL.into_iter().find(|it| it.code() == command);
    let Some(command) = known else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let done = server.counter.ask(|answer| Ask::Command(command, answer));
    done.await
        .map_or_else(|| closed(&server, &headers), |()| look_at("/"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Line {
    line: u64,
}

/// One line is undone.
pub(super) async fn undo(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(Line { line }): Form<Line>,
) -> Response {
    let done = server.counter.ask(|answer| Ask::Undo(LineId(line), answer));
    done.await
        .map_or_else(|| closed(&server, &headers), |()| look_at("/"))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Opening {
    plan: String,
    place: String,
    unit: String,
    occasion: String,
    volumes: String,
}

/// A stop begins.
pub(super) async fn open(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(opening): Form<Opening>,
) -> Response {
    let reading = server.reading(&headers);
    let labels = reading.labels();
    let stop = match stop_of(&server, &opening) {
        Ok(stop) => stop,
        Err(field) => {
            let expected = match field {
                "volumes" => labels.not_a_number,
                _ => labels.not_a_label,
            };
            return opening_again(&server, &headers, opening, Some((field, expected)), None);
        }
    };
    match server.counter.ask(|answer| Ask::Open(stop, answer)).await {
        None => closed(&server, &headers),
        // Opened in another window: there it is.
        Some(Ok(()) | Err(Refused::StopOpen)) => look_at("/"),
        Some(Err(refused)) => opening_again(&server, &headers, opening, None, Some(refused)),
    }
}

fn opening_again(
    server: &Server,
    headers: &HeaderMap,
    opening: Opening,
    wrong: Option<(&'static str, &'static str)>,
    refused: Option<Refused>,
) -> Response {
    let reading = server.reading(headers);
    let form = OpenForm {
        plan: opening.plan,
        place: opening.place,
        unit: opening.unit,
        occasion: opening.occasion,
        volumes: opening.volumes,
        wrong,
        refused: refused.map(|refused| words::why(reading.language, refused)),
    };
    let page = page::open::page(&reading, &server.counter.shown(), &form, false);
    (StatusCode::UNPROCESSABLE_ENTITY, shown(page)).into_response()
}

/// The stop as it stands in its fact; the error is the field that is wrong. A planned stop keeps
/// its name once; whatever is opened again has another.
fn stop_of(server: &Server, opening: &Opening) -> Result<StopOpened, &'static str> {
    let planned = server.counter.shown();
    let planned = planned
        .planned
        .iter()
        .find(|it| it.stop.as_str() == opening.plan);
    let label = |field: &'static str, text: &str| -> Result<Option<Label>, &'static str> {
        let text = normalise(text);
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| field)
    };
    Ok(StopOpened {
        stop: planned.map_or_else(|| new_name("stop-"), |planned| planned.stop.clone()),
        place: label("place", &opening.place)?.ok_or("place")?,
        unit: label("unit", &opening.unit)?,
        occasion: label("occasion", &opening.occasion)?,
        volumes: count(&opening.volumes).map_err(|()| "volumes")?,
    })
}

/// The form that closes the stop.
pub(super) async fn closing(State(server): State<Server>, headers: HeaderMap) -> Response {
    let desk = server.counter.shown();
    let Some(stop) = &desk.stop else {
        return look_at("/");
    };
    let volumes = stop.opened.volumes.map(|volumes| volumes.to_string());
    let form = CloseForm {
        volumes: volumes.unwrap_or_default(),
        ..CloseForm::default()
    };
    let reading = server.reading(&headers);
    shown(page::close::page(&reading, &desk, stop, &form)).into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Closing {
    /// The stop the page was made for.
    stop: String,
    participants: String,
    volumes: String,
}

/// The stop ends.
pub(super) async fn close(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(Closing {
        stop: of,
        participants,
        volumes,
    }): Form<Closing>,
) -> Response {
    let desk = server.counter.shown();
    let Some(stop) = &desk.stop else {
        return look_at("/");
    };
    // Another was opened in another window since: who came there is not asked of this one.
    if stop.opened.stop.as_str() != of {
        return look_at("/close");
    }
    let again = |wrong, refused: Option<Refused>| {
        let reading = server.reading(&headers);
        let form = CloseForm {
            participants: participants.clone(),
            volumes: volumes.clone(),
            wrong,
            refused: refused.map(|refused| words::why(reading.language, refused)),
        };
        let page = page::close::page(&reading, &desk, stop, &form);
        (StatusCode::UNPROCESSABLE_ENTITY, shown(page)).into_response()
    };
    let Ok(came) = count(&participants) else {
        return again(Some("participants"), None);
    };
    let Ok(carried) = count(&volumes) else {
        return again(Some("volumes"), None);
    };
    let end = StopClosed {
        stop: stop.opened.stop.clone(),
        participants: came,
        volumes: carried.filter(|_| carried != stop.opened.volumes),
    };
    match server.counter.ask(|answer| Ask::Close(end, answer)).await {
        None => closed(&server, &headers),
        Some(Ok(())) => look_at("/?closed=1"),
        // Closed in another window.
        Some(Err(Refused::NoStopOpen)) => look_at("/"),
        Some(Err(refused)) => again(None, Some(refused)),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Spoken {
    language: String,
}

/// Remembers the language for a year, and shows the same page again.
pub(super) async fn language(
    headers: HeaderMap,
    Form(Spoken { language }): Form<Spoken>,
) -> Response {
    let Some(language) = of_word(&language) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let word = words::choose(language, "zh", "en");
    let cookie = format!("{LANGUAGE}={word}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly");
    ([(SET_COOKIE, cookie)], look_at(&came_from(&headers))).into_response()
}

/// The language somebody chose.
pub(super) fn language_of(headers: &HeaderMap) -> Option<DeskLanguage> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let cookies = cookies
        .split(';')
        .filter_map(|cookie| cookie.trim().split_once('='));
    let mut found = cookies.filter(|(name, _)| *name == LANGUAGE);
    of_word(found.next()?.1)
}

fn of_word(word: &str) -> Option<DeskLanguage> {
    match word {
        "zh" => Some(DeskLanguage::Chinese),
        "en" => Some(DeskLanguage::English),
        _ => None,
    }
}

/// The path of our page that a form stood on. A page that was the answer to a form is shown anew.
fn came_from(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
    let path = text(REFERER).zip(text(HOST)).and_then(|(referer, host)| {
        let path = referer.strip_prefix("http://")?.strip_prefix(host)?;
        path.starts_with('/').then(|| path.to_owned())
    });
    match path.as_deref() {
        None | Some("/open" | "/scan" | "/command" | "/undo") => "/".to_owned(),
        Some("/blocks/undo" | "/blocks/confirm") => "/blocks".to_owned(),
        Some(path) => path.to_owned(),
    }
}

/// A count as typed; none where nothing was.
fn count(text: &str) -> Result<Option<u64>, ()> {
    let text = normalise(text);
    if text.is_empty() {
        return Ok(None);
    }
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    let count = text
        .parse()
        .ok()
        .filter(|count| is_whole && *count <= COUNT_MAX);
    count.map(Some).ok_or(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_bounded_and_may_be_left_out() {
        assert_eq!(count(" "), Ok(None));
        assert_eq!(count("３２０"), Ok(Some(320)));
        assert_eq!(count("0"), Ok(Some(0)));
        assert_eq!(count("1000000"), Ok(Some(1_000_000)));
        for wrong in ["-1", "+1", "1.5", "1000001", "许多", "99999999999999999999"] {
            assert_eq!(count(wrong), Err(()), "{wrong}");
        }
    }

    #[test]
    fn a_form_leads_back_to_a_page_of_ours_only() {
        let path = |referer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "127.0.0.1:8090".parse().unwrap());
            headers.insert(REFERER, referer.parse().unwrap());
            came_from(&headers)
        };
        assert_eq!(
            path("http://127.0.0.1:8090/blocks?kind=load"),
            "/blocks?kind=load"
        );
        assert_eq!(path("http://127.0.0.1:8090/open"), "/");
        assert_eq!(path("http://127.0.0.1:8090/blocks/undo"), "/blocks");
        for elsewhere in [
            "http://evil.example/",
            "http://127.0.0.1:8090.evil/",
            "//evil/",
            "",
        ] {
            assert_eq!(path(elsewhere), "/", "{elsewhere}");
        }
        assert_eq!(came_from(&HeaderMap::new()), "/");
    }
}
