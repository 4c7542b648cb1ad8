//! The last answer of a machine: a request that comes again is answered from here, and not done
//! again. That is the only repetition SIP2 knows of.

use std::time::{Duration, Instant};

use super::asked::Asked;

/// What was asked last, and what was answered.
#[derive(Debug)]
pub(super) struct LastAnswer {
    asked: Asked,
    answer: Vec<u8>,
    given: Instant,
}

impl LastAnswer {
    pub(super) fn new(asked: Asked, answer: Vec<u8>, given: Instant) -> Self {
        Self {
            asked,
            answer,
            given,
        }
    }

    /// The bytes that were answered.
    pub(super) fn answer(&self) -> &[u8] {
        &self.answer
    }

    /// Whether this is the last request again, soon enough to be meant as that.
    pub(super) fn is_repeated_by(&self, asked: &Asked, now: Instant, within: Duration) -> bool {
        self.asked.is_repeated_by(asked) && now.duration_since(self.given) < within
    }
}
