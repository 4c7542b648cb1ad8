//! The socket of one connection and the bytes on both sides of it.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::time::timeout;

/// Least and most bytes read at once. Thousands of idle connections wait with room for a PINGREQ
/// and a small packet; a busy one gets many packets at a time.
const READ_MIN: usize = 512;
const READ_MAX: usize = 16 * 1024;

/// How long a peer that is being closed may take to read why.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// The socket and the bytes on both sides of it.
pub(crate) struct Wire<S> {
    pub(crate) reader: ReadHalf<S>,
    pub(crate) writer: WriteHalf<S>,
    pub(crate) received: BytesMut,
    pub(crate) unsent: BytesMut,
    /// Bytes read at once: follows what came lately.
    read_size: usize,
}

impl<S: AsyncRead + AsyncWrite> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader,
            writer,
            received: BytesMut::new(),
            unsent: BytesMut::new(),
            read_size: READ_MIN,
        }
    }

    /// Makes room in `received` for the next read.
    pub(crate) fn make_room(&mut self) {
        if self.received.is_empty() && self.received.capacity() > self.read_size {
            // Busy before, idle now: the large buffer is not kept for it.
            self.received = BytesMut::new();
        }
        self.received.reserve(self.read_size);
    }

    /// Notes how much came.
    pub(crate) fn was_read(&mut self, count: usize) {
        if count >= self.read_size {
            self.read_size = (self.read_size * 2).min(READ_MAX);
        } else if count < self.read_size / 4 {
            self.read_size = (self.read_size / 2).max(READ_MIN);
        }
    }

    /// Reads more into `received`.
    ///
    /// # Cancel safety
    /// Nothing read is lost.
    pub(crate) async fn read(&mut self) -> std::io::Result<usize> {
        self.make_room();
        self.reader.read_buf(&mut self.received).await
    }

    /// Writes what is unsent, closes, and reads away what still comes for a moment: a socket
    /// closed over unread bytes takes the last words back.
    pub(crate) async fn farewell(mut self) {
        let closing = async {
            self.writer.write_all_buf(&mut self.unsent).await?;
            self.writer.shutdown().await?;
            loop {
                self.received.clear();
                if self.read().await? == 0 {
                    return Ok::<(), std::io::Error>(());
                }
            }
        };
        // Whoever does not listen to the end goes without it.
        let _ = timeout(FAREWELL_MAX, closing).await;
    }
}
