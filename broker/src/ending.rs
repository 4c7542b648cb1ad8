//! How a connection ends: what its peer is told, and whether its will is published.

use crate::frame::Fault;
use crate::reason::ReasonCode;

/// The end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// The DISCONNECT of MQTT 5; `None` where the peer ended it or is not there any more.
    pub(crate) code: Option<ReasonCode>,
    /// What becomes of the will [MQTT-3.1.2-8].
    pub(crate) will: WillFate,
    /// In a few words for people.
    pub(crate) why: String,
}

/// What becomes of a will at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WillFate {
    Published,
    Dropped,
}

impl Ending {
    /// The door ends it.
    pub(crate) fn by_door(code: ReasonCode, why: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            will: WillFate::Published,
            why: why.into(),
        }
    }

    /// The peer went without a word.
    pub(crate) fn lost(why: impl Into<String>) -> Self {
        Self {
            code: None,
            will: WillFate::Published,
            why: why.into(),
        }
    }

    /// The peer said goodbye.
    pub(crate) fn by_peer(will: WillFate) -> Self {
        Self {
            code: None,
            will,
            why: "the device disconnected".to_owned(),
        }
    }
}

impl From<Fault> for Ending {
    fn from(fault: Fault) -> Self {
        Self::by_door(fault.code, fault.what)
    }
}
