//! The desk's claims, case by case; the simulated week holds them all at once.

mod cases;
mod rehearsal;
mod unsure;
mod week;
