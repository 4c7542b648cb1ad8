//! What staff rules on a fact in dispute, and what each ruling will do.

use lujiang_wire::LoanKind;

use crate::desk::conflict::ConflictKind;
use crate::desk::item::{ItemRecord, OpenFact};
use crate::entry::EntryNumber;
use crate::ruling::RulingReason;

/// What staff rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StaffRuling {
    /// Try it again, by the rules.
    Retry,
    /// Do it, whatever the desk thinks of it: the item is taken back from whoever has it, "no
    /// block" is said, late news is told as if it were new, and what may have been done is done
    /// again unless it is shown to have been.
    Force,
    /// Let it be: the library system is not told.
    Dismiss(RulingReason),
}

/// Why a ruling cannot be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RulingError {
    /// The fact is not in dispute, or no longer.
    #[error("the fact is not in dispute")]
    NotDisputed,
    /// It is in dispute for another reason than the one that was ruled on.
    #[error("the dispute is about something else since: {}", .0.as_str())]
    Changed(ConflictKind),
    /// There is nothing the desk could do.
    #[error("there is nothing to force: the desk does not know what it would do")]
    NothingToForce,
}

impl StaffRuling {
    /// What will be done, for people, before it is done.
    ///
    /// # Errors
    /// Where the ruling cannot be given.
    pub fn foresee(
        &self,
        record: &ItemRecord,
        number: EntryNumber,
    ) -> Result<&'static str, RulingError> {
        let (open, kind) = disputed(record, number).ok_or(RulingError::NotDisputed)?;
        match self {
            Self::Retry => Ok("The library system is asked again, and the fact goes by the rules."),
            Self::Force => force(open, kind).ok_or(RulingError::NothingToForce),
            Self::Dismiss(_) => Ok(
                "The library system is not told. The fact still counts in the figures; the later \
                 facts of this item go on.",
            ),
        }
    }
}

impl StaffRuling {
    /// Whether it can be given, on a dispute about this; where nobody wrote down about what, on any.
    pub(crate) fn check(
        &self,
        record: &ItemRecord,
        number: EntryNumber,
        about: Option<ConflictKind>,
    ) -> Result<(), RulingError> {
        self.foresee(record, number)?;
        match (disputed(record, number), about) {
            (Some((_, kind)), Some(about)) if kind != about => Err(RulingError::Changed(kind)),
            (_, _) => Ok(()),
        }
    }
}

/// The fact of this number, if it is in dispute.
fn disputed(record: &ItemRecord, number: EntryNumber) -> Option<(&OpenFact, ConflictKind)> {
    let (open, conflict) = record.conflict()?;
    (open.fact.number() == number).then_some((open, conflict.kind))
}

fn force(open: &OpenFact, kind: ConflictKind) -> Option<&'static str> {
    // Whom it would be lent to, the library system alone knows.
    if open.reader().is_none() && open.fact.deed.kind() != LoanKind::Checkin {
        return None;
    }
    match kind {
        // A renewal takes nothing from anybody.
        ConflictKind::OutToAnother if open.fact.deed.kind() == LoanKind::Renew => {
            Some(SAID_TO_HAVE_HAPPENED)
        }
        ConflictKind::OutToAnother | ConflictKind::LateWhileLent => Some(
            "The item is taken back from the reader who has it, then the fact is told to the \
             library system at its own time.",
        ),
        ConflictKind::Unresolved => Some(
            "The library system is asked once more; unless it shows that it was done, it is done \
             again.",
        ),
        ConflictKind::OrderUnclear if open.overtaken_by.is_none() => {
            Some("The fact is told to the library system as if nothing had come after it.")
        }
        ConflictKind::NotOnLoan | ConflictKind::ItemUnknown | ConflictKind::ItemLost => {
            Some(SAID_TO_HAVE_HAPPENED)
        }
        ConflictKind::ReaderUnknown | ConflictKind::Block | ConflictKind::ReaderLimit => {
            Some(SAID_TO_HAVE_HAPPENED)
        }
        ConflictKind::Reserved | ConflictKind::RenewalLimit | ConflictKind::Refused => {
            Some(SAID_TO_HAVE_HAPPENED)
        }
        // Of these the desk knows no reader, or no deed that would mend it.
        ConflictKind::ReaderErased | ConflictKind::UndoneTooLate => None,
        ConflictKind::Overtaken | ConflictKind::OrderUnclear => None,
    }
}

const SAID_TO_HAVE_HAPPENED: &str = "The fact is told to the library system once more, with the \
    word that it already happened; the library system may refuse it again.";
