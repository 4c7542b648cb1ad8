//! The registry: devices, readers, sites; one row decides what a device may do.
