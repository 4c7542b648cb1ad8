//! The words agents and gateway both speak: topic names, CloudEvents, documents.
//!
//! Nothing here touches a socket, a file or a clock. Agents in the field make these forms
//! unchangeable, so every reader says where (`place`) and why (`reason`) it could not read.
//!
//! Reading order: who speaks ([`DeviceId`]), where ([`Topic`]), what ([`Event`] and its
//! [`Fact`]), in which order ([`Stream`], [`Epoch`], [`Sequence`]), and what is answered
//! ([`Receipts`], [`ClockMessage`]).

mod device_id;
mod topic;

mod filter;

mod event;
mod event_error;
mod event_id;
mod fact;
mod place;

mod visit;

mod card;
mod due;
mod kiosk;
mod label;
mod loan;
mod papers;
mod patron;
mod payment;

mod allotment;
mod blob_hash;
mod catalogue;
mod notices;
mod repository;
mod stick;

mod content;
mod outbox;
mod stop;

mod boot;
mod stream;
mod time;

mod batch;

mod carried;
mod desired;
mod document;
mod signed;

mod clock;
mod enrolment;
mod machine_metric;
mod receipts;
mod reported;
mod status;
mod telemetry;

mod schema;

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod properties;

pub use allotment::{Allotment, Copies, TitleAllotment};
pub use batch::{
    BATCH_BYTES_MAX, BATCH_ELEMENTS_MAX, BatchError, Element, decode_events, encode_batch,
};
pub use blob_hash::{BlobHash, BlobHashError};
pub use boot::{Boot, Uptime};
pub use card::CardIssued;
pub use carried::{
    CARRIED_BYTES_MAX, CARRIED_RECEIPTS_PATH, CARRIED_WISH_PATH, CARRIER_FACTS_PATH,
    CARRIER_RECEIPTS_PATH, CARRIER_WISH_PATH, CarriedReceipts, CarriedWish,
};
pub use catalogue::{
    ACQUISITION, Availability, BORROW, CATALOGUE_MEDIA_TYPE, Catalogue, CatalogueMetadata,
    LicensedCopies, Link, LinkProperties, Publication, PublicationMetadata,
};
pub use clock::{Clock, ClockMessage, ClockReply, ClockReport, ClockRequest};
pub use content::{ContentFailed, ContentInstalled, ContentRemoved};
pub use desired::{Desired, DesiredContent};
pub use device_id::{DeviceId, DeviceIdError};
pub use document::Document;
pub use due::Due;
pub use enrolment::{
    CertificateIssued, DEVICE_URN, ENROLMENT_PATH, EnrolmentRequest, EnrolmentToken, RENEWAL_PATH,
    RenewalRequest, TokenError, TokenSecret,
};
pub use event::Event;
pub use event_error::EventError;
pub use event_id::EventId;
pub use fact::{EventType, Fact};
pub use filter::{FilterError, TopicFilter};
pub use kiosk::{KioskUsed, Metric};
pub use label::{Label, LabelError};
pub use loan::{
    LOAD_PREFIX, LoanCancelled, LoanCheckin, LoanCheckout, LoanFailed, LoanKind, LoanUndone, Mode,
    Outcome, is_load,
};
pub use machine_metric::MachineMetric;
pub use notices::{HiddenTitle, Notice, NoticeImage, Notices};
pub use outbox::OutboxDropped;
pub use papers::{
    BLOCKED_READER_BYTES, BLOCKED_READER_INFO, BlockList, DeskKey, KeyText, LOAN_PAPERS_PATH,
    LoanPapers, PlannedStop, READER_SEAL_INFO, ReturnedConflict, normalise_reader,
};
pub use patron::{Patron, ReaderId};
pub use payment::PaymentUnresolved;
pub use place::{Moment, Place};
pub use receipts::{LedgerId, Receipts};
pub use reported::{
    ContentRefused, Reported, ReportedContent, ReportedScreen, Screen, Taking, TakingState,
};
pub use repository::{
    BLOCK_BYTES, BOOK_FILE_BYTES_MAX, BlobCustom, CONTENT_BLOBS_PATH, CONTENT_BLOCKS_PATH,
    CONTENT_METADATA_PATH, NOTICES_PATHS, NOTICES_ROLE, NOTICES_TARGET, allotment_target,
    blob_target, catalogue_target, notice_image_target,
};
pub use schema::{NamedSchema, schemas};
pub use signed::{Octets, Signed, SignedError, SignedFor};
pub use status::{LinkState, Status};
pub use stick::{STICK_BLOBS, STICK_BLOCKS, STICK_FILE, STICK_METADATA, Stick};
pub use stop::{StopClosed, StopOpened};
pub use stream::{Epoch, EpochError, Sequence, Stream};
pub use telemetry::Telemetry;
pub use topic::{Channel, JobId, TOPIC_ROOT, Topic, TopicError};
pub use visit::{Flag, RawTotals, VisitCounted};
