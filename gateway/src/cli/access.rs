//! The way to the registry: through the running gateway, or into the folder of a stopped one.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::time::Instant;

use crate::cli::client::Client;
use crate::cli::failure::Failure;
use crate::cli::folder::Folder;
use crate::data_dir::{DataDir, DataDirError};
use crate::registry::{Actor, Registry};
use crate::run::SystemClock;
use crate::store::{Store, StoreOptions};

/// How long another process may hold the folder without saying where it listens: another command
/// at work, or a gateway that starts or stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often to look again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The way to the registry.
pub(super) enum Access {
    /// A gateway runs: it is asked.
    Running(Client),
    /// None runs: this process holds the folder.
    Stopped(Box<Stopped>),
}

/// Who holds the folder.
enum Holder {
    Gateway(Client),
    /// Nobody did: now this process.
    Nobody(DataDir),
}

/// The folder of a stopped gateway, held by this process.
pub(super) struct Stopped {
    pub(super) registry: Registry,
    pub(super) store: Store,
    pub(super) data: DataDir,
}

impl Access {
    /// Finds the way.
    pub(super) async fn find(folder: &Folder) -> Result<Self, Failure> {
        match Holder::of(folder).await? {
            Holder::Gateway(client) => Ok(Self::Running(client)),
            Holder::Nobody(data) => {
                let stopped = Stopped::open(folder, data).await?;
                Ok(Self::Stopped(Box::new(stopped)))
            }
        }
    }

    /// Finds the running gateway; that none runs is a failure.
    pub(super) async fn running(folder: &Folder) -> Result<Client, Failure> {
        let root = folder.paths().root();
        // Looking for a gateway makes no folder.
        if root.is_dir()
            && let Holder::Gateway(client) = Holder::of(folder).await?
        {
            return Ok(client);
        }
        let none = anyhow!("no gateway runs on {}", root.display());
        Err(Failure::Failed(none))
    }
}

impl Holder {
    async fn of(folder: &Folder) -> Result<Self, Failure> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            match DataDir::open(folder.paths().root()) {
                Ok(data) => return Ok(Self::Nobody(data)),
                Err(in_use @ DataDirError::InUse { .. }) => {
                    if let Some(client) = running(folder)? {
                        return Ok(Self::Gateway(client));
                    }
                    if Instant::now() >= give_up {
                        let error = anyhow::Error::new(in_use);
                        return Err(Failure::Failed(error.context(
                            "the gateway is starting or stopping, or a command is at work",
                        )));
                    }
                }
                Err(error) => return Err(Failure::Failed(error.into())),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Stopped {
    async fn open(folder: &Folder, data: DataDir) -> Result<Self, Failure> {
        let zone = folder.config()?.library.time_zone;
        let store = Store::open(&data.ledger_db(), StoreOptions::default())
            .with_context(|| format!("opening {}", data.ledger_db().display()))?;
        let registry = Registry::open(store.clone(), zone, Arc::new(SystemClock::new()))
            .await
            .context("reading the registry")?;
        Ok(Self {
            registry,
            store,
            data,
        })
    }

    /// Writes what is under way, then lets the folder go.
    pub(super) async fn close(self) {
        self.registry.settled().await;
        drop(self.registry);
        self.store.close();
        drop(self.data);
    }
}

/// Who changes something in the folder of a stopped gateway.
pub(super) fn actor() -> Actor {
    Actor::named(format!("command line, uid {}", nix::unistd::getuid()))
}

fn running(folder: &Folder) -> Result<Option<Client>, Failure> {
    let paths = folder.paths();
    let endpoints = paths.read_endpoints().context("finding the gateway")?;
    let token = paths.read_admin_token().context("finding the gateway")?;
    match (endpoints, token) {
        (Some(endpoints), Some(token)) => Ok(Some(Client::new(endpoints.http, token)?)),
        _ => Ok(None),
    }
}
