//! A rollout that is asked for, read from its form.

use std::collections::BTreeSet;
use std::time::Duration;

use lujiang_wire::{DeviceId, Label};

use super::Problem;
use crate::places::SiteId;
use crate::rollouts::dto::{NewRolloutForm, NewStageForm};
use crate::rollouts::{Group, NewRollout, NewStage};

const DAY: Duration = Duration::from_secs(24 * 3_600);

pub(super) fn read(form: NewRolloutForm) -> Result<NewRollout, Problem> {
    let stages = form.stages.iter().map(stage).collect::<Result<_, _>>()?;
    Ok(NewRollout {
        release: label(&form.release, "release")?,
        devices: devices(&form.devices)?,
        stages,
        patience: match form.patience_days {
            None => None,
            Some(days @ 1..=365) => Some(DAY * u32::from(days)),
            Some(_) => return Err(Problem::body("patience_days", "expected 1 to 365 days")),
        },
    })
}

pub(super) fn device(text: &str) -> Result<DeviceId, Problem> {
    let expected = "expected the id of a device";
    text.parse().map_err(|_| Problem::body("device", expected))
}

fn stage(form: &NewStageForm) -> Result<NewStage, Problem> {
    let named = [
        !form.devices.is_empty(),
        !form.sites.is_empty(),
        form.percent.is_some(),
    ];
    if named.into_iter().filter(|is_named| *is_named).count() > 1 {
        let expected = "expected one of devices, sites and percent, or none for who is left";
        return Err(Problem::body("stages", expected));
    }
    let group = match form.percent {
        Some(percent) => Group::Percent(percent),
        None if !form.devices.is_empty() => {
            Group::Devices(devices(&form.devices)?.into_iter().collect())
        }
        None if !form.sites.is_empty() => Group::Sites(sites(&form.sites)?),
        None => Group::Rest,
    };
    Ok(NewStage {
        name: label(&form.name, "stages.name")?,
        group,
        success: form.success.into(),
        failure: form.failure.into(),
    })
}

fn devices(named: &[String]) -> Result<Vec<DeviceId>, Problem> {
    named.iter().map(|it| device(it)).collect()
}

fn sites(named: &[String]) -> Result<BTreeSet<SiteId>, Problem> {
    let site = |text: &String| {
        let expected = "expected the id of a site";
        text.parse().map_err(|_| Problem::body("sites", expected))
    };
    named.iter().map(site).collect()
}

fn label(text: &str, place: &str) -> Result<Label, Problem> {
    let expected = "expected 1 to 200 characters, no blank at either end";
    text.parse().map_err(|_| Problem::body(place, expected))
}
