//! The HTTP API, the page, and the probes of monitors.
//!
//! `frame` surrounds every request; `access` says who asks; `rights` is the table of all routes
//! and the right each needs. Each handler reads its parameters strictly, asks the other rooms (off
//! the runtime's threads where that may block), and answers in a form of its own.

mod access;
mod audit;
mod body;
mod callers;
mod carried;
mod closed;
mod content;
mod content_device;
mod cookie;
mod csv;
mod desk;
mod device_papers;
mod devices;
mod drafts;
mod enrolment;
mod frame;
mod gateway;
mod hidden_titles;
mod lending;
mod listener;
mod loan_conflicts;
mod loan_list;
mod loan_sync;
mod loan_totals;
mod parameters;
mod payments;
pub mod peer;
pub(crate) mod persons;
mod probes;
pub mod problem;
mod problem_pages;
mod quarantine;
mod rebuild;
mod registry;
mod releases;
mod rights;
mod rollouts;
pub(crate) mod rulings;
mod session;
mod signing_in;
mod sites;
pub(crate) mod stops;
mod stream;
mod timespan;
mod tokens;
mod visits;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Json, Router, middleware};
use lujiang_broker::Switchboard;
use lujiang_config::{HttpSection, LibrarySection, TlsSection};
use lujiang_wire::Clock;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::authority::Authority;
use crate::content::Content;
use crate::drafts::Drafts;
use crate::enrolment::Enrolment;
use crate::intake::Intake;
use crate::live::Live;
use crate::loans::Loans;
use crate::metrics::Metrics;
use crate::page;
use crate::papers::Papers;
use crate::people::People;
use crate::presence::Presence;
use crate::registry::Registry;
use crate::rollouts::Rollouts;
use crate::store::Store;
use crate::views::Views;
use callers::Callers;
use cookie::SessionCookie;
use frame::Frame;
use listener::{Deadlines, Listener};
use peer::Scheme;
use problem::Problem;
pub use rebuild::Rebuilds;

/// How long answers under way are waited for at a stop: shorter than the grace of the gateway,
/// so that what comes after them is stopped in order too.
const ANSWERS_GRACE: Duration = Duration::from_secs(5);

/// The rooms the API speaks for; clones share them.
#[derive(Clone)]
pub struct ApiState {
    /// The ledger and the quarantine.
    pub store: Store,
    /// Devices, readers, sites.
    pub registry: Registry,
    /// What devices last said.
    pub presence: Presence,
    /// The figures.
    pub views: Views,
    /// What keeps facts.
    pub intake: Intake,
    /// The door's connections and counters.
    pub switchboard: Arc<Switchboard>,
    /// Who may come in.
    pub people: People,
    /// What the gateway shows of itself.
    pub authority: Authority,
    /// How devices get certificates.
    pub enrolment: Enrolment,
    /// With what devices may lend off-line.
    pub papers: Papers,
    /// What the library system hears of loans.
    pub loans: Loans,
    /// Releases of e-books.
    pub content: Content,
    /// Releases that are being made.
    pub drafts: Drafts,
    /// Who is to have a release, and how far each device is.
    pub rollouts: Rollouts,
    /// What changes.
    pub live: Live,
    /// What is counted.
    pub metrics: Metrics,
    /// The rebuild under way.
    pub rebuilds: Rebuilds,
    /// The gateway's clock.
    pub clock: Arc<dyn Clock>,
    /// Whose house this is.
    pub library: LibrarySection,
    /// Cancelled when the gateway stops.
    pub stopping: CancellationToken,
}

impl ApiState {
    /// The cookie of sessions here.
    fn cookie(&self) -> SessionCookie {
        SessionCookie::of(&self.store.ledger_id())
    }
}

/// A running API.
pub struct Api {
    local_addr: SocketAddr,
    tls_addr: SocketAddr,
    server: JoinHandle<()>,
    live: JoinHandle<()>,
    rebuilds: Rebuilds,
    stopping: CancellationToken,
}

/// HTTPS: where, and how hands are shaken there.
pub struct ApiTls<'a> {
    /// `[tls]`
    pub section: &'a TlsSection,
    /// Certificates and versions.
    pub config: rustls::ServerConfig,
}

/// Why the API could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen} ({key})")]
pub struct ListenError {
    listen: SocketAddr,
    key: &'static str,
    source: std::io::Error,
}

