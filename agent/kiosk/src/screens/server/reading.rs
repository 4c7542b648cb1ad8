//! Reading a book: opening it, turning to another of its documents, closing it.

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use lujiang_wire::Label;
use serde::Deserialize;

use super::visitor::{self, Visitor};
use super::{Server, act_of, denied};
use crate::book_view::BookView;
use crate::pages::reader::{BookKind, OpenPage};
use crate::pages::{self, in_address};
use crate::screens::desk::{Denied, Opened};
use crate::screens::letters::Letters;
use crate::session::SessionId;
use crate::usage::Act;

#[derive(Debug, Deserialize)]
pub(super) struct OpenForm {
    title: String,
}

/// Where in the book, and how.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Turn {
    document: Option<usize>,
    letters: Option<usize>,
    at: Option<String>,
}

/// `POST /read`: opens a title. That is a request, and counted before the book is shown.
pub(super) async fn open(
    State(server): State<Server>,
    visitor: Visitor,
    Form(form): Form<OpenForm>,
) -> Response {
    let Ok(id) = form.title.parse::<Label>() else {
        return denied(&server, &visitor, &Denied::Absent);
    };
    let desk = &server.desk;
    let session = visitor.session(desk);
    let display = desk.shelf().now();
    let opened = match desk.title(&display, &id) {
        Ok(title) => desk.open(&session, &title, visitor.language(desk)).await,
        Err(why) => Err(why),
    };
    if let Some(act) = act_of(&opened, Act::Request) {
        desk.count(&session, &id, act).await;
    }
    let response = match opened {
        Ok(()) => Redirect::to("/read").into_response(),
        Err(why) => {
            if let Denied::Unreadable(error) = &why {
                let error: &dyn std::error::Error = error;
                tracing::warn!(title = %id, error, "a book cannot be opened");
            }
            denied(&server, &visitor, &why)
        }
    };
    visitor::remembering(&session, response)
}

/// `GET /read`: the book that is open.
pub(super) async fn page(
    State(server): State<Server>,
    visitor: Visitor,
    Query(turn): Query<Turn>,
) -> Response {
    let Some((session, title, _)) = open_book(&server, &visitor) else {
        return closed(&server, &visitor);
    };
    server.desk.turn(&session, |open| {
        if let Some(letters) = turn.letters.and_then(Letters::of_step) {
            open.letters = letters;
        }
        let documents = open.view.documents();
        if let Some(document) = turn.document.filter(|it| *it < documents) {
            open.document = document;
        }
    });
    let Some((_, _, open)) = open_book(&server, &visitor) else {
        return closed(&server, &visitor);
    };
    let display = server.desk.shelf().now();
    let title = name(&display, &title);
    let open = open_page(&server, &open, &title, turn.at.as_deref());
    let page = server.page(&visitor, |view| pages::reader::page(view, &open));
    page.into_response()
}

/// `GET /read/contents`
pub(super) async fn contents(State(server): State<Server>, visitor: Visitor) -> Response {
    let Some((_, title, open)) = open_book(&server, &visitor) else {
        return closed(&server, &visitor);
    };
    let display = server.desk.shelf().now();
    let title = name(&display, &title);
    match &*open.view {
        BookView::Epub(epub) => server
            .page(&visitor, |view| {
                pages::contents::page(view, &title, epub.contents(), open.document)
            })
            .into_response(),
        BookView::Pdf(_) => Redirect::to("/read").into_response(),
    }
}

/// `GET /read/previous`: where the document before the one that is read now stands.
pub(super) async fn previous(State(server): State<Server>, visitor: Visitor) -> Response {
    beside(&server, &visitor, |document| document.checked_sub(1))
}

/// `GET /read/next`
pub(super) async fn next(State(server): State<Server>, visitor: Visitor) -> Response {
    beside(&server, &visitor, |document| document.checked_add(1))
}

/// It only says where to look, so that reloading the page turns nothing.
fn beside(
    server: &Server,
    visitor: &Visitor,
    step: impl FnOnce(usize) -> Option<usize>,
) -> Response {
    let Some((_, _, open)) = open_book(server, visitor) else {
        return closed(server, visitor);
    };
    let document = step(open.document).filter(|it| *it < open.view.documents());
    let document = document.unwrap_or(open.document);
    Redirect::to(&format!("/read?document={document}")).into_response()
}

/// `POST /close`: back to the shelf; the session goes on.
pub(super) async fn close(State(server): State<Server>, visitor: Visitor) -> Response {
    if let Some(session) = &visitor.session {
        server.desk.close(session);
    }
    Redirect::to("/").into_response()
}

fn open_book(server: &Server, visitor: &Visitor) -> Option<(SessionId, Label, Opened)> {
    let session = visitor.session.clone()?;
    let (title, open) = server.desk.open_book(&session)?;
    Some((session, title, open))
}

/// No book is open: the licence of the one that was is over, or the reader has gone.
fn closed(server: &Server, visitor: &Visitor) -> Response {
    let lives = visitor.session.as_ref();
    let lives = lives.is_some_and(|session| server.desk.was_ended(session));
    if lives {
        denied(server, visitor, &Denied::Lapsed)
    } else {
        Redirect::to("/").into_response()
    }
}

fn name(display: &crate::shelf::OnDisplay, id: &Label) -> String {
    let mut titles = display.titles.iter().map(|it| &it.publication.metadata);
    let title = titles.find(|it| it.identifier == *id);
    title.map_or(String::new(), |it| it.title.to_string())
}

fn open_page<'a>(server: &Server, open: &Opened, title: &'a str, at: Option<&str>) -> OpenPage<'a> {
    let books = server.desk.addresses.books;
    let (key, letters) = (&open.key, open.letters);
    let (address, kind) = match &*open.view {
        BookView::Epub(epub) => {
            let name = epub.spine().get(open.document).map_or("", String::as_str);
            let path: Vec<String> = name.split('/').map(in_address).collect();
            let at = at.map(|at| format!("#{}", in_address(at)));
            let (path, at) = (path.join("/"), at.unwrap_or_default());
            // The step stands in the address so that the frame loads anew with another size.
            let step = letters.step();
            (format!("{path}?letters={step}{at}"), BookKind::Epub)
        }
        BookView::Pdf(_) => {
            // The number before the fragment, so that the frame loads anew with another page.
            let page = open.document + 1;
            let view = format!("page={page}&toolbar=0&navpanes=0&view=Fit");
            (format!("book.pdf?{page}#{view}"), BookKind::Pdf)
        }
    };
    OpenPage {
        title,
        address: format!("http://{books}/{key}/{address}"),
        kind,
        document: open.document,
        documents: open.view.documents(),
        letters,
    }
}
