//! The log: to standard error, as text or JSON.

use anyhow::{Context as _, anyhow};
use lujiang_config::{LogFormat, LogSection};
use tracing_subscriber::EnvFilter;

use crate::cli::failure::Failure;

/// The router tells at `info` what the door knows better; a configured filter can ask for it.
const QUIET: &str = "rumqttd=warn,";

/// Begins to log.
pub(super) fn begin(section: &LogSection) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIET}{}", section.filter))
        .context("reading [log] filter")
        .map_err(Failure::Usage)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let begun = match section.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    begun.map_err(|error| Failure::Failed(anyhow!("beginning to log: {error}")))
}
