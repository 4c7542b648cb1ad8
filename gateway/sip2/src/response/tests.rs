//! Where each value stands, by messages written by hand from the tables of the standard: what is
//! read and written by one mistake comes through every round trip.

use super::*;
use crate::{
    CirculationStatus, Command, ErrorDetection, FeeType, Language, Profile, Retries,
    SecurityMarker, Timeout,
};

const DATE: &str = "20261124    200000";

#[test]
fn each_flag_of_a_98_stands_where_the_standard_has_it() {
    for (place, flags) in one_at_a_time::<6>() {
        let line = format!("98{flags}100003{DATE}2.00AOmain|AMLiling|BXYNNNNNNNNNNNNNNN|ANhall|");
        let Response::AcsStatus(said) = read(&line) else {
            panic!("a 98 expected")
        };
        let found = [
            said.online_status,
            said.checkin_ok,
            said.checkout_ok,
            said.acs_renewal_policy,
            said.status_update_ok,
            said.offline_ok,
        ];
        assert_eq!(found, only(place), "{flags}");
        let limits = (said.timeout_period, said.retries_allowed);
        assert_eq!(limits, (Timeout::Tenths(100), Retries::Times(3)));
        assert_eq!(said.date_time_sync.unwrap().to_string(), DATE);
        assert!(said.protocol_version.is_two());
        assert_eq!(said.institution_id, "main");
        assert_eq!(said.library_name.as_deref(), Some("Liling"));
        assert_eq!(said.terminal_location.as_deref(), Some("hall"));
        let supported = said.supported_messages.unwrap();
        assert!(supported.includes(Command::of(b"23").unwrap()));
        assert!(!supported.includes(Command::of(b"65").unwrap()));
    }
}

#[test]
fn each_request_of_bx_stands_where_the_standard_has_it() {
    let order = [
        "23", "11", "09", "01", "99", "97", "93", "63", "35", "37", "17", "19", "25", "15", "29",
        "65",
    ];
    for (place, flags) in one_at_a_time::<16>() {
        let flags = flags.replace(' ', "N");
        let line = format!("98YYYYYY100003{DATE}2.00AOmain|BX{flags}|");
        let Response::AcsStatus(said) = read(&line) else {
            panic!("a 98 expected")
        };
        let supported = said.supported_messages.unwrap();
        let found = order.map(|code| supported.includes(Command::of(code.as_bytes()).unwrap()));
        assert_eq!(found, only(place), "{flags}");
    }
}

#[test]
fn each_flag_of_a_patron_stands_where_the_standard_has_it() {
    for (place, flags) in one_at_a_time::<14>() {
        let flags = flags.replace('N', " ");
        let line = format!("24{flags}019{DATE}AOmain|AAR1|AEZoe|BLY|CQN|");
        let Response::PatronStatus(said) = read(&line) else {
            panic!("a 24 expected")
        };
        assert_eq!(fourteen(said.patron_status), only(place), "{flags}");
        let valid = (said.valid_patron, said.valid_patron_password);
        assert_eq!(valid, (Some(true), Some(false)));
        let line = format!(
            "64{flags}019{DATE}000100020003000400050006\
             AOmain|AAR1|AEZoe|BZ0011|CA0012|CB0013|BLY|CQN|ASh|ATo|AUc|AVf|BUr|CDu|"
        );
        let Response::PatronInformation(said) = read(&line) else {
            panic!("a 64 expected")
        };
        assert_eq!(fourteen(said.patron_status), only(place), "{flags}");
        assert_eq!(said.language, Language::CHINESE);
        assert_eq!(said.transaction_date.unwrap().to_string(), DATE);
    }
}

#[test]
fn each_count_and_list_of_a_64_stands_where_the_standard_has_it() {
    let line = format!(
        "64              019{DATE}000100020003000400050006\
         AOmain|AAR1|AEZoe|BZ0011|CA0012|CB0013|BLY|CQN|ASh|ATo|AUc|AVf|BUr|CDu|"
    );
    let Response::PatronInformation(said) = read(&line) else {
        panic!("a 64 expected")
    };
    let counts = [
        said.hold_items_count,
        said.overdue_items_count,
        said.charged_items_count,
        said.fine_items_count,
        said.recall_items_count,
        said.unavailable_holds_count,
    ];
    assert_eq!(counts, [1, 2, 3, 4, 5, 6].map(Some));
    let limits = [
        said.hold_items_limit,
        said.overdue_items_limit,
        said.charged_items_limit,
    ];
    assert_eq!(limits, [11, 12, 13].map(Some));
    let lists = [
        said.hold_items,
        said.overdue_items,
        said.charged_items,
        said.fine_items,
        said.recall_items,
        said.unavailable_hold_items,
    ];
    assert_eq!(
        lists,
        ["h", "o", "c", "f", "r", "u"].map(|it| vec![it.to_owned()])
    );
    let names = (said.patron_identifier.reveal(), said.personal_name.reveal());
    assert_eq!(names, ("R1", "Zoe"));
}

