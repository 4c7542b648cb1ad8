//! `GET /api/v1/sites` and `PUT …/{site}`: names, opening hours, and today's figures.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::access::Caller;
use super::body::JsonBody;
use super::parameters::{Parameters, PathId};
use super::problem::{Problem, Problems};
use super::timespan::Timespan;
use super::visits::TotalRow;
use super::{ApiState, blocking};
use crate::places::{Places, Site};
use crate::registry::dto::{SiteRequest, SiteSummary};
use crate::views::report::{Bucket, VisitQuery};

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct NoParams {}

/// All sites.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Sites {
    sites: Vec<SiteRow>,
}

/// A site in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SiteRow {
    #[serde(flatten)]
    summary: SiteSummary,
    /// The devices that stand there now.
    devices: Vec<String>,
    /// Its visits of today; null while the figures are rebuilt.
    #[schema(required = true)]
    today: Option<TotalRow>,
}

/// All sites with today's figures
#[utoipa::path(
    get, path = "/sites", tag = "figures",
    responses((status = 200, description = "The sites", body = Sites), Problems)
)]
pub(super) async fn sites(State(state): State<ApiState>, uri: Uri) -> Result<Json<Sites>, Problem> {
    Parameters::of::<NoParams>(&uri)?;
    let places = state.registry.places();
    let sites = blocking(move || {
        let rows = places.sites.iter().map(|site| state.site_row(site));
        rows.collect::<Result<Vec<_>, Problem>>()
    })
    .await??;
    Ok(Json(Sites { sites }))
}

/// Name a site or set its opening hours; made where it is not known
#[utoipa::path(
    put, path = "/sites/{site}", tag = "registry",
    params(("site" = String, Path, description = "Its id")),
    request_body = SiteRequest,
    responses((status = 200, description = "The site as it is now", body = SiteSummary), Problems)
)]
pub(super) async fn set_site(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(id): PathId,
    JsonBody(request): JsonBody<SiteRequest>,
) -> Result<Json<SiteSummary>, Problem> {
    let change = request.change()?;
    state
        .registry
        .set_site(&id, change, &caller.actor())
        .await?;
    let places = state.registry.places();
    site(&places, &id)
        .map(|site| Json(site.summary()))
        .ok_or_else(|| Problem::missing("site", id.as_str()))
}

fn site<'a>(places: &'a Places, id: &crate::places::SiteId) -> Option<&'a Site> {
    places.sites.iter().find(|site| site.id == *id)
}

impl ApiState {
    fn site_row(&self, site: &Site) -> Result<SiteRow, Problem> {
        let now = self.clock.wall();
        let today = Timespan::read(None, None, now, &self.library.time_zone)?;
        let query = VisitQuery {
            site: Some(site.id.clone()),
            device: None,
            from: today.from,
            to: today.to,
            bucket: Bucket::Day,
        };
        let devices = self.registry.devices();
        let here = devices
            .iter()
            .filter(|it| it.site.as_ref() == Some(&site.id));
        Ok(SiteRow {
            summary: site.summary(),
            devices: here.map(|device| device.id.to_string()).collect(),
            today: match self.visit_report(&query) {
                Ok(report) => Some(TotalRow::of(&report.total)),
                Err(problem) if problem.is_not_ready() => None,
                Err(problem) => return Err(problem),
            },
        })
    }
}
