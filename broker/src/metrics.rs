//! What the door counts: plain numbers, read by whoever exports them.

use std::sync::atomic::{AtomicU64, Ordering};

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
    /// PUBLISH and SUBSCRIBE requests refused for want of a right.
    pub unauthorised: Counter,
    /// Connections ended because of bytes the standard does not allow.
    pub malformed: Counter,
    /// Payloads on status, telemetry or clock that could not be read.
    pub unreadable: Counter,
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
}

impl DoorMetrics {
    /// How many connections were refused for this reason.
    #[must_use]
    pub fn refused(&self, reason: ConnectRefusal) -> u64 {
        self.refusals[reason as usize].get()
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
}
