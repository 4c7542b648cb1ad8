//! The known mistakes of others, each as a claim; and the core against a model that counts anew
//! from everything that happened.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn device(number: usize) -> DeviceId {
    format!("kiosk-{number}").parse().unwrap()
}

fn label(text: &str) -> Label {
    text.parse().unwrap()
}

fn day(days: u32) -> Timestamp {
    Timestamp::UNIX_EPOCH + DAY * days
}

fn stage(share: Share, success: (u8, u32), failure: (u8, u32)) -> Stage {
    let threshold = |(percent, sample_min)| Threshold {
        percent,
        sample_min,
    };
    Stage {
        name: label("a stage"),
        share,
        success: threshold(success),
        failure: threshold(failure),
    }
}

fn plan(stages: Vec<Stage>) -> Plan {
    Plan {
        stages,
        approval: Approval::Needless,
        patience: DAY * 14,
    }
}

/// Two canaries, then everybody else of ten.
fn started() -> Rollout {
    let canaries = Share::Devices([device(0), device(1)].into());
    let stages = vec![
        stage(canaries, (100, 2), (50, 2)),
        stage(Share::Rest, (90, 5), (30, 4)),
    ];
    let devices = (0..10).map(device);
    let mut rollout = Rollout::plan(label("2026-12"), plan(stages), devices, label("li")).unwrap();
    rollout
        .handle(Happened::Started(label("li")), day(0))
        .unwrap();
    rollout
}

fn offers(rollout: &mut Rollout) -> Vec<DeviceId> {
    let mut offers = Vec::new();
    while let Some(effect) = rollout.next_effect() {
        if let Effect::Offer(device) = effect {
            offers.push(device);
        }
    }
    offers
}

fn report(rollout: &mut Rollout, number: usize, progress: Progress, now: Timestamp) {
    let attempt = rollout.members()[&device(number)].attempt;
    let reported = Happened::Reported(device(number), attempt, progress);
    rollout.handle(reported, now).unwrap();
}

fn failed() -> Progress {
    Progress::Failed(Failure {
        reason: label("no-space"),
        detail: String::new(),
    })
}

#[test]
fn a_stage_that_merely_ended_below_its_threshold_does_not_begin_the_next() {
    let mut rollout = started();
    assert_eq!(offers(&mut rollout), [device(0), device(1)]);
    report(&mut rollout, 0, Progress::Shown, day(1));
    // A failure of one in two: held, and the others are offered nothing.
    report(&mut rollout, 1, failed(), day(1));
    assert_eq!(*rollout.state(), State::Paused(Why::Failures(1, 2)));
    assert_eq!(offers(&mut rollout), []);
    assert_eq!(rollout.stage(), 0);

    // Gone on in spite of it: overlooked, and one of one that is counted has shown it.
    rollout
        .handle(Happened::Resumed(label("li")), day(2))
        .unwrap();
    assert_eq!(rollout.stage(), 1);
    assert_eq!(offers(&mut rollout).len(), 8);
}

#[test]
fn a_device_that_never_returns_holds_nothing_open_and_is_listed_until_it_does() {
    let mut rollout = started();
    for number in 0..9 {
        report(&mut rollout, number, Progress::Shown, day(1));
    }
    rollout.handle(Happened::Ticked, day(10)).unwrap();
    assert_eq!(*rollout.state(), State::Running);
    rollout.handle(Happened::Ticked, day(20)).unwrap();

    assert_eq!(*rollout.state(), State::Finished);
    assert!(rollout.absent(day(20)).eq([&device(9)]));
    report(&mut rollout, 9, Progress::Shown, day(300));
    assert_eq!(rollout.absent(day(300)).count(), 0);
}

#[test]
fn the_bus_is_left_out_of_the_denominator_until_its_deadline() {
    let mut rollout = started();
    rollout
        .handle(Happened::Excused(device(1), day(30)), day(0))
        .unwrap();
    report(&mut rollout, 0, Progress::Shown, day(1));
    // One of one that is expected; the sample is all there are.
    assert_eq!(rollout.stage(), 1);

    let mut rollout = started();
    rollout
        .handle(Happened::Excused(device(1), day(3)), day(0))
        .unwrap();
    rollout.handle(Happened::Ticked, day(4)).unwrap();
    report(&mut rollout, 0, Progress::Shown, day(4));
    assert_eq!(rollout.stage(), 0, "after its deadline it is awaited");
}

#[test]
fn a_canary_that_fell_silent_in_the_middle_is_no_absentee() {
    let mut rollout = started();
    report(&mut rollout, 0, Progress::Shown, day(1));
    report(&mut rollout, 1, Progress::Installed, day(1));
    rollout.handle(Happened::Ticked, day(100)).unwrap();
    assert_eq!(rollout.stage(), 0, "the release may be what silenced it");

    let mut rollout = started();
    report(&mut rollout, 0, Progress::Shown, day(1));
    rollout.handle(Happened::Ticked, day(100)).unwrap();
    assert_eq!(rollout.stage(), 1, "one never heard of proves nothing");
}

