//! The composition root of a running gateway: starts everything in order, owns every task, and
//! stops in the opposite order.

mod presence_keeper;
mod system_clock;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use lujiang_config::GatewayConfig;
use lujiang_wire::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::presence::Presence;
use crate::registry::Registry;
use crate::store::{Store, StoreOptions, presence as presence_rows};

pub use system_clock::SystemClock;

/// What a test or a simulation hands in; the default is what the binary runs with.
pub struct RunOptions {
    /// The gateway's clock.
    pub clock: Arc<dyn Clock>,
    /// How the store is opened.
    pub store: StoreOptions,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            store: StoreOptions::default(),
        }
    }
}

/// A running gateway.
pub struct Gateway {
    data: DataDir,
    store: Store,
    registry: Registry,
    tasks: JoinSet<&'static str>,
    cancel: CancellationToken,
}

impl Gateway {
    /// Starts a gateway in a data folder; ends when it listens.
    ///
    /// # Errors
    /// Where the folder is in use, a store is damaged, or an address cannot be bound.
    pub async fn start(
        config: GatewayConfig,
        data: PathBuf,
        options: RunOptions,
    ) -> anyhow::Result<Self> {
        let data = DataDir::open(&data).context("taking the data folder")?;
        data.withdraw_endpoints()?;
        let token = data.admin_token()?;
        let store = Store::open(&data.ledger_db(), options.store)
            .with_context(|| format!("opening {}", data.ledger_db().display()))?;
        let registry = Registry::open(
            store.clone(),
            config.library.time_zone.clone(),
            Arc::clone(&options.clock),
        )
        .await
        .context("reading the registry")?;
        let saved = store
            .read(presence_rows::load)
            .context("reading what devices last said")?;
        let presence = Presence::restored(saved, options.clock.wall());
        let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
        spawn(
            &mut tasks,
            "presence",
            presence_keeper::keep(presence, store.clone(), cancel.clone()),
        );
        let _ = token;
        Ok(Self {
            data,
            store,
            registry,
            tasks,
            cancel,
        })
    }

    /// Waits for something that this gateway cannot go on without to end.
    ///
    /// # Errors
    /// What ended.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(task) => tracing::error!(task, "a task ended by itself"),
                Err(error) => tracing::error!(%error, "a task panicked"),
            }
        }
        std::future::pending().await
    }

    /// Stops: accepts nothing more, finishes what is under way, puts everything on disk.
    ///
    /// # Errors
    /// Where something could not be finished.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.data.withdraw_endpoints()?;
        self.cancel.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.registry.settled().await;
        drop(self.registry);
        let store = self.store;
        tokio::task::spawn_blocking(move || store.close())
            .await
            .context("closing the store")?;
        Ok(())
    }
}

fn spawn(
    tasks: &mut JoinSet<&'static str>,
    name: &'static str,
    task: impl Future<Output = ()> + Send + 'static,
) {
    tasks.spawn(async move {
        task.await;
        name
    });
}
