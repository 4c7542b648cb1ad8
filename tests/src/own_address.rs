//! Ports that stay a test's own: each test process has a loopback address of its own, so a port
//! that was free on it is free again after whoever listened there was killed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

/// The loopback address of this process.
#[must_use]
pub fn own_address() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    // 127.0.0.0/16 is everybody's.
    Ipv4Addr::new(127, 1 + high % 127, middle, low).into()
}

/// So many different ports of it that nobody listens on.
///
/// # Errors
/// Where there are none.
pub fn own_ports<const N: usize>() -> std::io::Result<[SocketAddr; N]> {
    let mut held = Vec::new();
    let mut ports = [SocketAddr::new(own_address(), 0); N];
    for port in &mut ports {
        let listener = TcpListener::bind(*port)?;
        *port = listener.local_addr()?;
        held.push(listener);
    }
    Ok(ports)
}
