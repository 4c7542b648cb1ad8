//! The forms of block loans.

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use lujiang_wire::Label;
use serde::Deserialize;

use super::{Server, closed, look_at, nothing, shown};
use crate::bus_desk::attendant::{Ask, Confirmed};
use crate::bus_desk::block::{BlockAsked, BlockKind, DraftId};
use crate::bus_desk::page;
use crate::bus_desk::page::block::{BlockDesk, News, receipt_address};

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    kind: Option<String>,
    gone: Option<String>,
    undone: Option<String>,
}

/// The first page.
pub(super) async fn desk(
    State(server): State<Server>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let kind = asked.kind.as_deref().and_then(BlockKind::of_word);
    let desk = BlockDesk {
        out: server.lending.blocks_out(),
        has_bus_card: server.has_bus_card,
        kind: kind.unwrap_or(BlockKind::Lend),
        is_gone: asked.gone.is_some(),
        is_undone: asked.undone.is_some(),
    };
    let reading = server.reading(&headers);
    shown(page::block::page(&reading, &server.counter.shown(), &desk)).into_response()
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Listed {
    kind: String,
    card: String,
    list: String,
    block: String,
    draft: String,
    leave_out: String,
}

/// A list is looked at.
pub(super) async fn check(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(listed): Form<Listed>,
) -> Response {
    let Some(kind) = BlockKind::of_word(&listed.kind) else {
        return StatusCode::UNPROCESSABLE_ENTITY.into_response();
    };
    let asked = BlockAsked {
        kind,
        card: listed.card,
        list: listed.list,
        block: listed.block.parse().ok(),
        draft: listed.draft.parse().ok().map(DraftId),
        leave_out: !listed.leave_out.is_empty(),
    };
    let draft = server
        .counter
        .ask(|answer| Ask::Check(Box::new(asked), answer));
    match draft.await {
        Some(DraftId(draft)) => look_at(&format!("/blocks/draft/{draft}")),
        None => closed(&server, &headers),
    }
}

/// A list that was looked at.
pub(super) async fn draft(
    State(server): State<Server>,
    headers: HeaderMap,
    Path(draft): Path<u64>,
) -> Response {
    let draft = server
        .counter
        .ask(|answer| Ask::Draft(DraftId(draft), answer));
    let Some(draft) = draft.await else {
        return closed(&server, &headers);
    };
    // It was done, or the agent began again.
    let Some(draft) = draft else {
        return look_at("/blocks?gone=1");
    };
    let reading = server.reading(&headers);
    shown(page::block::draft(
        &reading,
        &server.counter.shown(),
        &draft,
    ))
    .into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct Confirming {
    draft: u64,
}

/// A list is done.
pub(super) async fn confirm(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(Confirming { draft }): Form<Confirming>,
) -> Response {
    let done = server
        .counter
        .ask(|answer| Ask::Confirm(DraftId(draft), answer));
    match done.await {
        None => closed(&server, &headers),
        Some(Confirmed::Done(block)) => {
            look_at(&format!("{}?new=1", receipt_address(block.as_str())))
        }
        Some(Confirmed::Refused(DraftId(draft))) => look_at(&format!("/blocks/draft/{draft}")),
        Some(Confirmed::Gone) => look_at("/blocks?gone=1"),
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Printed {
    new: Option<String>,
}

/// What was done, to be printed.
pub(super) async fn receipt(
    State(server): State<Server>,
    headers: HeaderMap,
    Path(block): Path<String>,
    Query(printed): Query<Printed>,
) -> Response {
    let Ok(block) = block.parse::<Label>() else {
        return nothing(State(server), headers).await;
    };
    let receipt = server
        .counter
        .ask(|answer| Ask::Receipt(block, answer))
        .await;
    let Some(receipt) = receipt else {
        return closed(&server, &headers);
    };
    let Some(receipt) = receipt else {
        return nothing(State(server), headers).await;
    };
    let reading = server.reading(&headers);
    let desk = server.counter.shown();
    let news = match printed.new {
        Some(_) => News::Done,
        None => News::None,
    };
    shown(page::block::receipt(&reading, &desk, &receipt, &news)).into_response()
}

#[derive(Deserialize)]
pub(super) struct Wrong {
    block: String,
    /// As read: it may be a reader's card, and then stands nowhere.
    code: String,
}

/// One item of a block was wrong. The answer is the page itself: an address would be remembered.
pub(super) async fn undo_item(
    State(server): State<Server>,
    headers: HeaderMap,
    Form(wrong): Form<Wrong>,
) -> Response {
    let Ok(block) = wrong.block.parse::<Label>() else {
        return nothing(State(server), headers).await;
    };
    let undone = server
        .counter
        .ask(|answer| Ask::UndoItem(block, wrong.code, answer));
    let Some(undone) = undone.await else {
        return closed(&server, &headers);
    };
    let Some(receipt) = undone.receipt else {
        // The block is none of ours any more; or, after a restart, that was the last of it.
        let gone = if undone.done.is_ok() {
            "undone"
        } else {
            "gone"
        };
        return look_at(&format!("/blocks?{gone}=1"));
    };
    let news = match undone.done {
        Ok(item) => News::Undone(item),
        Err(refused) => News::NotUndone(refused),
    };
    let reading = server.reading(&headers);
    let desk = server.counter.shown();
    shown(page::block::receipt(&reading, &desk, &receipt, &news)).into_response()
}