#[test]
fn a_12_and_a_30_say_each_thing_where_the_standard_has_it() {
    let magnetic = [('Y', Some(true)), ('N', Some(false)), ('U', None)];
    for (ok, renewal) in [(true, false), (false, true)] {
        for (media, is_magnetic) in magnetic {
            for (mark, desensitize) in magnetic {
                let (one, yes) = (u8::from(ok), if renewal { 'Y' } else { 'N' });
                let rest = format!("{one}{yes}{media}{mark}{DATE}AOmain|AAR1|ABB1|AJtitle|AHdue|");
                let Response::Checkout(said) = read(&format!("12{rest}")) else {
                    panic!("a 12 expected")
                };
                let Response::Renew(renewed) = read(&format!("30{rest}")) else {
                    panic!("a 30 expected")
                };
                let found = (
                    said.ok,
                    said.renewal_ok,
                    said.magnetic_media,
                    said.desensitize,
                );
                assert_eq!(found, (ok, renewal, is_magnetic, desensitize), "{rest}");
                let again = (
                    renewed.ok,
                    renewed.renewal_ok,
                    renewed.magnetic_media,
                    renewed.desensitize,
                );
                assert_eq!(again, found);
                assert_eq!(said.transaction_date.unwrap().to_string(), DATE);
                let texts = (said.item_identifier, said.title_identifier);
                assert_eq!(texts, ("B1".to_owned(), "title".to_owned()));
                assert_eq!(said.due_date.as_str(), "due");
                assert_eq!(said.patron_identifier.reveal(), "R1");
            }
        }
    }
}

#[test]
fn a_10_an_18_and_a_66_say_each_thing_where_the_standard_has_it() {
    let line = format!("101NUY{DATE}AOmain|ABB1|AQhome|AJtitle|CL7|");
    let Response::Checkin(said) = read(&line) else {
        panic!("a 10 expected")
    };
    let found = (said.ok, said.resensitize, said.magnetic_media, said.alert);
    assert_eq!(found, (true, false, None, true));
    assert_eq!(said.sort_bin.as_deref(), Some("7"));

    let line = format!("18040201{DATE}CF0003|AHdue|ABB1|AJtitle|AQhome|APhere|");
    let Response::ItemInformation(said) = read(&line) else {
        panic!("an 18 expected")
    };
    assert_eq!(said.circulation_status, CirculationStatus::Charged);
    assert_eq!(said.security_marker, SecurityMarker::TATTLE_TAPE);
    assert_eq!(said.fee_type, FeeType::OTHER);
    let places = (said.permanent_location, said.current_location);
    assert_eq!(places, (Some("home".to_owned()), Some("here".to_owned())));

    let line = format!("66100020001{DATE}AOmain|BMB1|BMB2|BNB3|");
    let Response::RenewAll(said) = read(&line) else {
        panic!("a 66 expected")
    };
    let counts = (said.ok, said.renewed_count, said.unrenewed_count);
    assert_eq!(counts, (true, Some(2), Some(1)));
    assert_eq!(said.renewed_items, ["B1", "B2"]);
    assert_eq!(said.unrenewed_items, ["B3"]);
}

/// The answer, which is written as it was read.
fn read(line: &str) -> Response {
    let profile = Profile {
        error_detection: ErrorDetection::Off,
        ..Profile::default()
    };
    let message = profile.decode::<Response>(line.as_bytes()).unwrap();
    let written = profile.encode(&message.body, None).unwrap();
    assert_eq!(String::from_utf8(written).unwrap().trim_end(), line);
    message.body
}

/// All flags off but one, at each place.
fn one_at_a_time<const FLAGS: usize>() -> impl Iterator<Item = (usize, String)> {
    (0..FLAGS).map(|place| {
        let flags = only::<FLAGS>(place).map(|is_on| if is_on { "Y" } else { "N" });
        (place, flags.concat())
    })
}

fn only<const FLAGS: usize>(place: usize) -> [bool; FLAGS] {
    std::array::from_fn(|at| at == place)
}

/// The flags of a patron in the order of the standard's table.
fn fourteen(said: crate::PatronStatus) -> [bool; 14] {
    [
        said.charge_privileges_denied,
        said.renewal_privileges_denied,
        said.recall_privileges_denied,
        said.hold_privileges_denied,
        said.card_reported_lost,
        said.too_many_items_charged,
        said.too_many_items_overdue,
        said.too_many_renewals,
        said.too_many_claims_of_items_returned,
        said.too_many_items_lost,
        said.excessive_outstanding_fines,
        said.excessive_outstanding_fees,
        said.recall_overdue,
        said.too_many_items_billed,
    ]
}
