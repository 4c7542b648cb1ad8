//! Rollouts as tables and sentences for people.

use crate::cli::printer::Printer;
use crate::rollouts::dto::{MemberForm, RolloutDetailForm, RolloutForm};

pub(super) fn list(printer: &mut Printer, rollouts: &[RolloutForm]) -> anyhow::Result<()> {
    let rows: Vec<[String; 6]> = rollouts
        .iter()
        .map(|it| {
            let count = |state: &str| it.counts.get(state).copied().unwrap_or(0).to_string();
            [
                it.number.to_string(),
                it.release.clone(),
                it.state.clone(),
                format!("{} of {}", it.stage + 1, it.stages.len()),
                count("shown"),
                count("failed"),
            ]
        })
        .collect();
    let head = ["rollout", "release", "state", "stage", "shown", "failed"];
    printer.table(head, &rows)
}

pub(super) fn detail(printer: &mut Printer, found: &RolloutDetailForm) -> anyhow::Result<()> {
    printer.line(sentence(&found.rollout))?;
    let rows: Vec<[String; 6]> = found.devices.iter().map(row).collect();
    let head = ["device", "stage", "state", "progress", "since", ""];
    printer.table(head, &rows)
}

/// How it is with a rollout, in a line.
pub(super) fn sentence(rollout: &RolloutForm) -> String {
    let all: u32 = rollout.counts.values().sum();
    let shown = rollout.counts.get("shown").copied().unwrap_or(0);
    let why = match (&rollout.failures, &rollout.by) {
        (Some(it), _) => format!(": {} of {} failed", it.failed, it.ended),
        (None, Some(by)) => format!(" by {by}"),
        (None, None) => String::new(),
    };
    let (number, release, state) = (rollout.number, &rollout.release, &rollout.state);
    let (stage, stages) = (rollout.stage + 1, rollout.stages.len());
    format!(
        "rollout {number} of {release} is {state}{why}; stage {stage} of {stages}, \
         {shown} of {all} have shown it"
    )
}

fn row(it: &MemberForm) -> [String; 6] {
    let progress = match (it.bytes, it.of) {
        (Some(bytes), Some(of)) if of > 0 => {
            let arrival = it.arrival.as_ref().map(|at| format!(", done {at}"));
            let percent = u128::from(bytes) * 100 / u128::from(of);
            format!("{percent}%{}", arrival.unwrap_or_default())
        }
        _ => it.reason.clone().unwrap_or_default(),
    };
    let remark = match (&it.excused_until, it.is_absent) {
        (Some(until), _) => format!("expected off-line until {until}"),
        (None, true) => "silent".to_owned(),
        (None, false) => String::new(),
    };
    let since = it.since.clone().unwrap_or_default();
    [
        it.device.clone(),
        (it.stage + 1).to_string(),
        it.state.clone(),
        progress,
        since,
        remark,
    ]
}
