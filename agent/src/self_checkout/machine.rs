//! One machine and what it is told: each of its requests has exactly one answer, by the ACS or in
//! its place, and is done once, however often it comes.
//!
//! A request goes to the ACS where that serves. Where there is hope that it will in a moment, the
//! request waits for that, not longer than for an answer; otherwise it is decided here. A request
//! that was sent and has no answer may have been carried out: it is decided here as well, and told
//! apart, so that whoever decides knows. A request about an item of which the ACS has yet to hear
//! is decided here even while the ACS serves (decision 0018). Knows no socket and no clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use lujiang_sip2::{DecodeError, LoginResponse, Profile, Request, RequestScResend, Response};
use lujiang_wire::Label;

use super::account::{Account, accounts};
use super::acs::{Acs, Fate, Standing, Told};
use super::asked::Asked;
use super::card_rule::CardRule;
use super::effect::{Decided, Effect, Inquiry, Occurrence, Why};
use super::last_answer::LastAnswer;
use super::said::Said;
use super::screen::Language;
use super::session::Sessions;
use super::vendor_pair::VendorPair;

/// Requests that wait while one is answered. SIP2 knows of none; a machine that lost its patience
/// may have sent another.
const WAITING_MAX: usize = 4;

/// What a machine goes by.
#[derive(Debug, Clone)]
pub(super) struct MachineRules {
    /// How it writes.
    pub(super) profile: Profile,
    /// Its language until it tells one.
    pub(super) language: Language,
    /// How long a repeated request is answered from memory.
    pub(super) repeat_within: Duration,
    /// How long a request waits for an ACS there is hope for.
    pub(super) hope: Duration,
    /// Whether we log in to the ACS by ourselves.
    pub(super) logs_in: bool,
    /// The vendor's own messages that are handed on.
    pub(super) vendor: Vec<VendorPair>,
    /// How a card that was issued is known.
    pub(super) card: Option<CardRule>,
    /// Where local time is local.
    pub(super) zone: TimeZone,
}

/// The core of one machine.
#[derive(Debug)]
pub(super) struct Machine {
    rules: MachineRules,
    acs: Acs,
    sessions: Sessions,
    language: Language,
    open: Option<Open>,
    waiting: VecDeque<Asked>,
    last: Option<LastAnswer>,
    /// The last that must not be done twice, whatever was asked since: a machine that comes back
    /// logs in and looks how things are before it asks again.
    last_deed: Option<LastAnswer>,
    /// Whether what we said last was no answer, but the demand to send again.
    demanded: bool,
}

/// The request that is being answered.
#[derive(Debug)]
struct Open {
    asked: Asked,
    session: Label,
    way: Way,
    /// Whether whoever asked it is still connected.
    is_awaited: bool,
    /// Whether its line was noted, to be known again by a later process.
    is_noted: bool,
}

/// Where a request is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It has not been begun; it waits for the ACS until then.
    Here { until: Instant },
    /// The ACS has it.
    AtAcs,
    /// It is decided here.
    Deciding,
}

impl Machine {
    /// A machine of which nothing was heard yet; the ACS is to be dialled.
    pub(super) fn new(rules: MachineRules, acs: Acs, sessions: Sessions) -> Self {
        Self {
            language: rules.language,
            rules,
            acs,
            sessions,
            open: None,
            waiting: VecDeque::new(),
            last: None,
            last_deed: None,
            demanded: false,
        }
    }

