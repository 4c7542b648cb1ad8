//! What the operator signed, taken whole or not at all: with its row, its audit record, and no
//! release that kiosks were offered made another.

use jiff::Timestamp;
use lujiang_content::{Offer, Repository};
use lujiang_wire::{Label, allotment_target, catalogue_target};
use rusqlite::Transaction;
use serde_json::json;

use super::{Audit, Content, ContentError, blocking};
use crate::registry::Actor;
use crate::store::content::{self as rows, ReleaseRow};

impl Content {
    /// Takes what the operator signed: the repository's beginning, or what follows.
    ///
    /// # Errors
    /// Where it does not hold, or what it names is not there.
    pub async fn publish(
        &self,
        offer: &Offer,
        given: &[Label],
        actor: &Actor,
    ) -> Result<u64, ContentError> {
        let _one = self.0.steps.lock().await;
        let now = self.0.clock.wall();
        let before = self.0.current.load_full();
        let following = match &before {
            None => {
                let begun = Repository::begin(offer, &self.0.keys, now).await?;
                // What a first state says is nothing; its document is there all the same.
                self.put_document(&lujiang_wire::Notices::default()).await?;
                begun
            }
            Some(before) => before.publish(offer, &self.0.keys, now).await?,
        };
        if let Some(before) = &before {
            stay_as_they_are(given, before, &following)?;
        }
        for needed in following.needed() {
            self.check(&needed).await?;
        }
        let rows = self
            .rows_of(before.as_deref(), &following, actor, now)
            .await?;
        let after = json!({ "revision": following.revision(), "releases": following.releases() });
        let audit = Audit {
            action: "content.publish",
            subject: "repository".to_owned(),
            before: before
                .map(|it| json!({ "revision": it.revision(), "releases": it.releases() })),
            after: Some(after),
        };
        let put =
            move |tx: &Transaction<'_>| rows.iter().try_for_each(|row| rows::put_release(tx, row));
        self.keep(following, Some((actor.clone(), audit)), put)
            .await
    }

    /// The rows of the releases that are new, changed or gone.
    async fn rows_of(
        &self,
        before: Option<&Repository>,
        following: &Repository,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<ReleaseRow>, ContentError> {
        let mut changed = Vec::new();
        for release in following.releases() {
            let name = catalogue_target(&release);
            let (old, new) = (
                before.and_then(|it| it.target(&name)),
                following.target(&name),
            );
            let Some(blob) = new.filter(|_| new != old) else {
                continue;
            };
            let catalogue = self.read_catalogue(&release, &blob).await?;
            let links = catalogue
                .publications
                .iter()
                .flat_map(|it| it.links.iter().chain(&it.images));
            changed.push(ReleaseRow {
                name: release.to_string(),
                published: now,
                actor: actor.as_str().to_owned(),
                titles: catalogue.publications.len() as u64,
                bytes: links.filter_map(|link| link.size).sum(),
                withdrawn: None,
            });
        }
        let kept = following.releases();
        let (store, gone) = (self.0.store.clone(), before.map(Repository::releases));
        let gone: Vec<Label> = gone
            .unwrap_or_default()
            .into_iter()
            .filter(|it| !kept.contains(it))
            .collect();
        if !gone.is_empty() {
            let known = blocking(move || store.read(rows::releases)).await?;
            let withdrawn = known
                .into_iter()
                .filter(|row| gone.iter().any(|it| it.as_str() == row.name));
            changed.extend(withdrawn.map(|row| ReleaseRow {
                withdrawn: Some(now),
                ..row
            }));
        }
        Ok(changed)
    }
}

/// A release that kiosks were offered stays what it is, or goes: they take none of the same name
/// again, and a rollout of it would be over at once.
fn stay_as_they_are(
    given: &[Label],
    before: &Repository,
    following: &Repository,
) -> Result<(), ContentError> {
    let kept = following.releases();
    let is_another = |release: &&Label| {
        let targets = [catalogue_target(release), allotment_target(release)];
        let mut targets = targets.iter();
        kept.contains(release) && targets.any(|it| before.target(it) != following.target(it))
    };
    match given.iter().find(is_another) {
        Some(release) => Err(ContentError::Given(release.clone())),
        None => Ok(()),
    }
}
