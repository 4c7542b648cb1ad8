//! What the library wants done where the library system disputes a fact, and how hard it may be
//! pressed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::desk::breaks::Breaks;
use crate::desk::conflict::ConflictKind;
use crate::desk::renewal::UnmovedDue;

/// What the library wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where it differs from [`ConflictKind::usual_response`].
    pub responses: BTreeMap<ConflictKind, Response>,
    /// Late news of a loan while the item is on loan to another.
    pub late_while_lent: LateWhileLent,
    /// Late news of a loan that is over.
    pub late_and_over: LateAndOver,
    /// What an unmoved due date tells of a renewal nobody answered.
    pub unmoved_due: UnmovedDue,
    /// When to try again.
    pub back_off: BackOff,
    /// How long the latest fact of an item lies before the desk asks about it, so that what undoes
    /// it, and what the item went through elsewhere in the same minutes, is heard too.
    pub patience: Duration,
    /// The least time between two requests.
    pub request_interval: Duration,
    /// How long the library system is left alone after a break, so that what it may still be
    /// doing is done before it is asked.
    pub break_pause: Duration,
}

/// What is done about a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Held until staff rules.
    Hold,
    /// Tried again, later and later; then held.
    RetryLater,
    /// The item is taken back and lent again, at the fact's time. Only for an item that is out to
    /// another; anything else is held.
    ReturnThenLoan,
}

/// What is done about late news of a loan while the item is on loan to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateWhileLent {
    /// Held until staff rules.
    Hold,
    /// It counts, and is over: the later loan shows that the item had come back.
    Count,
}

/// What is done about late news of a loan that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateAndOver {
    /// It counts; the library system is not told.
    Count,
    /// Where the item is in, the library system is told of the loan and of its return.
    TellBoth,
}

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    /// After the first failure; each next wait is twice as long.
    pub first: Duration,
    /// No longer than this.
    pub longest: Duration,
    /// So many times; then it is held.
    pub tries_max: u32,
}

impl Policy {
    /// What is done about a conflict of this kind.
    #[must_use]
    pub fn response(&self, kind: ConflictKind) -> Response {
        let chosen = self.responses.get(&kind).copied();
        match (kind, chosen.unwrap_or(kind.usual_response())) {
            (ConflictKind::OutToAnother, response) => response,
            (_, Response::ReturnThenLoan) => Response::Hold,
            (_, response @ (Response::Hold | Response::RetryLater)) => response,
        }
    }

    /// The longest anything waits by these rules.
    pub(crate) fn longest_wait(&self) -> Duration {
        let of_items = Breaks::longest_wait(self.break_pause.max(self.request_interval));
        let waits = [self.patience, self.back_off.longest, of_items];
        waits.into_iter().max().unwrap_or_default()
    }

    /// Whether a later loan to another shows that the item had come back.
    pub(crate) fn takes_later_loan_as_return(&self) -> bool {
        match self.response(ConflictKind::OutToAnother) {
            Response::ReturnThenLoan => self.late_while_lent == LateWhileLent::Count,
            Response::Hold | Response::RetryLater => false,
        }
    }
}

impl BackOff {
    /// How long to wait after so many tries; none where it is held.
    pub(crate) fn wait(&self, tries: u32) -> Option<Duration> {
        let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        (tries <= self.tries_max).then_some(wait)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            responses: BTreeMap::new(),
            late_while_lent: LateWhileLent::Hold,
            late_and_over: LateAndOver::Count,
            unmoved_due: UnmovedDue::Unclear,
            back_off: BackOff::default(),
            // Outboxes drain side by side within seconds of a gateway's start.
            patience: Duration::from_secs(30),
            // Five requests a second leave a library system to its readers.
            request_interval: Duration::from_millis(200),
            break_pause: Duration::from_secs(10),
        }
    }
}

impl Default for BackOff {
    /// Twelve tries from one minute to an hour: a working day.
    fn default() -> Self {
        Self {
            first: Duration::from_secs(60),
            longest: Duration::from_secs(3_600),
            tries_max: 12,
        }
    }
}
