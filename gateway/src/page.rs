//! The page, embedded in the binary.
