//! A machine on one side of the core, the library system of the model on the other, and the steps
//! by which anything may happen in between.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use lujiang_config::OfflineSection;
use lujiang_sip2::{
    Charset, Checkin, Checkout, ErrorDetection, Login, PatronInformation, Private,
    RequestAcsResend, ScStatus, Sequence, SipDate,
};

use super::super::*;
use super::library::{Library, Mishap, garbled};
use super::{AGAIN, SERVE};
use crate::lending::Refused;
use crate::self_checkout::account::Account;
use crate::self_checkout::acs::AcsRules;
use crate::self_checkout::effect::Pause;
use crate::self_checkout::screen::Words;
use crate::self_checkout::substitute::{Substitute, Verdict};

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// The machine asks something new.
    Ask(Kind),
    /// It asks the same again, once in a while over a new connection or with noise on the line.
    Again { reconnected: bool, mishap: Mishap },
    /// The library system reads what was sent to it; then its answer may suffer.
    Serve { request: Mishap, answer: Mishap },
    /// Its answer arrives here.
    Deliver,
    /// The connection to it breaks.
    Break,
    /// It is there again, or not.
    Dialled(bool),
    /// What is decided here is decided.
    Decide,
    /// It says of itself whether it serves.
    Serving(bool),
    /// The machine reads what it was told, or cannot and says so.
    Read(Mishap),
    /// Time goes by.
    Pass(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Checkout,
    Checkin,
    Account,
    Status,
}

/// A fact that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Online { ok: bool },
    Offline,
    Unresolved,
}

/// One request of the machine, and what it was told.
#[derive(Debug, Clone)]
pub(super) struct Story {
    pub(super) kind: Kind,
    pub(super) item: String,
    pub(super) answers: Vec<Vec<u8>>,
}

pub(super) struct World {
    pub(super) profile: Profile,
    pub(super) acs_profile: Profile,
    pub(super) core: Machine,
    pub(super) now: Instant,
    pub(super) library: Library,
    pub(super) dialling: Option<Pause>,
    pub(super) decision: Option<Inquiry>,
    pub(super) facts: BTreeMap<String, Vec<Written>>,
    /// What was told to the machine and not read yet.
    pub(super) told: VecDeque<Vec<u8>>,
    pub(super) stories: Vec<Story>,
    pub(super) asking: Option<Vec<u8>>,
    pub(super) sequence: Sequence,
}

impl World {
    pub(super) fn new(is_dp2: bool) -> Self {
        let mut world = Self::with_login(None);
        if is_dp2 {
            world.acs_profile.error_detection = ErrorDetection::Dp2;
            world.core = core(world.profile, world.acs_profile, None, world.now);
        }
        world
    }

    pub(super) fn with_login(login: Option<Login>) -> Self {
        let profile = Profile {
            charset: Charset::Gb18030,
            ..Profile::default()
        };
        let (acs_profile, now) = (Profile::default(), Instant::now());
        Self {
            core: core(profile, acs_profile, login, now),
            profile,
            acs_profile,
            now,
            library: Library::default(),
            dialling: Some(Pause::None),
            decision: None,
            facts: BTreeMap::new(),
            told: VecDeque::new(),
            stories: Vec::new(),
            asking: None,
            sequence: Sequence::default(),
        }
    }

    pub(super) fn connected() -> Self {
        let mut world = Self::new(false);
        world.take(Step::Dialled(true));
        world
    }

    pub(super) fn take(&mut self, step: Step) {
        match step {
            Step::Ask(kind) => self.ask(kind),
            Step::Again {
                reconnected,
                mishap,
            } => self.ask_again(reconnected, mishap),
            Step::Serve { request, answer } => {
                self.library.serve(self.acs_profile, request, answer)
            }
            Step::Deliver => {
                if let Some(line) = self.library.outbox.pop_front() {
                    let line = line.strip_suffix(b"\r").unwrap_or(&line).to_vec();
                    self.tell(|core, now, out| core.handle_acs_line(now, &line, out));
                }
            }
            Step::Break => {
                if self.library.is_connected {
                    self.library.hang_up();
                    self.tell(Machine::handle_lost);
                }
            }
            Step::Dialled(reached) => {
                if self.dialling.take().is_none() {
                    return;
                }
                if reached {
                    self.library.is_connected = true;
                    self.tell(Machine::handle_connected);
                } else {
                    self.tell(Machine::handle_dial_failed);
                }
            }
            Step::Decide => self.decide(),
            Step::Serving(serving) => self.library.says_it_is_away = !serving,
            Step::Read(mishap) => self.read(mishap),
            Step::Pass(millis) => {
                self.now += Duration::from_millis(u64::from(millis));
                self.tell(Machine::handle_time);
            }
        }
    }

