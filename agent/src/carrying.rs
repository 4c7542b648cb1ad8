//! A bus that carries for devices without a way to the gateway: releases, receipts and wishes
//! there, facts back.
//!
//! ```text
//! gateway <──errand──  letters, haul ──> server <── mutual TLS, local network ── device
//!        <──uplink──   satchel <──────────┘
//! ```
//!
//! It reads none of what it carries and is believed in nothing (decision 0029). Reading order: what
//! is on the way to the gateway ([`satchel`]), what is for the devices ([`letters`], and
//! [`lujiang_kiosk::Haul`]), who fetches it ([`errand`]), who serves it ([`listener`], [`server`]).

mod errand;
mod letters;
mod listener;
mod satchel;
mod server;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use lujiang_config::CarryingSection;
use lujiang_kiosk::{DownloadOptions, Downloads, Haul, Hours, OnBoard, Pace, Yielding};
use lujiang_wire::{Clock, DeviceId};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::identity::IdentityFolder;
use crate::kiosk::GatewaySource;
use crate::line::Line;
use crate::measured_time::MeasuredTime;
use crate::tls;
use errand::Errand;
use letters::Letters;
use listener::{Caller, Handshakes};
pub(crate) use satchel::{PayloadNumber, Satchel};
use server::Server;

/// The folder of all that is carried, in the data folder.
const FOLDER: &str = "carrying";

/// What carrying stands on.
pub(crate) struct CarryingParts<'a> {
    pub(crate) section: CarryingSection,
    pub(crate) data: &'a Path,
    pub(crate) identity: IdentityFolder,
    /// The line to the gateway.
    pub(crate) gateway: Line,
    /// Facts of others on their way.
    pub(crate) satchel: Satchel,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) time: MeasuredTime,
    /// Moves with each new certificate.
    pub(crate) renewals: watch::Receiver<u64>,
}

/// The carrier, bound and not yet serving.
pub(crate) struct Carrying {
    errand: Errand,
    server: Server,
    handshakes: Handshakes,
    shown: Shown,
    address: SocketAddr,
}

/// What it shows of itself: its certificate, and whom it knows by theirs.
struct Shown {
    identity: IdentityFolder,
    time: MeasuredTime,
    devices: Vec<DeviceId>,
    acceptor: watch::Sender<TlsAcceptor>,
    renewals: watch::Receiver<u64>,
}

impl Carrying {
    /// The facts of others that are on their way.
    pub(crate) fn satchel(section: &CarryingSection, data: &Path) -> anyhow::Result<Satchel> {
        let folder = data.join(FOLDER).join("facts");
        let satchel = Satchel::open(&folder, section.facts_max.as_u64());
        satchel.context("opening the folder of facts that are carried")
    }

    /// Binds its address, and opens what is on board.
    pub(crate) async fn open(parts: CarryingParts<'_>) -> anyhow::Result<Self> {
        let section = parts.section;
        let folder = parts.data.join(FOLDER);
        let letters = Letters::open(&folder.join("letters"));
        let letters = letters.context("opening the folder of letters")?;
        let source = Arc::new(GatewaySource(parts.gateway.clone()));
        let clock = parts.clock;
        let hours = Hours::new(section.time_zone.clone(), &section.downloads);
        let options = DownloadOptions::from(&section.downloads);
        // Its own facts are brought by another connection, and are few.
        let line = watch::Sender::new(Yielding::Free).subscribe();
        let haul = Haul::open(&folder, source, move |blobs| {
            let pace = Pace::new(hours, Arc::new(move || clock.wall()), line);
            Downloads::new(blobs, pace, options)
        });
        let haul = haul.context("opening the folder of what is carried")?;
        let wanted = section.listen;
        let listener = TcpListener::bind(wanted).await;
        let listener = listener
            .with_context(|| format!("carrying.listen = \"{wanted}\": cannot listen there"))?;
        let address = listener
            .local_addr()
            .context("cannot ask for the address")?;
        let identity = parts.identity.with(IdentityFolder::load).await?;
        let config = tls::for_fellows(&identity, parts.time.clone(), section.devices.clone());
        let acceptor = watch::Sender::new(TlsAcceptor::from(Arc::new(config)));
        Ok(Self {
            handshakes: Handshakes {
                listener,
                acceptor: acceptor.subscribe(),
                places: usize::from(section.connections_max),
                patience: section.patience,
            },
            shown: Shown {
                identity: parts.identity,
                time: parts.time.clone(),
                devices: section.devices.clone(),
                acceptor,
                renewals: parts.renewals,
            },
            server: Server {
                on_board: OnBoard::new(&folder),
                letters: letters.clone(),
                satchel: parts.satchel.clone(),
            },
            errand: Errand {
                devices: section.devices,
                gateway: parts.gateway,
                haul,
                letters,
                satchel: parts.satchel,
                time: parts.time,
                every: section.ask_every,
            },
            address,
        })
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Carries until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let address = self.address;
        let begun = self.handshakes.begin(stop.clone());
        let (door, shaking) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                tracing::error!(%error, "the carrier cannot serve");
                return;
            }
        };
        tracing::info!(%address, "the carrier serves the devices on its route");
        let app = self.server.router();
        let app = app.into_make_service_with_connect_info::<Caller>();
        let stopping = stop.clone();
        let serving = axum::serve(door, app)
            .with_graceful_shutdown(async move { stopping.cancelled().await });
        let (served, ..) = tokio::join!(
            serving,
            shaking,
            self.errand.run(stop.clone()),
            self.shown.keep(stop),
        );
        if let Err(error) = served {
            tracing::error!(%error, "the carrier does not serve any more");
        }
    }
}

impl Shown {
    /// Shows each new certificate.
    async fn keep(mut self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Ok(()) = self.renewals.changed() => {}
            }
            match self.identity.with(IdentityFolder::load).await {
                Ok(identity) => {
                    let devices = self.devices.clone();
                    let config = tls::for_fellows(&identity, self.time.clone(), devices);
                    self.acceptor
                        .send_replace(TlsAcceptor::from(Arc::new(config)));
                }
                Err(error) => tracing::warn!(%error, "the new certificate cannot be shown"),
            }
        }
    }
}
