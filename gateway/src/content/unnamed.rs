//! Blobs that no release and no notice names any more, or yet. They stay for a while: a device
//! that began to fetch one gets the rest of it, and who brings a release in pieces brings no piece
//! twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lujiang_content::Repository;
use lujiang_wire::BlobHash;
use rusqlite::Transaction;

use super::{Content, ContentError, blocking};
use crate::store::content as rows;

/// What follows from one look at all blobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Look {
    /// Named by nobody from now on.
    unnamed: Vec<BlobHash>,
    /// Named again, or gone.
    settled: Vec<BlobHash>,
    /// Named by nobody for long enough.
    over: Vec<BlobHash>,
}

impl Look {
    /// `since` says of each blob that nobody named at the last look since when that is so.
    fn at(
        there: &BTreeMap<BlobHash, u64>,
        named: &BTreeSet<BlobHash>,
        since: &BTreeMap<BlobHash, Timestamp>,
        kept: Duration,
        now: Timestamp,
    ) -> Self {
        let mut look = Self::default();
        for blob in there.keys().filter(|blob| !named.contains(blob)) {
            let Some(since) = since.get(blob) else {
                look.unnamed.push(*blob);
                continue;
            };
            // A clock that was set back gives a negative time: then it has just begun.
            let so_long = Duration::try_from(now.duration_since(*since)).unwrap_or_default();
            if so_long >= kept {
                look.over.push(*blob);
            }
        }
        let is_settled = |blob: &&BlobHash| named.contains(blob) || !there.contains_key(blob);
        look.settled = since.keys().filter(is_settled).copied().collect();
        look
    }
}

impl Content {
    /// Takes away what nobody has named for long enough, and measures what is there.
    ///
    /// # Errors
    /// Where a store fails; what was not done is done at the next look.
    pub(crate) async fn tidy(&self, now: Timestamp) -> Result<(), ContentError> {
        // A publication looks for its blobs in a step of its own: none goes in between.
        let _one = self.0.steps.lock().await;
        let mut there = self.0.blobs.list().await?;
        let needed = self.0.current.load_full();
        let needed = needed.as_deref().map(Repository::needed);
        let named = needed.into_iter().flatten().map(|it| it.blob).collect();
        let store = self.0.store.clone();
        let since = blocking(move || store.read(rows::unnamed)).await?;
        let look = Look::at(&there, &named, &since, self.0.section.unnamed_kept, now);
        for blob in &look.over {
            self.0.blobs.remove(blob).await?;
            there.remove(blob);
        }
        if !look.over.is_empty() {
            tracing::info!(
                blobs = look.over.len(),
                "blobs that no release names are gone"
            );
        }
        self.0.measured(&there);
        let Look {
            unnamed,
            settled,
            over,
        } = look;
        if unnamed.is_empty() && settled.is_empty() && over.is_empty() {
            return Ok(());
        }
        let write = move |tx: &Transaction<'_>| {
            unnamed
                .iter()
                .try_for_each(|blob| rows::put_unnamed(tx, blob, now))?;
            let mut done = settled.iter().chain(&over);
            done.try_for_each(|blob| rows::remove_unnamed(tx, blob))
        };
        Ok(self.0.store.decide(write).await?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEPT: Duration = Duration::from_secs(100);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn blob(name: u8) -> BlobHash {
        BlobHash::new([name; 32])
    }

    #[test]
    fn a_blob_goes_when_nobody_has_named_it_for_the_whole_time() {
        let there = [(blob(1), 10), (blob(2), 10), (blob(3), 0)].into();
        let named = [blob(1)].into();
        let first = Look::at(&there, &named, &BTreeMap::new(), KEPT, at(1_000));
        assert_eq!(first.unnamed, [blob(2), blob(3)]);
        assert_eq!((first.settled, first.over), (vec![], vec![]));

        let since = [(blob(2), at(1_000)), (blob(3), at(1_000))].into();
        let before = Look::at(&there, &named, &since, KEPT, at(1_099));
        assert_eq!(before, Look::default());
        let then = Look::at(&there, &named, &since, KEPT, at(1_100));
        assert_eq!(then.over, [blob(2), blob(3)]);
        let set_back = Look::at(&there, &named, &since, KEPT, at(5));
        assert_eq!(set_back, Look::default());
    }

    #[test]
    fn a_blob_that_is_named_again_begins_anew() {
        let there = [(blob(1), 10)].into();
        let since = [(blob(1), at(0)), (blob(2), at(0))].into();
        let named = Look::at(&there, &[blob(1)].into(), &since, KEPT, at(1_000));
        assert_eq!(named.settled, [blob(1), blob(2)]);
        assert_eq!(named.over, []);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn no_blob_that_is_named_ever_goes(
            there in prop::collection::btree_map(0_u8..20, 0_u64..9, 0..20),
            named in prop::collection::btree_set(0_u8..20, 0..20),
            since in prop::collection::btree_map(0_u8..20, 0_i64..500, 0..20),
            now in 0_i64..500,
        ) {
            let there: BTreeMap<_, _> = there.into_iter().map(|(it, size)| (blob(it), size)).collect();
            let named: BTreeSet<_> = named.into_iter().map(blob).collect();
            let since: BTreeMap<_, _> = since.into_iter().map(|(it, s)| (blob(it), at(s))).collect();
            let look = Look::at(&there, &named, &since, KEPT, at(now));
            prop_assert!(look.over.iter().all(|it| !named.contains(it) && there.contains_key(it)));
            prop_assert!(look.over.iter().all(|it| since.contains_key(it)));
            prop_assert!(look.unnamed.iter().all(|it| !named.contains(it)));
        }
    }
}
