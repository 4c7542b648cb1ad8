//! The composition root of a running gateway: starts everything in order, owns every task, and
//! stops in the opposite order.
//!
//! What is started later may use what was started earlier, never the other way round: store,
//! registry and presence, intake, views, door, API.

mod herald;
mod presence_keeper;
mod system_clock;
mod withdrawals;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use lujiang_broker::{ClientLimits, Door, DoorTls, House, Switchboard};
use lujiang_config::GatewayConfig;
use lujiang_wire::Clock;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::authority::Authority;
use crate::content::Content;
use crate::data_dir::{DataDir, DataPaths, Endpoints};
use crate::drafts::{DraftRooms, Drafts};
use crate::enrolment::Enrolment;
use crate::house::{Announcer, GatewayHouse};
use crate::http::{Api, ApiState, ApiTls, Rebuilds};
use crate::identity_options::{IdentityOptions, Withdrawing};
use crate::intake::Intake;
use crate::live::Live;
use crate::loans::Loans;
use crate::metrics::Metrics;
use crate::papers::Papers;
use crate::people::{People, sign_in_path};
use crate::presence::Presence;
use crate::registry::{Actor, Registry};
use crate::rollouts::Rollouts;
use crate::seal::Seals;
use crate::store::{Store, StoreOptions, presence as presence_rows};
use crate::views::Views;

use herald::Herald;
pub use system_clock::SystemClock;

/// Longest time connections get to end by themselves; well below the 90 s systemd waits.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What a test or a simulation hands in; the default is what the binary runs with.
pub struct RunOptions {
    /// The gateway's clock.
    pub clock: Arc<dyn Clock>,
    /// How the store is opened.
    pub store: StoreOptions,
    /// How promises about identities are kept.
    pub identity: IdentityOptions,
    /// Puts something between the door and the house; a test may plant someone who lies.
    pub house: fn(Arc<dyn House>) -> Arc<dyn House>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            store: StoreOptions::default(),
            identity: IdentityOptions::default(),
            house: |house| house,
        }
    }
}

/// A running gateway; end it with [`Gateway::stop`].
pub struct Gateway {
    data: DataDir,
    endpoints: Endpoints,
    rooms: Rooms,
    door: Door,
    api: Api,
    people: People,
    tasks: JoinSet<&'static str>,
    cancel: CancellationToken,
}

/// What the rooms of the house share: handles, each cheap to clone.
struct Rooms {
    store: Store,
    authority: Authority,
    registry: Registry,
    presence: Presence,
    intake: Intake,
    views: Views,
    papers: Papers,
    loans: Loans,
    content: Content,
    drafts: Drafts,
    rollouts: Rollouts,
    switchboard: Arc<Switchboard>,
    clock: Arc<dyn Clock>,
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
        // One that a killed gateway left would send commands to whoever has its port now.
        data.withdraw_endpoints()?;
        let token = data.admin_token().context("making the admin token")?;
        let (identity, between) = (options.identity, options.house);
        let rooms = Rooms::open(&config, &data, options).await?;
        let (cancel, mut tasks) = (CancellationToken::new(), JoinSet::new());
        rooms.spawn_tasks(&mut tasks, &cancel);
        if identity.withdrawn == Withdrawing::Cuts {
            rooms.spawn_withdrawals(&mut tasks, &cancel);
        }
        let door = rooms.open_door(&config, between)?;
        let people = rooms.open_people(&config, token.as_str()).await?;
        let api = rooms
            .open_api(&config, people.clone(), cancel.child_token())
            .await?;
        let endpoints = Endpoints {
            mqtt: door.local_addr(),
            mqtts: door.tls_addr().context("the door listens behind TLS")?,
            http: api.local_addr(),
            https: api.tls_addr(),
        };
        data.publish_endpoints(&endpoints)
            .context("publishing the endpoints")?;
        tracing::info!(
            mqtt = %endpoints.mqtt,
            mqtts = %endpoints.mqtts,
            http = %endpoints.http,
            https = %endpoints.https,
            data = %data.root().display(),
            "ready; `lujiang-gateway sign-in` gives a link to the page"
        );
        Ok(Self {
            data,
            endpoints,
            rooms,
            door,
            api,
            people,
            tasks,
            cancel,
        })
    }

    /// What was really bound.
    #[must_use]
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints
    }

    /// A link to set the administrator's password, good once; none where it is set.
    ///
    /// # Errors
    /// Where its audit record cannot be written.
    pub async fn first_link(&self) -> anyhow::Result<Option<String>> {
        if self.people.has_password() {
            return Ok(None);
        }
        let gateway = Actor::named("gateway");
        let token = self.people.make_link(None, &gateway).await;
        let token = token.context("making the first sign-in link")?;
        let address = self.endpoints.http;
        Ok(Some(format!("http://{address}{}", sign_in_path(&token))))
    }

    /// Takes up a newer certificate of the operator's now, where there is one.
    pub async fn reload(&self) {
        self.rooms.authority.look().await;
    }

    /// Ends when the gateway cannot go on; until then it watches its tasks.
    ///
    /// # Errors
    /// What ended.
    pub async fn wait(&mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                // Facts are still kept without any of these, so the gateway goes on.
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(task) => tracing::error!(task, "a task ended by itself"),
                    Err(error) => tracing::error!(%error, "a task panicked"),
                },
                () = self.door.ended() => anyhow::bail!("the MQTT door ended by itself"),
                () = self.api.ended() => anyhow::bail!("the HTTP listeners ended by themselves"),
            }
        }
    }

    /// Stops: accepts nothing more, finishes what is under way, puts everything on disk.
    ///
    /// # Errors
    /// Where something could not be finished.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let withdrawn = self.data.withdraw_endpoints();
        let api = timeout(STOP_GRACE, self.api.stop());
        let ((), api) = tokio::join!(self.door.stop(STOP_GRACE), api);
        if api.is_err() {
            tracing::warn!("an answer of the HTTP API was not waited for");
        }
        self.rooms.intake.stop().await;
        self.rooms.registry.settled().await;
        self.people.settled().await;
        self.rooms.rollouts.settled().await;
        self.cancel.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a task panicked");
            }
        }
        let store = self.rooms.store.clone();
        drop(self.rooms);
        let closing = tokio::task::spawn_blocking(move || store.close());
        closing.await.context("closing the store")?;
        drop(self.data);
        withdrawn.context("taking back the endpoints")
    }
}

