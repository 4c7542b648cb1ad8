//! What one connection to the library system knows: who logged in, and the last answer, which is
//! given again to a duplicate request and to 97.

use jiff::Timestamp;
use lujiang_sip2::{
    Checksum, DecodeError, EncodeError, Message, Profile, Request, RequestScResend, Response,
    Sequence,
};

use super::Ils;

/// After so many wrong logins the connection ends, as with many real systems.
const WRONG_LOGINS_MAX: usize = 3;

/// One connection.
#[derive(Debug)]
pub struct Session {
    profile: Profile,
    logged_in: bool,
    wrong_logins: usize,
    last: Option<Exchange>,
}

/// A request that was answered.
#[derive(Debug)]
struct Exchange {
    sequence: Option<Sequence>,
    checksum: Option<Checksum>,
    answer: Vec<u8>,
}

/// What follows from a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// This is sent.
    Answer(Vec<u8>),
    /// This is sent, then the connection ends.
    Last(Vec<u8>),
    /// Nothing is sent: the standard has unknown messages ignored.
    Nothing,
    /// The connection ends.
    Close,
}

impl Session {
    /// A connection on which that profile is spoken.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            logged_in: false,
            wrong_logins: 0,
            last: None,
        }
    }

    /// Takes a line, executes what it asks for unless it was executed already, and says what is
    /// answered.
    pub fn receive(
        &mut self,
        line: &[u8],
        ils: &mut Ils,
        refuse_logins: bool,
        now: Timestamp,
    ) -> Reply {
        let message = match self.profile.decode::<Request>(line) {
            Ok(message) => message,
            Err(DecodeError::Checksum { .. } | DecodeError::ChecksumMissing) => {
                return self.ask_again();
            }
            Err(DecodeError::UnknownCommand { .. } | DecodeError::NoCommand { .. }) => {
                return Reply::Nothing;
            }
            Err(
                DecodeError::Characters { .. }
                | DecodeError::Opaque { .. }
                | DecodeError::Fixed { .. }
                | DecodeError::NoField { .. },
            ) => return self.ask_again(),
        };
        let is_repeated = ils.habits.knows_duplicates && self.is_duplicate(&message);
        if matches!(message.body, Request::RequestAcsResend(_)) || is_repeated {
            return match &self.last {
                Some(last) => Reply::Answer(last.answer.clone()),
                None => Reply::Nothing,
            };
        }
        let is_login = matches!(message.body, Request::Login(_));
        if !self.logged_in && !is_login && ils.habits.login.is_some() {
            return Reply::Close;
        }
        let Some(mut response) = ils.answer(&message.body, now) else {
            return Reply::Nothing;
        };
        if let Response::Login(login) = &mut response {
            login.ok &= !refuse_logins;
            self.logged_in = login.ok;
            self.wrong_logins += usize::from(!login.ok);
        }
        // What this system holds it can write: its own words are ASCII, the rest came in.
        let Ok(answer) = self.written(&response, message.sequence) else {
            return Reply::Close;
        };
        self.last = Some(Exchange {
            sequence: message.sequence,
            checksum: message.checksum,
            answer: answer.clone(),
        });
        if self.wrong_logins >= WRONG_LOGINS_MAX {
            Reply::Last(answer)
        } else {
            Reply::Answer(answer)
        }
    }

    /// The demand to send the last request once more.
    #[must_use]
    pub fn ask_again(&self) -> Reply {
        match self.written(&RequestScResend::default().into(), None) {
            Ok(answer) => Reply::Answer(answer),
            Err(_) => Reply::Close,
        }
    }

    /// The same AY and the same AZ as the request before: the protocol's only idempotency, where a
    /// library system has it.
    fn is_duplicate(&self, message: &Message<Request>) -> bool {
        message.sequence.is_some()
            && message.checksum.is_some()
            && self.last.as_ref().is_some_and(|last| {
                (last.sequence, last.checksum) == (message.sequence, message.checksum)
            })
    }

    fn written(
        &self,
        response: &Response,
        sequence: Option<Sequence>,
    ) -> Result<Vec<u8>, EncodeError> {
        self.profile.encode(response, sequence)
    }
}
