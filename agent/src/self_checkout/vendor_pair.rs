//! A vendor's own message that is handed on, and the one that answers it: by their codes only.

use lujiang_config::VendorSection;
use lujiang_sip2::Command;

/// A request of a vendor's own, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VendorPair {
    request: String,
    answer: String,
}

impl VendorPair {
    pub(super) fn of(section: &VendorSection) -> Self {
        Self {
            request: section.request.clone(),
            answer: section.answer.clone(),
        }
    }

    /// Whether this is its request.
    pub(super) fn is_asked_by(&self, request: Command) -> bool {
        self.request == request.as_str()
    }

    /// Whether these are its request and its answer.
    pub(super) fn has(&self, request: Command, answer: Command) -> bool {
        self.is_asked_by(request) && self.answer == answer.as_str()
    }
}
