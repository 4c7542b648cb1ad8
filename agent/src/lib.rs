//! What runs beside a device: it reads it, keeps its facts, and brings them to the gateway.
//!
//! ```text
//! Agent (run) ── owns and joins ──┬─ gate::driver ── reads the counter, asks the core `Gate`
//!                                 │        │ facts and the last reading, one transaction
//!                                 │        v
//!                                 ├─ self_checkout ─ SIP2 machines, the library system, `lending`
//!                                 │        │ facts before they are answered
//!                                 │        v
//!                                 ├─ Outbox ──────── SQLite: written, sent, settled
//!                                 │        ^ what waits, what is settled
//!                                 │        v
//!                                 ├─ uplink ──────── MQTT: measures the clock, sends, hears receipts
//!                                 │        ^ key, certificate, roots
//!                                 │        v
//!                                 └─ renewer ─────── HTTPS: the next certificate, in time
//! ```
//!
//! Reading order: the time ([`SystemClock`]), the facts ([`Outbox`]), where they come from
//! ([`gate`]), where they go ([`uplink`]), who we are there ([`identity`], [`enrol`]), and who owns
//! it all ([`Agent`]). Nothing here is
//! global: one process may run many agents.

mod backoff;
mod bus_desk;
mod carried_by;
mod carrying;
mod clock;
mod data_folder;
mod durable_file;
mod enrolment;
mod error_chain;
pub mod gate;
mod gateway_client;
mod gateway_url;
pub mod identity;
pub mod import;
mod kiosk;
pub mod lending;
mod line;
mod measured_time;
pub mod outbox;
mod renewal;
mod run;
mod self_checkout;
mod signature;
mod state_file;
mod status;
mod telemetry;
#[cfg(test)]
mod test_authority;
#[cfg(test)]
mod test_gateway;
mod tls;
pub mod uplink;

pub use clock::{ClockMeter, SystemClock};
pub use enrolment::{EnrolError, Present, enrol};
pub use gateway_client::AskError;
pub use gateway_url::{GatewayUrl, GatewayUrlError};
pub use identity::{Identity, IdentityError, IdentityFolder};
pub use lending::{Lending, first_papers};
pub use outbox::{Notes, Outbox, OutboxError, OutboxOptions, Settle, Synchronous};
pub use run::{Agent, AgentOptions};
pub use state_file::{StateFileError, read as read_state};
pub use status::{
    AgentStatus, CertificateStatus, GateStatus, Link, MachineStatus, PapersStatus, StreamDepth,
};
pub use tls::Trust;