impl Rooms {
    /// Opens everything that listens to nobody yet.
    async fn open(
        config: &GatewayConfig,
        data: &DataDir,
        options: RunOptions,
    ) -> anyhow::Result<Self> {
        let clock = options.clock;
        let file = data.ledger_db();
        let store = Store::open(&file, options.store)
            .with_context(|| format!("opening {}", file.display()))?;
        let zone = config.library.time_zone.clone();
        let registry = Registry::open(store.clone(), zone, Arc::clone(&clock))
            .await
            .context("reading the registry")?
            .with(options.identity);
        let saved = store
            .read(presence_rows::load)
            .context("reading what devices last said")?;
        let seals = Seals::open(&data.keys_dir()).context("opening the keys")?;
        let seals = Arc::new(seals);
        let zone = config.library.time_zone.clone();
        let papers = Papers::new(store.clone(), Arc::clone(&seals), Arc::clone(&clock), zone);
        let authority = open_authority(config, data, Arc::clone(&clock)).await?;
        let switchboard = Switchboard::new(&config.mqtt);
        let places = registry.clone();
        let views = Views::open(
            &data.views_dir(),
            Arc::new(store.clone()),
            Arc::new(move || places.places()),
            config.views.clone(),
        )
        .context("opening the views")?;
        let loans = Loans::new(
            store.clone(),
            Arc::clone(&seals),
            papers.clone(),
            Arc::clone(&clock),
            config.library.time_zone.clone(),
            config.loans.clone(),
            data.root(),
        );
        let rollouts = open_rollouts(config, &store, &registry, Arc::clone(&clock))?;
        let content = Content::open(
            store.clone(),
            data,
            Arc::clone(&clock),
            config.content.clone(),
        )
        .context("opening the releases of e-books")?;
        let drafts = open_drafts(config, data, &store, (&content, &registry), &clock)?;
        let intake = Intake::start(
            store.clone(),
            config.intake.clone(),
            seals,
            Arc::clone(&clock),
            Arc::new(Announcer::new(Arc::clone(&switchboard))),
        );
        Ok(Self {
            presence: Presence::restored(saved, clock.wall()),
            store,
            authority,
            registry,
            intake,
            views,
            papers,
            loans,
            content,
            drafts,
            rollouts,
            switchboard,
            clock,
        })
    }

    fn open_door(
        &self,
        config: &GatewayConfig,
        between: fn(Arc<dyn House>) -> Arc<dyn House>,
    ) -> anyhow::Result<Door> {
        let house = GatewayHouse::new(
            self.registry.clone(),
            self.authority.clone(),
            self.intake.clone(),
            self.presence.clone(),
            Arc::clone(&self.switchboard),
            Arc::clone(&self.clock),
            ClientLimits::of(&config.mqtt),
        );
        let switchboard = Arc::clone(&self.switchboard);
        let retained = self.presence.retained();
        let tls = DoorTls {
            listen: config.tls.mqtt_listen,
            config: Arc::new(self.authority.server_config()?),
            handshake_timeout: config.tls.handshake_timeout,
        };
        Door::start(
            config.mqtt.clone(),
            Some(tls),
            between(Arc::new(house)),
            switchboard,
            retained,
        )
        .context("opening the door ([mqtt] listen, [tls] mqtt_listen)")
    }

