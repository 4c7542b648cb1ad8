//! `/problems` and `/problems/<sort>`: what a problem is and what to do about it, where the
//! `type` of a problem document leads. A page for a browser, JSON for everybody else.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;

use super::problem::{Problem, ProblemKind};

/// The looks of these pages: within the content security policy, so not in the page itself.
const STYLE: &str = "\
:root { color-scheme: light dark; }
body { max-width: 40rem; margin: 64px auto; padding: 0 24px; font: 16px/24px system-ui, sans-serif; }
h1 { font-size: 24px; line-height: 32px; }
dt { font-weight: 600; margin-top: 16px; }
dd { margin: 0; }
";

/// What is told of a sort of problem.
#[derive(Serialize)]
struct Sort {
    /// As in problem documents.
    r#type: String,
    status: u16,
    title: &'static str,
    /// What to do about it.
    remedy: &'static str,
}

/// The routes; they hold nothing of the library, so whoever reaches the port may read them.
pub(super) fn router() -> Router {
    Router::new()
        .route("/problems", get(all))
        .route("/problems/style.css", get(style))
        .route("/problems/{sort}", get(one))
}

async fn all(headers: HeaderMap) -> Response {
    let sorts: Vec<Sort> = ProblemKind::ALL.map(Sort::of).into();
    match wants_page(&headers) {
        true => page("Problems", &sorts),
        false => ([(VARY, "accept")], Json(sorts)).into_response(),
    }
}

async fn one(Path(sort): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let kind = ProblemKind::ALL
        .into_iter()
        .find(|kind| kind.slug() == sort);
    let sort = Sort::of(kind.ok_or_else(|| Problem::missing("sort of problem", &sort))?);
    Ok(match wants_page(&headers) {
        true => page(sort.title, std::slice::from_ref(&sort)),
        false => ([(VARY, "accept")], Json(sort)).into_response(),
    })
}

async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// Browsers name HTML before anything else.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Every text in it is ours, so nothing needs escaping.
fn page(title: &str, sorts: &[Sort]) -> Response {
    let rows = sorts.iter().map(|sort| {
        let (kind, status, title) = (&sort.r#type, sort.status, sort.title);
        let remedy = sort.remedy;
        format!("<dt>{title} ({status})</dt><dd><code>{kind}</code></dd><dd>{remedy}</dd>")
    });
    let rows: String = rows.collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><link rel=\"icon\" href=\"/favicon.svg\">\
         <link rel=\"stylesheet\" href=\"/problems/style.css\"></head>\
         <body><main><h1>{title}</h1><dl>{rows}</dl></main></body></html>"
    );
    ([(VARY, "accept")], Html(html)).into_response()
}

impl Sort {
    fn of(kind: ProblemKind) -> Self {
        Self {
            r#type: format!("/problems/{}", kind.slug()),
            status: kind.status().as_u16(),
            title: kind.title(),
            remedy: kind.remedy(),
        }
    }
}