    /// Whether the ACS has a request of the machine whose answer is still to come.
    pub(super) fn awaits_acs(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.way == Way::AtAcs)
    }

    /// Whether there is room for another line of the machine.
    pub(super) fn listens(&self) -> bool {
        self.waiting.len() < WAITING_MAX
    }

    /// Reads a line of the machine.
    pub(super) fn read(&self, line: Vec<u8>) -> Said {
        Said::read(line, &self.rules.profile, &self.rules.vendor)
    }

    /// The machine said something. A doubt is why it is not to be handed on: the ACS has yet to
    /// hear of what happened here to the item of it, or it was handed on before.
    pub(super) fn handle_said(
        &mut self,
        now: Instant,
        said: Said,
        doubt: Option<Why>,
        out: &mut Vec<Effect>,
    ) {
        let asked = match said.message {
            Ok(message) => {
                let mut asked = Asked::new(said.line, message);
                asked.doubt = doubt;
                asked.is_lent_here = said.is_lent_here;
                asked
            }
            // The standard has it ignored.
            Err(DecodeError::UnknownCommand { .. }) => {
                out.push(Effect::Note(Occurrence::GarbledByMachine));
                return;
            }
            Err(
                DecodeError::NoCommand { .. }
                | DecodeError::Checksum { .. }
                | DecodeError::ChecksumMissing
                | DecodeError::Characters { .. }
                | DecodeError::Opaque { .. }
                | DecodeError::Fixed { .. }
                | DecodeError::NoField { .. },
            ) => {
                out.push(Effect::Note(Occurrence::GarbledByMachine));
                self.demand_again(out);
                return;
            }
        };
        if let Request::RequestAcsResend(_) = asked.request {
            self.answer_again(out);
        } else if self.is_under_way(&asked) {
            out.push(Effect::Note(Occurrence::Repeated));
        } else if let Some(last) = self.repeated(&asked, now) {
            last.say_again(out);
            self.demanded = false;
        } else {
            self.waiting.push_back(asked);
            self.advance(now, out);
        }
    }

    /// The machine is no longer connected. What is under way goes on; what was not begun is not.
    pub(super) fn handle_gone(&mut self) {
        self.waiting.clear();
        if let Some(open) = &mut self.open {
            open.is_awaited = false;
            match open.way {
                Way::Here { .. } => self.open = None,
                Way::AtAcs | Way::Deciding => {}
            }
        }
    }

    /// There is a connection to the ACS.
    pub(super) fn handle_connected(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.acs.handle_connected(now, out);
        self.advance(now, out);
    }

    /// There is none to be had.
    pub(super) fn handle_dial_failed(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.acs.handle_dial_failed(out);
        self.advance(now, out);
    }

    /// The connection to the ACS ended.
    pub(super) fn handle_lost(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let told = self.acs.handle_lost(now, out);
        self.handle_told(now, told, out);
    }

    /// The ACS said something.
    pub(super) fn handle_acs_line(&mut self, now: Instant, line: &[u8], out: &mut Vec<Effect>) {
        let told = self.acs.handle_line(now, line, out);
        self.handle_told(now, told, out);
    }

    /// What was to be decided here is decided, and on disk where it is a fact.
    pub(super) fn handle_decided(
        &mut self,
        now: Instant,
        response: &Response,
        out: &mut Vec<Effect>,
    ) {
        out.push(Effect::Note(Occurrence::AnsweredHere));
        let is_noted = self.open.as_ref().is_some_and(|open| open.is_noted);
        let decided = Decided::here(response).filter(|_| is_noted);
        self.decided_before_what_waits(response);
        self.give(now, response, out);
        out.extend(decided.map(Effect::Decided));
        self.advance(now, out);
    }

    /// What waits and is about the same item, the ACS would answer wrongly from now on.
    fn decided_before_what_waits(&mut self, response: &Response) {
        let (is_done, is_lent) = match response {
            Response::Checkout(lent) => (lent.ok, true),
            Response::Renew(lent) => (lent.ok, true),
            Response::Checkin(back) => (back.ok, false),
            _ => return,
        };
        let item = self.open.as_ref().and_then(|open| open.asked.item());
        let Some(item) = item.filter(|_| is_done) else {
            return;
        };
        let same = self.waiting.iter_mut();
        for waiting in same.filter(|waiting| waiting.item() == Some(item)) {
            waiting.doubt.get_or_insert(Why::ItemWaits);
            waiting.is_lent_here = is_lent;
        }
    }

    /// Takes notice of the time.
    pub(super) fn handle_time(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let told = self.acs.handle_time(now, out);
        self.handle_told(now, told, out);
    }

    /// When the time matters next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let hope = self.open.as_ref().and_then(|open| match open.way {
            Way::Here { until } => Some(until),
            Way::AtAcs | Way::Deciding => None,
        });
        [hope, self.acs.deadline()].into_iter().flatten().min()
    }

    fn is_under_way(&mut self, asked: &Asked) -> bool {
        if let Some(open) = &mut self.open
            && open.asked.is_line_of(asked)
        {
            open.is_awaited = true;
            return true;
        }
        self.waiting.iter().any(|waiting| waiting.is_line_of(asked))
    }

    fn repeated(&self, asked: &Asked, now: Instant) -> Option<&LastAnswer> {
        // What is under way makes it another request.
        let lasts = [&self.last, &self.last_deed].into_iter().flatten();
        let mut lasts = lasts.filter(|_| self.open.is_none());
        let within = self.rules.repeat_within;
        lasts.find(|last| last.is_repeated_by(asked, now, within))
    }

    /// 97: the machine could not read what we said last.
    fn answer_again(&mut self, out: &mut Vec<Effect>) {
        match (&self.open, &self.last) {
            // Its answer is still to come.
            (Some(_), _) => {}
            (None, Some(last)) if !self.demanded => last.say_again(out),
            (None, Some(_) | None) => self.demand_again(out),
        }
    }

    /// 96: we could not read what the machine said.
    fn demand_again(&mut self, out: &mut Vec<Effect>) {
        self.demanded = true;
        let demand = Response::from(RequestScResend::default());
        let bytes = self.rules.profile.encode(&demand, None);
        out.push(Effect::ToMachine(
            bytes.expect("a demand to send again has no fields"),
        ));
    }

    /// Takes every step that can be taken now.
    fn advance(&mut self, now: Instant, out: &mut Vec<Effect>) {
        if self.open.is_none()
            && let Some(asked) = self.waiting.pop_front()
        {
            self.begin(now, asked, out);
        }
        let Some(open) = &self.open else { return };
        let Way::Here { until } = open.way else {
            return;
        };
        if self.rules.logs_in
            && let Request::Login(_) = open.asked.request
        {
            // Who may speak to the ACS is our matter, who may speak to us our address's.
            let answer = LoginResponse {
                ok: true,
                ..LoginResponse::default()
            };
            return self.handle_decided(now, &answer.into(), out);
        }
        let why = match (open.asked.doubt, self.acs.standing()) {
            (Some(doubt), _) => doubt,
            (None, Standing::Open) if self.acs.is_free() => return self.ask(now, out),
            (None, Standing::Open | Standing::Hoped) if now < until => return,
            (None, Standing::Open | Standing::Hoped | Standing::Away) => Why::Away,
        };
        self.decide(now, why, out);
    }

    /// Begins with a request.
    fn begin(&mut self, now: Instant, asked: Asked, out: &mut Vec<Effect>) {
        let told = match &asked.request {
            Request::PatronStatus(request) => Language::told(request.language),
            Request::PatronInformation(request) => Language::told(request.language),
            Request::ScStatus(request) => {
                out.push(Effect::Note(Occurrence::Terminal(request.status_code)));
                self.acs.learn_terminal(request.clone());
                None
            }
            Request::Checkout(_)
            | Request::Checkin(_)
            | Request::BlockPatron(_)
            | Request::RequestAcsResend(_)
            | Request::Login(_)
            | Request::EndPatronSession(_)
            | Request::FeePaid(_)
            | Request::ItemInformation(_)
            | Request::ItemStatusUpdate(_)
            | Request::PatronEnable(_)
            | Request::Hold(_)
            | Request::Renew(_)
            | Request::RenewAll(_)
            | Request::Vendor(_) => None,
        };
        self.language = told.unwrap_or(self.language);
        let card = self.rules.card.as_ref();
        let named = card.and_then(|rule| rule.reader(&asked.request));
        let session = self.sessions.of(now, named.as_ref().or(asked.reader()));
        if let Request::EndPatronSession(_) = asked.request {
            self.sessions.end();
        }
        self.open = Some(Open {
            asked,
            session,
            way: Way::Here {
                until: now + self.rules.hope,
            },
            is_awaited: true,
            is_noted: false,
        });
    }

    fn ask(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let Some(open) = &mut self.open else { return };
        if let Some(line) = open.asked.line_done_once() {
            open.is_noted = true;
            out.push(Effect::Remember(line.to_vec()));
        }
        match self.acs.ask(now, open.asked.request.clone(), out) {
            Ok(()) => open.way = Way::AtAcs,
            // Whom or what it is about, the ACS has no letters for: it would know neither.
            Err(_) => self.decide(now, Why::Away, out),
        }
    }

    fn decide(&mut self, now: Instant, why: Why, out: &mut Vec<Effect>) {
        let Some(open) = &mut self.open else { return };
        if let Request::Vendor(_) = open.asked.request {
            return self.leave_unanswered(now, why, out);
        }
        if let Request::Login(login) = &open.asked.request {
            // The machine is told that it is in, and does not say it again; the ACS may answer
            // nothing before it.
            self.acs.learn_login(Some(login.clone()));
        }
        open.way = Way::Deciding;
        if why == Why::Unsure {
            out.push(Effect::Note(Occurrence::Unsure));
            if let Request::FeePaid(_) = open.asked.request {
                out.push(Effect::Note(Occurrence::PaymentUnsure));
            }
        }
        out.push(Effect::Decide(Box::new(Inquiry {
            request: open.asked.request.clone(),
            why,
            session: open.session.clone(),
            language: self.language.written_in(self.rules.profile.charset),
        })));
    }

    /// Of a vendor's own message nobody here knows the answer: the machine hears none, as without
    /// a relay. A card that may have been issued is written down as that.
    fn leave_unanswered(&mut self, now: Instant, why: Why, out: &mut Vec<Effect>) {
        let Some(open) = self.open.take() else { return };
        out.push(Effect::Note(Occurrence::Unanswered));
        if why == Why::Unsure {
            out.push(Effect::Note(Occurrence::Unsure));
            let card = self.rules.card.as_ref();
            let doubt = card.and_then(|rule| rule.doubt(&open.asked.request, &open.session));
            out.extend(doubt.map(|card| Effect::Record(Box::new(Account::Card(card)))));
        }
        self.advance(now, out);
    }

    fn handle_told(&mut self, now: Instant, told: Option<Told>, out: &mut Vec<Effect>) {
        let is_at_acs = self
            .open
            .as_ref()
            .is_some_and(|open| open.way == Way::AtAcs);
        match told.filter(|_| is_at_acs) {
            Some(Told::Answer(response)) => self.handle_answer(now, &response, out),
            Some(Told::Unanswered(Fate::Unknown)) => self.decide(now, Why::Unsure, out),
            Some(Told::Unanswered(Fate::NotDone)) => self.decide(now, Why::Away, out),
            None => self.advance(now, out),
        }
    }

    fn handle_answer(&mut self, now: Instant, response: &Response, out: &mut Vec<Effect>) {
        let Some(open) = &self.open else { return };
        let request = &open.asked.request;
        match (request, response) {
            // It is there to say that it is not.
            (_, Response::AcsStatus(status)) if !status.online_status => {
                return self.decide(now, Why::Away, out);
            }
            // It has yet to hear of the loan: whoever brings the item back is told nothing odd.
            (Request::Checkin(_), Response::Checkin(answer))
                if !answer.ok && open.asked.is_lent_here =>
            {
                return self.decide(now, Why::ItemWaits, out);
            }
            (Request::Login(login), Response::Login(answer)) => {
                let good = answer.ok.then(|| login.clone());
                self.acs.learn_login(good);
            }
            (_, _) => {}
        }
        let (session, zone) = (&open.session, &self.rules.zone);
        let accounts = accounts(request, response, session, zone, self.rules.card.as_ref());
        let is_noted = open.asked.item().is_some() && open.is_noted;
        let decided = accounts.iter().find_map(Account::decided);
        let decided = decided.filter(|_| is_noted);
        out.push(Effect::Note(Occurrence::AnsweredByAcs));
        // The answer goes first: what is written down meanwhile keeps no reader waiting.
        self.give(now, response, out);
        out.extend(accounts.into_iter().map(|a| Effect::Record(Box::new(a))));
        out.extend(decided.map(Effect::Decided));
        self.advance(now, out);
    }

    /// Gives the open request its answer.
    fn give(&mut self, now: Instant, response: &Response, out: &mut Vec<Effect>) {
        let Some(open) = self.open.take() else { return };
        self.demanded = false;
        let answer = self
            .rules
            .profile
            .encode(response, open.asked.sequence)
            .ok();
        match &answer {
            Some(answer) if open.is_awaited => out.push(Effect::ToMachine(answer.clone())),
            Some(_) => {}
            // It is done, and not done again; somebody has to look: a guess would be worse.
            None => out.push(Effect::Note(Occurrence::Unwritable)),
        }
        let is_deed = open.asked.line_done_once().is_some();
        let last = LastAnswer::new(open.asked, answer, now);
        if is_deed {
            self.last_deed = Some(last.clone());
        }
        self.last = Some(last);
    }
}

#[cfg(test)]
mod tests;
