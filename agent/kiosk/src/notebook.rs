//! Where the state of the content is written down, in one step with the facts that follow from it.

use async_trait::async_trait;
use lujiang_wire::Fact;

use crate::recorder::RecordError;

/// Keeps one text, and facts with it: a note of the agent's outbox.
#[async_trait]
pub trait Notebook: Send + Sync + 'static {
    /// The text; none before the first.
    ///
    /// # Errors
    /// Where it cannot be read.
    async fn read(&self) -> Result<Option<String>, RecordError>;

    /// Writes this text and these facts, all or nothing; when it answers they are on disk.
    ///
    /// # Errors
    /// Where they cannot be written.
    async fn write(&self, text: String, facts: Vec<Fact>) -> Result<(), RecordError>;
}
