//! The core against a model that counts anew from everything that happened.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Devices of the plan, and others that may join.
const DEVICES: usize = 12;
const ALL: usize = 15;
const STAGES: usize = 3;

/// What happens in a random life of a rollout.
#[derive(Debug, Clone)]
enum Act {
    Report(usize, u8),
    /// Of an attempt that was before.
    Echo(usize),
    /// A fact says so, of so many days ago.
    Prove(usize, bool, u32),
    Join(usize),
    Leave(usize),
    Excuse(usize, u32),
    Pass(u32),
    Pause,
    Resume,
    Retry,
    Abort,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (0..ALL, 0..6_u8).prop_map(|(device, how)| Act::Report(device, how)),
        2 => (0..ALL).prop_map(Act::Echo),
        2 => (0..ALL, any::<bool>(), 0..9_u32).prop_map(|(device, it, ago)| Act::Prove(device, it, ago)),
        2 => (0..ALL).prop_map(Act::Join),
        1 => (0..ALL).prop_map(Act::Leave),
        2 => (0..ALL, 1..40_u32).prop_map(|(device, days)| Act::Excuse(device, days)),
        6 => (1..10_u32).prop_map(Act::Pass),
        2 => Just(Act::Pause),
        2 => Just(Act::Resume),
        2 => Just(Act::Retry),
        1 => (0..6_u8).prop_map(|it| if it == 0 { Act::Abort } else { Act::Resume }),
    ]
}

/// A device, to the model: a few facts, from which everything is counted anew.
#[derive(Clone, Default)]
struct Known {
    belongs: bool,
    stage: usize,
    /// 0 waiting, 1 offered, 2 begun, 3 shown, 4 failed, 5 failed and overlooked.
    at: u8,
    heard: u32,
    offered: Option<u32>,
    excused: u32,
    is_proved: bool,
}

impl Known {
    fn offer(&mut self, today: u32) {
        (self.at, self.heard) = (1, today);
        (self.offered, self.is_proved) = (Some(today), false);
    }
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum At {
    #[default]
    Running,
    Paused,
    Finished,
    Aborted,
}

#[derive(Default)]
struct Model {
    devices: Vec<Known>,
    stage: usize,
    at: At,
    today: u32,
}

impl Model {
    fn members(&self) -> impl Iterator<Item = &Known> {
        self.devices.iter().filter(|known| known.belongs)
    }

    fn is_away(&self, known: &Known) -> bool {
        let heard = known.heard.max(known.excused);
        (1..=2).contains(&known.at) && (self.today < known.excused || self.today > heard + 14)
    }

    /// (expected, shown, failed, belonging)
    fn count(&self, stage: usize) -> (usize, usize, usize, usize) {
        let mut of_stage: Vec<&Known> = self.members().collect();
        of_stage.retain(|known| known.stage == stage);
        let all = of_stage.len();
        of_stage.retain(|known| known.at != 5);
        of_stage.retain(|known| match known.at {
            1 => !self.is_away(known),
            0 | 2 => self.today >= known.excused,
            _ => true,
        });
        let at = |at| of_stage.iter().filter(|known| known.at == at).count();
        (of_stage.len(), at(3), at(4), all)
    }

    fn offer(&mut self) {
        let (stage, today) = (self.stage, self.today);
        let waiting = self
            .devices
            .iter_mut()
            .filter(|it| it.belongs && it.at == 0);
        waiting
            .filter(|it| it.stage <= stage)
            .for_each(|it| it.offer(today));
    }

    fn settle(&mut self) {
        while self.at == At::Running {
            let (expected, shown, failed, all) = self.count(self.stage);
            let has_failed = (0..=self.stage).any(|stage| {
                let (expected, shown, failed, _) = self.count(stage);
                let ended = shown + failed;
                failed > 0 && ended >= 3.min(expected) && failed * 2 >= ended
            });
            if has_failed {
                self.at = At::Paused;
            } else if self.stage + 1 == STAGES {
                let is_over = |known: &Known| known.at >= 3 || self.is_away(known);
                if self.members().all(is_over) {
                    self.at = At::Finished;
                }
                return;
            } else if all == 0
                || (shown + failed >= 2.min(expected).max(1) && shown * 10 >= expected * 8)
            {
                self.stage += 1;
                self.offer();
            } else {
                return;
            }
        }
    }

