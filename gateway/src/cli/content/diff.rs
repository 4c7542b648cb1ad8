//! `content diff`: what changed from one release to another.

use clap::Args;
use lujiang_content::Difference;
use lujiang_wire::{Label, Publication};
use serde_json::json;

use super::publish::shelved;
use crate::cli::access::Access;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::folder::Folder;
use crate::cli::printer::Printer;

/// `content diff …`
#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// The release before
    before: Label,
    /// The release after
    after: Label,
    /// Print {"added","removed","changed","same"}
    #[arg(long)]
    json: bool,
}

impl DiffArgs {
    pub(super) async fn perform(
        self,
        folder: &Folder,
        printer: &mut Printer,
    ) -> Result<Outcome, Failure> {
        let client = Access::running(folder).await?;
        let before = shelved(&client, self.before.as_str()).await?;
        let after = shelved(&client, self.after.as_str()).await?;
        let difference = Difference::between(&before, &after);
        match self.json {
            true => print_json(printer, &difference)?,
            false => print(printer, &difference)?,
        }
        Ok(Outcome::Done)
    }
}

fn print(printer: &mut Printer, difference: &Difference<'_>) -> anyhow::Result<()> {
    let row = |word: &str, title: &Publication, what: String| {
        let metadata = &title.metadata;
        [
            word.to_owned(),
            metadata.identifier.to_string(),
            metadata.title.to_string(),
            what,
        ]
    };
    let added = difference
        .added
        .iter()
        .map(|it| row("+", it, String::new()));
    let removed = difference
        .removed
        .iter()
        .map(|it| row("-", it, String::new()));
    let changed = difference.changed.iter().map(|(it, changes)| {
        let changes: Vec<_> = changes.iter().map(|it| it.as_str()).collect();
        row("~", it, changes.join(", "))
    });
    let rows: Vec<_> = added.chain(removed).chain(changed).collect();
    if !rows.is_empty() {
        printer.table(["", "identifier", "title", "changed"], &rows)?;
    }
    printer.line(format!(
        "{} added, {} removed, {} changed, {} the same",
        difference.added.len(),
        difference.removed.len(),
        difference.changed.len(),
        difference.same
    ))
}

fn print_json(printer: &mut Printer, difference: &Difference<'_>) -> anyhow::Result<()> {
    let title = |it: &Publication| json!({ "identifier": it.metadata.identifier, "title": it.metadata.title });
    let titles = |list: &[&Publication]| list.iter().map(|it| title(it)).collect::<Vec<_>>();
    let changed = difference.changed.iter().map(|(it, changes)| {
        let changes: Vec<_> = changes.iter().map(|it| it.as_str()).collect();
        json!({ "identifier": it.metadata.identifier, "title": it.metadata.title, "changes": changes })
    });
    printer.json(&json!({
        "added": titles(&difference.added),
        "removed": titles(&difference.removed),
        "changed": changed.collect::<Vec<_>>(),
        "same": difference.same,
    }))
}
