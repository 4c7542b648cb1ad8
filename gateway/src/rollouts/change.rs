//! What a step changed, as it is written: rows, and the audit records of who did it.

use jiff::Timestamp;
use lujiang_wire::DeviceId;
use serde_json::{Value, json};

use super::{Body, Entry, Stored, VERSION};
use crate::registry::Actor;
use crate::rollout::{Happened, Member, Progress, Why};
use crate::store::audit::AuditRecord;
use crate::store::rollouts::RolloutChange;

/// What the audit calls it.
pub(super) fn action(happened: &Happened) -> &'static str {
    match happened {
        Happened::Approved(_) => "rollout.approve",
        Happened::Started(_) => "rollout.start",
        Happened::Paused(_) => "rollout.pause",
        Happened::Resumed(_) => "rollout.resume",
        Happened::Aborted(_) => "rollout.abort",
        Happened::Retried(_) => "rollout.retry",
        Happened::Excused(..) => "rollout.excuse",
        Happened::Reported(..) | Happened::Proved(..) => "rollout.device",
        Happened::Joined(_) => "rollout.join",
        Happened::Left(_) => "rollout.leave",
        Happened::Ticked => "rollout.advance",
    }
}

/// The first rows of a rollout.
pub(super) fn created(entry: &Entry, actor: &Actor, at: Timestamp) -> RolloutChange {
    let members = entry.rollout.members();
    let record = AuditRecord {
        after: Some(json!({
            "release": entry.rollout.release(), "devices": members.len(),
            "stages": entry.rollout.planned().stages.len(), "state": entry.rollout.state().as_str(),
        })),
        ..record(entry, "rollout.create", actor, at)
    };
    RolloutChange {
        number: entry.number,
        body: Some(body(entry)),
        members: members
            .iter()
            .map(|(id, member)| (id.clone(), Some(row(member))))
            .collect(),
        records: vec![record],
        steps: Vec::new(),
    }
}

/// What a person did: always a record, whatever it changed.
pub(super) fn by_person(
    before: &Entry,
    after: &Entry,
    action: &'static str,
    actor: &Actor,
    at: Timestamp,
) -> RolloutChange {
    let mut change = rows(before, after);
    change.records.push(AuditRecord {
        before: Some(standing(before)),
        after: Some(standing(after)),
        ..record(after, action, actor, at)
    });
    change
}

/// What devices and time did; none where nothing is to be written.
pub(super) fn by_devices(before: &Entry, after: &Entry, at: Timestamp) -> Option<RolloutChange> {
    let mut change = rows(before, after);
    change.steps = steps(before, after, at);
    let (was, is) = (standing(before), standing(after));
    if was != is {
        let gateway = Actor::named("gateway");
        change.records.push(AuditRecord {
            before: Some(was),
            after: Some(is),
            ..record(after, "rollout.advance", &gateway, at)
        });
    }
    let is_nothing = change.body.is_none() && change.members.is_empty();
    (!is_nothing).then_some(change)
}

fn rows(before: &Entry, after: &Entry) -> RolloutChange {
    let (was, is) = (before.rollout.members(), after.rollout.members());
    let changed = is
        .iter()
        .filter(|(id, member)| was.get(*id) != Some(member));
    let gone = was.keys().filter(|id| !is.contains_key(*id));
    let rows = changed.map(|(id, member)| (id.clone(), Some(row(member))));
    let body_after = body(after);
    RolloutChange {
        number: after.number,
        members: rows.chain(gone.map(|id| (id.clone(), None))).collect(),
        body: (body(before) != body_after).then_some(body_after),
        ..RolloutChange::default()
    }
}

/// A record for each device that went from one state to another. That it was offered the release
/// is told by the record of its stage; bytes that came in are no step.
fn steps(before: &Entry, after: &Entry, at: Timestamp) -> Vec<(DeviceId, AuditRecord)> {
    let was = |id: &DeviceId| {
        before
            .rollout
            .members()
            .get(id)
            .map(|member| &member.progress)
    };
    let mut steps = Vec::new();
    for (id, member) in after.rollout.members() {
        let earlier = was(id).map(Progress::as_str);
        let is_told = earlier != Some(member.progress.as_str());
        if !is_told || member.offered == Some(at) {
            continue;
        }
        let said = |state: &str| json!({ "device": id, "state": state });
        let mut after_value = said(member.progress.as_str());
        if let Progress::Failed(failure) = &member.progress {
            after_value["reason"] = json!(failure.reason);
        }
        let record = AuditRecord {
            before: earlier.map(said),
            after: Some(after_value),
            ..record(after, "rollout.device", &Actor::device(id), at)
        };
        steps.push((id.clone(), record));
    }
    steps
}

fn standing(entry: &Entry) -> Value {
    let rollout = &entry.rollout;
    let mut standing = json!({ "state": rollout.state().as_str(), "stage": rollout.stage() });
    if let Some(Why::Failures(failed, ended)) = rollout.state().why() {
        standing["failed"] = json!(failed);
        standing["ended"] = json!(ended);
    }
    standing
}

fn record(entry: &Entry, action: &str, actor: &Actor, at: Timestamp) -> AuditRecord {
    AuditRecord {
        at,
        actor: actor.as_str().to_owned(),
        action: action.to_owned(),
        subject: entry.number.to_string(),
        before: None,
        after: None,
    }
}

fn body(entry: &Entry) -> String {
    let stored = Stored {
        version: VERSION,
        body: Body {
            kept: entry.rollout.kept(),
            facts: entry.facts.clone(),
        },
    };
    serde_json::to_string(&stored).expect("a rollout is always JSON")
}

fn row(member: &Member) -> String {
    serde_json::to_string(member).expect("a device's progress is always JSON")
}
