//! Typed configuration of gateway and agent.
//!
//! Every key is a typed field with a default, a unit and a bound; every problem is named by file,
//! line, key, value and what was expected; unknown keys are refused with the nearest known one.
//!
//! Reading order: the sections ([`GatewayConfig`], [`AgentConfig`]) and beside each its `read`,
//! one call a key; how a `Section` and the `Document` around it are read; what is said of a
//! [`Problem`]. To add a key: a field, a line in `read`, two lines in the sample.

mod gateway;

mod agent;
mod bus_desk;
mod carrying;
mod content;
mod gate;
mod kiosk;
mod lending;
mod loans;
mod rollouts;
mod self_checkout;
mod sip2;

mod log;

mod byte_size;
mod pattern;
mod span_of_time;

mod document;
mod problem;
mod section;

#[cfg(test)]
mod samples;

pub use agent::{AgentConfig, AgentSection, Credential, OutboxSection, UplinkSection};
pub use bus_desk::{BusDeskSection, DeskLanguage};
pub use byte_size::ByteSize;
pub use carrying::{CarriedBySection, CarryingSection};
pub use content::{ContentSection, S3Section};
pub use gate::{
    CounterRegister, GateSection, Parity, RegisterFunction, ResetPolicy, SerialSection, WordOrder,
};
pub use gateway::{
    AuthoritySection, GatewayConfig, HttpSection, IntakeSection, LibrarySection, MqttSection,
    TlsSection, ViewsSection,
};
pub use kiosk::{
    DownloadsSection, KioskSection, ScreenLanguage, ScreensSection, WeeklyHours, WeeklyHoursError,
};
pub use lending::{ItemClass, LendingSection, Offline, Renewals};
pub use loans::{
    ConflictRule, ConflictRules, IlsMake, IlsSection, LateAndOverRule, LateWhileLentRule,
    LoansSection, UnmovedDueRule,
};
pub use log::{LogFormat, LogSection};
pub use pattern::{Pattern, PatternError};
pub use problem::{Fault, Problem, Problems};
pub use rollouts::{RolloutApproval, RolloutsSection};
pub use self_checkout::{
    AcsSection, CardSection, MachineLanguage, MachineLine, MachineSection, OfflineSection,
    OfflineStatus, SelfCheckoutSection, VendorSection,
};
pub use sip2::{Sip2Charset, Sip2Checksum, Sip2Fields, Sip2Profile, Sip2Terminator};
