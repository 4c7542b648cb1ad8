//! A device that is registered and enrolled, with its configuration.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lujiang_agent::{Present, enrol};
use lujiang_config::AgentConfig;

use crate::site::Library;

/// Where the data of a device is that needs no other place.
#[must_use]
pub fn data_of(library: &Library, device: &str) -> PathBuf {
    library.folder().join(format!("{device}-data"))
}

/// Registers and enrols a device of this kind with its data in this folder, which reaches the
/// gateway by these ways, MQTT and HTTPS. `more` follows the sections `[agent]` and `[uplink]` of its configuration.
///
/// # Errors
/// Where it is not enrolled.
pub async fn enrolled(
    library: &Library,
    device: &str,
    kind: &str,
    data: &Path,
    (mqtt, https): (SocketAddr, SocketAddr),
    more: &str,
) -> anyhow::Result<AgentConfig> {
    library.add_device(device, kind, "main").await?;
    let file = library.folder().join(format!("{device}.toml"));
    let text = format!(
        "[agent]\ndevice = \"{device}\"\ndata = \"{}\"\n\
         [uplink]\nhost = \"localhost\"\nport = {}\nbackoff_min = \"50ms\"\n\
         backoff_max = \"500ms\"\n{more}",
        data.display(),
        mqtt.port(),
    );
    std::fs::write(&file, &text).context("writing the agent's configuration")?;
    let config = AgentConfig::parse(&text, &file).map_err(|e| anyhow::anyhow!("{e}"))?;
    let token = library.token(device).await?.parse().context("a token")?;
    let gateway = format!("https://localhost:{}", https.port());
    let gateway = gateway.parse().context("an address")?;
    enrol(&config, &gateway, &token, Present::Keep).await?;
    Ok(config)
}
