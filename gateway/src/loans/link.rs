//! The one connection to the library system: dialled, logged in, kept alive; one request and one
//! answer at a time. What went wrong ends it: whether the request was done, the desk finds out.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lujiang_config::{
    IlsSection, Sip2Charset, Sip2Checksum, Sip2Fields, Sip2Profile, Sip2Terminator,
};
use lujiang_sip2::{
    Charset, DecodeError, EncodeError, ErrorDetection, FixedFields, Frame, Framer, Login,
    MESSAGE_BYTES_MAX, Private, Profile, Request, RequestAcsResend, Response, ScStatus, Sequence,
    Terminator,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::desk::FailureKind;

/// How often one message is sent or asked for again that did not arrive whole.
const RESENDS_MAX: usize = 3;

/// Bytes read at once.
const READ_BYTES: usize = 8 * 1_024;

/// The connection.
pub(super) struct IlsLink {
    stream: TcpStream,
    framer: Framer,
    /// Read and not yet cut into messages.
    unread: Vec<u8>,
    profile: Profile,
    sequence: Sequence,
    answer_timeout: Duration,
    /// When it was last spoken to.
    pub(super) used: Instant,
}

/// Why the library system cannot be spoken to, or no longer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// The file with the password cannot be used.
    #[error("the password of the library system, {}", path.display())]
    Password {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the library system cannot be reached")]
    Connect(#[source] io::Error),
    #[error("the library system did not answer within {0:?}")]
    TimedOut(Duration),
    #[error("the library system closed the connection")]
    Closed,
    #[error("the connection to the library system broke")]
    Broken(#[source] io::Error),
    #[error("the library system refused the login")]
    LoginRefused,
    #[error("the library system says that it is off-line")]
    Offline,
    #[error("the library system answered something else: {0}")]
    NotAnswered(String),
    #[error("the library system sent nothing that arrives whole")]
    NotWhole,
    #[error("an answer of the library system did not arrive whole, and it does not say it again")]
    AnswerLost,
    #[error("a request cannot be written as the library system reads it")]
    NotWritten(#[from] EncodeError),
}

impl LinkError {
    /// Whether it waits for somebody to change something: trying again soon only gets the desk
    /// locked out.
    pub(super) fn needs_people(&self) -> bool {
        match self {
            Self::Password { .. } | Self::LoginRefused => true,
            Self::Connect(_) | Self::TimedOut(_) | Self::Closed | Self::Broken(_) => false,
            Self::Offline | Self::NotAnswered(_) | Self::NotWritten(_) => false,
            Self::NotWhole | Self::AnswerLost => false,
        }
    }

    /// What it is to the desk.
    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::NotAnswered(_) => FailureKind::Unmatched,
            Self::NotWritten(_) => FailureKind::Unwritable,
            Self::Password { .. } | Self::LoginRefused | Self::Connect(_) => FailureKind::Broken,
            Self::TimedOut(_) | Self::Closed | Self::Broken(_) => FailureKind::Broken,
            Self::Offline | Self::NotWhole | Self::AnswerLost => FailureKind::Broken,
        }
    }
}

impl IlsLink {
    /// Dials, logs in and asks how the library system is.
    pub(super) async fn open(section: &IlsSection, host: &str) -> Result<Self, LinkError> {
        let password = password(section).await?;
        let dialling = TcpStream::connect((host, section.port));
        let stream = timeout(section.connect_timeout, dialling)
            .await
            .map_err(|_| LinkError::TimedOut(section.connect_timeout))?
            .map_err(LinkError::Connect)?;
        // Requests are small; a socket that refuses is about to fail anyway.
        let _ = stream.set_nodelay(true);
        let mut link = Self {
            stream,
            framer: Framer::new(MESSAGE_BYTES_MAX),
            unread: Vec::new(),
            profile: profile(section.profile),
            sequence: Sequence::default(),
            answer_timeout: section.answer_timeout,
            used: Instant::now(),
        };
        if let Some(user) = &section.user {
            let login = Login {
                login_user_id: user.clone(),
                login_password: password,
                location_code: Some(section.location.clone()).filter(|it| !it.is_empty()),
                ..Login::default()
            };
            match link.exchange(&login.into()).await? {
                Response::Login(answer) if answer.ok => {}
                Response::Login(_) => return Err(LinkError::LoginRefused),
                other => return Err(not_answered("the login", &other)),
            }
        }
        link.keep_alive().await?;
        Ok(link)
    }

    /// Asks how the library system is.
    pub(super) async fn keep_alive(&mut self) -> Result<(), LinkError> {
        match self.exchange(&ScStatus::default().into()).await? {
            Response::AcsStatus(status) if status.online_status => Ok(()),
            Response::AcsStatus(_) => Err(LinkError::Offline),
            other => Err(not_answered("its status", &other)),
        }
    }

    /// Sends a request and waits for its answer. A request is sent again only where the library
    /// system says that it could not read it (96). An answer that did not arrive whole is asked for
    /// again (97); should that be answered by 96, the request itself was read before and may have
    /// been done: not every library system knows a request again by its AY and AZ. Messages nobody
    /// knows are passed over, as the protocol has it.
    pub(super) async fn exchange(&mut self, request: &Request) -> Result<Response, LinkError> {
        let sequence = self.sequence;
        self.sequence = sequence.next();
        let bytes = self.profile.encode(request, Some(sequence))?;
        let again: Request = RequestAcsResend::default().into();
        let again = self.profile.encode(&again, None)?;
        self.write(&bytes).await?;
        let (mut resends, mut was_answered) = (0, false);
        let mut deadline = Instant::now() + self.answer_timeout;
        while resends <= RESENDS_MAX {
            let frame = self.frame(deadline).await?;
            let read = self.profile.decode::<Response>(&frame);
            let resend = match read {
                Ok(message) if matches!(message.body, Response::RequestScResend(_)) => {
                    if was_answered {
                        return Err(LinkError::AnswerLost);
                    }
                    &bytes
                }
                // An answer that is not to this request is none.
                Ok(message) if !self.profile.is_answer(Some(sequence), message.sequence) => {
                    continue;
                }
                Ok(message) => {
                    self.used = Instant::now();
                    return Ok(message.body);
                }
                Err(DecodeError::UnknownCommand { .. }) => continue,
                Err(
                    DecodeError::NoCommand { .. }
                    | DecodeError::Checksum { .. }
                    | DecodeError::ChecksumMissing
                    | DecodeError::Characters { .. }
                    | DecodeError::Opaque { .. }
                    | DecodeError::Fixed { .. }
                    | DecodeError::NoField { .. },
                ) => {
                    was_answered = true;
                    &again
                }
            };
            resends += 1;
            deadline = Instant::now() + self.answer_timeout;
            self.write(&resend.clone()).await?;
        }
        Err(LinkError::NotWhole)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        timeout(self.answer_timeout, self.stream.write_all(bytes))
            .await
            .map_err(|_| LinkError::TimedOut(self.answer_timeout))?
            .map_err(LinkError::Broken)
    }

    async fn frame(&mut self, deadline: Instant) -> Result<Vec<u8>, LinkError> {
        loop {
            let mut input = self.unread.as_slice();
            let frame = self.framer.next_frame(&mut input);
            self.unread = input.to_vec();
            match frame {
                Some(Frame::Message(message)) => return Ok(message),
                Some(Frame::TooLong { message_bytes_max }) => {
                    let told = format!("more than {message_bytes_max} bytes");
                    return Err(LinkError::NotAnswered(told));
                }
                None => {}
            }
            let mut buffer = vec![0; READ_BYTES];
            let read = timeout_at(deadline, self.stream.read(&mut buffer))
                .await
                .map_err(|_| LinkError::TimedOut(self.answer_timeout))?
                .map_err(LinkError::Broken)?;
            if read == 0 {
                return Err(LinkError::Closed);
            }
            self.unread.extend_from_slice(&buffer[..read]);
        }
    }
}

/// An answer to something else; nothing of what it says is told.
pub(super) fn not_answered(to: &str, answer: &Response) -> LinkError {
    use lujiang_sip2::Body as _;
    LinkError::NotAnswered(format!("a message {} to {to}", answer.command()))
}

async fn password(section: &IlsSection) -> Result<Private, LinkError> {
    let Some(path) = section.password_file.clone() else {
        return Ok(Private::default());
    };
    let file = path.clone();
    let reading = tokio::task::spawn_blocking(move || read_password(&file));
    let read = reading
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)));
    let text = read.map_err(|source| LinkError::Password { path, source })?;
    Ok(Private::new(text))
}

