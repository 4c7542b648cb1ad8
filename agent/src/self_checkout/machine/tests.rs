//! A model machine and a model library system on either side of the core, and everything that can
//! go wrong in between.

mod library;
mod world;

use lujiang_sip2::{AcsStatus, Checkin, Checkout, Login, PatronInformation, ScStatus, Sequence};
use proptest::prelude::*;

use super::*;
use crate::self_checkout::effect::Pause;
use library::Mishap;
use world::{Kind, Step, World, Written};

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_024, ..ProptestConfig::default() })]

    #[test]
    fn each_request_has_one_answer_and_each_transaction_one_fact(
        steps in prop::collection::vec(step(), 1..120),
        is_dp2 in any::<bool>(),
    ) {
        let mut world = World::new(is_dp2);
        for step in steps {
            world.take(step);
        }
        world.settle();
        world.check();
    }
}

#[test]
fn a_request_is_asked_once_and_its_answer_given_as_often_as_it_is_asked_for() {
    let mut world = World::connected();
    world.take(Step::Ask(Kind::Checkout));
    world.take(AGAIN);
    world.take(SERVE);
    world.take(Step::Deliver);
    assert_eq!(world.told.len(), 1, "asked twice while it was under way");
    world.take(Step::Read(Mishap::None));
    for step in [
        AGAIN,
        Step::Again {
            reconnected: true,
            mishap: Mishap::None,
        },
    ] {
        world.take(step);
        world.take(Step::Read(Mishap::None));
    }
    let [story] = &world.stories[..] else {
        panic!()
    };
    assert_eq!(story.answers.len(), 3);
    world.check();
}

#[test]
fn what_the_machine_could_not_read_is_said_again_also_where_it_was_our_demand() {
    let mut world = World::connected();
    world.take(Step::Ask(Kind::Checkin));
    world.take(SERVE);
    world.take(Step::Deliver);
    let answer = world.told.pop_front().unwrap();
    let again = b"97AZFEF5".to_vec();
    world.hear(again.clone());
    assert_eq!(world.told.pop_front(), Some(answer));

    world.hear(b"09what noise left".to_vec());
    let demand = world.told.pop_front().unwrap();
    assert!(demand.starts_with(b"96"));
    world.hear(again);
    assert_eq!(world.told.pop_front(), Some(demand));
}

#[test]
fn silence_in_the_middle_of_a_loan_is_decided_here_and_never_asked_again() {
    let mut world = World::connected();
    world.take(Step::Ask(Kind::Checkout));
    world.take(Step::Serve {
        request: Mishap::None,
        answer: Mishap::Lost,
    });
    world.take(Step::Pass(6_000));
    assert!(
        world
            .decision
            .as_ref()
            .is_some_and(|inquiry| inquiry.why == Why::Unsure)
    );
    assert_eq!(world.dialling, Some(Pause::Next));
    world.take(Step::Decide);
    world.take(Step::Read(Mishap::None));
    world.settle();
    assert_eq!(world.facts[&world.stories[0].item], [Written::Offline]);
    world.check();
}

#[test]
fn what_the_library_system_could_not_read_is_sent_again_and_its_unread_answer_asked_for() {
    let mut world = World::connected();
    world.take(Step::Ask(Kind::Checkin));
    world.take(Step::Serve {
        request: Mishap::Garbled,
        answer: Mishap::None,
    });
    world.take(Step::Deliver);
    world.take(Step::Serve {
        request: Mishap::None,
        answer: Mishap::Garbled,
    });
    world.take(Step::Deliver);
    // The demand for it is garbled on its way: then it is demanded again, not the loan.
    world.take(Step::Serve {
        request: Mishap::Garbled,
        answer: Mishap::None,
    });
    world.take(Step::Deliver);
    world.take(SERVE);
    world.take(Step::Deliver);
    assert_eq!(world.told.len(), 1);
    world.take(Step::Read(Mishap::None));
    world.check();
    assert_eq!(
        world.facts[&world.stories[0].item],
        [Written::Online { ok: true }]
    );
}

