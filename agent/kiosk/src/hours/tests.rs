use proptest::prelude::*;

use super::*;

fn hours(zone: &str, quiet: &[&str], open: &[&str]) -> Hours {
    let read = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    let section = DownloadsSection {
        quiet_hours: read(quiet),
        opening_hours: read(open),
        bandwidth_open: 800,
        ..DownloadsSection::default()
    };
    Hours::new(TimeZone::get(zone).unwrap(), &section)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_window_through_midnight_holds_on_both_days() {
    let hours = hours("Asia/Shanghai", &["Mon-Fri 22:00-06:00"], &[]);
    // A Friday, at 21:59:59.
    let before = at("2026-11-27T13:59:59Z");
    assert_eq!(hours.at(before), Allowance::Everything);
    let begins = hours.until(before);
    assert_eq!(begins, at("2026-11-27T14:00:00Z"));
    assert_eq!(hours.at(begins), Allowance::Nothing);
    assert_eq!(hours.until(begins), at("2026-11-27T22:00:00Z"));
    // The night of Saturday is not named: the next is that of Monday.
    let morning = at("2026-11-27T22:00:00Z");
    assert_eq!(hours.until(morning), at("2026-11-30T14:00:00Z"));
}

#[test]
fn an_hour_that_comes_twice_is_quiet_twice_and_one_that_is_missing_never() {
    let hours = hours("Europe/Berlin", &["Sun 02:00-03:00"], &[]);
    // On 25 October 2026 the clock goes from 03:00 back to 02:00.
    let begins = hours.until(at("2026-10-24T22:00:00Z"));
    assert_eq!(begins, at("2026-10-25T00:00:00Z"));
    assert_eq!(hours.until(begins), at("2026-10-25T02:00:00Z"), "two hours");
    // On 29 March 2026 it goes from 02:00 forward to 03:00.
    let next = hours.until(at("2026-03-28T12:00:00Z"));
    assert_eq!(
        next,
        at("2026-04-05T00:00:00Z"),
        "a week later, in summer time"
    );
    let quarter = super::tests::hours("America/New_York", &["02:15-02:30"], &[]);
    let before = at("2026-03-08T05:00:00Z");
    assert_eq!(quarter.until(before), at("2026-03-09T06:15:00Z"));
}

#[test]
fn while_it_is_open_the_lower_limit_holds() {
    let mut hours = hours("Asia/Shanghai", &[], &["Mon-Fri 08:00-18:00"]);
    let (open, closed) = (at("2026-11-27T02:00:00Z"), at("2026-11-27T12:00:00Z"));
    assert_eq!(hours.at(open), Allowance::Limited(100_000));
    assert_eq!(hours.at(closed), Allowance::Everything);
    hours.most = Some(50_000);
    assert_eq!(hours.at(open), Allowance::Limited(50_000));
    assert_eq!(hours.at(closed), Allowance::Limited(50_000));
}

#[test]
fn an_arrival_waits_for_the_hours_and_keeps_to_the_limits() {
    let hours = hours(
        "Asia/Shanghai",
        &["Mon-Sun 22:00-06:00"],
        &["Mon-Fri 08:00-18:00"],
    );
    // A Friday, 17:00: an hour at 100,000, four at 1,000,000, and the rest in the morning.
    let now = at("2026-11-27T09:00:00Z");
    let bytes = 3_600 * 100_000 + 4 * 3_600 * 1_000_000 + 600 * 1_000_000;
    let arrival = hours.arrival(now, bytes, 1_000_000).unwrap();
    assert_eq!(arrival, at("2026-11-27T22:10:00Z"));
    assert_eq!(hours.arrival(now, bytes, 0), None);
    let never = super::tests::hours("UTC", &["00:00-00:00"], &[]);
    assert_eq!(never.arrival(now, 1, 1_000), None);
    assert_eq!(Hours::always().arrival(now, 0, 1_000), Some(now));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn until_is_the_first_minute_at_which_something_else_holds(
        zone in prop::sample::select(vec!["Europe/Berlin", "America/New_York", "Asia/Shanghai"]),
        // Around both changes of a year, and anywhere.
        start in prop::sample::select(vec![
            "2026-03-07T00:00:00Z", "2026-03-28T00:00:00Z", "2026-10-24T00:00:00Z",
            "2026-10-31T00:00:00Z", "2026-12-30T00:00:00Z",
        ]),
        minutes in 0_i64..3 * 24 * 60,
        quiet in prop::collection::vec((0_u8..24, 0_u8..12, 0_u8..24, 0_u8..12), 0..3),
        open in prop::collection::vec((0_u8..24, 0_u8..12, 0_u8..24, 0_u8..12), 0..3),
    ) {
        let text = |it: &(u8, u8, u8, u8)| {
            format!("Tue-Sun {:02}:{:02}-{:02}:{:02}", it.0, it.1 * 5, it.2, it.3 * 5)
        };
        let quiet: Vec<String> = quiet.iter().map(text).collect();
        let open: Vec<String> = open.iter().map(text).collect();
        let all = |texts: &[String]| -> Vec<&'static str> {
            texts.iter().map(|text| &*text.clone().leak()).collect()
        };
        let hours = hours(zone, &all(&quiet), &all(&open));
        let minute = SignedDuration::from_mins(1);
        let now = at(start) + SignedDuration::from_mins(minutes);
        let far = now + SignedDuration::from_hours(24 * AHEAD_DAYS);
        let allowed = hours.at(now);
        let mut expected = now;
        while expected < far && hours.at(expected) == allowed {
            expected += minute;
        }
        prop_assert_eq!(hours.until(now), expected.min(far), "{} {:?} {:?}", zone, quiet, open);
    }
}