fn read_password(path: &Path) -> io::Result<String> {
    let mode = std::fs::metadata(path)?.mode();
    if mode & 0o077 != 0 {
        return Err(io::Error::other("others may read it: chmod 600"));
    }
    let text = std::fs::read_to_string(path)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn profile(told: Sip2Profile) -> Profile {
    Profile {
        charset: match told.charset {
            Sip2Charset::Utf8 => Charset::Utf8,
            Sip2Charset::Gb18030 => Charset::Gb18030,
            Sip2Charset::Gbk => Charset::Gbk,
            Sip2Charset::Cp850 => Charset::Cp850,
        },
        terminator: match told.terminator {
            Sip2Terminator::Cr => Terminator::Cr,
            Sip2Terminator::CrLf => Terminator::CrLf,
            Sip2Terminator::Lf => Terminator::Lf,
        },
        error_detection: match told.checksum {
            Sip2Checksum::Off => ErrorDetection::Off,
            Sip2Checksum::Standard => ErrorDetection::Standard,
            Sip2Checksum::Dp2 => ErrorDetection::Dp2,
            Sip2Checksum::Ignore => ErrorDetection::Ignore,
        },
        fixed_fields: match told.fields {
            Sip2Fields::Lenient => FixedFields::Lenient,
            Sip2Fields::Strict => FixedFields::Strict,
        },
    }
}
