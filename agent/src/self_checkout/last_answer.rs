//! The last answer of a machine: a request that comes again is answered from here, and not done
//! again. That is the only repetition SIP2 knows of.

use std::time::{Duration, Instant};

use super::asked::Asked;
use super::effect::{Effect, Occurrence};

/// What was asked last, and what was answered.
#[derive(Debug, Clone)]
pub(super) struct LastAnswer {
    asked: Asked,
    /// None where the machine has no letters for it: then it hears nothing, however often it asks.
    answer: Option<Vec<u8>>,
    given: Instant,
}

impl LastAnswer {
    pub(super) fn new(asked: Asked, answer: Option<Vec<u8>>, given: Instant) -> Self {
        Self {
            asked,
            answer,
            given,
        }
    }

    /// The answer once more.
    pub(super) fn say_again(&self, out: &mut Vec<Effect>) {
        out.push(Effect::Note(Occurrence::Repeated));
        out.push(match &self.answer {
            Some(answer) => Effect::ToMachine(answer.clone()),
            None => Effect::Note(Occurrence::Unwritable),
        });
    }

    /// Whether this is the last request again, soon enough to be meant as that.
    pub(super) fn is_repeated_by(&self, asked: &Asked, now: Instant, within: Duration) -> bool {
        self.asked.is_repeated_by(asked) && now.duration_since(self.given) < within
    }
}
