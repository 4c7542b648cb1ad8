use super::*;
use crate::encode::SubscribeAnswer;

const TOPIC: &str = "library/v1/devices/gate-1";

#[test]
fn facts_go_to_the_house_and_are_not_acknowledged_yet() {
    let mut session = device(ProtocolVersion::V5);
    for (channel, origin) in [("events", Origin::Own), ("carried", Origin::Carried)] {
        let effects = publish(&mut session, channel, "[]");
        let expected = Effect::Keep {
            origin,
            payload: Bytes::from_static(b"[]"),
            id: id(),
        };
        assert_eq!(effects, [expected]);
    }
}

#[test]
fn a_status_is_retained_only_if_it_can_be_read() {
    let mut session = device(ProtocolVersion::V5);
    let good = r#"{"state":"online","since":"2026-11-22T08:00:00Z"}"#;
    let effects = publish(&mut session, "status", good);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Retain { word: Some(_), .. }]
    ));
    let unknown = r#"{"state":"unknown","since":"2026-11-22T08:00:00Z"}"#;
    for bad in ["", "{}", "online", unknown] {
        let effects = publish(&mut session, "status", bad);
        let code = ReasonCode::PayloadFormatInvalid;
        assert_eq!(
            effects.first(),
            Some(&Effect::CountRefused(ReasonCode::PayloadFormatInvalid)),
            "{bad}"
        );
        let last = Effect::Acknowledge(id().unwrap(), code);
        assert_eq!(effects.last(), Some(&last), "{bad}");
    }
}

#[test]
fn a_3_1_1_client_is_closed_after_too_many_unauthorised_publishes_a_minute() {
    let mut session = device(ProtocolVersion::V311);
    let start = Instant::now();
    let ends = |effects: &[Effect]| matches!(effects.last(), Some(Effect::End(_)));
    for second in [0, 59] {
        let at = start + Duration::from_secs(second);
        let effects = session.handle_packet(message("desired", ""), at);
        assert!(
            !ends(&effects),
            "publish {second} is acknowledged and discarded"
        );
        assert_eq!(
            effects.first(),
            Some(&Effect::CountRefused(ReasonCode::NotAuthorized))
        );
    }
    // The minute is over: counted anew.
    let later = start + Duration::from_secs(60);
    for number in 1..=3 {
        let effects = session.handle_packet(message("desired", ""), later);
        assert_eq!(
            ends(&effects),
            number == 3,
            "publish {number} of the new minute"
        );
    }
}

#[test]
fn a_quota_of_subscriptions_is_not_exceeded_and_a_repeated_one_is_free() {
    let mut session = device(ProtocolVersion::V5);
    assert_eq!(
        subscribe(&mut session, &["receipts", "desired"]),
        [Ok(Qos::AtLeastOnce); 2]
    );
    let answers = subscribe(&mut session, &["receipts", "clock"]);
    assert_eq!(
        answers,
        [Ok(Qos::AtLeastOnce), Err(ReasonCode::QuotaExceeded)]
    );
    let filters = vec![format!("{TOPIC}/desired"), format!("{TOPIC}/nothing")];
    let id = id().unwrap();
    let effects = session.handle_packet(Incoming::Unsubscribe { id, filters }, Instant::now());
    let codes = vec![ReasonCode::Success, ReasonCode::NoSubscriptionExisted];
    assert_eq!(effects, [Effect::Unsubscribed(id, codes)]);
    assert_eq!(subscribe(&mut session, &["clock"]), [Ok(Qos::AtLeastOnce)]);
}

#[test]
fn a_message_is_delivered_with_the_lower_quality_of_service_and_only_if_subscribed() {
    let mut session = device(ProtocolVersion::V5);
    let receipts: Topic = format!("{TOPIC}/receipts").parse().unwrap();
    session
        .deliver_newest(&receipts, Bytes::new(), Qos::AtLeastOnce)
        .unwrap();
    assert_eq!(session.outgoing.next(), None, "not subscribed");
    subscribe(&mut session, &["receipts"]);
    session
        .deliver_newest(&receipts, Bytes::new(), Qos::AtMostOnce)
        .unwrap();
    assert_eq!(session.outgoing.next().unwrap().1, None);
    session
        .deliver_newest(&receipts, Bytes::new(), Qos::AtLeastOnce)
        .unwrap();
    assert!(session.outgoing.next().unwrap().1.is_some());
}

#[test]
fn what_nobody_keeps_is_never_acknowledged_as_success() {
    let mut session = device(ProtocolVersion::V5);
    let effects = publish(&mut session, "jobs/a/status", "{}");
    let code = ReasonCode::ImplementationSpecificError;
    let last = Effect::Acknowledge(id().unwrap(), code);
    assert_eq!(effects.last(), Some(&last));
}

fn device(version: ProtocolVersion) -> Session {
    let limits = SessionLimits {
        subscriptions_max: 2,
        unauthorised_per_minute_max: 2,
        topics: Vec::new(),
    };
    let principal = Principal::Device("gate-1".parse().unwrap());
    Session::new(version, principal, limits, Outgoing::new(8, 8))
}

fn id() -> Option<PacketId> {
    PacketId::new(7)
}

fn message(channel: &str, payload: &'static str) -> Incoming {
    Incoming::Publish(Publish {
        topic: format!("{TOPIC}/{channel}"),
        payload: Bytes::from_static(payload.as_bytes()),
        id: id(),
    })
}

fn publish(session: &mut Session, channel: &str, payload: &'static str) -> Vec<Effect> {
    session.handle_packet(message(channel, payload), Instant::now())
}

fn subscribe(session: &mut Session, channels: &[&str]) -> Vec<SubscribeAnswer> {
    let filters = channels.iter().map(|channel| RequestedFilter {
        filter: format!("{TOPIC}/{channel}"),
        qos: Qos::AtLeastOnce,
        retained: RetainedWanted::Never,
    });
    let packet = Incoming::Subscribe {
        id: id().unwrap(),
        filters: filters.collect(),
    };
    let effects = session.handle_packet(packet, Instant::now());
    let answers = effects.into_iter().find_map(|effect| match effect {
        Effect::Subscribed(_, answers) => Some(answers),
        _ => None,
    });
    answers.expect("every SUBSCRIBE is answered")
}
