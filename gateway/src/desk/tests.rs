//! The desk's claims, case by case; the simulated week holds them all at once.

mod breaks;
mod cases;
mod lateness;
mod rehearsal;
mod returning;
mod rulings;
mod undoing;
mod unsure;
mod week;
