//! Our session with the library system's ACS, for one machine: login, keep-alive, one request at a
//! time, what is sent again and what is not.
//!
//! A request is sent again only where the ACS says that it could not read it (96). Where its
//! answer cannot be read, the answer is asked for again (97). Silence is not answered by sending
//! the request again: not every ACS knows a request by its AY and AZ, and then an item would be
//! lent twice. After silence the connection is ended, so that no late answer is taken for the
//! next one's. Knows no socket and no clock.

use std::time::{Duration, Instant};

use lujiang_sip2::{
    Body as _, DecodeError, EncodeError, Login, Message, Profile, Request, RequestAcsResend,
    Response, ScStatus, Sequence, VendorMessage,
};

use super::effect::{Effect, Occurrence, Pause};
use super::pairing::{answers, concerns};
use super::vendor_pair::VendorPair;

/// What the session goes by.
#[derive(Debug, Clone)]
pub(super) struct AcsRules {
    /// How the ACS writes.
    pub(super) profile: Profile,
    /// Longest wait for one answer.
    pub(super) answer_timeout: Duration,
    /// Its status is asked for after this long without a request.
    pub(super) keep_alive: Duration,
    /// A connection that served this long was a good one: after it we dial at once.
    pub(super) steady: Duration,
    /// How often one message is sent, or asked for, again.
    pub(super) retries: u8,
    /// The vendor's own messages that are handed on.
    pub(super) vendor: Vec<VendorPair>,
}

/// Whether the ACS answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It does.
    Open,
    /// There is reason to hope that it will in a moment.
    Hoped,
    /// It does not.
    Away,
}

/// What came of the machine's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    /// Its answer.
    Answer(Box<Response>),
    /// There will be none.
    Unanswered(Fate),
}

/// What the ACS did with a request that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing, by its own word.
    NotDone,
    /// Nobody knows.
    Unknown,
}

/// The session.
#[derive(Debug)]
pub(super) struct Acs {
    rules: AcsRules,
    link: Link,
    login: Option<Login>,
    /// How the machine is, as we tell it when we ask for the status ourselves.
    terminal: ScStatus,
    sequence: Sequence,
    exchange: Option<Exchange>,
    /// When something was last sent.
    used: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    /// No connection; one is being made, and there is hope for it or not.
    Down { hopeful: bool },
    /// A connection, and we log in; there was hope or not.
    Entering { hopeful: bool },
    /// It serves since then.
    Open { since: Instant },
    /// There is a connection, over which the ACS says that it does not serve.
    Closed,
}

/// A request under way.
#[derive(Debug)]
struct Exchange {
    purpose: Purpose,
    request: Request,
    sequence: Sequence,
    bytes: Vec<u8>,
    deadline: Instant,
    repeats: u8,
    /// Whether an answer came that could not be read: then the request itself is not sent again.
    answered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Login,
    Status,
    Machine,
}

impl Acs {
    /// A session that is to be begun by dialling.
    pub(super) fn new(rules: AcsRules, login: Option<Login>, now: Instant) -> Self {
        Self {
            rules,
            link: Link::Down { hopeful: true },
            login,
            terminal: ScStatus {
                max_print_width: 80,
                ..ScStatus::default()
            },
            sequence: Sequence::default(),
            exchange: None,
            used: now,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self.link {
            Link::Open { .. } => Standing::Open,
            Link::Down { hopeful: true } | Link::Entering { hopeful: true } => Standing::Hoped,
            Link::Down { hopeful: false } | Link::Entering { hopeful: false } | Link::Closed => {
                Standing::Away
            }
        }
    }

    /// Whether a request of the machine can be sent now.
    pub(super) fn is_free(&self) -> bool {
        self.exchange.is_none()
    }

    /// The login to say at the next connection.
    pub(super) fn learn_login(&mut self, login: Option<Login>) {
        self.login = login;
    }

    /// How the machine is.
    pub(super) fn learn_terminal(&mut self, terminal: ScStatus) {
        self.terminal = terminal;
    }

    /// There is a connection.
    pub(super) fn handle_connected(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let hopeful = self.standing() == Standing::Hoped;
        self.link = Link::Entering { hopeful };
        match self.login.clone() {
            Some(login) => self.ask_own(now, Purpose::Login, login.into(), out),
            // Nobody has to log in, or the machine has not done so yet: the ACS may answer
            // nothing before that.
            None if hopeful => self.open(now, out),
            // It failed before; a connection alone does not prove that it answers.
            None => self.ask_own(now, Purpose::Status, self.terminal.clone().into(), out),
        }
    }

    /// There is no connection to be had.
    pub(super) fn handle_dial_failed(&mut self, out: &mut Vec<Effect>) {
        self.link = Link::Down { hopeful: false };
        out.push(Effect::Note(Occurrence::Serving(false)));
        out.push(Effect::Dial(Pause::Next));
    }

    /// The connection ended.
    pub(super) fn handle_lost(&mut self, now: Instant, out: &mut Vec<Effect>) -> Option<Told> {
        let steady = match self.link {
            Link::Open { since } => now.duration_since(since) >= self.rules.steady,
            Link::Down { .. } | Link::Entering { .. } | Link::Closed => false,
        };
        let pause = if steady { Pause::None } else { Pause::Next };
        self.end(Fate::Unknown, steady, pause, out)
    }

    /// Sends a request of the machine.
    ///
    /// # Errors
    /// Where the ACS's charset cannot say whom or what it is about.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        request: Request,
        out: &mut Vec<Effect>,
    ) -> Result<(), EncodeError> {
        self.send(now, Purpose::Machine, request, out)
    }

