//! What is asked at a machine.

use super::*;

pub(super) fn loan(reader: &str, item: &str) -> Checkout {
    Checkout {
        transaction_date: now(),
        patron_identifier: Private::new(reader),
        item_identifier: item.to_owned(),
        ..Checkout::default()
    }
}

pub(super) fn now() -> Option<SipDate> {
    Some(SipDate::utc(jiff::Timestamp::now()))
}

pub(super) async fn checkout(machine: &mut Machine, reader: &str, item: &str) -> CheckoutResponse {
    match machine.ask(loan(reader, item)).await.unwrap() {
        Response::Checkout(answer) => answer,
        other => panic!("answered {other:?}"),
    }
}

pub(super) async fn checkin(machine: &mut Machine, item: &str) -> CheckinResponse {
    let request = Checkin {
        transaction_date: now(),
        return_date: now(),
        item_identifier: item.to_owned(),
        ..Checkin::default()
    };
    match machine.ask(request).await.unwrap() {
        Response::Checkin(answer) => answer,
        other => panic!("answered {other:?}"),
    }
}

pub(super) async fn status(machine: &mut Machine) -> AcsStatus {
    match machine
        .ask(ScStatus {
            max_print_width: 80,
            ..ScStatus::default()
        })
        .await
        .unwrap()
    {
        Response::AcsStatus(status) => status,
        other => panic!("answered {other:?}"),
    }
}

pub(super) async fn has(machine: &mut Machine, reader: &str) -> Vec<String> {
    let request = PatronInformation {
        transaction_date: now(),
        summary: Some(Summary::ChargedItems),
        patron_identifier: Private::new(reader),
        ..PatronInformation::default()
    };
    match machine.ask(request).await.unwrap() {
        Response::PatronInformation(answer) => answer.charged_items,
        other => panic!("answered {other:?}"),
    }
}

pub(super) async fn end_session(machine: &mut Machine, reader: &str) {
    let request = EndPatronSession {
        transaction_date: now(),
        patron_identifier: Private::new(reader),
        ..EndPatronSession::default()
    };
    let answer = machine.ask(request).await.unwrap();
    assert!(matches!(answer, Response::EndSession(end) if end.end_session));
}
