//! The composition root of a running gateway.