    /// Takes a line of the ACS.
    pub(super) fn handle_line(
        &mut self,
        now: Instant,
        line: &[u8],
        out: &mut Vec<Effect>,
    ) -> Option<Told> {
        let message = match self.read(line) {
            Ok(message) => message,
            Err(DecodeError::UnknownCommand { .. }) => {
                out.push(Effect::Note(Occurrence::GarbledByAcs));
                return None;
            }
            Err(
                DecodeError::NoCommand { .. }
                | DecodeError::Checksum { .. }
                | DecodeError::ChecksumMissing
                | DecodeError::Characters { .. }
                | DecodeError::Opaque { .. }
                | DecodeError::Fixed { .. }
                | DecodeError::NoField { .. },
            ) => return self.handle_garbled(now, out),
        };
        let Some(exchange) = &self.exchange else {
            out.push(Effect::Note(Occurrence::GarbledByAcs));
            return None;
        };
        if let Response::RequestScResend(_) = message.body {
            return self.handle_resend(now, out);
        }
        let sent = Some(exchange.sequence);
        let belongs = self.rules.profile.is_answer(sent, message.sequence);
        // Asked to say it again, it may say what it said before that.
        let is_sure = !exchange.answered || concerns(&exchange.request, &message.body);
        if !belongs || !is_sure || !answers(&exchange.request, &message.body) {
            out.push(Effect::Note(Occurrence::GarbledByAcs));
            return None;
        }
        let exchange = self.exchange.take()?;
        self.handle_answer(now, exchange.purpose, message.body, out)
    }

    /// Reads a line; a vendor's own message only where it is the answer that is awaited.
    fn read(&self, line: &[u8]) -> Result<Message<Response>, DecodeError> {
        let profile = &self.rules.profile;
        let asked = self.exchange.as_ref().map(|exchange| &exchange.request);
        match profile.decode(line) {
            Err(DecodeError::UnknownCommand { command })
                if asked.is_some_and(|asked| {
                    let mut pairs = self.rules.vendor.iter();
                    pairs.any(|pair| pair.has(asked.command(), command))
                }) =>
            {
                let message = profile.decode::<VendorMessage>(line)?;
                Ok(Message {
                    body: message.body.into(),
                    sequence: message.sequence,
                    checksum: message.checksum,
                })
            }
            read => read,
        }
    }

