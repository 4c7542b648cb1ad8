//! The way in for one peer: CONNECT under a deadline, a place, the house's word, CONNACK.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant as StdInstant;

use bytes::Bytes;
use lujiang_wire::DeviceId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::SemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::Context;
use crate::connect::{ConnectRequest, Refused};
use crate::connection::{Connection, Parts};
use crate::encode;
use crate::frame::next_frame;
use crate::house::{Admission, Credentials, Refusal, Word};
use crate::metrics::ConnectRefusal;
use crate::outgoing::Outgoing;
use crate::reason::ReasonCode;
use crate::registration::{Newcomer, NotTaken, Registration, Will};
use crate::session::{Session, SessionLimits};
use crate::switchboard::LineKey;
use crate::wire::Wire;

/// Largest CONNECT, in bytes: room for its names, a password and a status as will. Nobody is known
/// yet, so nobody may make the door hold more.
const CONNECT_MAX: usize = 16 * 1024;

/// Who calls, as far as the line itself says.
pub(super) struct Caller {
    pub(super) peer: SocketAddr,
    /// The certificate (DER) it has proved to hold the key of.
    pub(super) certificate: Option<Bytes>,
}

/// Serves one peer, from its first byte to its last.
pub(super) async fn serve<S: AsyncRead + AsyncWrite>(
    context: Arc<Context>,
    stream: S,
    caller: Caller,
) {
    // In boxes: thousands of idle connections are not to keep what the way in needed, nor a copy
    // of the connection for each hand it went through.
    let greeting = Box::pin(greet(&context, Wire::new(stream), caller));
    let Some((connection, _place)) = greeting.await else {
        return;
    };
    connection.run().await;
}

/// Lets the peer in and makes its connection, or tells it why not.
async fn greet<S: AsyncRead + AsyncWrite>(
    context: &Arc<Context>,
    mut wire: Wire<S>,
    caller: Caller,
) -> Option<(Box<Connection<S>>, SemaphorePermit<'_>)> {
    let peer = caller.peer;
    let entered = tokio::select! {
        entered = enter(context, &mut wire, caller) => entered,
        () = context.stop.cancelled() => return None,
    };
    let entrance = match entered {
        Ok(entrance) => entrance,
        Err(turned_away) => {
            turned_away.tell(context, peer);
            if let Some((version, code)) = turned_away.refused.answer {
                encode::connack_refused(version, code, &mut wire.unsent);
                wire.farewell().await;
            }
            return None;
        }
    };
    let Entrance {
        request,
        admission,
        registration,
        place,
    } = entrance;
    context.metrics.connected.increase();
    let Admission {
        principal, limits, ..
    } = admission;
    let keep_alive = request.keep_alive(&context.section);
    let welcome = request.welcome(&limits, keep_alive);
    encode::connack(request.version, &welcome, &mut wire.unsent);
    let bounds = SessionLimits {
        subscriptions_max: context.section.subscriptions_max,
        unauthorised_per_minute_max: context.section.unauthorised_per_minute_max,
        topics: limits.topics.clone(),
    };
    let outgoing = Outgoing::new(context.section.outgoing_max, request.receive_maximum);
    let parts = Parts {
        session: Session::new(request.version, principal, bounds, outgoing),
        registration,
        limits,
        keep_alive,
        sent_max: request.packet_max,
    };
    let connection = Connection::new(Arc::clone(context), wire, parts);
    Some((Box::new(connection), place))
}

/// Someone who passed.
struct Entrance<'a> {
    request: ConnectRequest,
    admission: Admission,
    registration: Registration,
    /// One of `connections_max`, held while the connection lasts.
    place: SemaphorePermit<'a>,
}

/// Someone who did not.
struct TurnedAway {
    refused: Refused,
    /// Who it said to be, where that is a device's name.
    device: Option<DeviceId>,
}

impl TurnedAway {
    /// Counts it, and tells the house where it is about a device.
    fn tell(&self, context: &Context, peer: SocketAddr) {
        let reason = self.refused.counted;
        context.metrics.refuse(reason);
        tracing::debug!(reason = reason.as_str(), "CONNECT refused");
        if let Some(device) = self.device.clone() {
            let reason = reason.as_str();
            context.house.heard(Word::TurnedAway {
                device,
                peer,
                reason,
            });
        }
    }
}

impl From<Refused> for TurnedAway {
    fn from(refused: Refused) -> Self {
        let device = None;
        Self { refused, device }
    }
}

