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
//! The door knows no ledger, no registry and no HTTP.

mod house;

pub use house::{
    Admission, Arrival, Credentials, House, Keeping, Kept, Principal, ProtocolVersion, Refusal,
    Retained, Word,
};
