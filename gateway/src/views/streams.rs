//! Streams and their gaps: which numbers are missing, and what can be hoped for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lujiang_wire::{DeviceId, Epoch, Stream};

use crate::views::Written;
use crate::views::calendar::Calendar;
use crate::views::key::{DeviceKeys, Key};
use crate::views::pages::{Damage, Pages, read, read_all};
use crate::views::record::{FlagSheet, Life, Numbers, Tally};
use crate::views::report::{DeviceFigures, Gap, GapState, StreamState};
use crate::views::spans::Spans;

/// Days of flags shown.
const FLAG_DAYS: usize = 31;

/// What a device last said it wrote: the life of its outbox, and per stream the last number.
pub(crate) type WrittenNow = Option<(Epoch, BTreeMap<Stream, u64>)>;

/// What the ledger knows of a device.
pub(crate) fn device_figures(
    pages: &dyn Pages,
    calendar: &Calendar,
    device: &DeviceId,
    written: WrittenNow,
) -> Result<DeviceFigures, Damage> {
    let tally: Tally = read(pages, &Key::Tally(device.clone()))?;
    let last_fact = tally.last_fact.map(Timestamp::from_nanosecond);
    let flags: Vec<(Key, FlagSheet)> = read_all(pages, &Key::of_device(DeviceKeys::Flags, device))?;
    let mut flagged_days = Vec::new();
    for (key, sheet) in flags.into_iter().rev().take(FLAG_DAYS) {
        let Key::Flags(_, start) = key else { continue };
        let day = calendar.date(start);
        let of_day = |(flag, periods)| (day, flag, periods);
        flagged_days.extend(sheet.0.into_iter().map(of_day));
    }
    Ok(DeviceFigures {
        last_fact: last_fact.and_then(Result::ok),
        facts: tally.facts,
        quarantined: tally.quarantined,
        id_conflicts: tally.id_conflicts,
        flagged_days,
        streams: streams(pages, device, written)?,
    })
}

/// The gaps in one stream of a device.
pub(crate) fn gaps_of(
    pages: &dyn Pages,
    device: &DeviceId,
    stream: Stream,
    written: Written<'_>,
) -> Result<Vec<Gap>, Damage> {
    let states = streams(pages, device, written(device))?.into_iter();
    let own = states.filter(|state| state.stream == stream);
    Ok(own.flat_map(|state| state.gaps).collect())
}

/// The streams of a device, newest life first.
pub(crate) fn streams(
    pages: &dyn Pages,
    device: &DeviceId,
    written: WrittenNow,
) -> Result<Vec<StreamState>, Damage> {
    let received = numbers(pages, device, DeviceKeys::Received)?;
    let given_up = numbers(pages, device, DeviceKeys::GivenUp)?;
    let lives = lives(pages, device, written.as_ref().map(|(epoch, _)| epoch))?;
    let none = Spans::default();
    let mut states = Vec::new();
    for (age, epoch) in lives.into_iter().enumerate() {
        let is_current = age == 0;
        let says = written.as_ref().filter(|(said, _)| *said == epoch);
        let of_life = |stream: &Stream| {
            let known = (epoch.clone(), *stream);
            received.contains_key(&known)
                || given_up.contains_key(&known)
                || says.is_some_and(|(_, streams)| streams.contains_key(stream))
        };
        let streams: BTreeSet<Stream> = Stream::ALL.into_iter().filter(of_life).collect();
        for stream in streams {
            let at = (epoch.clone(), stream);
            states.push(state(
                Which {
                    device,
                    epoch: &epoch,
                    stream,
                    is_current,
                },
                received.get(&at).unwrap_or(&none),
                given_up.get(&at).unwrap_or(&none),
                says.and_then(|(_, streams)| streams.get(&stream).copied()),
            ));
        }
    }
    Ok(states)
}

/// Lives of an outbox, newest first. The device's own word for the one it lives now comes before
/// the order in which the ledger heard of them.
fn lives(pages: &dyn Pages, device: &DeviceId, says: Option<&Epoch>) -> Result<Vec<Epoch>, Damage> {
    let records: Vec<(Key, Life)> = read_all(pages, &Key::of_device(DeviceKeys::Lives, device))?;
    let mut lives: Vec<(Life, Epoch)> = records
        .into_iter()
        .filter_map(|(key, life)| match key {
            Key::Life(_, epoch) => Some((life, epoch)),
            _ => None,
        })
        .collect();
    lives.sort_by(|a, b| b.cmp(a));
    let mut epochs: Vec<Epoch> = lives.into_iter().map(|(_, epoch)| epoch).collect();
    if let Some(now) = says {
        epochs.retain(|epoch| epoch != now);
        epochs.insert(0, now.clone());
    }
    Ok(epochs)
}

type NumbersByStream = BTreeMap<(Epoch, Stream), Spans<u64>>;

fn numbers(
    pages: &dyn Pages,
    device: &DeviceId,
    kind: DeviceKeys,
) -> Result<NumbersByStream, Damage> {
    let mut all = NumbersByStream::new();
    let records: Vec<(Key, Numbers)> = read_all(pages, &Key::of_device(kind, device))?;
    for (key, numbers) in records {
        let (Key::Received(_, epoch, stream, _) | Key::GivenUp(_, epoch, stream, _)) = key else {
            continue;
        };
        let spans = all.entry((epoch, stream)).or_default();
        for (from, until) in numbers.0.iter() {
            spans.insert(from, until);
        }
    }
    Ok(all)
}

struct Which<'a> {
    device: &'a DeviceId,
    epoch: &'a Epoch,
    stream: Stream,
    is_current: bool,
}

fn state(
    which: Which<'_>,
    received: &Spans<u64>,
    given_up: &Spans<u64>,
    written: Option<u64>,
) -> StreamState {
    // Half-open: the first number no longer received, given up, written.
    let after_highest = received.last().map_or(1, |span| span.1);
    let after_given_up = given_up.last().map_or(1, |span| span.1);
    let after_written = written.map_or(1, |number| number.saturating_add(1));
    let end = after_highest.max(after_given_up).max(after_written);
    let missing = Spans::of(1, end).difference(received);
    let lost = if which.is_current {
        missing.intersection(given_up)
    } else {
        missing.clone()
    };
    let hoped_for = missing.difference(&lost);
    let below = Spans::of(1, after_highest);
    let gap = |state: GapState| {
        let (device, epoch, stream) = (which.device, which.epoch, which.stream);
        move |(from, until): (u64, u64)| Gap {
            device: device.clone(),
            epoch: epoch.clone(),
            stream,
            from,
            to: until - 1,
            state,
        }
    };
    let open = hoped_for.intersection(&below);
    let waiting = hoped_for.difference(&below);
    let mut gaps: Vec<Gap> = open.iter().map(gap(GapState::Open)).collect();
    gaps.extend(waiting.iter().map(gap(GapState::Waiting)));
    gaps.extend(lost.iter().map(gap(GapState::Lost)));
    gaps.sort_by_key(|gap| gap.from);
    let through = received.first().filter(|span| span.0 <= 1);
    StreamState {
        epoch: which.epoch.clone(),
        stream: which.stream,
        current: which.is_current,
        through: through.map_or(0, |span| span.1 - 1),
        highest: after_highest - 1,
        written,
        gaps,
    }
}
