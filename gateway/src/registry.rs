//! The registry: devices, readers, sites; one row decides what a device may do.

pub mod dto;
mod week;

pub use week::{Week, WeekError};
