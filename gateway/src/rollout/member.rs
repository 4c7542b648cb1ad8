//! A device in a rollout: how far it is, since when, and whether it is awaited.

use std::time::Duration;

use jiff::Timestamp;
use lujiang_wire::Label;
use serde::{Deserialize, Serialize};

/// How far a device is with a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Its stage has not begun.
    Waiting,
    /// It is to have the release; it may not know yet.
    Offered,
    /// It is fetching.
    Downloading {
        /// Bytes there.
        bytes: u64,
        /// Bytes in all.
        of: u64,
        /// Bytes a second, lately.
        rate: Option<u64>,
        /// When it expects to be done, by its own clock: shown, and nothing is decided by it.
        arrival: Option<Timestamp>,
    },
    /// Every byte is there and as signed.
    Verified,
    /// It is switched to the release.
    Installed,
    /// It has shown it: the aim.
    Shown,
    /// It could not.
    Failed(Failure),
    /// What it had of the release is gone from it.
    Removed,
}

/// Why a device could not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// As a word for machines: `no-space`.
    pub reason: Label,
    /// For people; empty where nothing is known.
    pub detail: String,
}

/// A device of a rollout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Member {
    /// The stage it is in, from 0.
    pub stage: usize,
    /// How far it is.
    pub progress: Progress,
    /// Since when it is so far: the last that was heard of it.
    pub since: Timestamp,
    /// Until when it is expected to be off-line.
    pub excused_until: Option<Timestamp>,
    /// Which attempt it is at, from 0; each retry is another.
    pub attempt: u32,
    /// When this attempt was offered to it; none while it waits.
    pub offered: Option<Timestamp>,
    /// Whether it has shown the release once, whatever became of it later.
    pub has_shown: bool,
    /// Whether a fact says how far it is: then no report of the same attempt counts.
    pub is_proved: bool,
    /// A person went on in spite of its failure.
    pub is_overlooked: bool,
}

impl Progress {
    /// The word for it in the API.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Downloading { .. } => "downloading",
            Self::Verified => "verified",
            Self::Installed => "installed",
            Self::Shown => "shown",
            Self::Failed(_) => "failed",
            Self::Removed => "removed",
        }
    }

    /// Whether nothing more is to come by itself.
    #[must_use]
    pub fn is_over(&self) -> bool {
        match self {
            Self::Shown | Self::Failed(_) | Self::Removed => true,
            Self::Waiting | Self::Offered | Self::Downloading { .. } => false,
            Self::Verified | Self::Installed => false,
        }
    }
}

impl Member {
    pub(super) fn waiting(stage: usize, now: Timestamp) -> Self {
        Self {
            stage,
            progress: Progress::Waiting,
            since: now,
            excused_until: None,
            attempt: 0,
            offered: None,
            has_shown: false,
            is_proved: false,
            is_overlooked: false,
        }
    }

    pub(super) fn offer(&mut self, now: Timestamp) {
        self.offered = Some(now);
        self.is_proved = false;
        self.advance(Progress::Offered, now);
    }

    pub(super) fn offer_again(&mut self, now: Timestamp) {
        self.attempt = self.attempt.saturating_add(1);
        self.offer(now);
    }

    /// What a device says of itself counts whatever the rollout's state: one that was away learns
    /// nothing of a pause. What it says of an earlier attempt is an echo.
    pub(super) fn report(&mut self, attempt: u32, progress: Progress, now: Timestamp) {
        if attempt == self.attempt && !self.is_proved {
            self.advance(progress, now);
        }
    }

    /// That it failed before this attempt began says nothing of this one; that it has shown the
    /// release is true whichever attempt did it.
    pub(super) fn prove(&mut self, progress: Progress, at: Timestamp, now: Timestamp) {
        let is_earlier = self.offered.is_some_and(|offered| at < offered);
        if matches!(progress, Progress::Failed(_)) && is_earlier {
            return;
        }
        self.advance(progress, now);
        self.is_proved = true;
    }

    fn advance(&mut self, progress: Progress, now: Timestamp) {
        self.is_overlooked = false;
        self.has_shown |= progress == Progress::Shown;
        self.progress = progress;
        self.since = now;
    }

    /// Whether it was told.
    pub(super) fn is_offered(&self) -> bool {
        self.progress != Progress::Waiting
    }

    /// Whether it is expected to be off-line now. One that has come to an end is here.
    #[must_use]
    pub fn is_excused(&self, now: Timestamp) -> bool {
        !self.progress.is_over() && self.excused_until.is_some_and(|until| now < until)
    }

    /// Whether the rollout goes on without it: it is excused, or nothing was heard of it for
    /// longer than the plan's patience.
    #[must_use]
    pub fn is_absent(&self, patience: Duration, now: Timestamp) -> bool {
        if self.progress.is_over() || !self.is_offered() {
            return false;
        }
        let heard = self.since.max(self.excused_until.unwrap_or(self.since));
        self.is_excused(now) || now.duration_since(heard).unsigned_abs() > patience && now > heard
    }
}
