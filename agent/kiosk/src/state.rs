//! What a kiosk knows of its content, as it is written down: before anything is done that follows
//! from it, and with the facts that follow from it.
//!
//! It is a core: what happened and the time in, the next state out. It touches no file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lujiang_wire::{
    BlobHash, ContentFailed, ContentInstalled, ContentRemoved, DesiredContent, Fact, Label, Taking,
    TakingState,
};
use serde::{Deserialize, Serialize};

use crate::licence::HiddenSince;
use crate::trusted_time::Moment;

/// The form this version writes.
const VERSION: u32 = 1;

/// The state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    version: u32,
    /// The floor of trusted time.
    pub floor: Timestamp,
    /// When it was written down, by the machine's own count. Versions before 0.2 wrote down none.
    #[serde(default)]
    pub floor_at: Option<Moment>,
    /// The newest revision that was verified.
    pub revision: Option<u64>,
    /// The document of the notices.
    pub notices: Option<BlobHash>,
    /// The release that is proven: what is gone back to.
    pub proven: Option<Installed>,
    /// The release on the shelf that no screen has painted yet.
    pub fresh: Option<Installed>,
    /// The release that is taken, or was last.
    pub taking: Option<Taking>,
    /// Since when titles are hidden by a clock.
    pub hidden: HiddenSince,
    /// Titles that are over, for whose removal there is a receipt: their bytes go afterwards.
    #[serde(default)]
    pub removed: BTreeSet<Label>,
}

/// A release on this disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Installed {
    /// Its name.
    pub release: Label,
    /// Its catalogue.
    pub catalogue: BlobHash,
    /// Its allotment.
    pub allotment: BlobHash,
    /// When the shelf was switched to it.
    pub at: Timestamp,
}

/// Whether the bytes of a title are on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HasBytes {
    /// They are.
    Yes,
    /// They were never fetched, or are gone.
    No,
}

/// Why a release could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// As a word for machines: `no-space`.
    pub reason: &'static str,
    /// For people.
    pub detail: String,
}

impl State {
    /// Before the first contact.
    #[must_use]
    pub(crate) fn new(floor: Timestamp) -> Self {
        Self {
            version: VERSION,
            floor,
            floor_at: None,
            revision: None,
            notices: None,
            proven: None,
            fresh: None,
            taking: None,
            hidden: HiddenSince::default(),
            removed: BTreeSet::new(),
        }
    }

    /// Reads what was written down; none where it is of another version.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let state: Self = serde_json::from_str(text).ok()?;
        (state.version == VERSION).then_some(state)
    }

    /// As it is written down.
    #[must_use]
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a state is always JSON")
    }

    /// What is on the shelf.
    #[must_use]
    pub(crate) fn on_shelf(&self) -> Option<&Installed> {
        self.fresh.as_ref().or(self.proven.as_ref())
    }

    /// The release that is to be taken now, if any: one that is neither on the shelf, as it is signed
    /// now, nor was given up at this attempt.
    #[must_use]
    pub(crate) fn to_take(
        &self,
        desired: &DesiredContent,
        is_as_signed: impl Fn(&Installed) -> bool,
    ) -> Option<Label> {
        let release = desired.release.clone()?;
        let is_it = |it: &Installed| it.release == release && is_as_signed(it);
        if self.on_shelf().is_some_and(is_it) {
            return None;
        }
        let given_up = self.taking.as_ref().is_some_and(|taking| {
            let is_failed = matches!(taking.state, TakingState::Failed { .. });
            is_failed && taking.release == release && taking.attempt >= desired.attempt
        });
        (!given_up).then_some(release)
    }

    /// A release goes on to a state.
    pub(crate) fn go_on(&mut self, release: &Label, attempt: u32, state: TakingState) {
        self.taking = Some(Taking {
            release: release.clone(),
            attempt,
            state,
        });
    }

    /// The shelf is switched to a release, all of whose blobs are there.
    pub(crate) fn switch(&mut self, installed: Installed, attempt: u32) {
        self.go_on(&installed.release.clone(), attempt, TakingState::Installed);
        self.fresh = Some(installed);
    }

    /// A screen has painted what is on the shelf: proven. Gives the receipt, and one for each title
    /// that was there for the release before alone: those go once it is written down.
    pub(crate) fn prove(&mut self, bytes: u64, retired: BTreeSet<Label>) -> Vec<Fact> {
        let Some(fresh) = self.fresh.take() else {
            return Vec::new();
        };
        let attempt = self.taking.as_ref().map_or(0, |taking| taking.attempt);
        self.go_on(&fresh.release.clone(), attempt, TakingState::Shown);
        let receipt = ContentInstalled {
            release: fresh.release.clone(),
            title: None,
            bytes: Some(bytes),
        };
        let before = self.proven.replace(fresh);
        let mut facts = vec![Fact::ContentInstalled(receipt)];
        if let Some(before) = before {
            let removed = |title| removed(&before.release, Some(title), "retired");
            facts.extend(retired.into_iter().filter_map(removed));
        }
        facts
    }

    /// A release could not be taken, or was not painted: what was proven is on the shelf again.
    /// Gives the receipt.
    pub(crate) fn fail(&mut self, failure: Failure) -> Option<Fact> {
        let taking = self.taking.clone()?;
        self.fresh = None;
        let reason: Label = failure.reason.parse().ok()?;
        let state = TakingState::Failed {
            reason: reason.clone(),
            detail: failure.detail,
        };
        self.go_on(&taking.release, taking.attempt, state);
        Some(Fact::ContentFailed(ContentFailed {
            release: taking.release,
            title: None,
            reason,
        }))
    }

    /// These titles are over. Gives a receipt for each whose bytes are still there and that has
    /// none; the bytes go once it is written down, so that no crash makes none of it, or two.
    #[must_use]
    pub(crate) fn remove(&mut self, over: &BTreeMap<Label, HasBytes>) -> Vec<Fact> {
        let Some(release) = self.on_shelf().map(|it| it.release.clone()) else {
            return Vec::new();
        };
        self.removed.retain(|title| over.contains_key(title));
        let there = over.iter().filter(|(_, bytes)| **bytes == HasBytes::Yes);
        let new: Vec<Label> = there
            .map(|(title, _)| title.clone())
            .filter(|title| self.removed.insert(title.clone()))
            .collect();
        new.into_iter()
            .filter_map(|title| removed(&release, Some(title), "licence-ended"))
            .collect()
    }

    /// Every title this kiosk has of the release on the shelf is over, or not. Gives the receipt of
    /// the release as a whole, once; it is shown again once something of it can be read again.
    pub(crate) fn tell_whole(&mut self, is_over: bool) -> Option<Fact> {
        let taking = self.taking.as_mut()?;
        let on_shelf = self.proven.as_ref().filter(|_| self.fresh.is_none())?;
        if on_shelf.release != taking.release {
            return None;
        }
        match (&taking.state, is_over) {
            (TakingState::Shown, true) => {
                taking.state = TakingState::Removed;
                removed(&on_shelf.release, None, "licence-ended")
            }
            (TakingState::Removed, false) => {
                taking.state = TakingState::Shown;
                None
            }
            _ => None,
        }
    }
}

