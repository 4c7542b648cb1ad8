//! Taking a release and showing it, beside a kiosk: metadata, downloads, licence windows, the
//! shelf, and the pages of both screens.
//!
//! It knows neither MQTT nor the gateway's HTTP: bytes come from a [`Source`], facts go to a
//! [`Recorder`], and the agent around it is both.
//!
//! Reading order: where bytes come from ([`Source`]), where facts go ([`Recorder`]), what may be
//! read now ([`OnDisplay`]) and who shows it ([`Shelf`]).

mod recorder;
mod shelf;
mod source;

pub use recorder::{RecordError, Recorder};
pub use shelf::{NoticeOnDisplay, OnDisplay, Reading, Shelf, TitleOnShelf, TitleState};
pub use source::{ETag, MetadataName, Opened, Resource, Source, SourceError};
