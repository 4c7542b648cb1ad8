//! The data folder: lock, endpoints, secrets, and where each store lives.