#[test]
fn a_single_failure_of_a_small_sample_stops_nothing() {
    let mut rollout = started();
    for number in [0, 1] {
        report(&mut rollout, number, Progress::Shown, day(1));
    }
    for number in [2, 3, 4] {
        report(&mut rollout, number, failed(), day(1));
    }
    assert_eq!(*rollout.state(), State::Running);
    report(&mut rollout, 5, Progress::Shown, day(1));
    assert_eq!(*rollout.state(), State::Paused(Why::Failures(3, 4)));
}

#[test]
fn a_second_person_approves_and_a_new_device_joins_by_itself() {
    let mut plan = plan(vec![stage(Share::Rest, (90, 1), (50, 3))]);
    plan.approval = Approval::BySecondPerson;
    let mut rollout = Rollout::plan(label("2026-12"), plan, [device(0)], label("li")).unwrap();
    let started = Happened::Started(label("li"));
    assert!(rollout.handle(started.clone(), day(0)).is_err());
    let own = rollout.handle(Happened::Approved(label("li")), day(0));
    assert_eq!(own, Err(Refused::SamePerson(label("li"))));
    rollout
        .handle(Happened::Approved(label("wang")), day(0))
        .unwrap();
    rollout.handle(started, day(0)).unwrap();
    rollout.handle(Happened::Joined(device(7)), day(1)).unwrap();
    assert_eq!(offers(&mut rollout), [device(0), device(7)]);
}

#[test]
fn a_plan_that_cannot_be_carried_out_says_why() {
    let wrong = |stages| plan(stages).check().unwrap_err().to_string();
    assert!(wrong(Vec::new()).contains("1 to 20 stages"));
    let stages = vec![stage(Share::Percent(0), (90, 1), (50, 1))];
    assert!(wrong(stages).contains("0 is no percentage"));
}

fn act_by(rollout: &mut Rollout, act: fn(Label) -> Happened, now: Timestamp) {
    rollout.handle(act(label("li")), now).unwrap();
}

/// hawkBit 3185: "in sync" while the old image runs.
#[test]
fn what_is_installed_but_not_shown_and_what_is_gone_unshown_is_no_success() {
    let mut rollout = started();
    report(&mut rollout, 0, Progress::Installed, day(1));
    report(&mut rollout, 1, Progress::Removed, day(1));
    assert_eq!(rollout.stage(), 0);
    assert_eq!(rollout.tally(0, day(1)).succeeded, 0);
    report(&mut rollout, 0, Progress::Shown, day(2));
    report(&mut rollout, 0, Progress::Removed, day(3));
    assert_eq!(rollout.tally(0, day(3)).succeeded, 1, "it was shown once");
}

/// Mender 1988: updates that hang for ever; hawkBit 693: stuck on one absent device.
#[test]
fn a_device_that_hangs_is_listed_and_a_person_can_go_on_without_it() {
    let mut rollout = started();
    report(&mut rollout, 0, Progress::Shown, day(1));
    report(&mut rollout, 1, Progress::Verified, day(1));
    rollout.handle(Happened::Ticked, day(16)).unwrap();
    assert!(rollout.absent(day(16)).eq([&device(1)]));
    assert_eq!(rollout.stage(), 0);
    let excused = Happened::Excused(device(1), day(30));
    rollout.handle(excused, day(16)).unwrap();
    assert_eq!(rollout.stage(), 1);
}

#[test]
fn a_stage_smaller_than_its_minimum_sample_is_held_by_its_failures_all_the_same() {
    let stages = vec![
        stage(Share::Percent(10), (100, 5), (20, 5)),
        stage(Share::Rest, (90, 5), (30, 4)),
    ];
    let devices = (0..10).map(device);
    let mut rollout = Rollout::plan(label("r"), plan(stages), devices, label("li")).unwrap();
    act_by(&mut rollout, Happened::Started, day(0));
    report(&mut rollout, 0, failed(), day(1));
    assert_eq!(*rollout.state(), State::Paused(Why::Failures(1, 1)));
}

#[test]
fn canaries_that_fail_after_their_stage_was_met_hold_the_rollout() {
    let mut rollout = started();
    for number in [0, 1] {
        report(&mut rollout, number, Progress::Shown, day(1));
    }
    assert_eq!(rollout.stage(), 1);
    report(&mut rollout, 1, failed(), day(2));
    assert_eq!(*rollout.state(), State::Paused(Why::Failures(1, 2)));
}