    /// What the rules make of an act, and whether they allow it.
    fn take(&mut self, act: &Act) -> bool {
        let today = self.today;
        match *act {
            Act::Report(number, how) => {
                let known = &mut self.devices[number];
                if known.belongs && !known.is_proved {
                    known.at = [2, 2, 3, 3, 3, 4][usize::from(how)];
                    known.heard = today;
                }
                known.belongs
            }
            Act::Echo(number) => self.devices[number].belongs,
            Act::Prove(number, is_shown, ago) => {
                let known = &mut self.devices[number];
                let is_earlier = known
                    .offered
                    .is_some_and(|it| today.saturating_sub(ago) < it);
                if known.belongs && (is_shown || !is_earlier) {
                    known.at = if is_shown { 3 } else { 4 };
                    (known.heard, known.is_proved) = (today, true);
                }
                known.belongs
            }
            Act::Join(number) => {
                let takes = matches!(self.at, At::Running | At::Finished) && self.stage == 2;
                let known = &mut self.devices[number];
                if !known.belongs {
                    *known = Known {
                        belongs: true,
                        stage: 2,
                        heard: today,
                        ..Known::default()
                    };
                    if takes {
                        known.offer(today);
                    }
                }
                true
            }
            Act::Leave(number) => std::mem::take(&mut self.devices[number]).belongs,
            Act::Excuse(number, days) => {
                self.devices[number].excused = today + days;
                self.devices[number].belongs
            }
            Act::Pass(days) => {
                self.today += days;
                true
            }
            Act::Pause => self.goes(&[At::Running], At::Paused),
            Act::Abort => self.goes(&[At::Running, At::Paused], At::Aborted),
            Act::Resume => {
                let goes = self.goes(&[At::Paused], At::Running);
                if goes {
                    let failed = self.devices.iter_mut().filter(|it| it.at == 4);
                    failed.for_each(|it| it.at = 5);
                    self.offer();
                }
                goes
            }
            Act::Retry => {
                let may = self.at != At::Aborted;
                let failed = self.devices.iter_mut().filter(|it| may && it.at >= 4);
                failed.for_each(|it| it.offer(today));
                if self.at == At::Finished {
                    self.at = At::Running;
                }
                may
            }
        }
    }

    fn goes(&mut self, from: &[At], to: At) -> bool {
        let goes = from.contains(&self.at);
        if goes {
            self.at = to;
        }
        goes
    }
}

/// The same act, in the core's words.
fn happened(rollout: &Rollout, act: &Act, today: u32) -> Happened {
    let attempt = |number| {
        rollout
            .members()
            .get(&device(number))
            .map_or(0, |it| it.attempt)
    };
    let li = || label("li");
    match *act {
        Act::Report(number, how) => {
            let progress = match how {
                0 | 1 => Progress::Downloading {
                    bytes: 1,
                    of: 2,
                    rate: None,
                    arrival: None,
                },
                2..=4 => Progress::Shown,
                _ => failed(),
            };
            Happened::Reported(device(number), attempt(number), progress)
        }
        Act::Echo(number) => Happened::Reported(device(number), attempt(number) - 1, failed()),
        Act::Prove(number, is_shown, ago) => {
            let progress = if is_shown { Progress::Shown } else { failed() };
            Happened::Proved(device(number), progress, day(today.saturating_sub(ago)))
        }
        Act::Join(number) => Happened::Joined(device(number)),
        Act::Leave(number) => Happened::Left(device(number)),
        Act::Excuse(number, days) => Happened::Excused(device(number), day(today + days)),
        Act::Pass(_) => Happened::Ticked,
        Act::Pause => Happened::Paused(li()),
        Act::Resume => Happened::Resumed(li()),
        Act::Retry => Happened::Retried(li()),
        Act::Abort => Happened::Aborted(li()),
    }
}

fn begun() -> (Rollout, Model) {
    let stages = vec![
        stage(
            Share::Devices([device(3), device(4)].into()),
            (80, 2),
            (50, 3),
        ),
        stage(Share::Percent(30), (80, 2), (50, 3)),
        stage(Share::Rest, (80, 2), (50, 3)),
    ];
    let devices = (0..DEVICES).map(device);
    let rollout = Rollout::plan(label("r"), plan(stages), devices, label("li")).unwrap();
    // As after a rollout before, so that there are attempts to hear of.
    let mut rollout = rollout.after_attempts(Some(4));
    let in_second: BTreeSet<usize> = [0, 1, 2, 5].into();
    let stage_of = |number| match number {
        3 | 4 => 0,
        number if in_second.contains(&number) => 1,
        _ => 2,
    };
    let known = |number| Known {
        belongs: number < DEVICES,
        stage: stage_of(number),
        ..Known::default()
    };
    let mut model = Model {
        devices: (0..ALL).map(known).collect(),
        ..Model::default()
    };
    let start = Happened::Started(label("li"));
    rollout.handle(start, day(0)).unwrap();
    model.offer();
    model.settle();
    (rollout, model)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_it_is_where_counting_anew_says(acts in prop::collection::vec(act(), 0..80)) {
        let (mut rollout, mut model) = begun();
        for act in acts {
            if matches!(act, Act::Echo(number) if !model.devices[number].belongs) {
                continue;
            }
            let happened = happened(&rollout, &act, model.today);
            let allowed = model.take(&act);
            prop_assert_eq!(rollout.handle(happened, day(model.today)).is_ok(), allowed, "{:?}", act);
            if allowed {
                model.settle();
            }
            prop_assert_eq!(rollout.stage(), model.stage);
            let at = match rollout.state() {
                State::Running => At::Running,
                State::Paused(_) => At::Paused,
                State::Finished => At::Finished,
                State::Aborted(_) => At::Aborted,
                State::AwaitsApproval | State::Ready => unreachable!("it was started"),
            };
            prop_assert_eq!(at, model.at);
            let offered: BTreeSet<_> = rollout.members().iter()
                .filter(|(_, member)| member.progress != Progress::Waiting)
                .map(|(device, _)| device.clone())
                .collect();
            let expected: BTreeSet<_> = (0..ALL)
                .filter(|number| model.devices[*number].belongs && model.devices[*number].at > 0)
                .map(device)
                .collect();
            prop_assert_eq!(offered, expected);
        }
    }
}
