//! Taking a release and showing it, beside a kiosk: metadata, downloads, licence windows, the
//! shelf, and the pages of both screens.
//!
//! It knows neither MQTT nor the gateway's HTTP: bytes come from a [`Source`], facts go to a
//! [`Recorder`], and the agent around it is both.
//!
//! Reading order: where bytes come from ([`Source`]), how they are fetched ([`Downloads`]), where
//! facts go ([`Recorder`]), what may be read now ([`OnDisplay`]) and who shows it ([`Shelf`]). Then
//! the screens: who is there (`session`) and what is counted (`usage`), a book that is open
//! (`book_view`), what programs are told (`feed`, `playlist`), what people see (`pages`), and around
//! them [`Screens`] and the [`guard`].

mod asset;
mod blob_folder;
mod download;
mod durable;
mod folder_source;
mod haul;
mod hours;
mod keeper;
mod licence;
mod metadata;
mod neighbour;
mod notebook;
mod recorder;
mod shelf;
mod source;
mod state;
mod traffic;
mod trusted_time;

mod session;
mod usage;

mod book_view;
mod feed;
mod playlist;

mod pages;

pub mod guard;
mod screens;

pub use asset::{Asset, AssetKind};
pub use blob_folder::BlobFolder;
pub use download::{
    DownloadError, DownloadOptions, Downloads, Meter, Pace, Plan, Progress, Wanted, Yielding,
};
pub use folder_source::FolderSource;
pub use haul::{Haul, HaulError, Loaded, OnBoard};
pub use hours::{Allowance, Hours};
pub use keeper::{Import, ImportError, Imported, Keeper, KeeperError, KeeperOptions};
pub use licence::{Clocks, HiddenSince, Verdict};
pub use metadata::{Expiry, MetadataError, MetadataFolder, Verified, VerifiedTarget};
pub use neighbour::Neighbour;
pub use notebook::Notebook;
pub use recorder::{RecordError, Recorder};
pub use screens::{ScreenAddresses, ScreenParts, Screens, ScreensError};
pub use shelf::{NoticeOnDisplay, OnDisplay, Reading, Shelf, TitleOnShelf, TitleState};
pub use source::{ETag, MetadataName, Opened, Resource, Source, SourceError};
pub use traffic::{Counted, Traffic};
pub use trusted_time::{Moment, TrustedTime};