    /// Takes notice of the time.
    pub(super) fn handle_time(&mut self, now: Instant, out: &mut Vec<Effect>) -> Option<Told> {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return None;
        }
        if self.exchange.is_some() {
            // It is there and says nothing: it would say as little to the next request.
            return self.end(Fate::Unknown, false, Pause::Next, out);
        }
        self.ask_own(now, Purpose::Status, self.terminal.clone().into(), out);
        None
    }

    /// When the time matters next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let idle = match (&self.exchange, self.link) {
            (Some(exchange), _) => return Some(exchange.deadline),
            (None, Link::Down { .. } | Link::Entering { .. }) => return None,
            (None, Link::Open { .. }) => self.rules.keep_alive,
            // When it serves again is to be noticed sooner.
            (None, Link::Closed) => self.rules.keep_alive.min(self.rules.steady),
        };
        Some(self.used + idle)
    }

    fn handle_answer(
        &mut self,
        now: Instant,
        purpose: Purpose,
        response: Response,
        out: &mut Vec<Effect>,
    ) -> Option<Told> {
        if let Response::AcsStatus(status) = &response {
            if status.online_status {
                self.open(now, out);
            } else {
                self.link = Link::Closed;
                out.push(Effect::Note(Occurrence::Serving(false)));
            }
        }
        match (purpose, &response) {
            (Purpose::Machine, _) => Some(Told::Answer(Box::new(response))),
            (Purpose::Login, Response::Login(answer)) if !answer.ok => {
                out.push(Effect::Note(Occurrence::LoginRefused));
                self.end(Fate::NotDone, false, Pause::Longest, out)
            }
            (Purpose::Login, _) => {
                self.ask_own(now, Purpose::Status, self.terminal.clone().into(), out);
                None
            }
            (Purpose::Status, _) => None,
        }
    }

    /// A line could not be read. The ACS has it still.
    fn handle_garbled(&mut self, now: Instant, out: &mut Vec<Effect>) -> Option<Told> {
        out.push(Effect::Note(Occurrence::GarbledByAcs));
        let exchange = self.exchange.as_mut()?;
        exchange.answered = true;
        self.repeat(now, Fate::Unknown, out)
    }

    /// The ACS could not read what we sent last.
    fn handle_resend(&mut self, now: Instant, out: &mut Vec<Effect>) -> Option<Told> {
        let exchange = self.exchange.as_ref()?;
        let fate = if exchange.answered {
            Fate::Unknown
        } else {
            Fate::NotDone
        };
        self.repeat(now, fate, out)
    }

    /// Sends the request, or the demand for its answer, once more; or gives up.
    fn repeat(&mut self, now: Instant, fate: Fate, out: &mut Vec<Effect>) -> Option<Told> {
        let exchange = self.exchange.as_mut()?;
        if exchange.repeats == self.rules.retries {
            return self.end(fate, false, Pause::Next, out);
        }
        exchange.repeats += 1;
        exchange.deadline = now + self.rules.answer_timeout;
        let bytes = if exchange.answered {
            let demand = Request::from(RequestAcsResend::default());
            let bytes = self.rules.profile.encode(&demand, None);
            bytes.expect("a demand to send again has no fields")
        } else {
            exchange.bytes.clone()
        };
        out.push(Effect::ToAcs(bytes));
        None
    }

    /// It serves.
    fn open(&mut self, now: Instant, out: &mut Vec<Effect>) {
        match self.link {
            Link::Open { .. } => {}
            Link::Down { .. } | Link::Entering { .. } | Link::Closed => {
                self.link = Link::Open { since: now };
                self.used = now;
                out.push(Effect::Note(Occurrence::Serving(true)));
            }
        }
    }

    /// Ends the connection and dials again; what was under way has no answer.
    fn end(
        &mut self,
        fate: Fate,
        hopeful: bool,
        pause: Pause,
        out: &mut Vec<Effect>,
    ) -> Option<Told> {
        let exchange = self.exchange.take();
        self.link = Link::Down { hopeful };
        out.push(Effect::HangUp);
        out.push(Effect::Note(Occurrence::Serving(false)));
        out.push(Effect::Dial(pause));
        let exchange = exchange.filter(|exchange| exchange.purpose == Purpose::Machine)?;
        let fate = if exchange.answered {
            Fate::Unknown
        } else {
            fate
        };
        Some(Told::Unanswered(fate))
    }

    fn ask_own(&mut self, now: Instant, purpose: Purpose, request: Request, out: &mut Vec<Effect>) {
        if self.send(now, purpose, request, out).is_err() {
            // A login that the charset cannot say is one that the ACS would not know.
            out.push(Effect::Note(Occurrence::LoginRefused));
            self.end(Fate::NotDone, false, Pause::Longest, out);
        }
    }

    fn send(
        &mut self,
        now: Instant,
        purpose: Purpose,
        request: Request,
        out: &mut Vec<Effect>,
    ) -> Result<(), EncodeError> {
        self.sequence = self.sequence.next();
        let bytes = self.rules.profile.encode(&request, Some(self.sequence))?;
        out.push(Effect::ToAcs(bytes.clone()));
        self.used = now;
        self.exchange = Some(Exchange {
            purpose,
            request,
            sequence: self.sequence,
            bytes,
            deadline: now + self.rules.answer_timeout,
            repeats: 0,
            answered: false,
        });
        Ok(())
    }
}
