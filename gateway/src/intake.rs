//! Intake: judges each element once and keeps it.