#[test]
fn the_login_of_the_machine_is_said_again_at_each_connection_and_the_status_asked_for() {
    let mut world = World::connected();
    world.say(&Request::from(Login {
        login_user_id: "kiosk".to_owned(),
        ..Login::default()
    }));
    world.take(SERVE);
    world.take(Step::Deliver);
    world.take(Step::Break);
    world.take(Step::Dialled(true));
    assert_eq!(world.asked_of_library(), Some("93".to_owned()));
    world.take(SERVE);
    world.take(Step::Deliver);
    assert_eq!(world.asked_of_library(), Some("99".to_owned()));
    world.take(SERVE);
    world.take(Step::Deliver);
    assert_eq!(world.core.acs.standing(), Standing::Open);
    world.take(Step::Pass(59_000));
    assert_eq!(world.asked_of_library(), None);
    world.take(Step::Pass(2_000));
    assert_eq!(
        world.asked_of_library(),
        Some("99".to_owned()),
        "the keep-alive"
    );
}

#[test]
fn a_login_of_the_machine_that_was_never_answered_is_said_at_the_next_connection() {
    let mut world = World::connected();
    world.say(&Request::from(Login {
        login_user_id: "kiosk".to_owned(),
        ..Login::default()
    }));
    world.take(Step::Pass(6_000));
    world.take(Step::Decide);
    assert!(world.told.pop_front().unwrap().starts_with(b"941"));
    world.take(Step::Dialled(true));
    assert_eq!(world.asked_of_library(), Some("93".to_owned()));
}

#[test]
fn where_we_log_in_ourselves_the_login_of_the_machine_is_answered_here() {
    let mut world = World::with_login(Some(Login::default()));
    world.take(Step::Dialled(true));
    for _ in 0..2 {
        world.take(SERVE);
        world.take(Step::Deliver);
    }
    assert_eq!(world.core.acs.standing(), Standing::Open);
    world.say(&Request::from(Login {
        login_user_id: "kiosk".to_owned(),
        ..Login::default()
    }));
    assert!(world.told.pop_front().unwrap().starts_with(b"941"));
    assert_eq!(world.asked_of_library(), None);
}

#[test]
fn a_refused_login_waits_for_the_longest_pause() {
    let login = Login::default();
    let mut world = World::with_login(Some(login));
    world.take(Step::Dialled(true));
    let refusal = Response::from(LoginResponse::default());
    let bytes = world
        .acs_profile
        .encode(&refusal, Some(Sequence::new(1).unwrap()));
    world.library.inbox.clear();
    world.library.outbox.push_back(bytes.unwrap());
    world.take(Step::Deliver);
    assert_eq!(world.dialling, Some(Pause::Longest));
    assert_eq!(world.core.acs.standing(), Standing::Away);
}

#[test]
fn a_request_waits_for_the_first_connection_and_not_for_a_later_one() {
    let mut world = World::new(false);
    world.take(Step::Ask(Kind::Account));
    assert!(world.decision.is_none(), "there is hope");
    world.take(Step::Dialled(false));
    assert!(world.decision.is_some());
    world.take(Step::Decide);
    world.take(Step::Read(Mishap::None));
    world.take(Step::Ask(Kind::Checkout));
    assert!(world.decision.is_some(), "there is none");
}

#[test]
fn a_library_system_that_takes_connections_and_says_nothing_is_not_waited_for_again() {
    let mut world = World::connected();
    world.take(Step::Ask(Kind::Checkin));
    world.take(Step::Pass(6_000));
    world.take(Step::Decide);
    world.take(Step::Read(Mishap::None));
    world.take(Step::Dialled(true));
    assert_eq!(world.asked_of_library(), Some("99".to_owned()), "a proof");
    world.take(Step::Ask(Kind::Checkin));
    assert!(world.decision.is_some());
    world.take(Step::Decide);
    world.take(Step::Read(Mishap::None));
    world.take(SERVE);
    world.take(Step::Deliver);
    world.take(Step::Ask(Kind::Checkin));
    assert_eq!(
        world.asked_of_library(),
        Some("09".to_owned()),
        "it proved itself"
    );
}

#[test]
fn what_would_be_done_is_noted_before_it_is_handed_on_and_questions_are_not() {
    let mut world = World::connected();
    for (kind, is_noted) in [(Kind::Checkout, true), (Kind::Account, false)] {
        let item = "LL00000001".to_owned();
        let date = Some(world.date());
        let request: Request = match kind {
            Kind::Checkout => Checkout {
                item_identifier: item,
                transaction_date: date,
                ..Checkout::default()
            }
            .into(),
            _ => PatronInformation::default().into(),
        };
        let line = world.line_of(&request);
        let said = world.core.read(line);
        let mut out = Vec::new();
        world.core.handle_said(world.now, said, None, &mut out);
        let noted = |effect: &Effect| matches!(effect, Effect::Remember(_));
        let asked = |effect: &Effect| matches!(effect, Effect::ToAcs(_));
        let (noted, asked) = (out.iter().position(noted), out.iter().position(asked));
        assert_eq!(noted.is_some(), is_noted);
        assert!(noted < asked);
        world.core.handle_lost(world.now, &mut out);
        world
            .core
            .handle_decided(world.now, &LoginResponse::default().into(), &mut out);
        world.core.handle_connected(world.now, &mut out);
        let proof = AcsStatus {
            online_status: true,
            ..AcsStatus::default()
        };
        let proof = world
            .acs_profile
            .encode(&Response::from(proof), None)
            .unwrap();
        world
            .core
            .handle_acs_line(world.now, &proof[..proof.len() - 1], &mut out);
    }
}

