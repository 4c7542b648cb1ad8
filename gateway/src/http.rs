//! The HTTP API.

mod frame;
mod parameters;
pub mod problem;
