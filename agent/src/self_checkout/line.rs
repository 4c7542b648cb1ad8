//! One end of a SIP2 line: messages in, bytes out, over whatever carries them.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::BytesMut;
use lujiang_config::{MachineLine, MachineSection, Parity, SerialSection};
use lujiang_sip2::{Frame, Framer};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_serial::{DataBits, SerialPortBuilderExt, SerialStream, StopBits};

use crate::backoff::Backoff;

/// Bytes read at once: a few messages.
const READ_BYTES: usize = 4_096;

/// Pause after a connection that could not be taken: there were too many files open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// A machine's system answers these without the machine: so one that lost its power or its cable
/// is found out a minute and a half after its last word, and one that only has nothing to say is
/// not taken for it.
const PROBES: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(3);

/// Pauses before a serial port is opened again.
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(200);
const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(10);

/// Whatever carries bytes both ways.
trait Carrier: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Carrier for T {}

/// A line that is up.
pub(super) struct Line {
    carrier: Pin<Box<dyn Carrier>>,
    framer: Framer,
    /// What was read and not cut into messages yet.
    read: BytesMut,
    /// Longest wait for the other side to take what is sent.
    patience: Duration,
}

/// How long messages may be, and how long sending may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineBounds {
    pub(super) message_bytes_max: usize,
    pub(super) patience: Duration,
}

/// Where a machine comes in.
pub(super) enum Port {
    /// It connects, from this address where one is known.
    Tcp(TcpListener, Option<IpAddr>),
    /// It hangs on a serial line.
    Serial(Box<SerialPort>),
}

/// A serial line, which may come and go.
pub(super) struct SerialPort {
    section: SerialSection,
    backoff: Backoff,
    /// It is not opened before.
    next: Instant,
}

impl Line {
    fn new(carrier: impl AsyncRead + AsyncWrite + Send + 'static, bounds: LineBounds) -> Self {
        Self {
            carrier: Box::pin(carrier),
            framer: Framer::new(bounds.message_bytes_max),
            read: BytesMut::with_capacity(READ_BYTES),
            patience: bounds.patience,
        }
    }

    /// A line over a TCP connection, which sends at once what it is given.
    pub(super) fn over_tcp(stream: TcpStream, bounds: LineBounds) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self::new(stream, bounds))
    }

    /// The next message, without what ends it.
    ///
    /// # Cancel safety
    /// What was read stays here.
    pub(super) async fn next(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let mut input: &[u8] = &self.read;
            let frame = self.framer.next_frame(&mut input);
            let taken = self.read.len() - input.len();
            drop(self.read.split_to(taken));
            match frame {
                Some(Frame::Message(message)) => return Ok(message),
                Some(Frame::TooLong { message_bytes_max }) => {
                    let reason = format!("a message of more than {message_bytes_max} bytes");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
                None => {}
            }
            self.read.reserve(READ_BYTES);
            if self.carrier.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Sends these bytes whole.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sent = async {
            self.carrier.write_all(bytes).await?;
            self.carrier.flush().await
        };
        timeout(self.patience, sent)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Port {
    /// Binds or names the port. A serial line is opened when it is waited for: it may come later.
    pub(super) async fn open(machine: &MachineSection) -> io::Result<Self> {
        Ok(match &machine.line {
            MachineLine::Tcp(address) => Self::Tcp(TcpListener::bind(address).await?, machine.from),
            MachineLine::Serial(section) => Self::Serial(Box::new(SerialPort {
                section: section.clone(),
                backoff: Backoff::new(REOPEN_PAUSE_MIN, REOPEN_PAUSE_MAX),
                next: Instant::now(),
            })),
        })
    }

    /// Where it is, as a person would say.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Tcp(listener, _) => listener
                .local_addr()
                .map_or_else(|error| error.to_string(), |address| address.to_string()),
            Self::Serial(serial) => serial.section.port.display().to_string(),
        }
    }

    /// The machine's next line; `has_line` says whether it has one now. A serial port has one only.
    ///
    /// # Cancel safety
    /// A connection that was accepted is given.
    pub(super) async fn next_line(
        &mut self,
        has_line: bool,
        bounds: LineBounds,
    ) -> io::Result<Line> {
        match self {
            Self::Tcp(listener, from) => {
                let stream = accept(listener, *from).await?;
                Line::over_tcp(stream, bounds)
            }
            Self::Serial(_) if has_line => std::future::pending().await,
            Self::Serial(serial) => Ok(Line::new(serial.reopen().await?, bounds)),
        }
    }
}

impl SerialPort {
    /// Opens it, when its time has come.
    ///
    /// # Cancel safety
    /// Nothing is waited for once it is tried.
    async fn reopen(&mut self) -> io::Result<SerialStream> {
        sleep_until(self.next).await;
        self.next = Instant::now() + self.backoff.next_pause();
        let stream = open_serial(&self.section)?;
        self.backoff.reset();
        Ok(stream)
    }
}

/// The next connection of the machine, probed from then on. Strangers are closed unread, and cost
/// nobody a pause.
async fn accept(listener: &TcpListener, from: Option<IpAddr>) -> io::Result<TcpStream> {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) if from.is_none_or(|from| from == peer.ip()) => {
                SockRef::from(&stream).set_tcp_keepalive(&PROBES)?;
                return Ok(stream);
            }
            Ok((_, peer)) => tracing::debug!(%peer, "not the address of a self-checkout"),
            Err(error) => {
                tracing::warn!(%error, "a connection of a self-checkout cannot be taken");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn open_serial(section: &SerialSection) -> io::Result<SerialStream> {
    let stream = tokio_serial::new(section.port.to_string_lossy(), section.baud)
        .data_bits(DataBits::Eight)
        .parity(match section.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        })
        .stop_bits(if section.stop_bits == 2 {
            StopBits::Two
        } else {
            StopBits::One
        })
        .open_native_async();
    Ok(stream?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_that_is_silent_on_its_connection_is_probed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, machine) = tokio::join!(accept(&listener, None), TcpStream::connect(address));
        let (near, _machine) = (near.unwrap(), machine.unwrap());
        let near = SockRef::from(&near);
        assert!(near.keepalive().unwrap());
        assert_eq!(near.tcp_keepalive_time().unwrap(), Duration::from_secs(60));
        let interval = near.tcp_keepalive_interval().unwrap();
        assert_eq!(interval, Duration::from_secs(10));
        assert_eq!(near.tcp_keepalive_retries().unwrap(), 3);
    }
}
