//! What devices say of a release, in the words of the rules: from `reported`, and from facts.

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Fact, Label, ReportedContent, Taking, TakingState};

use super::Entry;
use crate::entry::{Entry as LedgerEntry, TimeQuality};
use crate::rollout::{Failure, Happened, Progress};

/// What a report says of this rollout; none where it speaks of another release.
pub(super) fn reported(
    entry: &Entry,
    device: &DeviceId,
    content: &ReportedContent,
) -> Option<Happened> {
    let release = entry.rollout.release();
    let member = entry.rollout.members().get(device)?;
    let taking = content
        .taking
        .as_ref()
        .filter(|taking| taking.release == *release);
    let is_gone = taking.is_some_and(|taking| taking.state == TakingState::Removed);
    // Whichever attempt did it; it may have it from a stick, or from an earlier rollout.
    if !is_gone && content.shown.as_ref() == Some(release) {
        let attempt = member.attempt;
        return Some(Happened::Reported(device.clone(), attempt, Progress::Shown));
    }
    let taking = taking?;
    Some(Happened::Reported(
        device.clone(),
        taking.attempt,
        progress(taking),
    ))
}

/// What a fact says of a release as a whole.
pub(super) fn proved(entry: &LedgerEntry) -> Option<(&DeviceId, &Label, Progress, Timestamp)> {
    let (event, time) = entry.verdict.counted()?;
    let (release, progress) = match event.fact() {
        Fact::ContentInstalled(fact) if fact.title.is_none() => (&fact.release, Progress::Shown),
        Fact::ContentRemoved(fact) if fact.title.is_none() => (&fact.release, Progress::Removed),
        Fact::ContentFailed(fact) if fact.title.is_none() => {
            let failure = Failure {
                reason: fact.reason.clone(),
                detail: String::new(),
            };
            (&fact.release, Progress::Failed(failure))
        }
        // One title of a release is no news of the rollout.
        Fact::ContentInstalled(_) | Fact::ContentRemoved(_) | Fact::ContentFailed(_) => {
            return None;
        }
        Fact::VisitCounted(_) | Fact::CardIssued(_) | Fact::KioskUsed(_) => return None,
        Fact::LoanCheckout(_) | Fact::LoanRenew(_) | Fact::LoanCheckin(_) => return None,
        Fact::LoanUndone(_) | Fact::StopOpened(_) | Fact::StopClosed(_) => return None,
        Fact::PaymentUnresolved(_) | Fact::OutboxDropped(_) => return None,
    };
    let at = match time.quality {
        TimeQuality::Synced | TimeQuality::Estimated => time.correct(event.time),
        TimeQuality::Unknown => entry.received,
    };
    Some((&entry.device, release, progress, at))
}

fn progress(taking: &Taking) -> Progress {
    match &taking.state {
        TakingState::Offered => Progress::Offered,
        TakingState::Downloading {
            bytes,
            of,
            rate,
            arrival,
        } => Progress::Downloading {
            bytes: *bytes,
            of: *of,
            rate: *rate,
            arrival: *arrival,
        },
        TakingState::Verified => Progress::Verified,
        TakingState::Installed => Progress::Installed,
        TakingState::Shown => Progress::Shown,
        TakingState::Failed { reason, detail } => Progress::Failed(Failure {
            reason: reason.clone(),
            detail: detail.chars().take(DETAIL_CHARS_MAX).collect(),
        }),
        TakingState::Removed => Progress::Removed,
    }
}

/// More of a device's own words is not kept.
const DETAIL_CHARS_MAX: usize = 500;
