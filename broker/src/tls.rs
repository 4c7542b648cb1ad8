//! What the door needs to speak TLS; how certificates are made and chosen is the gateway's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The door's second listener.
#[derive(Debug, Clone)]
pub struct DoorTls {
    /// Where it listens; any address of this machine.
    pub listen: SocketAddr,
    /// Certificates, client verification and versions. A client without a certificate is let
    /// through to CONNECT, where it needs a user name and a password.
    pub config: Arc<rustls::ServerConfig>,
    /// From accept to the end of the handshake.
    pub handshake_timeout: Duration,
}
