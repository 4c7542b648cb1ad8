//! The door: listens, lets in, and sees everybody out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lujiang_config::MqttSection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument as _;

use crate::connect::{ConnectRequest, Refused};
use crate::connection::Connection;
use crate::encode;
use crate::frame::next_frame;
use crate::house::{House, Principal, Refusal, Retained};
use crate::keep_alive::KeepAlive;
use crate::metrics::{ConnectRefusal, DoorMetrics};
use crate::outgoing::Outgoing;
use crate::reason::ReasonCode;
use crate::registration::{Newcomer, Registration, Will};
use crate::session::{Session, SessionLimits};
use crate::switchboard::{LineKey, Switchboard};
use crate::tls::DoorTls;
use crate::wire::Wire;

/// Connections the kernel holds for us between two accepts.
const BACKLOG: u32 = 1_024;

/// Sockets beyond `connections_max` that are still told why they cannot come in.
const REFUSALS_AT_ONCE: usize = 64;

/// How many the house is asked about at once: a password hash takes a core and 19 MiB.
const ADMISSIONS_AT_ONCE: usize = 4;

/// Pause after a failed accept: the usual cause, no free file descriptor, does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What every connection shares.
pub(crate) struct Context {
    pub(crate) section: MqttSection,
    pub(crate) house: Arc<dyn House>,
    pub(crate) switchboard: Arc<Switchboard>,
    pub(crate) metrics: Arc<DoorMetrics>,
    pub(crate) stop: CancellationToken,
    admissions: Semaphore,
    places: Semaphore,
}

/// An open door; stop it with [`Door::stop`].
pub struct Door {
    local_addr: SocketAddr,
    tls_addr: Option<SocketAddr>,
    stop: DropGuard,
    /// Ends what did not end within the grace period.
    kill: DropGuard,
    accepting: JoinHandle<()>,
    keeping: JoinHandle<()>,
    router: DropGuard,
}

/// Why a door did not open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Plain MQTT is spoken on this machine only.
    #[error("{0} is not a loopback address: without TLS the door listens on this machine only")]
    NotLoopback(SocketAddr),
    /// The address could not be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Each switchboard serves one door.
    #[error("the switchboard already has a door")]
    SwitchboardInUse,
}

impl Door {
    /// Opens the door: listens, starts the router, takes what was retained before.
    ///
    /// # Errors
    /// When it cannot listen there, or the switchboard has a door already.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub fn start(
        section: MqttSection,
        tls: Option<DoorTls>,
        house: Arc<dyn House>,
        switchboard: Arc<Switchboard>,
        retained: Vec<Retained>,
    ) -> Result<Self, DoorError> {
        if !section.listen.ip().is_loopback() {
            return Err(DoorError::NotLoopback(section.listen));
        }
        let (plain, local_addr) = listen(section.listen)?;
        let tls = match tls {
            Some(tls) => Some((listen(tls.listen)?, tls)),
            None => None,
        };
        let tls_addr = tls.as_ref().map(|((_, address), _)| *address);
        let tls = tls.map(|((listener, _), tls)| TlsListener {
            listener,
            acceptor: TlsAcceptor::from(tls.config),
            handshake_timeout: tls.handshake_timeout,
        });
        let keeper = switchboard
            .take_keeper()
            .ok_or(DoorError::SwitchboardInUse)?;
        switchboard.restore(retained, &*house);
        let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
        let router = CancellationToken::new();
        let keeping = tokio::spawn(keeper.run(router.clone()));
        let context = Arc::new(Context {
            metrics: Arc::clone(switchboard.metrics()),
            stop: stop.clone(),
            admissions: Semaphore::new(ADMISSIONS_AT_ONCE),
            places: Semaphore::new(section.connections_max.min(Semaphore::MAX_PERMITS)),
            section,
            house,
            switchboard,
        });
        let accepting = tokio::spawn(accept(plain, tls, context, kill.clone()));
        tracing::info!(address = %local_addr, "MQTT door open");
        Ok(Self {
            local_addr,
            tls_addr,
            stop: stop.drop_guard(),
            kill: kill.drop_guard(),
            accepting,
            keeping,
            router: router.drop_guard(),
        })
    }

    /// Where it listens without TLS.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where it listens behind TLS, if it does.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.tls_addr
    }

    /// Accepts nobody any more, answers what is owed, tells everybody 0x8B and ends; after
    /// `grace` without further words.
    pub async fn stop(mut self, grace: Duration) {
        drop(self.stop);
        if timeout(grace, &mut self.accepting).await.is_err() {
            drop(self.kill);
            // Aborted connections end at their next await.
            let _ = self.accepting.await;
        }
        drop(self.router);
        // A panic in there was reported when it happened.
        let _ = self.keeping.await;
    }
}

