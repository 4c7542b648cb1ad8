//! SIP2 (3M Standard Interchange Protocol 2.00): bytes <-> values. Nothing here touches a socket,
//! a file or a clock.
//!
//! ```text
//! bytes -> Framer -> one message's bytes -> Profile::decode -> Message<Request | Response>
//! Message<Request | Response> -> Profile::encode -> bytes
//! ```
//!
//! Reading order: [`Request`] and [`Response`] are what is said, one struct a message, written
//! down as the table of the standard in `request.rs` and `response.rs`. What their fields are made
//! of stands in `field.rs` (variable), `fixed.rs` (fixed width) and the small files for the words
//! with a meaning of their own. [`Profile`] is how a particular machine or library system says it:
//! characters, checksums, terminators, sloppiness. It reads what the wild sends and writes what
//! the standard says. `redaction.rs` is what may stand in a log.

mod charset;
mod checksum;
mod date;
mod error;
mod field;
mod fixed;
mod framer;
mod item;
mod language;
mod message;
mod patron;
mod profile;
mod redaction;
mod request;
mod response;
#[cfg(test)]
mod sample;
mod supported;
mod terminal;
mod vendor;
mod writer;

pub use charset::Charset;
pub use checksum::{Checksum, ErrorDetection, Sequence};
pub use date::{SipDate, VariableDate, Zone};
pub use error::{Command, DecodeError, EncodeError};
pub use field::{Field, FieldId, Private};
pub use framer::{Frame, Framer, MESSAGE_BYTES_MAX};
pub use item::{
    AlertType, CirculationStatus, Currency, FeeType, MediaType, PaymentType, SecurityMarker,
};
pub use language::Language;
pub use message::{Body, Message};
pub use patron::{HoldMode, PatronStatus, Summary};
pub use profile::{FixedFields, Profile, Terminator};
pub use redaction::{IDENTITY_DIGITS, may_be_identity, redacted};
pub use request::{
    BlockPatron, Checkin, Checkout, EndPatronSession, FeePaid, Hold, ItemInformation,
    ItemStatusUpdate, Login, PatronEnable, PatronInformation, PatronStatusRequest, Renew, RenewAll,
    Request, RequestAcsResend, ScStatus,
};
pub use response::{
    AcsStatus, CheckinResponse, CheckoutResponse, EndSessionResponse, FeePaidResponse,
    HoldResponse, ItemInformationResponse, ItemStatusUpdateResponse, LoginResponse,
    PatronEnableResponse, PatronInformationResponse, PatronStatusResponse, RenewAllResponse,
    RenewResponse, RequestScResend, Response,
};
pub use supported::SupportedMessages;
pub use terminal::{Algorithm, Retries, ScStatusCode, Timeout, Version};
pub use vendor::VendorMessage;
