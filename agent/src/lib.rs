//! What runs beside a device: it reads it, keeps its facts, and brings them to the gateway.
//!
//! ```text
//! Agent (run) ── owns and joins ──┬─ gate::driver ── reads the counter, asks the core `Gate`
//!                                 │        │ facts and the last reading, one transaction
//!                                 │        v
//!                                 ├─ Outbox ──────── SQLite: written, sent, settled
//!                                 │        ^ what waits, what is settled
//!                                 │        v
//!                                 └─ uplink ──────── MQTT: measures the clock, sends, hears receipts
//! ```
//!
//! Reading order: the time ([`SystemClock`]), the facts ([`Outbox`]), where they come from
//! ([`gate`]), where they go ([`uplink`]), and who owns it all ([`Agent`]). Nothing here is
//! global: one process may run many agents.

mod backoff;
mod clock;
pub mod gate;
pub mod outbox;
mod run;
mod state_file;
mod status;
mod telemetry;
pub mod uplink;

pub use clock::{ClockMeter, SystemClock};
pub use outbox::{Notes, Outbox, OutboxError, OutboxOptions, Settle, Synchronous};
pub use run::{Agent, AgentOptions};
pub use state_file::{StateFileError, read as read_state};
pub use status::{AgentStatus, GateStatus, Link, StreamDepth};
