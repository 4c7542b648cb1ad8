//! `library.outbox.dropped.v1`: what an outbox had to give up, by name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Sequence, Stream};

/// The facts `from` to `to` (both included) of a stream were given up and will never come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutboxDropped {
    /// The stream that lost facts.
    pub stream: Stream,
    /// First sequence number given up.
    #[schemars(range(min = 1))]
    pub from: u64,
    /// Last sequence number given up.
    #[schemars(range(min = 1))]
    pub to: u64,
    /// Why, for people.
    pub reason: String,
}

impl OutboxDropped {
    /// Checks what the types cannot say; the error is the place below `data` and the reason.
    pub(crate) fn validate(&self) -> Result<(), (String, String)> {
        if Sequence::new(self.from).is_none() {
            return Err((
                "from".to_owned(),
                "expected a sequence number, at least 1".to_owned(),
            ));
        }
        if self.to < self.from || Sequence::new(self.to).is_none() {
            return Err((
                "to".to_owned(),
                "expected a sequence number from `from` on".to_owned(),
            ));
        }
        Ok(())
    }
}