    pub(super) fn tell(&mut self, tell: impl FnOnce(&mut Machine, Instant, &mut Vec<Effect>)) {
        let mut effects = Vec::new();
        tell(&mut self.core, self.now, &mut effects);
        for effect in effects {
            match effect {
                Effect::Dial(pause) => self.dialling = Some(pause),
                Effect::HangUp => self.library.hang_up(),
                Effect::ToAcs(bytes) => {
                    assert!(self.library.is_connected);
                    self.library.inbox.push_back(bytes);
                    assert_eq!(self.library.inbox.len(), 1, "one request at a time");
                }
                Effect::ToMachine(bytes) => self.told.push_back(bytes),
                Effect::Decide(inquiry) => {
                    assert!(
                        self.decision.replace(*inquiry).is_none(),
                        "one decision at a time"
                    );
                }
                Effect::Record(account) => self.record(*account),
                Effect::Note(_) | Effect::Remember(_) | Effect::Decided(_) => {}
            }
        }
    }

    pub(super) fn record(&mut self, account: Account) {
        let Account::Loan(loan) = account else {
            panic!("no cards here")
        };
        let written = Written::Online {
            ok: loan.outcome.ok,
        };
        self.facts.entry(loan.item).or_default().push(written);
    }

    pub(super) fn date(&self) -> SipDate {
        SipDate::utc(Timestamp::UNIX_EPOCH)
    }

    pub(super) fn ask(&mut self, kind: Kind) {
        let is_waiting = |story: &Story| story.answers.is_empty();
        if self.stories.last().is_some_and(is_waiting) {
            return;
        }
        let item = format!("LL{:08}", self.stories.len() + 1);
        let (reader, date) = (Private::new("430281200001010018"), Some(self.date()));
        let request: Request = match kind {
            Kind::Checkout => Checkout {
                patron_identifier: reader,
                item_identifier: item.clone(),
                transaction_date: date,
                ..Checkout::default()
            }
            .into(),
            Kind::Checkin => Checkin {
                item_identifier: item.clone(),
                transaction_date: date,
                ..Checkin::default()
            }
            .into(),
            Kind::Account => PatronInformation {
                patron_identifier: Private::new(format!("R{item}")),
                transaction_date: date,
                ..PatronInformation::default()
            }
            .into(),
            Kind::Status => ScStatus::default().into(),
        };
        self.stories.push(Story {
            kind,
            item,
            answers: Vec::new(),
        });
        self.say(&request);
    }

    pub(super) fn line_of(&mut self, request: &Request) -> Vec<u8> {
        self.sequence = self.sequence.next();
        let mut line = self.profile.encode(request, Some(self.sequence)).unwrap();
        assert_eq!(line.pop(), Some(b'\r'));
        line
    }

    pub(super) fn say(&mut self, request: &Request) {
        let line = self.line_of(request);
        self.asking = Some(line.clone());
        self.hear(line);
    }

    pub(super) fn ask_again(&mut self, reconnected: bool, mishap: Mishap) {
        if reconnected {
            self.core.handle_gone();
            self.told.clear();
        }
        let again = match &self.asking {
            Some(line) => line.clone(),
            None => return,
        };
        match mishap {
            Mishap::None => self.hear(again),
            Mishap::Lost => {}
            Mishap::Garbled => self.hear(garbled(again)),
        }
    }

    pub(super) fn hear(&mut self, line: Vec<u8>) {
        if self.core.listens() {
            let said = self.core.read(line);
            self.tell(|core, now, out| core.handle_said(now, said, None, out));
        }
    }

    /// The rules of the model: two of three loans are granted here, and every return.
    pub(super) fn decide(&mut self) {
        let Some(inquiry) = self.decision.take() else {
            return;
        };
        let unsure = inquiry.why == Why::Unsure;
        let verdict = match &inquiry.request {
            Request::Checkout(asked) if asked.item_identifier.ends_with(['0', '3', '6', '9']) => {
                if unsure {
                    let item = asked.item_identifier.clone();
                    self.facts
                        .entry(item)
                        .or_default()
                        .push(Written::Unresolved);
                }
                Verdict::No(Words::Refused(Refused::ReaderBlocked))
            }
            Request::Checkout(Checkout {
                item_identifier: item,
                ..
            })
            | Request::Checkin(Checkin {
                item_identifier: item,
                ..
            }) => {
                self.facts
                    .entry(item.clone())
                    .or_default()
                    .push(Written::Offline);
                Verdict::Back
            }
            Request::ScStatus(_) => Verdict::Status { lends: true },
            _ => Verdict::Reader { out: 0 },
        };
        let substitute = Substitute::new(OfflineSection::default());
        let date = self.date();
        let answer = substitute.answer(&inquiry.request, verdict, inquiry.language, date);
        self.tell(|core, now, out| core.handle_decided(now, &answer, out));
    }