#[test]
fn who_joins_while_it_is_held_is_offered_the_release_when_it_goes_on_and_is_no_canary() {
    let mut rollout = started();
    rollout
        .handle(Happened::Joined(device(20)), day(0))
        .unwrap();
    assert_eq!(rollout.members()[&device(20)].stage, 1);
    assert_eq!(offers(&mut rollout), [device(0), device(1)]);
    for number in [0, 1] {
        report(&mut rollout, number, Progress::Shown, day(1));
    }
    assert!(offers(&mut rollout).contains(&device(20)));
    act_by(&mut rollout, Happened::Paused, day(1));
    rollout
        .handle(Happened::Joined(device(21)), day(1))
        .unwrap();
    assert_eq!(offers(&mut rollout), []);
    act_by(&mut rollout, Happened::Resumed, day(2));
    assert_eq!(offers(&mut rollout), [device(21)]);
}

/// thingsboard 7491: one bad event retried for ever; here its echo fails the retry.
#[test]
fn a_retry_is_another_attempt_and_the_echo_of_the_failed_one_does_not_fail_it() {
    let mut rollout = started();
    report(&mut rollout, 0, failed(), day(1));
    act_by(&mut rollout, Happened::Retried, day(2));
    assert_eq!(rollout.offered(&device(0)), Some(1));
    let echo = Happened::Reported(device(0), 0, failed());
    rollout.handle(echo, day(3)).unwrap();
    let late = Happened::Proved(device(0), failed(), day(1));
    rollout.handle(late, day(3)).unwrap();
    assert_eq!(rollout.members()[&device(0)].progress, Progress::Offered);
    let again = Happened::Proved(device(0), failed(), day(3));
    rollout.handle(again, day(3)).unwrap();
    assert_eq!(rollout.members()[&device(0)].progress, failed());
}

#[test]
fn a_fact_wins_over_every_report_of_its_attempt() {
    let mut rollout = started();
    let shown = Happened::Proved(device(0), Progress::Shown, day(1));
    rollout.handle(shown, day(1)).unwrap();
    for stale in [Progress::Installed, failed()] {
        report(&mut rollout, 0, stale, day(2));
        assert_eq!(rollout.members()[&device(0)].progress, Progress::Shown);
    }
}

#[test]
fn after_an_abort_only_who_shows_the_release_keeps_it() {
    let mut rollout = started();
    report(&mut rollout, 0, Progress::Shown, day(1));
    report(&mut rollout, 1, Progress::Verified, day(1));
    offers(&mut rollout);
    act_by(&mut rollout, Happened::Aborted, day(1));
    assert_eq!(rollout.next_effect(), Some(Effect::Withdraw(device(1))));
    let offered: Vec<_> = (0..10).map(|it| rollout.offered(&device(it))).collect();
    assert_eq!(offered[0], Some(0));
    assert!(offered[1..].iter().all(Option::is_none));
    assert!(
        rollout
            .handle(Happened::Resumed(label("li")), day(2))
            .is_err()
    );
}

/// The device's clock is trusted with nothing: an arrival it claims for the year 1 or 9999.
#[test]
fn what_a_device_claims_of_its_own_time_decides_nothing() {
    let mut rollout = started();
    for arrival in [Timestamp::MIN, Timestamp::MAX] {
        let downloading = Progress::Downloading {
            bytes: 1,
            of: 2,
            rate: None,
            arrival: Some(arrival),
        };
        report(&mut rollout, 0, downloading, day(1));
        assert_eq!(rollout.absent(day(1)).count(), 0);
        assert_eq!(rollout.members()[&device(0)].since, day(1));
    }
}

/// What happens in a random life of a rollout.
#[derive(Debug, Clone)]
enum Act {
    Report(usize, u8),
    Excuse(usize, u32),
    Pass(u32),
    Pause,
    Resume,
    Retry,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (0..DEVICES, 0..6_u8).prop_map(|(device, how)| Act::Report(device, how)),
        1 => (0..DEVICES, 1..40_u32).prop_map(|(device, days)| Act::Excuse(device, days)),
        3 => (1..10_u32).prop_map(Act::Pass),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
        1 => Just(Act::Retry),
    ]
}

const DEVICES: usize = 12;
const STAGES: usize = 3;

/// A device, to the model: three facts, from which everything is counted anew.
#[derive(Clone, Default)]
struct Known {
    stage: usize,
    /// 0 waiting, 1 offered, 2 begun, 3 shown, 4 failed, 5 failed and overlooked.
    at: u8,
    heard: u32,
    excused: u32,
}

#[derive(Default)]
struct Model {
    devices: Vec<Known>,
    stage: usize,
    is_running: bool,
    is_finished: bool,
    today: u32,
}