impl Api {
    /// Listens and serves until `stopping` of the state is cancelled.
    ///
    /// # Errors
    /// Where an address cannot be bound.
    pub async fn start(
        section: &HttpSection,
        tls: ApiTls<'_>,
        state: ApiState,
    ) -> Result<Self, ListenError> {
        let bind = async |listen, key| {
            let bound = listener::bind(listen).await;
            bound.map_err(|source| ListenError {
                listen,
                key,
                source,
            })
        };
        let (plain, local_addr) = bind(section.listen, "http.listen").await?;
        let (secure, tls_addr) = bind(tls.section.http_listen, "tls.http_listen").await?;
        let listener = |socket, tls, callers| Listener {
            socket,
            tls,
            callers,
            deadlines: Deadlines {
                header: section.header_timeout,
                write: section.write_timeout,
            },
            metrics: state.metrics.clone(),
        };
        let mut config = tls.config;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let plain = listener(plain, None, Callers::of_this_machine(section));
        let handshakes = Some((acceptor, tls.section.handshake_timeout));
        let secure = listener(secure, handshakes, Callers::of_the_street(section));
        let metrics = state.metrics.clone();
        state
            .intake
            .counters()
            .watch_commits(move |took| metrics.committed(took));
        let live = state.live.clone().run(
            Arc::new(state.clone()),
            state.presence.changes(),
            state.views.folded(),
            state.stopping.clone(),
        );
        let told = state.live.clone();
        let told = told.tell_rollouts(state.rollouts.changes(), state.stopping.clone());
        let live = async move {
            tokio::join!(live, told);
        };
        let (stopping, rebuilds) = (state.stopping.clone(), state.rebuilds.clone());
        let app = app(section, state);
        let ended = stopping.clone();
        let server = async move {
            tokio::join!(
                plain.serve(app.clone(), ended.clone()),
                secure.serve(app, ended)
            );
        };
        Ok(Self {
            local_addr,
            tls_addr,
            server: tokio::spawn(server),
            live: tokio::spawn(live),
            rebuilds,
            stopping,
        })
    }

    /// Where it listens without TLS.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it listens behind TLS.
    #[must_use]
    pub fn tls_addr(&self) -> SocketAddr {
        self.tls_addr
    }

    /// Ends when the listeners have ended, by themselves or because of a panic.
    pub async fn ended(&mut self) {
        // Both are told as what they are: nobody accepts any more.
        let _ = (&mut self.server).await;
    }

    /// Stops: takes no more requests, ends live streams, waits for answers under way.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        // A request that never ends must not keep the rooms behind the API from stopping.
        let is_over = self.server.is_finished();
        if !is_over
            && tokio::time::timeout(ANSWERS_GRACE, &mut self.server)
                .await
                .is_err()
        {
            self.server.abort();
            tracing::info!("a request was still under way and was not waited for");
        }
        if self.live.await.is_err() {
            tracing::error!("the task of the live changes panicked");
        }
        self.rebuilds.settled().await;
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lujiang gateway",
        description = "Visitor totals, devices and quarantine of one library system.\n\nEvery \
                       error is a problem document (RFC 9457). Send an API token as a bearer \
                       token, or a session cookie; a change by cookie needs `Origin` or \
                       `Sec-Fetch-Site` of this site.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    security(("token" = []), ("session" = [])),
    tags(
        (name = "figures", description = "What the ledger adds up to"),
        (name = "devices", description = "Devices and what they sent"),
        (name = "registry", description = "Changes to devices, sites and credentials"),
        (name = "identity", description = "Certificates for devices"),
        (name = "loans", description = "What devices may lend off-line, and what the library system hears of it"),
        (name = "content", description = "Releases of e-books, notices, and what devices fetch of them"),
        (name = "people", description = "Who is there and what they did"),
        (name = "probes", description = "For monitors; no token needed"),
    )
)]
struct Document;

/// Everything that is served, within its frame.
fn app(section: &HttpSection, state: ApiState) -> Router {
    let frame = Frame {
        request_timeout: section.request_timeout,
        metrics: state.metrics.clone(),
    };
    let body_max = usize::try_from(section.body_max.as_u64()).unwrap_or(usize::MAX);
    let (router, mut document) = api(&state).split_for_parts();
    let (fetched, of_fetched) = rights::fetched().split_for_parts();
    document.merge(of_fetched);
    describe_credentials(&mut document, &state.cookie());
    let document = Arc::new(document);
    router
        .route(
            "/api/openapi.json",
            get(move || async move { Json(document.as_ref().clone()) }),
        )
        .with_state(state.clone())
        .merge(page::router())
        .merge(problem_pages::router())
        .layer(CompressionLayer::new())
        // Books are compressed already, and a part of one is asked for as it is.
        .merge(fetched.with_state(state))
        .layer(DefaultBodyLimit::max(body_max))
        .layer(CatchPanicLayer::custom(frame::panicked))
        .layer(middleware::from_fn_with_state(frame, frame::surround))
}

/// The API; its state is still to be given.
fn api(state: &ApiState) -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(rights::probes())
        // Nested once: nesting again at the same place would drop operations from the document.
        .nest("/api/v1", rights::api(&state.people, &state.cookie()))
}

fn describe_credentials(document: &mut utoipa::openapi::OpenApi, cookie: &SessionCookie) {
    let components = document.components.get_or_insert_default();
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer);
    components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    let cookie = ApiKey::Cookie(ApiKeyValue::new(cookie.name(Scheme::Plain)));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
}

/// Runs what may block where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .map_err(|error| Problem::internal(&error))
}

#[cfg(test)]
mod tests;