#[test]
fn an_item_of_which_the_library_system_has_yet_to_hear_is_not_asked_about() {
    let mut world = World::connected();
    let request = Request::from(Checkin {
        item_identifier: "LL00000001".to_owned(),
        transaction_date: Some(world.date()),
        ..Checkin::default()
    });
    let line = world.line_of(&request);
    let said = world.core.read(line);
    let mut out = Vec::new();
    world
        .core
        .handle_said(world.now, said, Some(Why::ItemWaits), &mut out);
    let [Effect::Decide(inquiry)] = &out[..] else {
        panic!("{out:?}")
    };
    assert_eq!(inquiry.why, Why::ItemWaits);
}

#[test]
fn what_waits_while_a_loan_is_decided_here_is_decided_here_too_where_it_is_about_the_same_item() {
    let mut world = World::connected();
    world.take(Step::Ask(Kind::Checkout));
    world.take(Step::Serve {
        request: Mishap::None,
        answer: Mishap::Lost,
    });
    let item = world.stories[0].item.clone();
    for about in [item.clone(), "LL99999999".to_owned()] {
        let back = Request::from(Checkin {
            item_identifier: about,
            transaction_date: Some(world.date()),
            ..Checkin::default()
        });
        let line = world.line_of(&back);
        world.hear(line);
    }
    world.take(Step::Pass(6_000));
    world.take(Step::Decide);
    world.take(Step::Dialled(true));
    let inquiry = world.decision.as_ref().expect("the return is decided here");
    assert_eq!(inquiry.why, Why::ItemWaits);
    world.take(Step::Decide);
    assert_eq!(world.facts[&item].len(), 2);
    let other = world.decision.as_ref().expect("the library system is away");
    assert_eq!(other.why, Why::Away, "nothing was decided about another");
}

#[test]
fn a_status_is_never_answered_from_memory() {
    let mut world = World::connected();
    let status = Request::from(ScStatus::default());
    let line = world
        .profile
        .encode(&status, Some(Sequence::default()))
        .unwrap();
    for online in [true, false] {
        world.library.says_it_is_away = !online;
        world.hear(line[..line.len() - 1].to_vec());
        world.take(SERVE);
        world.take(Step::Deliver);
        world.take(Step::Decide);
        let answer = world.told.pop_front().unwrap();
        let answer = world.profile.decode::<Response>(&answer).unwrap().body;
        let Response::AcsStatus(answer) = answer else {
            panic!()
        };
        assert_eq!(answer.online_status, online);
    }
}

const SERVE: Step = Step::Serve {
    request: Mishap::None,
    answer: Mishap::None,
};

const AGAIN: Step = Step::Again {
    reconnected: false,
    mishap: Mishap::None,
};

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        6 => Just(Mishap::None),
        1 => Just(Mishap::Lost),
        2 => Just(Mishap::Garbled),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        3 => Just(Kind::Checkout),
        2 => Just(Kind::Checkin),
        1 => Just(Kind::Account),
        1 => Just(Kind::Status),
    ];
    prop_oneof![
        6 => kind.prop_map(Step::Ask),
        3 => (prop::bool::weighted(0.2), mishap()).prop_map(|(reconnected, mishap)| {
            Step::Again { reconnected, mishap }
        }),
        8 => (mishap(), mishap()).prop_map(|(request, answer)| Step::Serve { request, answer }),
        8 => Just(Step::Deliver),
        1 => Just(Step::Break),
        4 => prop::bool::weighted(0.7).prop_map(Step::Dialled),
        5 => Just(Step::Decide),
        1 => prop::bool::weighted(0.6).prop_map(Step::Serving),
        6 => mishap().prop_map(Step::Read),
        3 => (0..9_000_u16).prop_map(Step::Pass),
    ]
}
