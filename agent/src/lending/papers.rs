//! The papers of a device in the form it decides by: the seal, the block list as a set, and what
//! its crew is shown. What is not good in any part is not taken at all.

use std::collections::HashSet;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use lujiang_wire::{
    BLOCKED_READER_BYTES, BLOCKED_READER_INFO, Label, LoanPapers, PlannedStop, ReturnedConflict,
};

use super::ReaderCard;
use super::reader_seal::{ReaderSeal, SealError};

/// Papers that are good.
pub(super) struct Papers {
    pub(super) revision: Label,
    pub(super) seal: ReaderSeal,
    pub(super) stops: Vec<PlannedStop>,
    pub(super) conflicts: Vec<ReturnedConflict>,
    /// As of when the block list is.
    pub(super) blocks_as_of: Option<Timestamp>,
    /// When they came, by the gateway's time; none where that was not known.
    pub(super) fetched: Option<Timestamp>,
    key: hmac::Key,
    blocked: HashSet<[u8; BLOCKED_READER_BYTES]>,
}

/// Why papers are not good.
#[derive(Debug, thiserror::Error)]
pub(super) enum PapersError {
    /// They cannot be read.
    #[error("these are no loan papers")]
    Form(#[from] serde_json::Error),
    /// The desk's key.
    #[error("the desk's key cannot be sealed to")]
    Key(#[from] SealError),
    /// The block list: it would let somebody through.
    #[error("entry {number} of the block list is no HMAC")]
    Block {
        /// Which, from 1.
        number: usize,
    },
}

impl Papers {
    /// Reads papers as the gateway sends them.
    pub(super) fn read(text: &[u8], fetched: Option<Timestamp>) -> Result<Self, PapersError> {
        let papers: LoanPapers = serde_json::from_slice(text)?;
        let mut blocked = HashSet::with_capacity(papers.blocks.readers.len());
        for (index, reader) in papers.blocks.readers.iter().enumerate() {
            let bytes = URL_SAFE_NO_PAD.decode(reader).ok();
            let mark = bytes.and_then(|bytes| bytes.try_into().ok());
            blocked.insert(mark.ok_or(PapersError::Block { number: index + 1 })?);
        }
        Ok(Self {
            seal: ReaderSeal::of(&papers.desk)?,
            key: hmac::Key::new(hmac::HMAC_SHA256, papers.blocks.key.reveal()),
            blocked,
            blocks_as_of: papers.blocks.as_of,
            revision: papers.revision,
            stops: papers.stops,
            conflicts: papers.conflicts,
            fetched,
        })
    }

    /// Whether nothing is lent to this reader.
    pub(super) fn blocks(&self, reader: &ReaderCard) -> bool {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(BLOCKED_READER_INFO);
        context.update(reader.reveal().as_bytes());
        let tag = context.sign();
        let mark = tag.as_ref().first_chunk();
        mark.is_some_and(|mark: &[u8; BLOCKED_READER_BYTES]| self.blocked.contains(mark))
    }

    /// How many readers are blocked.
    pub(super) fn blocked(&self) -> usize {
        self.blocked.len()
    }
}

impl std::fmt::Debug for Papers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Papers")
            .field("revision", &self.revision)
            .field("blocked", &self.blocked.len())
            .finish_non_exhaustive()
    }
}
