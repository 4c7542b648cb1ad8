//! Making a release: what the files say, what the licences allow, what each device gets, and the
//! repository [TUF] that says so with signatures.
//!
//! It knows no HTTP, no ledger and no person: the gateway around it does.
//!
//! Reading order: what a file says ([`Book`]), what a licence allows ([`LicenceList`]), what the
//! shelf becomes by both ([`Draft`]), who gets how many copies ([`Share`]), what a release is made
//! of then ([`ReleaseParts`]), who signs it ([`Vault`], [`OnlineKeys`]), what is signed off-line
//! ([`Offer`]), and what becomes of it ([`Repository`]).

mod blob_store;
mod block_list;
mod book;
mod difference;
mod draft;
mod folder;
mod isbn;
mod licence;
mod offer;
mod online_keys;
mod picture;
mod release_parts;
mod repository;
mod role;
mod role_key;
mod share;
mod stick;
mod vault;

pub use blob_store::{BlobError, BlobStore, BlobStream, PlainHttp, S3};
pub use block_list::{BlockHasher, Hashed};
pub use book::{
    ArchiveFault, Book, BookFault, BookFormat, BookLimits, Cover, CoverFault, Protection, XmlFault,
};
pub use difference::{Change, Difference};
pub use draft::{
    Draft, DraftSources, DraftTitle, Fate, Fault, FoundFile, Gravity, Problem, Shelved,
    identifier_of_file,
};
pub use folder::{FolderError, FolderReading};
pub use isbn::{Isbn, IsbnError};
pub use licence::{
    CellFault, Grant, LICENCES_BYTES_MAX, Licence, LicenceList, LicenceProblem, Phone, Place,
    Subject, Told, Window,
};
pub use offer::{BlobFacts, Offer, OfferError, Published, ReleaseTargets, document};
pub use online_keys::{OnlineKeys, OnlinePublic};
pub use picture::{Picture, PictureKind};
pub use release_parts::{BlobOrigin, ReleaseParts};
pub use repository::{Needed, PublicationError, Repository, RestoreError, RoleStanding, Said};
pub use role::RoleName;
pub use role_key::{PublicKey, RoleKey, RoleKeyError};
pub use share::{Kiosk, Share};
pub use stick::{StickError, StickMade, make_stick};
pub use vault::{Vault, VaultError};
