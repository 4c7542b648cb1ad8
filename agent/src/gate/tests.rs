//! Claims about a gate, and two properties: what is counted is what passed, and nonsense counts
//! nothing.

use jiff::SignedDuration;
use lujiang_wire::Uptime;
use proptest::prelude::*;

use super::*;

/// 2026-05-01T00:00:00Z in milliseconds.
const DAY: i64 = 1_777_593_600_000;
const PERIOD_MS: u64 = 60_000;
const MODULUS: u64 = 10_000;

fn rules(reset: ResetPolicy) -> GateRules {
    GateRules {
        period: Duration::from_millis(PERIOD_MS),
        silence: Duration::from_secs(180),
        reset,
        visits_per_minute_max: 600,
        entered_modulus: MODULUS,
        left_modulus: Some(MODULUS),
    }
}

/// A moment of the boot `a`, whose uptime 0 was at the beginning of the day.
fn at(seconds: u64) -> Mark {
    at_ms(seconds * 1_000)
}

fn at_ms(millis: u64) -> Mark {
    Mark {
        boot: "a".parse().unwrap(),
        uptime: Uptime::from_millis(millis).unwrap(),
        wall: Timestamp::from_millisecond(DAY + i64::try_from(millis).unwrap()).unwrap(),
    }
}

fn show(entered: u64) -> Totals {
    Totals {
        entered,
        left: Some(0),
    }
}

/// Feeds readings and ends; all periods.
fn periods(gate: &mut Gate, readings: &[(u64, u64)]) -> Vec<VisitCounted> {
    let mut all = Vec::new();
    let mut last = 0;
    for (seconds, total) in readings {
        all.extend(gate.handle_reading(&at(*seconds), show(*total)).periods);
        last = *seconds;
    }
    all.extend(gate.finish(&at(last)).periods);
    all
}

fn entered(periods: &[VisitCounted]) -> u64 {
    periods.iter().map(|period| period.entered).sum()
}

fn has(periods: &[VisitCounted], flag: &Flag) -> bool {
    periods.iter().any(|period| period.flags.contains(flag))
}

#[test]
fn the_first_reading_is_where_counting_begins_and_a_quiet_period_is_written_too() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(
        &mut gate,
        &[(0, 700), (30, 705), (60, 705), (90, 705), (120, 705)],
    );
    assert_eq!(all.iter().map(|p| p.entered).collect::<Vec<_>>(), [5, 0]);
    assert_eq!((all[0].from, all[0].to), (at(0).wall, at(60).wall));
    assert_eq!((all[1].from, all[1].to), (at(60).wall, at(120).wall));
    assert!(all.iter().all(|p| p.flags.is_empty() && p.is_observed()));
}

#[test]
fn a_reading_just_after_a_boundary_ends_the_period_at_the_boundary() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    gate.handle_reading(&at(0), show(0));
    let ended = gate.handle_reading(&at_ms(60_013), show(4)).periods;
    assert_eq!((ended[0].from, ended[0].to), (at(0).wall, at(60).wall));
    let ended = gate.handle_reading(&at_ms(120_007), show(6)).periods;
    assert_eq!(
        (ended[0].from, ended[0].to, ended[0].entered),
        (at(60).wall, at(120).wall, 2)
    );
}

#[test]
fn an_agent_off_for_two_hours_makes_one_recovered_period_with_the_exact_count() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let before = periods(&mut gate, &[(0, 0), (20, 3), (30, 5)]);
    let memory = serde_json::to_string(gate.memory().unwrap()).unwrap();
    let mut gate = Gate::new(
        rules(ResetPolicy::PowerUp),
        Some(serde_json::from_str(&memory).unwrap()),
    );
    let off = at(7_230);
    let off = Mark {
        boot: "b".parse().unwrap(),
        uptime: Uptime::from_millis(9_000).unwrap(),
        ..off
    };
    assert!(
        gate.handle_reading(&off, show(2_005)).doubted,
        "much at once takes a second reading"
    );
    let off = Mark {
        uptime: Uptime::from_millis(10_000).unwrap(),
        wall: at(7_231).wall,
        ..off
    };
    let after = gate.handle_reading(&off, show(2_005)).periods;
    assert_eq!(entered(&before), 5);
    assert_eq!(after.len(), 1);
    assert_eq!(
        (after[0].from, after[0].to, after[0].entered),
        (at(30).wall, at(7_231).wall, 2_000)
    );
    assert_eq!(after[0].flags, [Flag::Recovered]);
}

