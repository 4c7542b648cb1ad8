//! A self-checkout machine's end of a line: it says requests and reads answers, as bytes if need
//! be.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lujiang_sip2::{
    Frame, Framer, Login, MESSAGE_BYTES_MAX, Message, Private, Profile, Request, Response, Sequence,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait of a machine for an answer; patrons have less.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is read at once.
const READ_BYTES: usize = 4 * 1024;

/// A machine that is connected.
#[derive(Debug)]
pub struct Machine {
    stream: TcpStream,
    profile: Profile,
    framer: Framer,
    unread: Vec<u8>,
    sequence: Sequence,
}

impl Machine {
    /// Connects and says nothing yet.
    ///
    /// # Errors
    /// Where nobody listens.
    pub async fn connect(address: SocketAddr, profile: Profile) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).context("a socket without delay")?;
        Ok(Self {
            stream,
            profile,
            framer: Framer::new(MESSAGE_BYTES_MAX),
            unread: Vec::new(),
            sequence: Sequence::default(),
        })
    }

    /// Says a request with this AY.
    ///
    /// # Errors
    /// Where it cannot be written, or the connection is gone.
    pub async fn send(&mut self, request: &Request, sequence: Sequence) -> anyhow::Result<()> {
        let bytes = self.profile.encode(request, Some(sequence))?;
        self.send_bytes(&bytes).await
    }

    /// Says these bytes.
    ///
    /// # Errors
    /// Where the connection is gone.
    pub async fn send_bytes(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.stream
            .write_all(bytes)
            .await
            .context("writing to the line")
    }

    /// The next line without its terminator; none where the connection ended.
    ///
    /// # Cancel safety
    /// What was read by then is kept.
    ///
    /// # Errors
    /// Where a line is too long.
    pub async fn line(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let mut bytes = [0; READ_BYTES];
        loop {
            let mut input = self.unread.as_slice();
            let frame = self.framer.next_frame(&mut input);
            self.unread = input.to_vec();
            match frame {
                Some(Frame::Message(line)) => return Ok(Some(line)),
                Some(Frame::TooLong { message_bytes_max }) => {
                    anyhow::bail!("a line of more than {message_bytes_max} bytes")
                }
                None => {}
            }
            match self.stream.read(&mut bytes).await {
                Ok(0) | Err(_) => return Ok(None),
                Ok(count) => self.unread.extend_from_slice(&bytes[..count]),
            }
        }
    }

    /// The next line, read as an answer.
    ///
    /// # Errors
    /// Where none comes in time, or it cannot be read.
    pub async fn answer(&mut self) -> anyhow::Result<Message<Response>> {
        let line = timeout(PATIENCE, self.line())
            .await
            .context("no answer came")??;
        let line = line.context("the connection ended without an answer")?;
        let text = || self.profile.redacted(&line);
        self.profile
            .decode(&line)
            .with_context(|| format!("an answer that cannot be read: {}", text()))
    }

    /// Says a request with the next AY, and reads its answer.
    ///
    /// # Errors
    /// Where no answer comes, or one to something else.
    pub async fn ask(&mut self, request: impl Into<Request>) -> anyhow::Result<Response> {
        self.sequence = self.sequence.next();
        let sent = self.sequence;
        self.send(&request.into(), sent).await?;
        let answer = self.answer().await?;
        ensure!(
            self.profile.is_answer(Some(sent), answer.sequence),
            "asked as {sent}, answered as {:?}",
            answer.sequence
        );
        Ok(answer.body)
    }

    /// Says who it is, and is let in.
    ///
    /// # Errors
    /// Where it is not.
    pub async fn log_in(&mut self, name: &str, password: &str) -> anyhow::Result<()> {
        let login = Login {
            login_user_id: name.to_owned(),
            login_password: Private::new(password),
            ..Login::default()
        };
        let answer = self.ask(login).await?;
        ensure!(
            matches!(&answer, Response::Login(login) if login.ok),
            "answered {answer:?}"
        );
        Ok(())
    }
}
