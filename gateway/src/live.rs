//! What changed, for those who watch.