#[test]
fn a_silent_counter_ends_the_observed_period_where_it_fell_silent() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    gate.handle_reading(&at(0), show(0));
    gate.handle_reading(&at(20), show(2));
    assert!(gate.handle_silence(&at(100)).periods.is_empty());
    let observed = gate.handle_silence(&at(201)).periods;
    assert_eq!(
        (observed[0].from, observed[0].to, observed[0].entered),
        (at(0).wall, at(20).wall, 2)
    );
    assert!(
        gate.handle_silence(&at(300)).periods.is_empty(),
        "said once"
    );
    let back = gate.handle_reading(&at(320), show(9)).periods;
    assert_eq!(
        (back[0].from, back[0].to, back[0].entered),
        (at(20).wall, at(320).wall, 7)
    );
    assert_eq!(back[0].flags, [Flag::Recovered]);
}

#[test]
fn a_power_up_counts_what_the_new_total_shows_and_never_counts_nothing() {
    let readings = [(0, 500), (5, 510), (10, 4), (15, 6), (20, 7)];
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(&mut gate, &readings);
    assert_eq!(entered(&all), 10 + 7);
    assert!(has(&all, &Flag::Reset));
    let mut gate = Gate::new(rules(ResetPolicy::Never), None);
    let all = periods(&mut gate, &readings);
    assert_eq!(
        entered(&all),
        10 + 3,
        "only what came after the fall was seen"
    );
    assert!(has(&all, &Flag::Reset));
}

#[test]
fn a_total_that_passes_its_modulus_rolls_over() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(&mut gate, &[(0, 9_980), (5, 9_990), (10, 3), (15, 5)]);
    assert_eq!(entered(&all), 25);
    assert!(has(&all, &Flag::Rollover) && !has(&all, &Flag::Reset));
}

#[test]
fn a_jump_is_not_counted_but_what_follows_it_is() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(
        &mut gate,
        &[(0, 10), (5, 12), (10, 8_500), (15, 8_503), (20, 8_504)],
    );
    assert_eq!(entered(&all), 2 + 3 + 1);
    assert!(has(&all, &Flag::Implausible));
    assert_eq!(
        all.last().unwrap().raw.unwrap().entered,
        8_504,
        "the raw total is kept"
    );
}

#[test]
fn a_counter_that_answers_zeros_for_a_while_loses_nobody() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(
        &mut gate,
        &[
            (0, 1_000),
            (5, 1_001),
            (10, 0),
            (15, 0),
            (20, 0),
            (25, 1_004),
            (30, 1_004),
            (35, 1_006),
        ],
    );
    assert_eq!(entered(&all), 6);
}

#[test]
fn nonsense_that_agrees_with_nothing_is_flagged_and_a_single_one_is_not() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(&mut gate, &[(0, 10), (5, 7_000), (10, 12), (15, 13)]);
    assert_eq!((entered(&all), has(&all, &Flag::Implausible)), (3, false));
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let all = periods(
        &mut gate,
        &[(0, 10), (5, 7_000), (10, 3_000), (15, 9_900), (20, 13)],
    );
    assert_eq!((entered(&all), has(&all, &Flag::Implausible)), (3, true));
}

#[test]
fn all_ones_for_an_hour_and_back_invents_nobody() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let mut readings = vec![(0, 40), (5, 41)];
    readings.extend((2..700).map(|n| (n * 5, MODULUS - 1)));
    readings.extend((700..710).map(|n| (n * 5, 45)));
    let all = periods(&mut gate, &readings);
    assert!(entered(&all) <= 5, "{} counted, 5 passed", entered(&all));
}

#[test]
fn a_wall_clock_that_jumps_moves_no_visit_and_no_length() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    gate.handle_reading(&at(0), show(0));
    let mut jumped = at(30);
    jumped.wall = "1970-01-01T00:10:30Z".parse().unwrap();
    let ended = gate.handle_reading(&jumped, show(3)).periods;
    assert_eq!(ended[0].entered, 3);
    assert_eq!(
        ended[0].to.duration_since(ended[0].from),
        SignedDuration::from_secs(30)
    );
}

#[test]
fn another_boot_with_a_clock_that_was_never_set_says_that_it_does_not_know() {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    periods(&mut gate, &[(0, 0), (30, 5)]);
    let reboot = Mark {
        boot: "b".parse().unwrap(),
        uptime: Uptime::from_millis(40_000).unwrap(),
        wall: "1970-01-01T00:00:40Z".parse().unwrap(),
    };
    let ended = gate.handle_reading(&reboot, show(8)).periods;
    assert_eq!((ended.len(), ended[0].entered), (1, 3));
    assert!(has(&ended, &Flag::FromUnknown) && has(&ended, &Flag::Recovered));
    assert!(ended[0].from < ended[0].to);
}