/// The listener behind TLS, and how a handshake is held there.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    handshake_timeout: Duration,
}

/// Waits for the next connection behind TLS. Cancel-safe, as `accept` is.
async fn accept_tls(tls: Option<&TlsListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match tls {
        Some(tls) => tls.listener.accept().await,
        None => std::future::pending().await,
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), DoorError> {
    let bind = || {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // A restart must not wait for the old connections' TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|source| DoorError::Listen { address, source })
}

/// Accepts until told to stop, then waits for every connection to end.
async fn accept(
    plain: TcpListener,
    tls: Option<TlsListener>,
    context: Arc<Context>,
    kill: CancellationToken,
) {
    let mut connections = JoinSet::new();
    let sockets_max = context
        .section
        .connections_max
        .saturating_add(REFUSALS_AT_ONCE);
    loop {
        let (accepted, handshake) = tokio::select! {
            () = context.stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            accepted = plain.accept() => (accepted, None),
            accepted = accept_tls(tls.as_ref()) => {
                let how = tls.as_ref().map(|tls| (tls.acceptor.clone(), tls.handshake_timeout));
                (accepted, how)
            }
        };
        match accepted {
            Ok((stream, peer)) => {
                context.metrics.accepted.increase();
                if connections.len() >= sockets_max {
                    context.metrics.refuse(ConnectRefusal::ConnectionsMax);
                    continue;
                }
                let serving = serve_socket(Arc::clone(&context), stream, peer, handshake);
                connections.spawn(serving);
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((plain, tls));
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = kill.cancelled() => connections.shutdown().await,
    }
}

async fn serve_socket(
    context: Arc<Context>,
    stream: TcpStream,
    peer: SocketAddr,
    handshake: Option<(TlsAcceptor, Duration)>,
) {
    // Acknowledgements are small and waited for. A socket that refuses is about to fail anyway.
    let _ = stream.set_nodelay(true);
    let span = tracing::info_span!("connection", %peer);
    let Some((acceptor, deadline)) = handshake else {
        let caller = Caller {
            peer,
            certificate: None,
        };
        return serve(context, stream, caller).instrument(span).await;
    };
    let stop = context.stop.clone();
    let shaken = tokio::select! {
        shaken = timeout(deadline, acceptor.accept(stream)) => shaken,
        () = stop.cancelled() => return,
    };
    let reason = match shaken {
        Ok(Ok(stream)) => {
            let certificate = stream.get_ref().1.peer_certificates();
            let leaf = certificate.and_then(<[_]>::first);
            let certificate = leaf.map(|leaf| Bytes::copy_from_slice(leaf));
            let caller = Caller { peer, certificate };
            return serve(context, stream, caller).instrument(span).await;
        }
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "TLS handshake failed");
            ConnectRefusal::Tls
        }
        Err(_) => ConnectRefusal::Timeout,
    };
    context.metrics.refuse(reason);
}

/// Who calls, as far as the line itself says.
struct Caller {
    peer: SocketAddr,
    /// The certificate (DER) it has proved to hold the key of.
    certificate: Option<Bytes>,
}

/// Serves one peer, from its first byte to its last.
async fn serve<S: AsyncRead + AsyncWrite>(context: Arc<Context>, stream: S, caller: Caller) {
    let mut wire = Wire::new(stream);
    let stop = context.stop.clone();
    let entering = enter(&context, &mut wire, caller);
    let entered = tokio::select! {
        entered = entering => entered,
        () = stop.cancelled() => return,
    };
    let entrance = match entered {
        Ok(entrance) => entrance,
        Err(refused) => {
            context.metrics.refuse(refused.counted);
            tracing::debug!(reason = refused.counted.as_str(), "CONNECT refused");
            if let Some((version, code)) = refused.answer {
                encode::connack_refused(version, code, &mut wire.unsent);
                wire.farewell().await;
            }
            return;
        }
    };
    let Entrance {
        request,
        principal,
        registration,
        _place,
    } = entrance;
    context.metrics.connected.increase();
    let welcome = request.welcome(&context.section);
    encode::connack(request.version, &welcome, &mut wire.unsent);
    let limits = SessionLimits {
        subscriptions_max: context.section.subscriptions_max,
        unauthorised_per_minute_max: context.section.unauthorised_per_minute_max,
    };
    let outgoing = Outgoing::new(context.section.outgoing_max, request.receive_maximum);
    let session = Session::new(request.version, principal, limits, outgoing);
    let keep_alive = KeepAlive::new(request.keep_alive(&context.section), Instant::now());
    let connection = Connection::new(
        Arc::clone(&context),
        wire,
        session,
        registration,
        keep_alive,
        request.packet_max,
    );
    connection.run().await;
}

/// Someone who passed.
struct Entrance<'a> {
    request: ConnectRequest,
    principal: Principal,
    registration: Registration,
    /// One of `connections_max`, held while the connection lasts.
    _place: tokio::sync::SemaphorePermit<'a>,
}

/// From the first byte to a place among the others.
async fn enter<'a, S: AsyncRead + AsyncWrite>(
    context: &'a Arc<Context>,
    wire: &mut Wire<S>,
    caller: Caller,
) -> Result<Entrance<'a>, Refused> {
    let peer = caller.peer;
    let mut request = read_connect(context, wire).await?;
    let version = request.version;
    let refused = |code, counted| Refused::new(version, code, counted);
    let Ok(place) = context.places.try_acquire() else {
        let code = ReasonCode::QuotaExceeded;
        return Err(refused(code, ConnectRefusal::ConnectionsMax));
    };
    if !context.house.has_room() {
        return Err(refused(ReasonCode::QuotaExceeded, ConnectRefusal::NoRoom));
    }
    let (principal, will) = admit(context, &mut request, caller).await?;
    let newcomer = Newcomer {
        key: LineKey {
            principal: (&principal).into(),
            client_id: request.client_id.clone(),
        },
        will,
        peer,
        version,
    };
    let (switchboard, house) = (&context.switchboard, &context.house);
    let taking = Registration::take(Arc::clone(switchboard), Arc::clone(house), newcomer);
    let registration = timeout(context.section.connect_timeout, taking)
        .await
        .map_err(|_| refused(ReasonCode::ServerUnavailable, ConnectRefusal::Unavailable))?;
    Ok(Entrance {
        request,
        principal,
        registration,
        _place: place,
    })
}

