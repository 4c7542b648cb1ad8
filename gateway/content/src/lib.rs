//! Making a release: what the files say, what the licences allow, what each device gets, and the
//! repository [TUF] that says so with signatures.
//!
//! It knows no HTTP, no ledger and no person: the gateway around it does.
//!
//! Reading order: what a release is made of ([`ReleaseParts`]).

mod release_parts;

pub use release_parts::{BlobOrigin, ReleaseParts};
