//! The known mistakes of others, each as a claim.

mod model;

use std::time::Duration;

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

/// An earlier rollout of the release was aborted after a failure, and its echo comes in for years.
#[test]
fn another_rollout_of_a_release_begins_above_the_attempts_of_the_one_before() {
    let mut before = started();
    report(&mut before, 0, failed(), day(1));
    act_by(&mut before, Happened::Retried, day(2));
    assert_eq!(before.last_attempt(), 1);
    let plan = plan(vec![stage(Share::Rest, (90, 5), (30, 4))]);
    let again = Rollout::plan(label("2026-12"), plan, [device(0)], label("li")).unwrap();
    let mut again = again.after_attempts(Some(before.last_attempt()));
    act_by(&mut again, Happened::Started, day(3));
    assert_eq!(again.offered(&device(0)), Some(2));
    again.handle(Happened::Joined(device(7)), day(3)).unwrap();
    assert_eq!(again.offered(&device(7)), Some(2), "who joins, too");
    for echo in [0, 1] {
        let echo = Happened::Reported(device(0), echo, failed());
        again.handle(echo, day(4)).unwrap();
    }
    assert_eq!(again.members()[&device(0)].progress, Progress::Offered);
    assert_eq!(Rollout::restored(again.kept()).last_attempt(), 2);
}
