//! Stops of the bus: their openings, closings and loans, in the order in which they happened.

use lujiang_wire::DeviceId;

use crate::views::calendar::instant;
use crate::views::key::{DeviceKeys, Key};
use crate::views::lent::StopSheet;
use crate::views::loans::figures;
use crate::views::pages::{Damage, Pages, read_all};
use crate::views::record::Tally;
use crate::views::report::StopFigures;

/// Every stop of every device; the undated among them by when they were received.
pub(crate) fn stops(pages: &dyn Pages) -> Result<Vec<StopFigures>, Damage> {
    let mut all = Vec::new();
    let tallies: Vec<(Key, Tally)> = read_all(pages, &Key::tallies())?;
    for (key, _) in tallies {
        let Key::Tally(device) = key else { continue };
        for (key, sheet) in read_all(pages, &Key::of_device(DeviceKeys::Stops, &device))? {
            let Key::Stop(_, stop) = key else { continue };
            all.push(of_sheet(device.clone(), stop, sheet));
        }
    }
    all.sort_by(|a, b| (a.at, &a.device, &a.stop).cmp(&(b.at, &b.device, &b.stop)));
    Ok(all)
}

fn of_sheet(device: DeviceId, stop: lujiang_wire::Label, sheet: StopSheet) -> StopFigures {
    let closed = sheet.closed.map(|closed| instant(closed.at));
    let opened = sheet.opened.as_ref().map(|opened| instant(opened.at));
    let is_dated = sheet.opened.as_ref().is_none_or(|opened| opened.is_dated);
    let (place, unit, occasion, volumes) = match sheet.opened {
        Some(opened) => (
            Some(opened.place),
            opened.unit,
            opened.occasion,
            opened.volumes,
        ),
        None => (None, None, None, None),
    };
    StopFigures {
        device,
        stop,
        at: opened.or(closed),
        is_dated,
        place,
        unit,
        occasion,
        // What the crew said at the end is what it corrected.
        volumes: sheet.closed.and_then(|closed| closed.volumes).or(volumes),
        participants: sheet.closed.and_then(|closed| closed.participants),
        closed,
        lent: figures(sheet.lent),
    }
}
