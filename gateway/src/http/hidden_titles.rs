//! `GET /api/v1/content/hidden`: the titles that are hidden, and which kiosks have said that they
//! hide them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use lujiang_wire::Label;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::{Problem, Problems};
use super::{ApiState, blocking};
use crate::places::DeviceKind;

/// The titles that are hidden.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HiddenTitles {
    /// Each of them, the latest first.
    hidden: Vec<HiddenRow>,
}

/// A title that is hidden.
#[derive(Debug, Serialize, ToSchema)]
struct HiddenRow {
    /// Its identifier.
    title: String,
    /// What it is called; null where no release has it any more.
    #[schema(required = true)]
    name: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Why.
    reason: String,
    /// Kiosks that have said that they hide it.
    confirmed: Vec<String>,
    /// Kiosks that have not, in this run of the gateway: it is told them at their next contact.
    waiting: Vec<String>,
}

/// The titles that are hidden, and which kiosks have confirmed it
#[utoipa::path(
    get, path = "/content/hidden", tag = "content",
    responses((status = 200, description = "The hidden titles", body = HiddenTitles), Problems)
)]
pub(super) async fn hidden(State(state): State<ApiState>) -> Result<Json<HiddenTitles>, Problem> {
    let content = state.content.clone();
    let said = blocking(move || Ok::<_, Problem>((content.said()?, content.hidden_since()?)));
    let (said, since) = said.await??;
    let names = match said.hidden.is_empty() {
        true => BTreeMap::new(),
        false => state.content.title_names().await?,
    };
    let kiosks = kiosks(&state);
    let row = |hidden: lujiang_wire::HiddenTitle| {
        let first = since.get(&hidden.title);
        // What was hidden before such things were noted: whoever has the newest has it.
        let newest = *state.content.revision().borrow();
        let first = first.copied().unwrap_or(newest);
        let (confirmed, waiting): (Vec<_>, Vec<_>) = kiosks
            .iter()
            .partition(|(_, heard)| heard.is_some_and(|it| it >= first));
        let ids = |part: Vec<&(String, Option<u64>)>| part.iter().map(|it| it.0.clone()).collect();
        HiddenRow {
            name: names.get(&hidden.title).map(Label::to_string),
            title: hidden.title.to_string(),
            since: hidden.since,
            reason: hidden.reason.to_string(),
            confirmed: ids(confirmed),
            waiting: ids(waiting),
        }
    };
    let mut hidden: Vec<HiddenRow> = said.hidden.into_iter().map(row).collect();
    hidden.sort_by_key(|it| std::cmp::Reverse(it.since));
    Ok(Json(HiddenTitles { hidden }))
}

/// The kiosks that may connect, and of which revision each says that it shows what is said.
fn kiosks(state: &ApiState) -> Vec<(String, Option<u64>)> {
    let devices = state.registry.devices();
    let kiosks = devices
        .into_iter()
        .filter(|it| it.enabled && it.kind == DeviceKind::Kiosk);
    let heard = kiosks.map(|kiosk| {
        let said = state.presence.of(&kiosk.id).reported;
        let content = said.and_then(|it| it.reported.content);
        (kiosk.id.to_string(), content.and_then(|it| it.notices))
    });
    heard.collect()
}
