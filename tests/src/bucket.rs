//! An S3 store of others: moto's server from PyPI, with one bucket, on this machine.

use std::path::Path;

use anyhow::Context as _;

use crate::own_address::own_ports;
use crate::peer::python;
use crate::process::Process;
use crate::site::PATIENCE;
use crate::wait::until;

/// A running store; it ends when this is dropped, and what is in it with it.
#[derive(Debug)]
pub struct Bucket {
    _process: Process,
    origin: String,
    http: reqwest::Client,
}

impl Bucket {
    /// Starts a store and makes its bucket, `books`.
    ///
    /// # Errors
    /// Where moto is missing, or does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        // moto takes no port 0.
        let [address] = own_ports()?;
        let program = python().with_file_name("moto_server");
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let process = Process::start(
            &program,
            &["-H", &host, "-p", &port],
            &folder.join("moto.log"),
        )
        .context("moto_server (tests/run installs it)")?;
        let store = Self {
            _process: process,
            origin: format!("http://{address}"),
            http: reqwest::Client::new(),
        };
        until("the store to be ready", PATIENCE, async || {
            let url = format!("{}/moto-api/", store.origin);
            Ok(store.http.get(url).send().await?.error_for_status()?)
        })
        .await?;
        let made = store.http.put(format!("{}/books", store.origin));
        made.send().await?.error_for_status()?;
        Ok(store)
    }

    /// `[content.s3]` for this store, with its credentials in a file of this mode.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn section(&self, folder: &Path, mode: u32) -> anyhow::Result<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let file = folder.join("s3.credentials");
        std::fs::write(&file, "an-access-key\nits-secret\n")?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode))?;
        Ok(format!(
            "[content.s3]\nbucket = \"books\"\nendpoint = \"{}\"\ncredentials_file = {file:?}\n",
            self.origin
        ))
    }

    /// What the store lists, as XML.
    ///
    /// # Errors
    /// Where it does not answer.
    pub async fn list(&self) -> anyhow::Result<String> {
        let url = format!("{}/books?list-type=2", self.origin);
        let answer = self.http.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }
}
