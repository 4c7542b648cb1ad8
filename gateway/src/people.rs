//! People: one-time links, sessions, tokens, and the table of rights.
