//! Which planned stops were opened here. The facts of a planned stop carry its name, and a name
//! is used once: whoever stops there again opens another. It is kept in a small file beside the
//! outbox; where that is lost, the papers' own list is all there is to go by.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use lujiang_wire::{Label, PlannedStop};
use serde::{Deserialize, Serialize};

use crate::durable_file;

/// The file in the data folder.
const NAME: &str = "bus-stops.json";

/// Names that are remembered: some years of stops, longer than any plan.
const OPENED_MAX: usize = 1_000;

/// The planned stops that were opened.
#[derive(Debug)]
pub(super) struct Plans {
    path: PathBuf,
    stored: Stored,
}

/// What stands in the file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    opened: Vec<Label>,
}

impl Plans {
    /// As they were left, with the stop that is open: a power cut may have come between its fact
    /// and the file.
    pub(super) fn load(data: &Path, open: Option<&Label>) -> Self {
        let path = data.join(NAME);
        let stored = read(&path).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error, "which stops were opened is not known");
            Stored::default()
        });
        let mut plans = Self { path, stored };
        plans.stored.opened.extend(open.cloned());
        plans
    }

    /// Those that were not opened yet.
    pub(super) fn left(&self, planned: Vec<PlannedStop>) -> Vec<PlannedStop> {
        let is_left = |plan: &PlannedStop| !self.stored.opened.contains(&plan.stop);
        planned.into_iter().filter(is_left).collect()
    }

    /// Remembers that one was opened; it is on disk when this returns.
    pub(super) async fn opened(&mut self, stop: Label) -> io::Result<()> {
        let opened = &mut self.stored.opened;
        if opened.len() == OPENED_MAX {
            opened.remove(0);
        }
        opened.push(stop);
        let text = serde_json::to_vec(&self.stored).map_err(io::Error::other)?;
        let path = self.path.clone();
        let written = tokio::task::spawn_blocking(move || durable_file::replace(&path, &text));
        written.await.map_err(io::Error::other)?
    }
}

fn read(path: &Path) -> io::Result<Stored> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Stored::default()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(name: &str) -> PlannedStop {
        PlannedStop {
            stop: name.parse().unwrap(),
            date: "2026-11-25".parse().unwrap(),
            unit: "实验小学".parse().unwrap(),
            occasion: None,
            place: "实验小学".parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn what_was_opened_is_planned_no_more_also_after_a_restart_and_beside_a_damaged_file() {
        let folder = tempfile::tempdir().unwrap();
        let left = |plans: &Plans| {
            let left = plans.left(vec![plan("a"), plan("b")]);
            left.into_iter()
                .map(|plan| plan.stop.to_string())
                .collect::<Vec<_>>()
        };
        let mut plans = Plans::load(folder.path(), None);
        assert_eq!(left(&plans), ["a", "b"]);
        plans.opened("a".parse().unwrap()).await.unwrap();
        assert_eq!(left(&plans), ["b"]);
        assert_eq!(left(&Plans::load(folder.path(), None)), ["b"]);
        let open = "b".parse().unwrap();
        assert!(left(&Plans::load(folder.path(), Some(&open))).is_empty());
        std::fs::write(folder.path().join(NAME), "{").unwrap();
        assert_eq!(left(&Plans::load(folder.path(), None)), ["a", "b"]);
    }
}