fn removed(release: &Label, title: Option<Label>, reason: &str) -> Option<Fact> {
    Some(Fact::ContentRemoved(ContentRemoved {
        release: release.clone(),
        title,
        reason: reason.parse().ok()?,
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn label(text: &str) -> Label {
        text.parse().unwrap()
    }

    fn installed(release: &str) -> Installed {
        Installed {
            release: label(release),
            catalogue: BlobHash::new([1; 32]),
            allotment: BlobHash::new([2; 32]),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn desired(release: &str, attempt: u32) -> DesiredContent {
        DesiredContent {
            revision: 1,
            release: Some(label(release)),
            attempt,
        }
    }

    #[test]
    fn a_release_that_was_given_up_is_tried_again_only_when_somebody_says_so() {
        let mut state = State::new(Timestamp::UNIX_EPOCH);
        assert_eq!(
            state.to_take(&desired("12", 0), |_| true),
            Some(label("12"))
        );
        state.go_on(&label("12"), 0, TakingState::Offered);
        assert_eq!(
            state.to_take(&desired("12", 0), |_| true),
            Some(label("12")),
            "it goes on after a restart"
        );
        let failure = Failure {
            reason: "no-space",
            detail: "12 MB are missing".to_owned(),
        };
        assert!(matches!(state.fail(failure), Some(Fact::ContentFailed(_))));
        assert_eq!(state.to_take(&desired("12", 0), |_| true), None);
        assert_eq!(
            state.to_take(&desired("12", 1), |_| true),
            Some(label("12"))
        );
        assert_eq!(
            state.to_take(&desired("13", 0), |_| true),
            Some(label("13"))
        );
    }

    #[test]
    fn what_no_screen_paints_is_taken_back_and_what_was_proven_is_on_the_shelf_again() {
        let mut state = State::new(Timestamp::UNIX_EPOCH);
        state.switch(installed("11"), 0);
        let facts = state.prove(5, BTreeSet::new());
        assert!(matches!(facts[..], [Fact::ContentInstalled(_)]));
        assert_eq!(state.prove(5, BTreeSet::new()), [], "one receipt");
        state.switch(installed("12"), 0);
        assert_eq!(state.on_shelf().unwrap().release, label("12"));
        assert_eq!(
            state.proven.as_ref().unwrap().release,
            label("11"),
            "it is kept until then"
        );
        state.fail(Failure {
            reason: "not-shown",
            detail: String::new(),
        });
        assert_eq!(state.on_shelf().unwrap().release, label("11"));
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let mut state = State::new(Timestamp::UNIX_EPOCH);
        state.switch(installed("11"), 3);
        state.go_on(
            &label("12"),
            1,
            TakingState::Downloading {
                bytes: 1,
                of: 2,
                rate: None,
                arrival: None,
            },
        );
        assert_eq!(State::parse(&state.to_text()), Some(state));
        assert_eq!(State::parse("{\"version\":9}"), None);
    }

    proptest! {
        /// Whatever happens in whatever order, something proven is never lost, and every release
        /// that was switched to ends with one receipt at most.
        #[test]
        fn the_shelf_is_never_emptied(steps in prop::collection::vec(0_u8..5, 1..60)) {
            let mut state = State::new(Timestamp::UNIX_EPOCH);
            let (mut number, mut was_proven, mut receipts, mut switches) = (0, false, 0, 0);
            for step in steps {
                let receipt = match step {
                    0 => {
                        number += 1;
                        state.go_on(&label(&number.to_string()), 0, TakingState::Offered);
                        None
                    }
                    1 => {
                        switches += 1;
                        state.switch(installed(&number.to_string()), 0);
                        None
                    }
                    2 => state.prove(1, BTreeSet::new()).pop(),
                    3 => state.fail(Failure { reason: "altered", detail: String::new() }),
                    _ => {
                        state = State::parse(&state.to_text()).unwrap();
                        None
                    }
                };
                if matches!(receipt, Some(Fact::ContentInstalled(_))) {
                    was_proven = true;
                    receipts += 1;
                }
                prop_assert!(!was_proven || state.on_shelf().is_some());
                prop_assert!(receipts <= switches);
            }
        }
    }
}
