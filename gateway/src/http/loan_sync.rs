//! `GET /api/v1/sync`: how far each device's facts have come, to here and to the library system.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use lujiang_wire::{DeviceId, LinkState};
use utoipa::IntoParams;

use super::parameters::Parameters;
use super::problem::{Problem, Problems};
use super::{ApiState, blocking};
use crate::loans::dto::{SyncPage, SyncRow};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct NoParams {}

/// What each device has yet to send, and what the library system has yet to hear of it
#[utoipa::path(
    get, path = "/sync", tag = "loans",
    responses((status = 200, description = "By device", body = SyncPage), Problems)
)]
pub(super) async fn sync(
    State(state): State<ApiState>,
    uri: Uri,
) -> Result<Json<SyncPage>, Problem> {
    Parameters::of::<NoParams>(&uri)?;
    let devices = blocking(move || {
        let devices = state.registry.devices().into_iter();
        let rows = devices.map(|device| state.sync_row(&device.id));
        rows.collect::<Result<Vec<_>, Problem>>()
    })
    .await??;
    Ok(Json(SyncPage { devices }))
}

impl ApiState {
    fn sync_row(&self, device: &DeviceId) -> Result<SyncRow, Problem> {
        let contact = self.presence.of(device);
        let (at_desk, oldest) = self.loans.waiting_of(device)?;
        let receipts = self.store.receipts(device)?;
        let mut waiting = BTreeMap::new();
        if let Some(written) = &contact.written {
            let here = receipts.filter(|receipts| receipts.epoch == written.epoch);
            for (stream, last) in &written.streams {
                let through = here.as_ref().and_then(|it| it.streams.get(stream));
                let missing = last.saturating_sub(through.copied().unwrap_or(0));
                waiting.insert(stream.as_str().to_owned(), missing);
            }
        }
        let aboard = contact
            .oldest
            .filter(|_| waiting.values().any(|&it| it > 0));
        Ok(SyncRow {
            device: device.to_string(),
            link: match contact.link {
                LinkState::Online => "online",
                LinkState::Offline => "offline",
                LinkState::Unknown => "unknown",
            }
            .to_owned(),
            last_contact: contact.last_contact,
            waiting,
            at_desk,
            oldest: [oldest, aboard].into_iter().flatten().min(),
        })
    }
}
