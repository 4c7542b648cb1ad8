//! Sealing of personal data and quarantined bytes (HPKE).
