//! A neighbour on the local network that has releases on board: the bus, while it stands here.

use std::sync::Arc;

use tokio::sync::watch;

use crate::source::Source;

/// The neighbour. It is believed no more than any other source, and it can do no harm: what it has
/// that does not hold is as if it had nothing.
#[derive(Debug, Clone)]
pub struct Neighbour {
    /// What it has on board; nothing while it is away.
    pub source: Arc<dyn Source>,
    /// Whether it is there.
    pub present: watch::Receiver<bool>,
}

impl Neighbour {
    /// Whether it is there now.
    pub(crate) fn is_present(&self) -> bool {
        *self.present.borrow()
    }
}

/// The neighbour, to be told when it comes or goes from now on.
pub(crate) fn watched(neighbour: Option<&Neighbour>) -> Option<Neighbour> {
    let mut neighbour = neighbour.cloned()?;
    neighbour.present.mark_unchanged();
    Some(neighbour)
}

/// Waits until the neighbour comes or goes; for ever where there is none.
pub(crate) async fn comes_or_goes(neighbour: &mut Option<Neighbour>) {
    let moved = match neighbour {
        Some(neighbour) => neighbour.present.changed().await.is_ok(),
        None => false,
    };
    if !moved {
        std::future::pending::<()>().await;
    }
}
