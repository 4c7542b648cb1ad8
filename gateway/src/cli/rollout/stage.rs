//! A stage as it is typed: `WHO[:SUCCESS[:FAILURE]]`.

use std::str::FromStr;

use crate::rollouts::dto::{NewStageForm, ThresholdForm};

/// What has to be met where nothing is said.
const SUCCESS: ThresholdForm = ThresholdForm {
    percent: 90,
    sample_min: 5,
};

/// What holds a rollout where nothing is said.
const FAILURE: ThresholdForm = ThresholdForm {
    percent: 20,
    sample_min: 3,
};

/// A stage that was typed.
#[derive(Debug, Clone)]
pub(in crate::cli) struct StageArg(pub(super) NewStageForm);

impl FromStr for StageArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let who = parts.next().unwrap_or_default();
        let success = parts.next().map(threshold).transpose()?;
        let failure = parts.next().map(threshold).transpose()?;
        if who.is_empty() || parts.next().is_some() {
            return Err("expected WHO[:SUCCESS[:FAILURE]], such as 30%:90/5:20/3".to_owned());
        }
        let mut stage = NewStageForm {
            name: who.to_owned(),
            devices: Vec::new(),
            sites: Vec::new(),
            percent: None,
            success: success.unwrap_or(SUCCESS),
            failure: failure.unwrap_or(FAILURE),
        };
        let names = || who.split(',').map(|name| name.trim());
        if let Some(percent) = who.strip_suffix('%') {
            let expected = |_| format!("expected a percentage, found {who:?}");
            stage.percent = Some(percent.parse().map_err(expected)?);
        } else if names().all(|name| name.starts_with("site=")) {
            stage.sites = names()
                .map(|name| name["site=".len()..].to_owned())
                .collect();
        } else if who != "rest" {
            stage.devices = names().map(str::to_owned).collect();
        }
        Ok(Self(stage))
    }
}

fn threshold(text: &str) -> Result<ThresholdForm, String> {
    let wrong = || format!("expected PERCENT/SAMPLE such as 90/5, found {text:?}");
    let (percent, sample) = text.split_once('/').ok_or_else(wrong)?;
    Ok(ThresholdForm {
        percent: percent.parse().map_err(|_| wrong())?,
        sample_min: sample.parse().map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_read_as_it_is_typed() {
        let read = |text: &str| text.parse::<StageArg>().unwrap().0;
        let share = read("30%:95/4:10/2");
        assert_eq!(share.percent, Some(30));
        assert_eq!((share.success.percent, share.success.sample_min), (95, 4));
        assert_eq!((share.failure.percent, share.failure.sample_min), (10, 2));
        assert_eq!(read("kiosk-a,kiosk-b").devices, ["kiosk-a", "kiosk-b"]);
        assert_eq!(read("site=main,site=east").sites, ["main", "east"]);
        let rest = read("rest");
        assert!(rest.devices.is_empty() && rest.sites.is_empty() && rest.percent.is_none());
        for wrong in ["", "30%:90", "x%", "rest:90/5:20/3:1/1", "rest:a/b"] {
            assert!(wrong.parse::<StageArg>().is_err(), "{wrong}");
        }
    }
}