/// From the first byte to a place among the others.
async fn enter<'a, S: AsyncRead + AsyncWrite>(
    context: &'a Arc<Context>,
    wire: &mut Wire<S>,
    caller: Caller,
) -> Result<Entrance<'a>, TurnedAway> {
    let request = read_connect(context, wire).await?;
    let device = request.device_named();
    let taken = take_place(context, request, caller).await;
    taken.map_err(|refused| TurnedAway { refused, device })
}

async fn take_place(
    context: &Arc<Context>,
    mut request: ConnectRequest,
    caller: Caller,
) -> Result<Entrance<'_>, Refused> {
    let (peer, version) = (caller.peer, request.version);
    let refused = |code, counted| Refused::new(version, code, counted);
    let Ok(place) = context.places.try_acquire() else {
        let code = ReasonCode::QuotaExceeded;
        return Err(refused(code, ConnectRefusal::ConnectionsMax));
    };
    if !context.house.has_room() {
        return Err(refused(ReasonCode::QuotaExceeded, ConnectRefusal::NoRoom));
    }
    let (admission, will) = admit(context, &mut request, caller).await?;
    let newcomer = Newcomer {
        admission: &admission,
        key: LineKey {
            principal: (&admission.principal).into(),
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
        .map_err(|_| refused(ReasonCode::ServerUnavailable, ConnectRefusal::Unavailable))?
        .map_err(|not_taken| match not_taken {
            NotTaken::SessionsMax => {
                refused(ReasonCode::QuotaExceeded, ConnectRefusal::SessionsMax)
            }
            NotTaken::Withdrawn => {
                refused(ReasonCode::NotAuthorized, ConnectRefusal::NotAuthorised)
            }
        })?;
    Ok(Entrance {
        request,
        admission,
        registration,
        place,
    })
}

async fn read_connect<S: AsyncRead + AsyncWrite>(
    context: &Context,
    wire: &mut Wire<S>,
) -> Result<ConnectRequest, Refused> {
    let deadline = Instant::now() + context.section.connect_timeout;
    let packet_max = context.section.packet_max.as_usize().min(CONNECT_MAX);
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
) -> Result<(Admission, Option<Will>), Refused> {
    let (version, address) = (request.version, caller.peer.ip());
    let credentials = request.credentials(caller.peer, caller.certificate);
    let refused = |code, counted| Refused::new(version, code, counted);
    let unavailable = |_| {
        let code = ReasonCode::ServerUnavailable;
        refused(code, ConnectRefusal::Unavailable)
    };
    let asking = ask(context, credentials, address);
    let asked = timeout(context.section.connect_timeout, asking).await;
    let (code, counted) = match asked.map_err(unavailable)? {
        Ok(admission) => {
            let will = request.will(&admission)?;
            return Ok((admission, will));
        }
        Err(No::Held) => (
            ReasonCode::ConnectionRateExceeded,
            ConnectRefusal::AddressHeld,
        ),
        Err(No::House(Refusal::BadCredentials)) => (
            ReasonCode::BadUserNameOrPassword,
            ConnectRefusal::BadCredentials,
        ),
        Err(No::House(Refusal::NotAuthorised)) => {
            (ReasonCode::NotAuthorized, ConnectRefusal::NotAuthorised)
        }
        Err(No::House(Refusal::Unavailable)) => {
            (ReasonCode::ServerUnavailable, ConnectRefusal::Unavailable)
        }
    };
    Err(refused(code, counted))
}

/// Who says no to a login.
enum No {
    /// The address pauses for wrong passwords.
    Held,
    House(Refusal),
}

/// Asks the house when it is our turn. A password is looked at only while its address is not
/// held for wrong ones: that spares the hash, which is what a flood of them is after.
async fn ask(
    context: &Context,
    credentials: Credentials,
    address: IpAddr,
) -> Result<Admission, No> {
    let has_password = credentials.password.is_some();
    let may_log_in = || {
        let held = context.addresses.may_log_in(address, StdInstant::now());
        if has_password {
            held.map_err(|_held| No::Held)
        } else {
            Ok(())
        }
    };
    // Before waiting, so that a held flood does not queue; and after, for what failed meanwhile.
    may_log_in()?;
    // Who shows a certificate does not queue behind others' hashes.
    let _turn = match has_password {
        true => Some(context.admissions.acquire().await),
        false => None,
    };
    may_log_in()?;
    let admitted = context.house.admit(credentials).await;
    let now = StdInstant::now();
    match &admitted {
        Ok(_) if has_password => context.addresses.succeeded(address, now),
        Err(Refusal::BadCredentials) if has_password => context.addresses.failed(address, now),
        Ok(_) | Err(_) => {}
    }
    admitted.map_err(No::House)
}