impl Model {
    fn is_away(&self, known: &Known) -> bool {
        let heard = known.heard.max(known.excused);
        (1..=2).contains(&known.at) && (self.today < known.excused || self.today > heard + 14)
    }

    /// (expected, shown, failed, belonging)
    fn count(&self, stage: usize) -> (usize, usize, usize, usize) {
        let mut of_stage: Vec<&Known> = self.devices.iter().collect();
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
        for known in &mut self.devices {
            if known.stage <= self.stage && known.at == 0 {
                (known.at, known.heard) = (1, self.today);
            }
        }
    }

    fn settle(&mut self) {
        while self.is_running {
            let (expected, shown, failed, all) = self.count(self.stage);
            let has_failed = (0..=self.stage).any(|stage| {
                let (expected, shown, failed, _) = self.count(stage);
                let ended = shown + failed;
                failed > 0 && ended >= 3.min(expected) && failed * 2 >= ended
            });
            if has_failed {
                self.is_running = false;
            } else if self.stage + 1 == STAGES {
                let is_over = |known: &Known| known.at >= 3 || self.is_away(known);
                self.is_finished = self.devices.iter().all(is_over);
                self.is_running = !self.is_finished;
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
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_it_is_where_counting_anew_says(acts in prop::collection::vec(act(), 0..80)) {
        let stages = vec![
            stage(Share::Devices([device(3), device(4)].into()), (80, 2), (50, 3)),
            stage(Share::Percent(30), (80, 2), (50, 3)),
            stage(Share::Rest, (80, 2), (50, 3)),
        ];
        let devices = (0..DEVICES).map(device);
        let mut rollout = Rollout::plan(label("r"), plan(stages), devices, label("li")).unwrap();
        let in_second: BTreeSet<usize> = [0, 1, 2, 5].into();
        let stage_of = |number| match number {
            3 | 4 => 0,
            number if in_second.contains(&number) => 1,
            _ => 2,
        };
        let known = |number| Known { stage: stage_of(number), ..Known::default() };
        let mut model = Model {
            devices: (0..DEVICES).map(known).collect(),
            is_running: true,
            ..Model::default()
        };
        rollout.handle(Happened::Started(label("li")), day(0)).unwrap();
        model.offer();
        model.settle();
        for act in acts {
            let now = day(model.today);
            let allowed = match act {
                Act::Report(number, how) => {
                    let progress = match how {
                        0 | 1 => Progress::Downloading { bytes: 1, of: 2, rate: None, arrival: None },
                        2..=4 => Progress::Shown,
                        _ => failed(),
                    };
                    let known = &mut model.devices[number];
                    known.at = match how { 0 | 1 => 2, 2..=4 => 3, _ => 4 };
                    known.heard = model.today;
                    report(&mut rollout, number, progress, now);
                    true
                }
                Act::Excuse(number, days) => {
                    let until = model.today + days;
                    model.devices[number].excused = until;
                    rollout.handle(Happened::Excused(device(number), day(until)), now).is_ok()
                }
                Act::Pass(days) => {
                    model.today += days;
                    rollout.handle(Happened::Ticked, day(model.today)).is_ok()
                }
                Act::Pause => {
                    let was_running = std::mem::take(&mut model.is_running);
                    let is_ok = rollout.handle(Happened::Paused(label("li")), now).is_ok();
                    prop_assert_eq!(is_ok, was_running);
                    true
                }
                Act::Resume => {
                    let was_paused = !model.is_running && !model.is_finished;
                    if was_paused {
                        model.is_running = true;
                        model.devices.iter_mut().filter(|it| it.at == 4).for_each(|it| it.at = 5);
                    }
                    let is_ok = rollout.handle(Happened::Resumed(label("li")), now).is_ok();
                    prop_assert_eq!(is_ok, was_paused);
                    true
                }
                Act::Retry => {
                    let today = model.today;
                    for known in model.devices.iter_mut().filter(|it| it.at >= 4) {
                        (known.at, known.heard) = (1, today);
                    }
                    model.is_running |= std::mem::take(&mut model.is_finished);
                    rollout.handle(Happened::Retried(label("li")), now).is_ok()
                }
            };
            prop_assert!(allowed);
            model.settle();
            prop_assert_eq!(rollout.stage(), model.stage);
            prop_assert_eq!(*rollout.state() == State::Running, model.is_running);
            prop_assert_eq!(*rollout.state() == State::Finished, model.is_finished);
            let offered: BTreeSet<_> = rollout.members().iter()
                .filter(|(_, member)| member.progress != Progress::Waiting)
                .map(|(device, _)| device.clone())
                .collect();
            let expected: BTreeSet<_> = (0..DEVICES)
                .filter(|number| model.devices[*number].at > 0)
                .map(device)
                .collect();
            prop_assert_eq!(offered, expected);
        }
    }
}