    async fn open_people(&self, config: &GatewayConfig, token: &str) -> anyhow::Result<People> {
        let (store, clock) = (self.store.clone(), Arc::clone(&self.clock));
        let people = People::open(store, clock, token, config).await;
        people.context("reading who may sign in")
    }

    async fn open_api(
        &self,
        config: &GatewayConfig,
        people: People,
        stopping: CancellationToken,
    ) -> anyhow::Result<Api> {
        let state = ApiState {
            store: self.store.clone(),
            registry: self.registry.clone(),
            presence: self.presence.clone(),
            views: self.views.clone(),
            intake: self.intake.clone(),
            switchboard: Arc::clone(&self.switchboard),
            people,
            authority: self.authority.clone(),
            enrolment: Enrolment::new(
                self.authority.clone(),
                self.registry.clone(),
                Arc::clone(&self.clock),
                config,
            ),
            papers: self.papers.clone(),
            loans: self.loans.clone(),
            content: self.content.clone(),
            drafts: self.drafts.clone(),
            rollouts: self.rollouts.clone(),
            live: Live::new(&config.http),
            metrics: Metrics::default(),
            rebuilds: Rebuilds::default(),
            clock: Arc::clone(&self.clock),
            library: config.library.clone(),
            stopping,
        };
        let tls = ApiTls {
            section: &config.tls,
            config: self.authority.server_config()?,
        };
        let api = Api::start(&config.http, tls, state).await;
        api.context("opening the API")
    }

    fn spawn_tasks(&self, tasks: &mut JoinSet<&'static str>, cancel: &CancellationToken) {
        let keeper =
            presence_keeper::keep(self.presence.clone(), self.store.clone(), cancel.clone());
        spawn(tasks, "presence", keeper);
        let switchboard = Arc::clone(&self.switchboard);
        let herald = Herald {
            papers: self.papers.clone(),
            content: self.content.clone(),
            rollouts: self.rollouts.clone(),
            registry: self.registry.clone(),
            switchboard,
        };
        spawn(tasks, "herald", herald.tell(cancel.clone()));
        let following = self.rollouts.clone();
        let following = following.follow(self.presence.clone(), cancel.clone());
        spawn(tasks, "rollouts", following);
        let renewing = self.content.clone().keep_renewed(cancel.clone());
        spawn(tasks, "releases", renewing);
        let tidying = self.drafts.clone().keep_tidy(cancel.clone());
        spawn(tasks, "drafts", tidying);
        let rising = self.content.clone();
        let rising = rising.keep_above(self.presence.clone(), cancel.clone());
        spawn(tasks, "releases seen", rising);
        let (desk, heads) = (self.loans.clone(), self.store.head_watch());
        spawn(tasks, "loan desk", desk.run(heads, cancel.clone()));
        let forgetting = self.loans.clone().keep_forgetting(cancel.clone());
        spawn(tasks, "retention", forgetting);
        let keeper = self.authority.clone().keep(cancel.clone());
        spawn(tasks, "authority", keeper);
        let (views, heads, cancel) = (self.views.clone(), self.store.head_watch(), cancel.clone());
        spawn(
            tasks,
            "views",
            async move { views.follow(heads, cancel).await },
        );
    }

    fn spawn_withdrawals(&self, tasks: &mut JoinSet<&'static str>, cancel: &CancellationToken) {
        let switchboard = Arc::clone(&self.switchboard);
        let withdrawals = withdrawals::follow(self.registry.clone(), switchboard, cancel.clone());
        spawn(tasks, "withdrawals", withdrawals);
    }
}

/// Releases that are being made.
fn open_drafts(
    config: &GatewayConfig,
    data: &DataDir,
    store: &Store,
    (content, registry): (&Content, &Registry),
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Drafts> {
    let rooms = DraftRooms {
        store: store.clone(),
        paths: DataPaths::clone(data),
        content: content.clone(),
        registry: registry.clone(),
        zone: config.library.time_zone.clone(),
        clock: Arc::clone(clock),
    };
    Drafts::open(rooms, config.content.clone()).context("opening the drafts of releases")
}

fn open_rollouts(
    config: &GatewayConfig,
    store: &Store,
    registry: &Registry,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Rollouts> {
    let (store, registry) = (store.clone(), registry.clone());
    Rollouts::open(store, registry, clock, &config.rollouts).context("reading the rollouts")
}

/// Reads key files, and makes keys at the first start.
async fn open_authority(
    config: &GatewayConfig,
    data: &DataDir,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Authority> {
    let (paths, config) = (DataPaths::clone(data), config.clone());
    let opening =
        tokio::task::spawn_blocking(move || Authority::open(&paths, &config, clock)).await;
    opening
        .context("opening the certificate authority")?
        .context("opening the certificate authority")
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