#[test]
fn nonsense_long_after_a_fall_does_not_confirm_it() {
    // 9,975 rolls over to 0; before a second reading comes a long pause, and then nonsense that a
    // busy door could just have counted in that pause.
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let shown = [
        (0, 9_975),
        (4, 9_976),
        (8, 0),
        (200, 1_000),
        (205, 0),
        (210, 0),
    ];
    assert_eq!(entered(&periods(&mut gate, &shown)), 25);
}

/// One step of a true history.
#[derive(Debug, Clone)]
enum Step {
    /// Persons pass, time goes by, the counter is read.
    Read { passed: u64, millis: u64 },
    /// It is not read for this long.
    Unread { millis: u64 },
    /// The agent is killed: only what it wrote is known.
    Killed,
    /// The machine starts again.
    Rebooted,
    /// One reading is nonsense.
    Nonsense { total: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0_u64..40, 4_000_u64..90_000).prop_map(|(passed, millis)| Step::Read { passed, millis }),
        2 => (1_000_u64..900_000).prop_map(|millis| Step::Unread { millis }),
        1 => Just(Step::Killed),
        1 => Just(Step::Rebooted),
        2 => (0..MODULUS + 50).prop_map(|total| Step::Nonsense { total }),
    ]
}

/// Runs a history; what passed, what was counted, and the periods.
fn live(start: u64, steps: &[Step], nonsense: bool) -> (u64, u64, Vec<VisitCounted>) {
    let mut gate = Gate::new(rules(ResetPolicy::PowerUp), None);
    let (mut clock, mut boot, mut uptime, mut passed_total) = (1_000_u64, 0, 1_000_u64, 0_u64);
    let mut all = Vec::new();
    let (mut memory, mut odd) = (None, false);
    let mut read = |gate: &mut Gate,
                    clock: u64,
                    boot: u32,
                    uptime: u64,
                    total: u64,
                    memory: &mut Option<Memory>| {
        let now = Mark {
            boot: format!("boot-{boot}").parse().unwrap(),
            uptime: Uptime::from_millis(uptime).unwrap(),
            wall: at_ms(clock).wall,
        };
        let outcome = gate.handle_reading(&now, show(total));
        if outcome.remember {
            *memory = gate.memory().cloned();
        }
        all.extend(outcome.periods);
        now
    };
    let mut last = read(&mut gate, clock, boot, uptime, start, &mut memory);
    for step in steps {
        let millis = match step {
            Step::Read { millis, .. } | Step::Unread { millis } => *millis,
            Step::Killed | Step::Rebooted | Step::Nonsense { .. } => 500,
        };
        clock += millis;
        uptime += millis;
        let total = (start + passed_total) % MODULUS;
        match step {
            Step::Read { passed, .. } => {
                passed_total += passed;
                let total = (start + passed_total) % MODULUS;
                last = read(&mut gate, clock, boot, uptime, total, &mut memory);
                odd = false;
            }
            Step::Unread { .. } => {}
            Step::Killed => gate = Gate::new(rules(ResetPolicy::PowerUp), memory.clone()),
            Step::Rebooted => {
                gate = Gate::new(rules(ResetPolicy::PowerUp), memory.clone());
                boot += 1;
                uptime = 20_000;
                clock += 20_000;
            }
            Step::Nonsense { total: shown } if nonsense && !odd => {
                // Nonsense in the range of the believable is not to be told from visits.
                let near = (shown + MODULUS - total) % MODULUS < 1_000 || *shown >= MODULUS;
                if !near || *shown >= MODULUS {
                    read(&mut gate, clock, boot, uptime, *shown, &mut memory);
                    odd = true;
                }
            }
            Step::Nonsense { .. } => {}
        }
    }
    // Two good readings at the end resolve whatever is in doubt.
    for _ in 0..2 {
        clock += 5_000;
        uptime += 5_000;
        last = read(
            &mut gate,
            clock,
            boot,
            uptime,
            (start + passed_total) % MODULUS,
            &mut memory,
        );
    }
    all.extend(gate.finish(&last).periods);
    (passed_total, entered(&all), all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn every_passage_is_counted_once_whatever_is_restarted(
        start in 0..MODULUS - 1,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (passed, counted, all) = live(start, &steps, false);
        prop_assert_eq!(counted, passed);
        for pair in all.windows(2) {
            prop_assert!(pair[0].from < pair[0].to);
            prop_assert!(pair[0].to <= pair[1].from.max(pair[0].to), "in order");
            let seam = pair[1].from.duration_since(pair[0].to).abs();
            prop_assert!(seam <= SignedDuration::from_secs(1), "no hole and no overlap: {seam:?}");
        }
    }

    #[test]
    fn single_nonsense_readings_change_nothing(
        start in 0..MODULUS - 1,
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let (passed, counted, _) = live(start, &steps, true);
        prop_assert_eq!(counted, passed);
    }
}