    pub(super) fn read(&mut self, mishap: Mishap) {
        let Some(bytes) = self.told.pop_front() else {
            return;
        };
        match mishap {
            Mishap::None => self.understand(bytes),
            Mishap::Lost => {}
            Mishap::Garbled => {
                let demand = Request::from(RequestAcsResend::default());
                let mut line = self.profile.encode(&demand, None).unwrap();
                line.pop();
                self.hear(line);
            }
        }
    }

    pub(super) fn understand(&mut self, bytes: Vec<u8>) {
        let line = bytes.strip_suffix(b"\r").unwrap();
        let message = self.profile.decode::<Response>(line).unwrap();
        let Some(asking) = &self.asking else { return };
        if let Response::RequestScResend(_) = message.body {
            let line = asking.clone();
            return self.hear(line);
        }
        let asked = self.profile.decode::<Request>(asking).unwrap();
        if asked.sequence != message.sequence {
            return;
        }
        let story = self.stories.last_mut();
        if let Some(story) = story.filter(|story| story.is_answered_by(&message.body)) {
            story.answers.push(line.to_vec());
        }
    }

    /// Everything works from now on, and the machine asks until it is told.
    pub(super) fn settle(&mut self) {
        self.library.says_it_is_away = false;
        for _ in 0..40 {
            self.take(Step::Dialled(true));
            self.take(Step::Decide);
            self.take(SERVE);
            self.take(Step::Deliver);
            self.take(Step::Decide);
            self.take(Step::Read(Mishap::None));
            let is_told = self
                .stories
                .last()
                .is_none_or(|story| !story.answers.is_empty());
            if is_told && self.core.open.is_none() {
                return;
            }
            self.take(Step::Pass(2_000));
            self.take(AGAIN);
        }
        panic!("a request has no answer: {:?}", self.core);
    }

    pub(super) fn check(&self) {
        for story in &self.stories {
            assert!(!story.answers.is_empty(), "no answer: {story:?}");
            let is_one = story.answers.windows(2).all(|pair| pair[0] == pair[1]);
            assert!(
                is_one || story.kind == Kind::Status,
                "two answers: {story:?}"
            );
            let done = self.library.done.get(&story.item).copied().unwrap_or(0);
            assert!(done <= 1, "{} was done {done} times", story.item);
            let facts = self.facts.get(&story.item).map_or(&[][..], Vec::as_slice);
            assert!(facts.len() <= 1, "{} has {facts:?}", story.item);
            let Some(answer) = story.answers.first() else {
                continue;
            };
            let told = self.profile.decode::<Response>(answer).unwrap().body;
            let told = match told {
                Response::Checkout(answer) => answer.ok,
                Response::Checkin(answer) => answer.ok,
                _ => continue,
            };
            match (told, done, facts) {
                (true, 0, [Written::Offline])
                | (true, 1, [Written::Online { ok: true } | Written::Offline])
                | (false, 0, [] | [Written::Unresolved])
                | (false, 1, [Written::Unresolved]) => {}
                (told, done, facts) => panic!("told {told}, done {done} times, facts {facts:?}"),
            }
        }
    }

    /// The code of what the library system is asked now.
    pub(super) fn asked_of_library(&self) -> Option<String> {
        let line = self.library.inbox.front()?;
        Some(String::from_utf8_lossy(&line[..2]).into_owned())
    }
}

impl Story {
    fn is_answered_by(&self, response: &Response) -> bool {
        match (self.kind, response) {
            (Kind::Checkout, Response::Checkout(answer)) => answer.item_identifier == self.item,
            (Kind::Checkin, Response::Checkin(answer)) => answer.item_identifier == self.item,
            (Kind::Account, Response::PatronInformation(answer)) => {
                answer.patron_identifier.reveal() == format!("R{}", self.item)
            }
            (Kind::Status, Response::AcsStatus(_)) => true,
            (_, _) => false,
        }
    }
}

fn core(profile: Profile, acs: Profile, login: Option<Login>, now: Instant) -> Machine {
    let rules = MachineRules {
        vendor: Vec::new(),
        profile,
        language: Language::Chinese,
        repeat_within: Duration::from_secs(36_000),
        hope: Duration::from_secs(5),
        logs_in: login.is_some(),
        card: None,
        zone: TimeZone::UTC,
    };
    let acs_rules = AcsRules {
        vendor: Vec::new(),
        profile: acs,
        answer_timeout: Duration::from_secs(5),
        keep_alive: Duration::from_secs(60),
        steady: Duration::from_secs(30),
        retries: 3,
    };
    let sessions = Sessions::new("desk-1".parse().unwrap(), Duration::from_secs(120));
    Machine::new(rules, Acs::new(acs_rules, login, now), sessions)
}
