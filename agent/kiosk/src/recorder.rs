//! Where facts go.

use async_trait::async_trait;
use lujiang_wire::Fact;

/// Keeps facts: the outbox of the agent.
#[async_trait]
pub trait Recorder: Send + Sync + 'static {
    /// Writes these facts. When it answers they are on disk, all of them, in this order.
    ///
    /// # Errors
    /// Where they could not be written; none of them is then.
    async fn record(&self, facts: Vec<Fact>) -> Result<(), RecordError>;
}

/// Why facts could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the outbox takes no facts")]
pub struct RecordError(#[source] pub Box<dyn std::error::Error + Send + Sync>);
