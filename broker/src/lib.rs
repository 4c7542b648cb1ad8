//! The door: our MQTT connection layer in front of rumqttd's router.
//!
//! ```text
//! socket -> Door (one task a connection) -> House (the gateway: who, may, keep)
//!                 |                              |
//!                 +---- Switchboard <------------+   deliveries to devices, fan-out to readers
//!                           |
//!                       rumqttd router (other subscribers only)
//! ```
//! Reading order: [`House`] (what the door asks), [`Switchboard`] (what it is told), [`Door`].
//! Below them: `frame` and `packet` (bytes to packets), `connect` (who comes), `authorise` (what
//! it may), `session` (what it is answered), `connection` (the task around it), `encode`.
//! The door knows no ledger, no registry and no HTTP.

mod acknowledgements;
mod addresses;
mod authorise;
mod connect;
mod connection;
mod door;
mod encode;
mod ending;
mod frame;
mod house;
mod keep_alive;
mod mailbox;
mod metrics;
mod outgoing;
mod pace;
mod packet;
mod reason;
mod registration;
mod retained;
mod router;
mod session;
mod switchboard;
mod throttle;
mod tls;
mod wire;

pub use addresses::{AddressLimits, Addresses, Caller, Held};
pub use door::{Door, DoorError};
pub use house::{
    Admission, Arrival, ClientLimits, Credentials, House, Keeping, Kept, Origin, Pass, Principal,
    ProtocolVersion, Refusal, Retained, Word,
};
pub use metrics::{ConnectRefusal, Counter, DoorMetrics};
pub use switchboard::Switchboard;
pub use tls::DoorTls;
