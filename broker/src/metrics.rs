//! What the door counts: plain numbers, read by whoever exports them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::reason::ReasonCode;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        // Relaxed: a count orders nothing else.
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn increase(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: usize) {
        // Relaxed: see `get`.
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// Why a connection did not get past CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum ConnectRefusal {
    /// No CONNECT within the deadline.
    Timeout,
    /// What came was no CONNECT the standard allows.
    Malformed,
    /// A version of MQTT the door does not speak.
    ProtocolVersion,
    /// A Client Identifier that cannot be used.
    ClientId,
    /// A will that is not a status of the device itself.
    Will,
    /// Unknown user name, or wrong password.
    BadCredentials,
    /// Known, but not to be let in.
    NotAuthorised,
    /// The registry could not be asked in time.
    Unavailable,
    /// Facts cannot be kept now.
    NoRoom,
    /// As many connections as are allowed.
    ConnectionsMax,
    /// The TLS handshake failed: no certificate of ours, or no TLS at all.
    Tls,
    /// Its address called too often; closed before its first byte.
    AttemptsMax,
    /// Its address pauses for wrong passwords.
    AddressHeld,
    /// It is connected under as many other Client Identifiers as it may.
    SessionsMax,
}

impl ConnectRefusal {
    /// Every reason, in the order of their numbers.
    pub const ALL: [Self; 14] = [
        Self::Timeout,
        Self::Malformed,
        Self::ProtocolVersion,
        Self::ClientId,
        Self::Will,
        Self::BadCredentials,
        Self::NotAuthorised,
        Self::Unavailable,
        Self::NoRoom,
        Self::ConnectionsMax,
        Self::Tls,
        Self::AttemptsMax,
        Self::AddressHeld,
        Self::SessionsMax,
    ];

    /// The reason as a label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::ProtocolVersion => "protocol_version",
            Self::ClientId => "client_id",
            Self::Will => "will",
            Self::BadCredentials => "bad_credentials",
            Self::NotAuthorised => "not_authorised",
            Self::Unavailable => "unavailable",
            Self::NoRoom => "no_room",
            Self::ConnectionsMax => "connections_max",
            Self::Tls => "tls",
            Self::AttemptsMax => "attempts_max",
            Self::AddressHeld => "address_held",
            Self::SessionsMax => "sessions_max",
        }
    }
}

/// The counters of one door.
#[derive(Debug, Default)]
pub struct DoorMetrics {
    /// Sockets accepted.
    pub accepted: Counter,
    /// Connections let in.
    pub connected: Counter,
    /// PUBLISH packets received.
    pub publishes: Counter,
    /// PUBACK packets sent, whatever their reason code.
    pub pubacks: Counter,
    /// Connections ended because the peer was silent or did not take what was written.
    pub timeouts: Counter,
    /// Pauses in reading a client that sent more than its rates allow.
    pub slowed: Counter,
    /// Messages for other subscribers dropped because their queue was full.
    pub fan_out_dropped: Counter,
    /// Messages dropped for one slow subscriber.
    pub outgoing_dropped: Counter,
    /// Connections that ended by a panic in their own task: a fault of ours, of no other's harm.
    pub connection_panics: Counter,
    /// Times the router had to be rebuilt.
    pub router_restarts: Counter,
    /// Bytes read from peers.
    pub bytes_received: Counter,
    /// Bytes written to peers.
    pub bytes_sent: Counter,
    refusals: [Counter; ConnectRefusal::ALL.len()],
    requests_refused: ByReason,
    ended: ByReason,
}

/// One counter for each reason code that refuses.
#[derive(Debug, Default)]
struct ByReason([Counter; ReasonCode::REFUSING.len()]);

impl ByReason {
    fn increase(&self, code: ReasonCode) {
        let counters = ReasonCode::REFUSING.iter().zip(&self.0);
        for (_, counter) in counters.filter(|(reason, _)| **reason == code) {
            counter.increase();
        }
    }

    fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counters = ReasonCode::REFUSING.iter().zip(&self.0);
        counters.map(|(reason, counter)| (reason.as_str(), counter.get()))
    }
}

impl DoorMetrics {
    /// How many connections were refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: ConnectRefusal) -> u64 {
        self.refusals[reason as usize].get()
    }

    /// How many publishes and subscriptions were refused, by the name of their reason code; in
    /// 3.1.1, which has no codes, by the one MQTT 5 would have been told.
    pub fn requests_refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.requests_refused.read()
    }

    /// How many connections the door itself ended, likewise.
    pub fn ended(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.ended.read()
    }

    pub(crate) fn refuse_request(&self, code: ReasonCode) {
        self.requests_refused.increase(code);
    }

    pub(crate) fn end(&self, code: ReasonCode) {
        self.ended.increase(code);
    }

    pub(crate) fn refuse(&self, reason: ConnectRefusal) {
        self.refusals[reason as usize].increase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_own_counter() {
        let metrics = DoorMetrics::default();
        for reason in ConnectRefusal::ALL {
            assert_eq!(metrics.refused(reason), 0, "{}", reason.as_str());
            metrics.refuse(reason);
            assert_eq!(metrics.refused(reason), 1, "{}", reason.as_str());
        }
    }

    #[test]
    fn every_reason_that_refuses_has_its_own_counter_and_name() {
        let metrics = DoorMetrics::default();
        for code in ReasonCode::REFUSING {
            metrics.refuse_request(code);
        }
        let read: Vec<_> = metrics.requests_refused().collect();
        assert!(read.iter().all(|(_, count)| *count == 1));
        let names: std::collections::BTreeSet<_> = read.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), ReasonCode::REFUSING.len());
        metrics.end(ReasonCode::PacketTooLarge);
        let ended = metrics.ended().filter(|(_, count)| *count > 0);
        assert_eq!(ended.collect::<Vec<_>>(), [("packet_too_large", 1)]);
    }
}
