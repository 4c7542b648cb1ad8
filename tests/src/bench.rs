//! The benchmark: the gateway beside mosquitto, driven by the same clients in the same run.
//!
//! Every part is a process of its own: the gateway (this program again, started as `run`),
//! mosquitto, and the load (this program again, started as `load`), so that what is measured is
//! sockets and disks. [`load`] is the clients, [`broker`] what they connect to, and
//! [`ingest`], [`idle`] and [`storm`] are the measurements; [`relay`] is one of its own, of the agent's
//! relay beside the library system it leads to; [`cpu`] says what a fact costs, [`table`] prints
//! them.

pub mod broker;
pub mod client;
pub mod cpu;
pub mod idle;
pub mod ingest;
pub mod load;
pub mod relay;
pub mod storm;
pub mod table;

use std::path::PathBuf;

/// How large a measurement is.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Behind TLS.
    pub is_tls: bool,
    /// Seconds instead of minutes, and figures that only show that it works.
    pub is_quick: bool,
    /// Where processes keep their files.
    pub folder: PathBuf,
}
