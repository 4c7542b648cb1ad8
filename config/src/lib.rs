//! Typed configuration of gateway and agent.
//!
//! Every key is a typed field with a default, a unit and a bound; every problem is named by file,
//! line, key, value and what was expected; unknown keys are refused with the nearest known one.

mod agent;
mod byte_size;
mod gateway;

pub use agent::{
    AgentConfig, AgentSection, CounterRegister, GateSection, LogFormat, LogSection, OutboxSection,
    Parity, RegisterFunction, ResetPolicy, SerialSection, UplinkSection, WordOrder,
};
pub use byte_size::ByteSize;
pub use gateway::{
    GatewayConfig, HttpSection, IntakeSection, LibrarySection, MqttSection, ViewsSection,
};
