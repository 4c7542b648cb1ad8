//! Claims about one connection.

use jiff::Timestamp;

use super::*;

fn visits(to: u64) -> Cargo {
    let stream = Stream::Visit;
    Cargo::Own { stream, to }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn session() -> Session {
    let limits = SessionLimits {
        in_flight_max: 2,
        payload_bytes_max: 240_000,
        connect_timeout: seconds(10),
        ack_timeout: seconds(30),
        clock_timeout: seconds(5),
        clock_interval: seconds(600),
    };
    Session::new(limits, "boot".parse().unwrap())
}

fn effects(session: &mut Session) -> Vec<Effect> {
    std::iter::from_fn(|| session.next_effect()).collect()
}

/// A session that measured its clock in the first second.
fn online() -> Session {
    let mut session = session();
    session.handle_connected(seconds(0));
    session.handle_subscribed(Answer::Taken, seconds(0));
    let uptime = Uptime::new(seconds(0));
    while let Some(request) = session.clock_request(uptime) {
        let reply = ClockReply {
            id: request.id,
            uptime,
            time: Timestamp::UNIX_EPOCH,
        };
        session.handle_clock_reply(&reply, uptime, seconds(1));
    }
    effects(&mut session);
    assert!(session.wants_batch());
    session
}

#[test]
fn no_fact_is_sent_before_the_clock_is_measured() {
    let mut session = session();
    assert!(!session.wants_batch());
    session.handle_connected(seconds(1));
    assert_eq!(effects(&mut session), [Effect::Subscribe]);
    session.handle_subscribed(Answer::Taken, seconds(1));
    assert_eq!(effects(&mut session), [Effect::AskTime]);
    for _ in 0..5 {
        assert!(!session.wants_batch());
        let request = session.clock_request(Uptime::new(seconds(9))).unwrap();
        let reply = ClockReply {
            id: request.id,
            uptime: request.uptime,
            time: Timestamp::UNIX_EPOCH,
        };
        session.handle_clock_reply(&reply, Uptime::new(seconds(9)), seconds(2));
    }
    let done = effects(&mut session);
    assert!(matches!(done[4], Effect::ReportClock(_)), "{done:?}");
    assert_eq!(done[5], Effect::Announce);
    assert!(session.wants_batch());
}

#[test]
fn a_gateway_that_does_not_tell_the_time_holds_no_fact_up() {
    let mut session = session();
    session.handle_connected(seconds(1));
    session.handle_subscribed(Answer::Taken, seconds(1));
    effects(&mut session);
    assert_eq!(session.deadline(), seconds(6));
    session.handle_time(seconds(6));
    assert_eq!(effects(&mut session), [Effect::Announce]);
    assert!(session.wants_batch());
}

#[test]
fn a_measurement_whose_answer_was_lost_is_made_again_soon() {
    let mut session = session();
    session.handle_connected(seconds(1));
    session.handle_subscribed(Answer::Taken, seconds(1));
    session.handle_time(seconds(6));
    effects(&mut session);
    session.handle_time(session.deadline());
    assert_eq!(effects(&mut session), [Effect::AskTime]);
    assert_eq!(session.deadline(), seconds(16));
    let uptime = Uptime::new(seconds(12));
    while let Some(request) = session.clock_request(uptime) {
        let reply = ClockReply {
            id: request.id,
            uptime,
            time: Timestamp::UNIX_EPOCH,
        };
        session.handle_clock_reply(&reply, uptime, seconds(12));
    }
    assert!(
        effects(&mut session)
            .iter()
            .any(|effect| matches!(effect, Effect::ReportClock(_)))
    );
    assert_eq!(session.deadline(), seconds(612));
}

#[test]
fn no_more_is_under_way_than_allowed() {
    let mut session = online();
    session.handle_handed(visits(5), 100, seconds(2));
    let second = session.handle_handed(visits(9), 100, seconds(2));
    assert!(!session.wants_batch());
    session.handle_answer(second, Answer::Taken, seconds(3));
    assert_eq!(effects(&mut session), [Effect::Arrived(visits(9))]);
    assert!(session.wants_batch());
}

#[test]
fn a_refused_payload_settles_nothing_and_ends_the_connection() {
    let mut session = online();
    let id = session.handle_handed(visits(5), 100, seconds(2));
    session.handle_answer(id, Answer::Refused("0x97".to_owned()), seconds(3));
    assert_eq!(
        effects(&mut session),
        [Effect::Leave(Leave::Refused("0x97".to_owned()))]
    );
    assert!(!session.wants_batch());
}

#[test]
fn a_payload_without_an_answer_ends_the_connection_in_time() {
    let mut session = online();
    session.handle_handed(visits(5), 100, seconds(2));
    assert_eq!(session.deadline(), seconds(32));
    session.handle_time(seconds(31));
    assert_eq!(effects(&mut session), []);
    session.handle_time(seconds(32));
    assert!(matches!(
        effects(&mut session)[..],
        [Effect::Leave(Leave::Lost(_))]
    ));
}

#[test]
fn stopping_waits_for_what_is_under_way_and_for_an_empty_outbox() {
    let mut session = online();
    let id = session.handle_handed(visits(5), 100, seconds(2));
    session.handle_stop();
    assert!(
        session.wants_batch(),
        "the last period is still to be read from the outbox"
    );
    session.handle_empty();
    assert_eq!(effects(&mut session), []);
    session.handle_answer(id, Answer::Taken, seconds(3));
    let arrived = Effect::Arrived(visits(5));
    assert_eq!(
        effects(&mut session),
        [arrived, Effect::Leave(Leave::Stopped)]
    );
}

#[test]
fn a_renewed_certificate_ends_the_connection_once_nothing_is_under_way() {
    let mut session = online();
    let id = session.handle_handed(visits(5), 100, seconds(2));
    session.handle_renewed();
    assert!(
        !session.wants_batch(),
        "the rest waits for the next connection"
    );
    assert_eq!(effects(&mut session), []);
    session.handle_answer(id, Answer::Taken, seconds(3));
    let arrived = Effect::Arrived(visits(5));
    assert_eq!(
        effects(&mut session),
        [arrived, Effect::Leave(Leave::Renewed)]
    );
}

#[test]
fn a_certificate_renewed_while_connecting_ends_the_connection_after_the_measurement() {
    let mut session = session();
    session.handle_renewed();
    session.handle_connected(seconds(1));
    session.handle_subscribed(Answer::Taken, seconds(1));
    effects(&mut session);
    session.handle_time(seconds(6));
    assert_eq!(
        effects(&mut session),
        [Effect::Announce, Effect::Leave(Leave::Renewed)]
    );
}

#[test]
fn an_agent_that_stops_sends_the_rest_on_the_connection_it_has() {
    let mut session = online();
    session.handle_handed(visits(5), 100, seconds(2));
    session.handle_renewed();
    session.handle_stop();
    assert!(session.wants_batch());
}

#[test]
fn the_clock_is_measured_again_and_a_late_answer_is_not_taken() {
    let mut session = online();
    session.handle_time(seconds(601));
    assert_eq!(effects(&mut session), [Effect::AskTime]);
    let uptime = Uptime::new(seconds(601));
    let request = session.clock_request(uptime).unwrap();
    let late = ClockReply {
        id: request.id - REQUESTS_SPACE,
        uptime,
        time: Timestamp::UNIX_EPOCH,
    };
    session.handle_clock_reply(&late, uptime, seconds(602));
    assert_eq!(effects(&mut session), []);
    assert!(
        session.wants_batch(),
        "facts do not wait for a later measurement"
    );
}
