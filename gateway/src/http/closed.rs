//! Why a listener closes a connection by itself.

/// The reason, as the metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// As many connections as are allowed.
    ConnectionsMax,
    /// As many of its address as are allowed.
    AddressConnectionsMax,
    /// Its address called too often.
    AttemptsMax,
    /// The TLS handshake failed: a certificate of no use, or no TLS at all.
    Tls,
    /// The TLS handshake did not end in time.
    HandshakeTimeout,
    /// The head of a request, the first or the next, did not come in time.
    HeaderTimeout,
    /// Nothing of what was written was taken in time.
    WriteTimeout,
}

impl Closed {
    /// Every reason.
    pub(super) const ALL: [Self; 7] = [
        Self::ConnectionsMax,
        Self::AddressConnectionsMax,
        Self::AttemptsMax,
        Self::Tls,
        Self::HandshakeTimeout,
        Self::HeaderTimeout,
        Self::WriteTimeout,
    ];

    /// The reason as a label.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionsMax => "connections_max",
            Self::AddressConnectionsMax => "address_connections_max",
            Self::AttemptsMax => "attempts_max",
            Self::Tls => "tls",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HeaderTimeout => "header_timeout",
            Self::WriteTimeout => "write_timeout",
        }
    }

    /// The reason in a connection's error, where it was us.
    pub(super) fn in_error(error: &hyper::Error) -> Option<Self> {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(error) = cause {
            let io = error.downcast_ref::<std::io::Error>();
            if io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut) {
                return Some(Self::WriteTimeout);
            }
            cause = error.source();
        }
        error.is_timeout().then_some(Self::HeaderTimeout)
    }
}
