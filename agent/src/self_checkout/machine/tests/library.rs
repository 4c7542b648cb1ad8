//! The library system of the model. It knows no repetition: what it reads twice it does twice.

use std::collections::{BTreeMap, VecDeque};

use lujiang_sip2::{
    AcsStatus, CheckinResponse, CheckoutResponse, LoginResponse, PatronInformationResponse,
    Private, Profile, Request, RequestScResend, Response,
};

/// What may happen to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    None,
    Lost,
    Garbled,
}

/// The library system.
#[derive(Debug, Default)]
pub(super) struct Library {
    pub(super) inbox: VecDeque<Vec<u8>>,
    pub(super) outbox: VecDeque<Vec<u8>>,
    pub(super) is_connected: bool,
    pub(super) says_it_is_away: bool,
    pub(super) last: Option<Vec<u8>>,
    /// How often it did something to an item.
    pub(super) done: BTreeMap<String, u32>,
}

impl Library {
    pub(super) fn hang_up(&mut self) {
        self.is_connected = false;
        self.inbox.clear();
        self.outbox.clear();
    }

    pub(super) fn serve(&mut self, profile: Profile, request: Mishap, answer: Mishap) {
        let Some(bytes) = self.inbox.pop_front() else {
            return;
        };
        let line = bytes.strip_suffix(b"\r").unwrap().to_vec();
        let line = match request {
            Mishap::None => line,
            Mishap::Lost => return,
            Mishap::Garbled => garbled(line),
        };
        let said = match profile.decode::<Request>(&line) {
            Ok(message) => match &message.body {
                // It says again what it said last, whatever that answered.
                Request::RequestAcsResend(_) => match self.last.clone() {
                    Some(last) => last,
                    None => return,
                },
                request => {
                    let response = self.respond(request);
                    profile.encode(&response, message.sequence).unwrap()
                }
            },
            Err(_) => profile
                .encode(&Response::from(RequestScResend::default()), None)
                .unwrap(),
        };
        if !said.starts_with(b"96") {
            self.last = Some(said.clone());
        }
        match answer {
            Mishap::None => self.outbox.push_back(said),
            Mishap::Lost => {}
            Mishap::Garbled => self.outbox.push_back(garbled(said)),
        }
    }

    pub(super) fn respond(&mut self, request: &Request) -> Response {
        let mut do_to = |item: &str| *self.done.entry(item.to_owned()).or_default() += 1;
        match request {
            Request::Checkout(asked) => {
                do_to(&asked.item_identifier);
                CheckoutResponse {
                    ok: true,
                    item_identifier: asked.item_identifier.clone(),
                    patron_identifier: asked.patron_identifier.clone(),
                    ..CheckoutResponse::default()
                }
                .into()
            }
            Request::Checkin(asked) => {
                do_to(&asked.item_identifier);
                CheckinResponse {
                    ok: true,
                    item_identifier: asked.item_identifier.clone(),
                    ..CheckinResponse::default()
                }
                .into()
            }
            Request::PatronInformation(asked) => PatronInformationResponse {
                patron_identifier: asked.patron_identifier.clone(),
                personal_name: Private::new("钟南山"),
                ..PatronInformationResponse::default()
            }
            .into(),
            Request::ScStatus(_) => AcsStatus {
                online_status: !self.says_it_is_away,
                checkin_ok: true,
                ..AcsStatus::default()
            }
            .into(),
            Request::Login(_) => LoginResponse {
                ok: true,
                ..LoginResponse::default()
            }
            .into(),
            other => panic!("nobody asks {other:?}"),
        }
    }
}

/// The line with one character more, which no checksum forgives.
pub(super) fn garbled(mut line: Vec<u8>) -> Vec<u8> {
    line.insert(2, b'~');
    line
}
