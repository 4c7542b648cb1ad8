//! The SQLite store: facts, decisions and persons; the only writer is one thread.
