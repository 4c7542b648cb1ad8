//! `GET /api/v1/views` and `POST …/rebuild`: how far the figures are, and folding them anew.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use tokio_util::task::TaskTracker;

use super::ApiState;
use super::access::Caller;
use super::problem::{Problem, ProblemKind, Problems};
use crate::registry::dto::{Rebuilding, ViewsState};

/// The rebuild under way, if there is one; the API joins it when it stops.
#[derive(Clone, Default)]
pub struct Rebuilds {
    under_way: Arc<Mutex<Option<Rebuilding>>>,
    tasks: TaskTracker,
}

impl Rebuilds {
    /// Waits until none is under way.
    pub(super) async fn settled(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn set(&self, rebuilding: Option<Rebuilding>) {
        *self.lock() = rebuilding;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Rebuilding>> {
        // What is kept here is whole after each statement.
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the one place for a rebuild.
    fn begin(&self) -> bool {
        let mut under_way = self.lock();
        let is_free = under_way.is_none();
        under_way.get_or_insert(Rebuilding { done: 0, total: 0 });
        is_free
    }
}

/// The one place for a rebuild; free again however the rebuild ends.
struct Place(Rebuilds);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

/// How far the figures are
#[utoipa::path(
    get, path = "/views", tag = "figures",
    responses((status = 200, description = "How far", body = ViewsState), Problems)
)]
pub(super) async fn views(State(state): State<ApiState>) -> Json<ViewsState> {
    Json(ViewsState {
        folded: state.views.folded().borrow().0,
        head: state.store.head_watch().borrow().number.0,
        rebuilds: state.views.rebuilds(),
        rebuilding: state.rebuilds.lock().clone(),
    })
}

/// Fold all figures anew from the ledger; the present ones are served meanwhile
#[utoipa::path(
    post, path = "/views/rebuild", tag = "figures",
    responses(
        (status = 202, description = "Begun; GET /api/v1/views tells how far it is"),
        (status = 409, description = "One is under way"),
        Problems,
    )
)]
pub(super) async fn rebuild(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    if !state.rebuilds.begin() {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "the figures are being rebuilt; GET /api/v1/views tells how far it is",
        ));
    }
    let actor = caller.actor();
    let recorded = state.registry.audit("views.rebuild", "views", &actor).await;
    if let Err(error) = recorded {
        state.rebuilds.set(None);
        return Err(error.into());
    }
    let (rebuilds, tasks) = (state.rebuilds.clone(), state.rebuilds.tasks.clone());
    tasks.spawn_blocking(move || {
        let place = Place(rebuilds);
        let rebuilt = state.views.rebuild(&mut |done, total| {
            place.0.set(Some(Rebuilding { done, total }));
        });
        if let Err(error) = rebuilt {
            tracing::error!(%error, "rebuilding the views failed");
        }
    });
    Ok(StatusCode::ACCEPTED)
}