async fn read_connect<S: AsyncRead + AsyncWrite>(
    context: &Context,
    wire: &mut Wire<S>,
) -> Result<ConnectRequest, Refused> {
    let deadline = Instant::now() + context.section.connect_timeout;
    let packet_max = context.section.packet_max.as_usize();
    loop {
        // The version is not known yet, so there is no answer to a fault here.
        let frame = next_frame(&mut wire.received, packet_max)
            .map_err(|_| Refused::silently(ConnectRefusal::Malformed))?;
        if let Some(frame) = frame {
            return ConnectRequest::read(&frame);
        }
        match timeout_at(deadline, wire.read()).await {
            Ok(Ok(count)) if count > 0 => context.metrics.bytes_received.add(count),
            Ok(_) => return Err(Refused::silently(ConnectRefusal::Malformed)),
            Err(_) => return Err(Refused::silently(ConnectRefusal::Timeout)),
        }
    }
}

/// Asks the house who this is, and looks at the will in that light.
async fn admit(
    context: &Context,
    request: &mut ConnectRequest,
    caller: Caller,
) -> Result<(Principal, Option<Will>), Refused> {
    let version = request.version;
    let credentials = request.credentials(caller.peer, caller.certificate);
    let asking = async {
        let _turn = context.admissions.acquire().await;
        context.house.admit(credentials).await
    };
    let admitted = timeout(context.section.connect_timeout, asking).await;
    let (code, counted) = match admitted {
        Ok(Ok(admission)) => {
            let will = request.will(&admission.principal)?;
            return Ok((admission.principal, will));
        }
        Ok(Err(Refusal::BadCredentials)) => (
            ReasonCode::BadUserNameOrPassword,
            ConnectRefusal::BadCredentials,
        ),
        Ok(Err(Refusal::NotAuthorised)) => {
            (ReasonCode::NotAuthorized, ConnectRefusal::NotAuthorised)
        }
        Ok(Err(Refusal::Unavailable)) | Err(_) => {
            (ReasonCode::ServerUnavailable, ConnectRefusal::Unavailable)
        }
    };
    Err(Refused::new(version, code, counted))
}
